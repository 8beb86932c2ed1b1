"""A driver for tests: records in, results out, with no broker and no waiting."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka_do.spec import SPEC
from kafka_do.streams.record import StreamRecord, Window
from kafka_do.streams.task import LeftOut, ProcessingError, Task
from kafka_do.streams.topology import Topology, read_topology

__all__ = ["Output", "StreamDriver"]

_LATEST = SPEC.ranges["TimestampMs"][1]


class Output(NamedTuple):
    """A record that came out; `topic` is None for one that was handed to the program."""

    topic: str | None
    key: str | None
    value: Any
    timestamp_ms: int
    window: Window | None = None


class StreamDriver:
    """A pipeline with one partition of each of its topics, driven by hand.

    Time is that of the records: nothing waits, and what only time can close is closed by the next record.
    """

    def __init__(self, pipeline: Any) -> None:
        """Take a pipeline: a Stream with its `results()` or `to(topic)`, a Topology or a document.

        Raises TopologyError for one that cannot run.
        """
        self._out: list[Output] = []
        self._task = Task(_topology_of(pipeline), self._emit)
        self._topics = self._task.topics

    def send(self, topic: str, value: Any = None, *, key: str | None = None, timestamp_ms: int) -> list[Output]:
        """Process one record and return what came out, in order.

        Raises ValueError for a topic that the pipeline does not read and for a time that no record can have, and
        ProcessingError where an expression or a function of the pipeline fails.
        """
        out, failure = self._take(topic, value, key, timestamp_ms)
        if failure is not None:
            raise failure
        return out

    def process(self, topic: str, value: Any = None, *, key: str | None = None, timestamp_ms: int) -> Iterator[Output]:
        """Process one record and yield what came out; where it fails, then comes the error. (PROC-007)"""
        out, failure = self._take(topic, value, key, timestamp_ms)
        yield from out
        if failure is not None:
            raise failure

    def _take(
        self, topic: str, value: Any, key: str | None, timestamp_ms: int
    ) -> tuple[list[Output], ProcessingError | None]:
        if topic not in self._topics:
            raise ValueError(f"the pipeline reads {', '.join(self._topics)}, not {topic}")
        if type(timestamp_ms) is not int or not 0 <= timestamp_ms <= _LATEST:
            raise ValueError(f"timestamp_ms is an integer from 0 to {_LATEST}, not {timestamp_ms!r}")
        if key is not None and not isinstance(key, str):
            raise ValueError(f"a key is a string or None, not {key!r}")
        failure: ProcessingError | None = None
        try:
            self._task.process(topic, StreamRecord(key, value, timestamp_ms, topic=topic))
        except ProcessingError as error:
            failure = error
        out, self._out = self._out, []
        return out, failure

    def left_out(self) -> dict[str, LeftOut]:
        """Return how many records each operator has left out, by its node's name. (PROC-006)"""
        return self._task.left_out()

    def _emit(self, topic: str | None, record: StreamRecord) -> None:
        self._out.append(Output(topic, record.key, record.value, record.timestamp_ms, record.window))


def _topology_of(pipeline: Any) -> Topology:
    if isinstance(pipeline, Topology):
        return pipeline
    if hasattr(pipeline, "topology"):
        made: Topology = pipeline.topology()
        return made
    return read_topology(pipeline)
