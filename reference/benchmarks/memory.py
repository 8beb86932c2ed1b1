"""What a server holds in memory, with a million records."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.bodies import BATCH, envelope, record, value
from benchmarks.contestants import Ours, create_topic, held
from benchmarks.exchange import exchange, post_all
from benchmarks.report import Goal, Measurement, Series
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["memory"]

_MILLION = 1_000_000
_TOPIC = "t"
_GOAL = Goal("≤", 280)
_MOST_ROUNDS = 3  # memory hardly differs from round to round


def _with_key(number: int) -> str:
    return record(number, fresh=f"{number:08}")


def _without_key(number: int) -> str:
    return f'{{"value":{value(number)}}}'


@dataclass(frozen=True)
class _Layout:
    name: str
    partitions: int
    record: Callable[[int], str]


_LAYOUTS = (
    _Layout("with keys, 1 partition", 1, _with_key),
    _Layout("with keys, 4 partitions", 4, _with_key),
    _Layout("without keys, 1 partition", 1, _without_key),
)


class _Sizes(NamedTuple):
    """MiB: of the server without records, with them, at its peak until then, and after they were all read once."""

    empty: float
    filled: float
    peak: float
    after_reading: float


def memory(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Fill a server with records of 100 bytes, then read them all once."""
    count = int(_MILLION * effort.scale)
    goal = _GOAL if count == _MILLION else None
    found = Measurement("memory", f"a server with {count} records of 100 bytes, resident")
    rounds = range(min(effort.rounds, _MOST_ROUNDS))
    for ours in field.ours:
        for layout in _LAYOUTS:
            sizes = [_fill(ours, layout, count) for _ in rounds]
            empty, filled, peak, after = zip(*sizes, strict=True)
            found.series += [
                Series(f"{ours.name} {layout.name}", "MiB", filled, goal=goal),
                Series("  at its peak while it was filled", "MiB", peak),
                Series("  after all was read once", "MiB", after),
                Series("  before", "MiB", empty),
            ]
    yield found


def _fill(ours: Ours, layout: _Layout, count: int) -> _Sizes:
    with ours.start() as server:
        create_topic(server.url, _TOPIC, layout.partitions)
        empty = server.resident_mib()
        bodies = (envelope(map(layout.record, range(first, first + BATCH))) for first in range(0, count, BATCH))
        post_all(server.url, f"/v1/topics/{_TOPIC}/records", bodies)
        if held(server.url, _TOPIC) != count:
            raise RuntimeError(f"{ours.name} does not hold the {count} records that it acknowledged")
        filled, peak = server.resident_mib(), server.peak_mib()
        _read_all(server.url, layout.partitions, count)
        return _Sizes(empty, filled, peak, server.resident_mib())


def _read_all(url: str, partitions: int, count: int) -> None:
    found = 0
    for partition in range(partitions):
        offset, end = 0, 1
        while offset < end:
            path = f"/v1/topics/{_TOPIC}/partitions/{partition}/records?offset={offset}&max_records={BATCH}"
            answer = exchange(url, "GET", path)
            found += len(answer["records"])
            offset, end = answer["next_offset"], answer["high_watermark"]
    if found != count:
        raise RuntimeError(f"{found} records were read, {count} were produced")
