"""How long it takes to assign partitions to the members of a group, and how that grows with the group."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from benchmarks.contestants import Ours
from benchmarks.cores import of_server
from benchmarks.report import Goal, Measurement, Series, ratio
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["assigning"]

_PROGRAM = Path(__file__).with_name("grouped.py")
_SIZES = ((1_000, 50), (10_000, 500), (20_000, 1_000))
_GOAL_MS = Goal("≤", 1_000)
_HAS_GOAL = (10_000, 500)
_MOST_ROUNDS = 3

Size = tuple[int, int]
Samples = dict[str, dict[Size, list[float]]]


def assigning(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Assign the partitions of three groups, each a multiple of the first; each size and round in a new process."""
    for ours in field.ours:
        samples: Samples = {}
        for _ in range(min(effort.rounds, _MOST_ROUNDS)):
            for size in _SIZES:
                for what, took in _round(ours, size).items():
                    samples.setdefault(what, {}).setdefault(size, []).append(took)
        found = Measurement("assigning", f"{ours.name}, by partitions and members of the group")
        for what, by_size in samples.items():
            series = [_series(what, size, took) for size, took in by_size.items()]
            found.series += series
            for (smaller, low), (larger, high) in pairwise(zip(_SIZES, series, strict=True)):
                found.ratios.append(replace(ratio(high, low), name=f"{what}, {_named(larger)} / {_named(smaller)}"))
        yield found


def _series(what: str, size: Size, took: list[float]) -> Series:
    goal = _GOAL_MS if size == _HAS_GOAL and "half" not in what else None
    return Series(f"{what}, {_named(size)}", "ms of CPU", took, goal=goal)


def _named(size: Size) -> str:
    partitions, members = size
    return f"{partitions} to {members}"


def _round(ours: Ours, size: Size) -> dict[str, float]:
    with of_server():
        command = [ours.python, "-P", str(_PROGRAM), *map(str, size)]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(told.stdout)
    return found
