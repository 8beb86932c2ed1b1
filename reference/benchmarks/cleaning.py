"""How long appends are held up while a log of a million records is compacted, expires or is deleted."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contestants import Ours
from benchmarks.cores import of_server
from benchmarks.report import Goal, Measurement, Series
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["cleaning"]

_PROGRAM = Path(__file__).with_name("cleaned.py")
_MILLION = 1_000_000
_MOST_ROUNDS = 3
_LONGEST = Goal("≤", 50)
_WORKS = {
    "compaction": "compaction, each key four times",
    "age": "retention by age",
    "size": "retention by size",
    "delete": "delete_records",
}


def cleaning(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Remove what is to go, step by step; between two steps requests are answered. Each round in a new process."""
    count = int(_MILLION * effort.scale)
    for ours in field.ours:
        found = Measurement("cleaning", f"{ours.name}, a log of {count} records of 100 bytes, the longest hold-up")
        for work, name in _WORKS.items():
            told = [_round(ours, work, count) for _ in range(min(effort.rounds, _MOST_ROUNDS))]
            longest = [one["longest"] for one in told]
            note = f"{told[0]['whole']:.0f} ms in {told[0]['steps']} steps"
            found.series.append(Series(name, "ms of CPU", longest, note, _LONGEST))
        yield found


def _round(ours: Ours, work: str, count: int) -> dict[str, float]:
    with of_server():
        command = [ours.python, "-P", str(_PROGRAM), work, str(count)]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(told.stdout)
    return found
