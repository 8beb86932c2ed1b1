"""`python -m kafka_do_conformance.mutants [--matrix | --missing] [--sample N] [NAME|REQUIREMENT …]`: hunt and tell."""

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from kafka_do_conformance.load import load_all
from kafka_do_conformance.mutants.mutant import Mutant, hunt, kills, missing, mutants
from kafka_do_conformance.verdict import Result


def main(arguments: Sequence[str]) -> int:
    """Print a line for each mutant, or with `--missing` for each requirement that has none."""
    asked = _arguments(arguments)
    if asked.missing:
        without = missing(mutants())
        print("\n".join([*without, f"MUST requirements without a mutant: {len(without)}"]))  # noqa: T201
        return 1 if without else 0
    survivors = 0
    for mutant, results in _hunted(asked.mutants, _judge_by_all if asked.matrix else hunt, asked.jobs):
        right = kills(mutant, results)
        other = [r.case for r in results if str(r.status) not in ("pass", "not-applicable") and r.case not in right]
        survivors += not right
        verdict = "killed by " + ", ".join(right) if right else "SURVIVED"
        also = f"; also failing: {', '.join(other)}" if other else ""
        print(f"{mutant.role} {mutant.breaks} {mutant.name}: {verdict}{also}", flush=True)  # noqa: T201
    drawn = f" (drawn with --seed {asked.seed}, {asked.left_out} left out)" if asked.sample else ""
    print(f"mutants: {len(asked.mutants)}{drawn}, survivors: {survivors}")  # noqa: T201
    return 1 if survivors else 0


def _judge_by_all(mutant: Mutant) -> list[Result]:
    return hunt(mutant, load_all())


def _hunted(
    wanted: Sequence[Mutant], judge: Callable[[Mutant], list[Result]], jobs: int
) -> Iterator[tuple[Mutant, list[Result]]]:
    """Yield each mutant with its results, in their order; `jobs` of them are hunted at the same time."""
    if jobs == 1:
        yield from ((mutant, judge(mutant)) for mutant in wanted)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from zip(wanted, pool.map(judge, wanted), strict=True)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kafka_do_conformance.mutants", description="Hunt the mutants.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--matrix", action="store_true", help="try every case, not only those that cite what is broken")
    what.add_argument("--missing", action="store_true", help="list the MUST requirements that no mutant breaks")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many to hunt at the same time")
    parser.add_argument("--sample", type=int, metavar="N", help="hunt only N of them, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="SEED", help="the same seed draws the same mutants")
    parser.add_argument("wanted", nargs="*", metavar="NAME|REQUIREMENT", help="hunt only these; all by default")
    asked = parser.parse_args(arguments)
    everything = mutants()
    unknown = [name for name in asked.wanted if not _chosen(everything, [name])]
    if asked.sample is not None and asked.sample < 1:
        parser.error(f"--sample: 1 or more, not {asked.sample}")
    if unknown:
        parser.error(f"neither a mutant nor a requirement that one breaks: {', '.join(unknown)}")
    chosen = _chosen(everything, asked.wanted) if asked.wanted else everything
    asked.mutants = _drawn(chosen, asked.sample, asked.seed) if asked.sample else chosen
    asked.left_out = len(chosen) - len(asked.mutants)
    return asked


def _drawn(chosen: Sequence[Mutant], number: int, seed: int) -> list[Mutant]:
    return random.Random(seed).sample(chosen, min(number, len(chosen)))  # noqa: S311


def _chosen(everything: Sequence[Mutant], wanted: Sequence[str]) -> list[Mutant]:
    return [mutant for mutant in everything if mutant.name in wanted or mutant.breaks in wanted]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
