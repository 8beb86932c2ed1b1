"""What the client costs over HTTP: beside loops that move the same batches with the same HTTP library."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.contestants import Ours, create_topic
from benchmarks.cores import of_load
from benchmarks.packages import python_with
from benchmarks.report import Goal, Measurement, Series, ratio
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["clients"]

_PROGRAM = Path(__file__).with_name("moving.py")
_ROOT = Path(__file__).resolve().parents[2]
_COUNT = 100_000
_HTTPX2 = "2.16.2"
_SHARE = Goal("≥", 0.7)
_WAYS = {
    "bare-send": "a loop that posts",
    "send": "AsyncProducer",
    "bare-read": "a loop that fetches",
    "read": "consumer",
}
_BESIDE = {"send": "bare-send", "read": "bare-read"}


@dataclass
class _Told:
    rates: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in _WAYS})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in _WAYS})
    http: str = ""


def clients(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Move records to a server and back, client and server on a core each; each way and round in a new process."""
    count = int(_COUNT * effort.scale)
    for ours in field.ours:
        pythons = [ours.python]
        other = python_with(field.cache, f"httpx2-{_HTTPX2}", f"httpx2=={_HTTPX2}", str(_ROOT)) if field.cache else None
        if other is not None:
            pythons.append(other)
        for python in pythons:
            told = _Told()
            for _ in range(effort.rounds):
                _round(ours, python, count, told)
            found = Measurement("clients", f"{ours.name} with {told.http}, {count} records of 100 bytes")
            rates = {way: Series(name, "records/s", told.rates[way]) for way, name in _WAYS.items()}
            found.series = [*rates.values(), *_cpu(told)]
            found.ratios = [ratio(rates[way], rates[bare], _SHARE) for way, bare in _BESIDE.items()]
            if other is None:
                found.notes.append("httpx2 does not install here, or peers are left out")
            yield found


def _cpu(told: _Told) -> list[Series]:
    return [Series(f"{name}, the client alone", "records/CPU s", told.cpu[way]) for way, name in _WAYS.items()]


def _round(ours: Ours, python: str, count: int, told: _Told) -> None:
    for ways in (("bare-send", "bare-read"), ("send", "read")):  # what is read is what was sent before
        with ours.start() as server:
            create_topic(server.url, "t", 1)
            for way in ways:
                rates = _run(python, way, count, server.url)
                told.rates[way].append(rates["rate"])
                told.cpu[way].append(rates["cpu"])
                told.http = rates["http"]


def _run(python: str, way: str, count: int, url: str) -> dict[str, Any]:
    with of_load():
        command = [python, "-P", str(_PROGRAM), way, str(count), url]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found
