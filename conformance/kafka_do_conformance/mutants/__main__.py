"""`python -m kafka_do_conformance.mutants [--matrix] [TEXT…]`: hunt mutants and print what found each."""

import sys

from kafka_do_conformance.load import load_all
from kafka_do_conformance.mutants.mutant import Mutant, hunt, kills, mutants


def main(arguments: list[str]) -> int:
    """Print a line for each mutant; with `--matrix` every case is tried, else those that cite what it breaks.

    With further arguments only mutants are hunted whose name or requirement begins with one of them.
    """
    cases = load_all() if "--matrix" in arguments else None
    wanted = [text for text in arguments if text != "--matrix"]
    chosen = [mutant for mutant in mutants() if not wanted or _is_wanted(mutant, wanted)]
    survivors = 0
    for mutant in chosen:
        results = hunt(mutant, cases)
        right = kills(mutant, results)
        other = [r.case for r in results if str(r.status) not in ("pass", "not-applicable") and r.case not in right]
        survivors += not right
        verdict = "killed by " + ", ".join(right) if right else "SURVIVED"
        also = f"; also failing: {', '.join(other)}" if other else ""
        print(f"{mutant.role} {mutant.breaks} {mutant.name}: {verdict}{also}", flush=True)  # noqa: T201
    print(f"mutants: {len(chosen)}, survivors: {survivors}")  # noqa: T201
    return 1 if survivors or not chosen else 0


def _is_wanted(mutant: Mutant, wanted: list[str]) -> bool:
    return any(mutant.name.startswith(text) or mutant.breaks.startswith(text) for text in wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
