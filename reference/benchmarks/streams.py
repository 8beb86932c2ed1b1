"""Windows counted by the driver, beside bytewax and beside dicts; pipelines on a server; joins; memory."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contestants import Ours
from benchmarks.cores import of_server
from benchmarks.packages import python_with
from benchmarks.report import Goal, Measurement, Series, ratio
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["streams"]

_BYTEWAX = "0.21.1"

_PROGRAM = Path(__file__).with_name("windows.py")
_MILLION = 1_000_000
_RUNNING = 100_000
_JOINED = (50_000, 100_000, 200_000)
_MOST_ROUNDS = 3
_TIMES_BYTEWAX = Goal("≥", 5)


def streams(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Count, run and join; each way and round in a new process. Rates are of processor time, but for `running`."""
    count = int(_MILLION * effort.scale)
    bytewax = python_with(field.cache, f"bytewax-{_BYTEWAX}", f"bytewax=={_BYTEWAX}") if field.cache else None
    for ours in field.ours:
        yield _counted(ours, count, bytewax, effort.rounds)
        rounds = min(effort.rounds, _MOST_ROUNDS)
        yield _run(ours, int(_RUNNING * effort.scale), rounds)
        yield _joined(ours, [int(one * effort.scale) for one in _JOINED], rounds)
        yield _held(ours, 10 * count)


def _counted(ours: Ours, count: int, bytewax: str | None, rounds: int) -> Measurement:
    found = Measurement("streams-count", f"{count} events, windows of five seconds, a thousand keys")
    pythons = {"final": ours.python, "updates": ours.python, "floor": ours.python}
    names = {"final": f"{ours.name}, final results", "updates": f"{ours.name}, each result", "floor": "dicts"}
    if bytewax is None:
        found.notes.append("bytewax does not install here")
    else:
        pythons["bytewax"], names["bytewax"] = bytewax, f"bytewax {_BYTEWAX}"
    told: dict[str, list[float]] = {way: [] for way in pythons}
    for _ in range(rounds):
        for way, python in pythons.items():
            told[way].append(_told(python, way, count)["rate"])
    rates = {way: Series(names[way], "events/CPU s", samples) for way, samples in told.items()}
    found.series = list(rates.values())
    if bytewax is not None:
        found.ratios.append(ratio(rates["final"], rates["bytewax"], _TIMES_BYTEWAX))
    found.ratios.append(ratio(rates["final"], rates["floor"]))
    return found


def _run(ours: Ours, count: int, rounds: int) -> Measurement:
    told = []
    for _ in range(rounds):
        with ours.start() as server:
            told.append(_told(ours.python, "running", count, server.url))
    found = Measurement("streams-running", f"{ours.name}, the same on a server, {count} events from topic to topic")
    found.series = [
        Series("end to end", "events/s", [one["rate"] for one in told]),
        Series("the pipeline alone", "events/CPU s", [one["cpu"] for one in told]),
    ]
    return found


def _joined(ours: Ours, counts: list[int], rounds: int) -> Measurement:
    found = Measurement("streams-join", f"{ours.name}, two streams by key and time, three meet each record")
    for count in counts:
        samples = [_told(ours.python, "join", count)["rate"] for _ in range(rounds)]
        found.series.append(Series(f"{count} records each", "records/CPU s", samples))
    found.ratios = [ratio(found.series[-1], found.series[0])]
    found.notes.append("a ratio of 1 means that the time grows as the records do")
    return found


def _held(ours: Ours, count: int) -> Measurement:
    held = _told(ours.python, "memory", count)
    found = Measurement("streams-memory", f"{ours.name}, {count} events, a thousand keys")
    found.series = [Series(name, "MiB", [figure]) for name, figure in held.items()]
    return found


def _told(python: str, way: str, count: int, *rest: str) -> dict[str, float]:
    with of_server():
        command = [python, "-P", str(_PROGRAM), way, str(count), *rest]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(told.stdout)
    return found
