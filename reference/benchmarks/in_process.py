"""The embedded broker in one process, beside the least that a list and JSON can do."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contestants import Ours
from benchmarks.cores import of_server
from benchmarks.report import Measurement, Series, ratio
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["in_process"]

_PROGRAM = Path(__file__).with_name("embedded.py")
_COUNT = 100_000
_WAYS = {
    "floor": "list and json",
    "dicts": "dicts one by one",
    "dicts-batched": "dicts in batches of 1000",
    "bytes": "bytes one by one",
    "bytes-batched": "bytes in batches of 1000",
}

Rates = dict[str, float]


def in_process(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Send 100 000 records of 100 bytes through `memory://` and read them all; each way and round in a new process."""
    count = int(_COUNT * effort.scale)
    told: dict[tuple[Ours, str], list[Rates]] = {(ours, way): [] for ours in field.ours for way in _WAYS}
    for _ in range(effort.rounds):
        for (ours, way), rates in told.items():
            rates.append(_round(ours, way, count))
    for ours in field.ours:
        found = Measurement("in-process", f"{ours.name} through memory://, {count} records of 100 bytes")
        halves = {way: _series(name, told[ours, way]) for way, name in _WAYS.items()}
        found.series = [one for series in halves.values() for one in series]
        floor, *others = (series[-1] for series in halves.values())
        found.ratios = [ratio(one, floor) for one in others]
        yield found


def _series(name: str, rates: list[Rates]) -> list[Series]:
    """Return the rates of sending, of reading, and of both after another."""
    samples = {half: [one[half] for one in rates] for half in ("send", "read")}
    both = [1 / (1 / send + 1 / read) for send, read in zip(samples["send"], samples["read"], strict=True)]
    return [Series(f"{name}: {half}", "records/CPU s", one) for half, one in {**samples, "both": both}.items()]


def _round(ours: Ours, way: str, count: int) -> Rates:
    with of_server():
        command = [ours.python, "-P", str(_PROGRAM), way, str(count)]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: Rates = json.loads(told.stdout)
    return found
