"""`python -m kafka_do_conformance.mutants [--matrix]`: hunt every mutant and print what found it."""

import sys

from kafka_do_conformance.load import load_all
from kafka_do_conformance.mutants.mutant import hunt, kills, mutants


def main() -> int:
    """Print a line for each mutant; with `--matrix` every case is tried, else those that cite what it breaks."""
    cases = load_all() if "--matrix" in sys.argv[1:] else None
    survivors = 0
    for mutant in mutants():
        results = hunt(mutant, cases)
        right = kills(mutant, results)
        other = [r.case for r in results if str(r.status) not in ("pass", "not-applicable") and r.case not in right]
        survivors += not right
        verdict = "killed by " + ", ".join(right) if right else "SURVIVED"
        also = f"; also failing: {', '.join(other)}" if other else ""
        print(f"{mutant.role} {mutant.breaks} {mutant.name}: {verdict}{also}", flush=True)  # noqa: T201
    print(f"mutants: {len(mutants())}, survivors: {survivors}")  # noqa: T201
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
