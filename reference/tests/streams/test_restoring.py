"""The state of every operator, kept as entries and restored in another process, gives what one quiet run gives."""

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.streams import (
    Hopping,
    Output,
    Session,
    Sliding,
    Stream,
    StreamRecord,
    Table,
    Task,
    Tumbling,
    Within,
    left,
    right,
)
from kafka_do.streams.keeping import Noted

if TYPE_CHECKING:
    from kafka_do.streams.windows import WindowKind

_RUNS = settings(max_examples=200, deadline=None)
_RECORDS = st.lists(
    st.tuples(st.sampled_from(["in", "other"]), st.sampled_from(["a", "b/c"]), st.integers(0, 40), st.booleans()),
    min_size=1,
    max_size=20,
)


def _pipelines() -> dict[str, Any]:
    windows: dict[str, WindowKind] = {
        "tumbling": Tumbling(size_ms=5, grace_ms=3),
        "hopping": Hopping(size_ms=6, advance_ms=2),
        "sliding": Sliding(difference_ms=4, grace_ms=2),
        "session": Session(gap_ms=3, grace_ms=1),
    }
    made: dict[str, Any] = {"group": Stream("in").group_by().reduce(lambda one, other: one + other)}
    for name, window in windows.items():
        grouped = Stream("in").group_by().window(window)
        made[name] = grouped.reduce(lambda one, other: one + other)
        made[f"{name}, final"] = grouped.count(emit="final")
    within = Within(before_ms=4, after_ms=2, grace_ms=1)
    for kind in ("inner", "left", "outer"):
        made[f"{kind} join"] = Stream("in").join(Stream("other"), within=within, type=kind)
    made["join by a condition"] = Stream("in").join(
        Stream("other"), within=within, on=left[0] == right[0], type="outer"
    )
    made["table"] = Stream("in").join_table(Table("other"), type="left")
    return {name: stream.results().topology() for name, stream in made.items()}


_PIPELINES = _pipelines()


class _Process:
    """A task, with its outputs, and its state as others see it."""

    def __init__(self, topology: Any) -> None:
        self.out: list[Output] = []
        self.task = Task(
            topology, lambda topic, r: self.out.append(Output(topic, r.key, r.value, r.timestamp_ms, r.window))
        )
        for operator in self.task.stores.values():
            operator.noted = Noted()

    def take(self, records: list[Any], kept: dict[tuple[str, str], bytes]) -> None:
        for topic, key, time, is_null in records:
            if topic in self.task.topics:
                self.task.process(
                    topic, StreamRecord(key, None if is_null and time > 30 else [time], time, topic=topic)
                )
            for node, operator in self.task.stores.items():
                assert operator.noted is not None
                kept.update(
                    {(node, name): msgspec.json.encode(value) for name, value in operator.noted.changed.items()}
                )
                for name in operator.noted.closed[::2]:  # the others are left: time says that they are closed
                    kept.pop((node, name), None)
                operator.noted = Noted()

    def restored(self, topology: Any, kept: dict[tuple[str, str], bytes]) -> "_Process":
        other = _Process(topology)
        for node, operator in other.task.stores.items():
            operator.time = self.task.stores[node].time
        for (node, name), value in kept.items():
            if (found := msgspec.json.decode(value)) is not None:
                other.task.stores[node].restore(name, found)
        return other


@_RUNS
@given(st.sampled_from(sorted(_PIPELINES)), _RECORDS, st.integers(0, 20))
def test_a_task_that_is_restored_goes_on_as_if_nothing_had_been(name: str, records: list[Any], half: int) -> None:
    topology = _PIPELINES[name]
    quiet, first = _Process(topology), _Process(topology)
    kept: dict[tuple[str, str], bytes] = {}
    quiet.take(records, {})
    first.take(records[:half], kept)
    second = first.restored(topology, kept)
    second.take(records[half:], kept)
    assert first.out + second.out == quiet.out
