"""A program, `python windows.py WAY COUNT [URL]`: one part of the measurement `streams`. It prints figures as JSON.

Events are ten a millisecond, of a thousand keys. `floor`, `final` and `updates` count them by key in windows of five
seconds: with dicts, and with the driver, whose windows speak when they are closed or each time. `bytewax` does it with
that library, and `running` with a pipeline on a server, from topic to topic. `join` joins two streams of COUNT records
each, in which each record meets the same number of others whatever COUNT is. `memory` counts and looks what that holds.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

_KEYS = 1_000
_SIZE_MS = 5_000
_JOINED_KEYS = 100
_WITHIN_MS = 100
_CLOSING_MS = 10 * _SIZE_MS
_IDLE_MS = 1_000
_BATCH = 1_000

Figures = dict[str, float]


def _events(count: int) -> list[tuple[str, int]]:
    return [(f"k{n % _KEYS}", n // 10) for n in range(count)]


def _rate(count: int, act: Callable[[], int], expected: int) -> float:
    """Return how many of `count` are done in a second of processor time; `act` has to return what is expected."""
    begun = time.process_time()
    found = act()
    spent = time.process_time() - begun
    if found != expected:
        raise RuntimeError(f"{found} where {expected} was expected")
    return count / spent


def _floor(count: int) -> Figures:
    """Count with a dict for each window, and close windows as time goes on."""
    events = _events(count)

    def act() -> int:
        windows: dict[int, dict[str, int]] = {}
        latest = total = 0
        for key, at_ms in [*events, ("end", events[-1][1] + _CLOSING_MS)]:
            start = at_ms - at_ms % _SIZE_MS
            counts = windows.setdefault(start, {})
            counts[key] = counts.get(key, 0) + 1
            if at_ms > latest:
                latest = at_ms
                for closed in [one for one in windows if one + _SIZE_MS <= latest]:
                    total += sum(windows.pop(closed).values())
        return total

    return {"rate": _rate(count, act, count)}


def _counting(count: int, emit: Any) -> Figures:
    from kafka_do.streams import Stream, Tumbling  # noqa: PLC0415  the floor does without
    from kafka_do.testing import StreamDriver  # noqa: PLC0415

    counts = Stream("in").group_by().window(Tumbling(size_ms=_SIZE_MS)).count(emit=emit).results()
    driver, events = StreamDriver(counts), _events(count)

    def act() -> int:
        total = 0
        for key, at_ms in events:
            for result in driver.send("in", key=key, value=1, timestamp_ms=at_ms):
                total += result.value if emit == "final" else 1
        for result in driver.send("in", key="end", value=1, timestamp_ms=events[-1][1] + _CLOSING_MS):
            total += result.value if emit == "final" else 0
        return total

    return {"rate": _rate(count, act, count)}


def _bytewax(count: int) -> Figures:
    """Count with bytewax, whose own sources and sinks for tests hand it the events and take the results."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    names = ("operators", "dataflow", "operators.windowing", "testing")
    op, dataflow, windowing, testing = (import_module(f"bytewax.{name}") for name in names)
    epoch = datetime(2026, 1, 1, tzinfo=UTC)
    events = [(key, epoch + timedelta(milliseconds=at_ms)) for key, at_ms in _events(count)]
    flow, out = dataflow.Dataflow("counting"), list[Any]()
    source = op.input("in", flow, testing.TestingSource(events, batch_size=_BATCH))
    # Its watermark goes on with the machine's time, so a pause of the process would make events late.
    clock = windowing.EventClock(ts_getter=lambda event: event[1], wait_for_system_duration=timedelta(seconds=10))
    windower = windowing.TumblingWindower(length=timedelta(milliseconds=_SIZE_MS), align_to=epoch)
    counts = windowing.count_window("count", source, clock, windower, key=lambda event: event[0])
    op.output("out", counts.down, testing.TestingSink(out))

    def act() -> int:
        testing.run_main(flow)
        return sum(number for _, (_, number) in out)

    return {"rate": _rate(count, act, count)}


def _running(count: int, url: str) -> Figures:
    """Run the same as a pipeline: from a topic with everything into another one, until nothing more comes."""
    from kafka_do import Client, Message  # noqa: PLC0415
    from kafka_do.streams import Tumbling  # noqa: PLC0415

    with Client(url) as client:
        for topic in ("in", "out"):
            client.admin().create_topic(topic, configs={"retention.ms": "-1"})
        producer = client.producer("in")
        events = _events(count)
        for first in range(0, count, _BATCH):
            producer.send_batch([Message(1, key=key, timestamp=at_ms) for key, at_ms in events[first : first + _BATCH]])
        closing = Message(1, key="end", timestamp=events[-1][1] + _CLOSING_MS)
        producer.send_batch([closing])
        counts = client.stream("in").group_by().window(Tumbling(size_ms=_SIZE_MS)).count(emit="final").to("out")
        begun = time.perf_counter(), time.process_time()
        counts.run("counting", timeout_ms=_IDLE_MS)
        wall_s, cpu_s = time.perf_counter() - begun[0] - _IDLE_MS / 1000, time.process_time() - begun[1]
        total = sum(_values(client, "out"))
    if total != count:
        raise RuntimeError(f"{total} events were counted, and {count} sent")
    return {"rate": count / wall_s, "cpu": count / cpu_s}


def _values(client: Any, topic: str) -> Iterator[int]:
    offset = 0
    while (found := client.read(topic, offset=offset, max_records=_BATCH)).messages:
        yield from (message.value for message in found.messages)
        offset = found.next_offset


def _join(count: int) -> Figures:
    """Join two streams by key and time; each record of one meets three of the other, whatever the count."""
    from kafka_do.streams import Stream, Within  # noqa: PLC0415
    from kafka_do.testing import StreamDriver  # noqa: PLC0415

    within = Within(before_ms=_WITHIN_MS, after_ms=_WITHIN_MS)
    driver = StreamDriver(Stream("left").join(Stream("right"), within=within).results())

    def act() -> int:
        pairs = 0
        for n in range(count):
            key = f"k{n % _JOINED_KEYS}"
            for side in ("left", "right"):
                pairs += len(driver.send(side, key=key, value=n, timestamp_ms=n))
        return pairs

    return {"rate": _rate(2 * count, act, count + 2 * (count - _JOINED_KEYS))}


def _memory(count: int) -> Figures:
    """Return what the process holds after a tenth, half and all of the events, in MiB."""
    from kafka_do.streams import Stream, Tumbling  # noqa: PLC0415
    from kafka_do.testing import StreamDriver  # noqa: PLC0415

    driver = StreamDriver(Stream("in").group_by().window(Tumbling(size_ms=_SIZE_MS)).count().results())
    looks = {count // 10: "a tenth", count // 2: "half", count: "all"}
    figures: Figures = {}
    for n in range(count):
        driver.send("in", key=f"k{n % _KEYS}", value=1, timestamp_ms=n // 10)
        if n + 1 in looks:
            figures[f"after {looks[n + 1]} of them"] = _resident_mib()
    return figures


def _resident_mib() -> float:
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123  no import that the peer lacks
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


def main() -> None:
    """Print the figures of one way; each has a process of its own."""
    way, count, *rest = sys.argv[1:]
    ways: dict[str, Callable[[int], Figures]] = {
        "floor": _floor,
        "final": lambda n: _counting(n, "final"),
        "updates": lambda n: _counting(n, "updates"),
        "bytewax": _bytewax,
        "running": lambda n: _running(n, *rest),
        "join": _join,
        "memory": _memory,
    }
    print(json.dumps(ways[way](int(count))))


if __name__ == "__main__":
    main()
