"""Groups: what a heartbeat costs in groups of several sizes, and what a commit costs beside the floor."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.contestants import ECHO, Entry, Ours, create_topic
from benchmarks.exchange import exchange
from benchmarks.load import Load, run_load
from benchmarks.report import Goal, Measurement, Series, ratio
from benchmarks.rounds import Effort, compete
from benchmarks.throughput import Field

__all__ = ["groups"]

_SIZES = (1, 10, 100)
_PARTITIONS_EACH = 20
_CONNECTIONS = 8
_COMMITTED = 20
_MOST_ROUNDS = 3
_MOST_GROWTH = Goal("≤", 1.15)
_BEATS = 4


def groups(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Send heartbeats of one member of a group that has settled, and commits of 20 partitions."""
    for ours in field.ours:
        yield _heartbeats(ours, effort)
        yield _commits(ours, effort)


def _heartbeats(ours: Ours, effort: Effort) -> Measurement:
    costs: dict[int, list[float]] = {size: [] for size in _SIZES}
    for _ in range(min(effort.rounds, _MOST_ROUNDS)):
        with ours.start() as server:
            beats = {size: _settled(server.url, size) for size in _SIZES}
            for size, load in beats.items():
                run = run_load(server, load, effort.seconds)
                if run.failures:
                    raise RuntimeError(f"{run.failures} of {run.requests} heartbeats failed")
                costs[size].append(run.cpu_us)
    title = f"{ours.name}, heartbeats of a member with {_PARTITIONS_EACH} partitions, {_CONNECTIONS} connections"
    found = Measurement("groups", title)
    found.series = [Series(f"group of {size}", "µs of server CPU/request", costs[size]) for size in _SIZES]
    largest = ratio(found.series[-1], found.series[0], _MOST_GROWTH)
    found.ratios = [replace(largest, name=f"group of {_SIZES[-1]} / of {_SIZES[0]}")]
    return found


def _commits(ours: Ours, effort: Effort) -> Measurement:
    items = [{"topic": "t", "partition": number, "offset": 1_000_000 + number} for number in range(_COMMITTED)]
    body = json.dumps({"offsets": items}, separators=(",", ":"))
    entry = Entry(
        ours.name,
        ours.start,
        Load("/v1/groups/g/offsets/commit", body, _CONNECTIONS),
        lambda url: create_topic(url, "t", _COMMITTED),
    )
    outcomes = compete([entry, ECHO.post(body, connections=_CONNECTIONS)], effort)
    found = Measurement("groups", f"commits of {_COMMITTED} partitions, {_CONNECTIONS} connections")
    found.series = [one.rates() for one in outcomes]
    found.ratios = [ratio(outcomes[0].rates(), outcomes[1].rates())]
    return found


def _settled(url: str, size: int) -> Load:
    """Make a group of `size` members that has settled; return the heartbeat of its first member."""
    name = f"of-{size}"
    create_topic(url, name, size * _PARTITIONS_EACH)
    answers: dict[int, dict[str, Any]] = {}
    for beat in range(1 + _BEATS):
        for number in range(size):
            known = answers.get(number, {"member_epoch": 0, "assignment": []})
            answers[number] = exchange(url, "PUT", _path(name, number), _body(name, known))
        if beat and all(len(_numbers(answer)) == _PARTITIONS_EACH for answer in answers.values()):
            break
    return Load(_path(name, 0), _body(name, answers[0]), _CONNECTIONS, method="PUT")


def _numbers(answer: dict[str, Any]) -> list[int]:
    return [number for entry in answer["assignment"] for number in entry["partitions"]]


def _path(name: str, number: int) -> str:
    return f"/v1/groups/{name}/members/m{number:04}"


def _body(name: str, answer: dict[str, Any]) -> str:
    said = {
        "member_epoch": answer["member_epoch"],
        "topics": [name],
        "owned": answer["assignment"],
        "rebalance_timeout_ms": 300_000,
    }
    return json.dumps(said, separators=(",", ":"))
