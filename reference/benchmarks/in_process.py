"""The embedded broker in one process, beside a peer's mock and the least that a list and JSON can do."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cores import of_server
from benchmarks.packages import python_with
from benchmarks.report import Goal, Measurement, Series, ratio
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
    "iterated": "one by one, a consumer",
    "iterated-batched": "batches of 1000, a consumer",
}
_MOCKAFKA = "0.2.3"
_TIMES_MOCKAFKA = {"iterated": Goal("≥", 2), "iterated-batched": Goal("≥", 4)}

Rates = dict[str, float]


def in_process(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Send 100 000 records of 100 bytes through `memory://` and read them all; each way and round in a new process."""
    count = int(_COUNT * effort.scale)
    mockafka = python_with(field.cache, f"mockafka-{_MOCKAFKA}", f"mockafka-py=={_MOCKAFKA}") if field.cache else None
    ways = [(ours.python, way) for ours in field.ours for way in _WAYS]
    if mockafka is not None:
        ways.append((mockafka, "mockafka"))
    told: dict[tuple[str, str], list[Rates]] = {way: [] for way in ways}
    for _ in range(effort.rounds):
        for (python, way), rates in told.items():
            rates.append(_round(python, way, count))
    peer = [] if mockafka is None else _series(f"mockafka-py {_MOCKAFKA}", told[mockafka, "mockafka"])
    for ours in field.ours:
        found = Measurement("in-process", f"{ours.name} through memory://, {count} records of 100 bytes")
        halves = {way: _series(name, told[ours.python, way]) for way, name in _WAYS.items()}
        found.series = [*(one for series in halves.values() for one in series), *peer]
        floor, *others = (series[-1] for series in halves.values())
        found.ratios = [ratio(one, floor) for one in others]
        if peer:
            found.ratios += [ratio(halves[way][-1], peer[-1], goal) for way, goal in _TIMES_MOCKAFKA.items()]
        else:
            found.notes.append("mockafka-py does not install here")
        yield found


def _series(name: str, rates: list[Rates]) -> list[Series]:
    """Return the rates of sending, of reading, and of both after another."""
    samples = {half: [one[half] for one in rates] for half in ("send", "read")}
    both = [1 / (1 / send + 1 / read) for send, read in zip(samples["send"], samples["read"], strict=True)]
    return [Series(f"{name}: {half}", "records/CPU s", one) for half, one in {**samples, "both": both}.items()]


def _round(python: str, way: str, count: int) -> Rates:
    with of_server():
        command = [python, "-P", str(_PROGRAM), way, str(count)]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: Rates = json.loads(told.stdout)
    return found
