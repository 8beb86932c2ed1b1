"""How fetching and looking up a time slow down while a log grows."""

import json
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.bodies import BATCH, envelope, key, value
from benchmarks.contestants import Ours, create_topic
from benchmarks.exchange import post_all
from benchmarks.load import Load, run_load
from benchmarks.processes import Server
from benchmarks.report import Measurement, Series, ratio
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["growth"]

_LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
_CONNECTIONS = 8
_FETCHED = 100
_SECONDS = 1
_MOST_ROUNDS = 3
_FIRST_MS = 1_760_000_000_000


def growth(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Fetch 100 records at the beginning, middle and end of logs, and look up a time nine tenths into them."""
    lengths = [length for length in _LENGTHS if length <= _LENGTHS[-1] * effort.scale]
    for ours in field.ours:
        samples: dict[str, dict[int, list[float]]] = {}
        for _ in range(min(effort.rounds, _MOST_ROUNDS)):
            _round(ours, lengths, samples)
        found = Measurement("growth", f"{ours.name}, by the length of the log, {_CONNECTIONS} connections")
        for question, by_length in samples.items():
            series = [
                Series(f"{question}, log of {length}", "µs of server CPU/request", costs)
                for length, costs in by_length.items()
            ]
            found.series += series
            longest = ratio(series[-1], series[0])
            found.ratios.append(replace(longest, name=f"{question}, log of {lengths[-1]} / of {lengths[0]}"))
        yield found


def _round(ours: Ours, lengths: list[int], samples: dict[str, dict[int, list[float]]]) -> None:
    with ours.start() as server:
        for length in lengths:
            _fill(server, length)
        for question in _questions(lengths[0]):  # the questions outside, so that lengths are asked close together
            for length in lengths:
                run = run_load(server, _questions(length)[question], _SECONDS)
                if run.failures:
                    raise RuntimeError(f"{run.failures} of {run.requests} requests for {question} failed")
                samples.setdefault(question, {}).setdefault(length, []).append(run.cpu_us)


def _fill(server: Server, length: int) -> None:
    """Make a topic of `length` records, a millisecond apart."""
    create_topic(server.url, _topic(length), 1)
    bodies = (envelope(_record(number) for number in range(first, first + BATCH)) for first in range(0, length, BATCH))
    post_all(server.url, f"/v1/topics/{_topic(length)}/records", bodies)


def _record(number: int) -> str:
    return f'{{"key":"{key(number, "00000000")}","value":{value(number)},"timestamp_ms":{_FIRST_MS + number}}}'


def _topic(length: int) -> str:
    return f"t{length}"


def _questions(length: int) -> dict[str, Load]:
    middle = length // 2 // BATCH * BATCH + BATCH // 2  # of a batch, too: all lengths have to fetch from one
    at = {"beginning": 0, "middle": middle, "end": length - _FETCHED}
    path = f"/v1/topics/{_topic(length)}/partitions/0/records?max_records={_FETCHED}&offset="
    asked = {f"{_FETCHED} records at the {place}": Load(f"{path}{at[place]}", None, _CONNECTIONS) for place in at}
    item = {"topic": _topic(length), "partition": 0, "timestamp_ms": _FIRST_MS + length * 9 // 10}
    asked["the offset of a time"] = Load("/v1/offsets", json.dumps({"partitions": [item]}), _CONNECTIONS)
    return asked
