"""Pipelines of an event loop's client: what `client.stream(…)` ends in, and what runs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from kafka_do.client import options
from kafka_do.client.consuming import Start
from kafka_do.client.misfits import Fate
from kafka_do.client.running import Running, RunOptions
from kafka_do.client.session import Session
from kafka_do.client.stream_records import values_as
from kafka_do.streams.driver import Output
from kafka_do.streams.stream import Origin, Pipeline, Stream
from kafka_do.streams.task import LeftOut
from kafka_do.streams.topology import Topology, read_topology

__all__ = ["ClientPipeline", "RunnablePipeline", "RunningPipeline", "pipeline_of", "stream_of"]


class RunnablePipeline:
    """A pipeline that a client can run. Nothing is read or written before `start` or `run`."""

    def __init__(self, topology: Topology, session: Session) -> None:
        self._topology = topology
        self._session = session

    def topology(self) -> Topology:
        """Return it as a topology."""
        return self._topology

    def start(
        self,
        group: str | None = None,
        *,
        start: Start = options.DEFAULT_START,
        on_error: Fate = "raise",
        max_poll_records: int = options.DEFAULT_MAX_POLL_RECORDS,
        session_timeout_ms: int | None = None,
    ) -> "RunningPipeline":
        """Return the pipeline at work as a member of `group`, which shares the partitions with the others.

        What it writes is acknowledged before the records that it is of are committed, so that nothing is lost; after a
        failure some may be written again. Without a group it has one of its own, which ends with it: only for a
        pipeline that ends in `results()`. `start` is where to read where the group has committed nothing.

        `on_error` says what becomes of a record on which it fails: `raise` stops with PipelineError, `skip` goes on
        behind it, with a line in the log, and `DeadLetters(topic)` sends it to a topic and goes on. `max_poll_records`
        is the most that is read at once, and so what may be done twice.

        Raises ValueError for options that do not go together, TopologyError for a pipeline that cannot run. (RUN-001 to
        RUN-007)
        """
        how = RunOptions(
            group=group,
            start=start,
            on_error=on_error,
            max_poll_records=max_poll_records,
            session_timeout_ms=session_timeout_ms,
        )
        return RunningPipeline(Running(self._session, self.topology(), how))

    async def run(
        self,
        group: str | None = None,
        *,
        timeout_ms: int | None = None,
        start: Start = options.DEFAULT_START,
        on_error: Fate = "raise",
        max_poll_records: int = options.DEFAULT_MAX_POLL_RECORDS,
        session_timeout_ms: int | None = None,
    ) -> None:
        """Run until no record comes for `timeout_ms` milliseconds, for ever without; the rest is as for `start`.

        Cancelling ends it in good order: what is done with is written and committed.
        """
        async with self.start(
            group,
            start=start,
            on_error=on_error,
            max_poll_records=max_poll_records,
            session_timeout_ms=session_timeout_ms,
        ) as running:
            await running.run(timeout_ms=timeout_ms)


class ClientPipeline(Pipeline, RunnablePipeline):
    """A pipeline that was built from `client.stream(…)`. Nothing is read or written before `start` or `run`."""

    def __init__(self, ends: Sequence[Origin], session: Session) -> None:
        Pipeline.__init__(self, ends)
        self._session = session

    def _with(self, ends: Sequence[Origin]) -> Self:
        return type(self)(ends, self._session)


class RunningPipeline:
    """A pipeline at work. It joins its group when it is first asked for something; use it as a context manager.

    It is for one task at a time, `stop` and `close` apart. The records of the topics are processed while the caller
    waits for results, or in `run`.
    """

    def __init__(self, running: Running) -> None:
        self._running = running

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[Output]:
        return self.results()

    @property
    def group(self) -> str:
        """The group's id."""
        return self._running.group

    async def results(self, *, timeout_ms: int | None = None) -> AsyncIterator[Output]:
        """Iterate over results as they come, until no record comes for `timeout_ms` milliseconds if that is given.

        Asking for the next one says that the one before is done with. Raises PipelineError where the pipeline fails on
        a record, unless that is skipped; PartitioningError for topics that do not fit together; KafkaError where the
        broker refuses something, such as `topic_not_found`.
        """
        while (output := await self._running.next(timeout_ms)) is not None:
            yield output

    async def run(self, *, timeout_ms: int | None = None) -> None:
        """Process records until `stop`, or until none comes for so long; raises as `results` does."""
        async for _ in self.results(timeout_ms=timeout_ms):
            pass

    def left_out(self) -> dict[str, LeftOut]:
        """Return how many records each operator has left out here, by its node's name. (PROC-006)"""
        return self._running.left_out()

    def stop(self) -> None:
        """Let `run` and the iterations end after the record at hand. It may be called from any task or handler."""
        self._running.stop()

    async def close(self) -> None:
        """Stop, write and commit what is done with, and leave the group. It may be called twice. (RUN-004)"""
        await self._running.close()


def stream_of(session: Session, topic: str, value_type: Any) -> Stream[ClientPipeline]:
    """Return the records of a topic, whose values are of a type unless that is None."""
    stream = Stream.ending(topic, lambda ends: ClientPipeline(ends, session))
    return stream if value_type is None else stream.map(values_as(value_type))


def pipeline_of(session: Session, topology: Topology | Mapping[str, Any]) -> RunnablePipeline:
    """Return the pipeline that a topology or its document tells."""
    made = topology if isinstance(topology, Topology) else read_topology(topology)
    return RunnablePipeline(made, session)
