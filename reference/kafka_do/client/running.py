"""A pipeline at work on a broker, for one caller: everything but the waiting. (chapter running.md)

Records go this way: polled by a member of the group, put before the task of their partition, taken one by one. What a
record gives is `fresh` until the caller comes back for more: then the record is done with, and what it gave may be
written. `_settle` writes it, and then commits the records: never the other way round. (RUN-002)
"""

import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from kafka_do.client import options
from kafka_do.client.administering import Administering
from kafka_do.client.backoff import may_be_repeated
from kafka_do.client.changelog import TAKEN_BY_OTHERS, Changelog
from kafka_do.client.consuming import Start
from kafka_do.client.group_reading import GroupReading
from kafka_do.client.letters import dead_letter
from kafka_do.client.messages import ReadMessage
from kafka_do.client.misfits import DeadLetters, Fate, check_fate
from kafka_do.client.reading_options import reading_of, subscription_of
from kafka_do.client.sending import Sending
from kafka_do.client.serializing import record_to_send
from kafka_do.client.session import Session
from kafka_do.client.stream_records import Origin, UnfitError, moved_record, written_record
from kafka_do.client.stream_tasks import LiveTask, TakenMessage, Tasks
from kafka_do.core.errors import KafkaError
from kafka_do.streams import nodes
from kafka_do.streams.driver import Output
from kafka_do.streams.plan import PartitioningError, Plan, Unit, plan_of, sources_of
from kafka_do.streams.record import StreamRecord
from kafka_do.streams.task import LeftOut, ProcessingError
from kafka_do.streams.topology import Topology

if TYPE_CHECKING:
    from kafka_do.core.records import Record

__all__ = ["PipelineError", "RunOptions", "Running"]

_MOST_OUTPUTS = 10_000
_KEPT = {"retention.ms": "-1", "retention.bytes": "-1"}
_COMPACTED = {"cleanup.policy": "compact"}
_OTHERS_HAVE_IT = ("rebalance_in_progress", "unknown_member", "fenced_member_epoch")


class PipelineError(Exception):
    """A pipeline has stopped at a record: at `topic`, `partition`, `offset`; `node` failed, if one did. (RUN-005)

    `__cause__` is what was raised there.
    """

    def __init__(self, message: ReadMessage[Any], node: str | None, cause: Exception) -> None:
        where = f"{message.topic}-{message.partition}, offset {message.offset}"
        words = f"{type(cause).__name__}: {cause}" if node else str(cause)
        super().__init__(f"{where}: {f'{node}: ' if node else ''}{words}")
        self.topic = message.topic
        self.partition = message.partition
        self.offset = message.offset
        self.node = node


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How a pipeline runs; `group` None is one of its own, which ends with it."""

    group: str | None
    start: Start
    on_error: Fate
    max_poll_records: int
    session_timeout_ms: int | None

    def check(self, topology: Topology) -> None:
        """Raise ValueError for what does not go together."""
        written = [node.topic for node in topology.nodes if isinstance(node, nodes.To | nodes.Through)]
        if self.group is None and written:
            words = "goes on where it stopped under the name of its group: give one, such as group='premium-orders'"
            raise ValueError(f"a pipeline that writes to {written[0]} {words}")
        check_fate(on_error=self.on_error)


class Running:
    """A pipeline in its group, from the first call of `next` until `close`."""

    def __init__(self, session: Session, topology: Topology, how: RunOptions) -> None:
        how.check(topology)
        self.group = how.group or f"stream-{uuid.uuid4()}"
        self._session = session
        self._runtime = session.runtime
        self._topology = topology
        self._how = how
        self._turn = session.runtime.turn()
        self._stopping = False
        self._closed = False
        self._broken = False
        self._reading: GroupReading[TakenMessage] | None = None
        self._tasks: Tasks | None = None
        self._internal: Mapping[str, int] = {}
        self._senders: dict[str, Sending] = {}
        self._counts: dict[str, int] = {}
        self._results: deque[Output] = deque()
        self._fresh: list[tuple[str, Record]] = []
        self._given: list[tuple[str, Record]] = []
        self._is_heavy = False
        self._join_until_ms = 0
        self._at: tuple[LiveTask, TakenMessage] | None = None
        session.parts.add(self)

    async def next(self, timeout_ms: int | None) -> Output | None:
        """Return the next result; None if no record comes within the time, or after `stop`.

        Asking says that the result before is done with. Raises PipelineError, KafkaError, PartitioningError.
        """
        async with self._turn:
            self._check()
            if self._reading is None:
                await self._begin()
            until_ms = self._until(timeout_ms)
            while not self._results:
                self._seal()
                if self._stopping:
                    return None
                if self._is_heavy:
                    await self._settle()
                elif (taken := self._assigned_tasks().next()) is not None:
                    await self._take(*taken)
                else:
                    await self._settle()
                    if await self._poll(until_ms):
                        until_ms = self._until(timeout_ms)
                    elif until_ms is not None and self._runtime.now_ms() >= until_ms:
                        return None
            return self._results.popleft()

    def stop(self) -> None:
        """Let `next` return None once the record at hand is done with. It may be called from anywhere."""
        self._stopping = True

    def left_out(self) -> dict[str, LeftOut]:
        """Return how many records each operator has left out here, by its node's name. (PROC-006)"""
        return {} if self._tasks is None else self._tasks.left_out()

    async def close(self) -> None:
        """Write and commit what is done with, and leave the group. It may be called twice. (RUN-004)"""
        self.stop()
        async with self._turn:
            if self._closed:
                return
            self._closed = True
            try:
                if not self._broken:
                    await self._settle()
            finally:
                await self._leave()

    async def _leave(self) -> None:
        self._session.parts.discard(self)
        if self._reading is not None:
            await self._reading.close()
            if self._how.group is None:
                await self._forget()

    async def _forget(self) -> None:
        """Delete the group and the topics that nobody else has a use for; what fails is told to the log."""
        admin = Administering(self._session)
        try:
            await admin.delete_group(self.group)
            for topic in self._internal:
                await admin.delete_topic(topic)
        except KafkaError as error:
            if error.code != "group_not_found":
                self._session.log.warning("The group %s was not deleted: %s", self.group, error)

    def _check(self) -> None:
        self._session.check()
        if self._closed:
            raise KafkaError("closed", "this pipeline is closed")
        if self._broken:
            raise KafkaError("closed", "this pipeline has stopped with an error; start it again")

    def _until(self, timeout_ms: int | None) -> int | None:
        return None if timeout_ms is None else self._runtime.now_ms() + timeout_ms

    def _assigned_tasks(self) -> Tasks:
        assert self._tasks is not None  # noqa: S101  `_begin` comes first
        return self._tasks

    # The beginning

    async def _begin(self) -> None:
        """Find the topics, and join. (RUN-001)"""
        admin = Administering(self._session)
        topics = {}
        for topic in sources_of(self._topology):
            topics[topic] = await admin.describe_topic(topic)
        plan = plan_of(
            self._topology, group=self.group, counts={name: one.partition_count for name, one in topics.items()}
        )
        for topic in self._written():
            self._counts[topic] = await self._count_of(admin, topic)
        self._internal = plan.internal
        for topic, count in plan.internal.items():
            await self._make(admin, topic, count, _KEPT)
        ids = {name: one.topic_id for name, one in topics.items()}
        for unit in plan.units:
            if (name := self._changelog_topic(unit)) is not None:
                await self._make(admin, name, unit.partitions, _COMPACTED)
        is_alone = self._how.group is None
        self._tasks = Tasks(admin, plan, ids, self._emit(plan), self._changelog, is_alone=is_alone)
        subscription = subscription_of(
            [topic for unit in plan.units for topic in unit.topics],
            self.group,
            instance_id=None,
            assignor="range",
            session_timeout_ms=self._how.session_timeout_ms,
            heartbeat_interval_ms=None,
            rebalance_timeout_ms=options.DEFAULT_REBALANCE_TIMEOUT_MS,
        )
        reading = reading_of(
            start=self._how.start,
            auto_commit=False,
            auto_commit_interval_ms=options.DEFAULT_AUTO_COMMIT_INTERVAL_MS,
            max_poll_records=self._how.max_poll_records,
            fetch_min_bytes=options.DEFAULT_FETCH_MIN_BYTES,
            fetch_max_bytes=options.DEFAULT_FETCH_MAX_BYTES,
            fetch_max_wait_ms=options.DEFAULT_FETCH_MAX_WAIT_MS,
            on_assigned=None,
            on_revoked=None,
            on_lost=None,
            value_type=None,
            on_misfit=options.DEFAULT_ON_MISFIT,
        )
        self._join_until_ms = self._runtime.now_ms() + self._session.timeout_ms
        # Which partitions wait for others changes with each message: what is fetched ahead would often be dropped.
        self._reading = GroupReading(self._session, subscription, msgspec.structs.replace(reading, fetches_ahead=False))
        self._reading.start(self, ReadMessage)
        self._session.parts.discard(self._reading)  # it is closed by this one, which commits before

    def _written(self) -> list[str]:
        written = [node.topic for node in self._topology.nodes if isinstance(node, nodes.To | nodes.Through)]
        return [*written, self._how.on_error.topic] if isinstance(self._how.on_error, DeadLetters) else written

    async def _count_of(self, admin: Administering, topic: str) -> int:
        """Return the number of partitions of a topic that is written, and may still have to be created."""
        try:
            return (await admin.describe_topic(topic)).partition_count
        except KafkaError as error:
            created = await self._session.count_if_created() if error.code == "topic_not_found" else None
            if created is None:
                raise
            return created

    def _changelog_topic(self, unit: Unit) -> str | None:
        """Return where the state of a unit is kept; nowhere for a pipeline that ends with its group. (RUN-017)"""
        return f"{self.group}-{unit.stores[0]}-changelog" if unit.stores and self._how.group is not None else None

    def _changelog(self, unit: Unit, number: int) -> Changelog | None:
        topic = self._changelog_topic(unit)
        return None if topic is None else Changelog(self._session, topic, number)

    async def _make(self, admin: Administering, topic: str, count: int, wanted: Mapping[str, str]) -> None:
        """Create an internal topic, unless it is there; raises PartitioningError for one of another size. (RUN-013)"""
        configs = wanted if await self._session.offers("retention") else {}
        try:
            await admin.create_topic(topic, partitions=count, retention_ms=None, configs=configs)
        except KafkaError as error:
            if error.code != "topic_already_exists":
                raise
            found = await admin.describe_topic(topic)
            if found.partition_count != count:
                words = f"{topic} has {found.partition_count} partitions, and the topics that are read now need {count}"
                raise PartitioningError(f"{words}. Delete it, or run the pipeline in another group") from None

    # One record

    def _emit(self, plan: Plan) -> Callable[[str | None, StreamRecord], None]:
        def emit(topic: str | None, record: StreamRecord) -> None:
            if topic is None:
                self._results.append(Output(None, record.key, record.value, record.timestamp_ms, record.window))
            elif topic in plan.internal:
                self._fresh.append((topic, moved_record(record, self._origin())))
            else:
                self._fresh.append((topic, written_record(record, self._counts[topic])))

        return emit

    def _origin(self) -> Origin:
        """Return what the record at hand is to whoever gets what it gives."""
        assert self._at is not None  # noqa: S101  something is given by a record only
        message = self._at[1]
        return Origin(message.origin.partition.topic_id, message.partition, message.offset, len(self._fresh))

    async def _take(self, task: LiveTask, message: TakenMessage) -> None:
        """Process one record; where that fails, do as the caller has said. (RUN-005 to RUN-008)"""
        self._at = task, message
        try:
            task.process(message)
        except (ProcessingError, UnfitError) as error:
            self._fresh.clear()
            self._results.clear()
            await self._fail(message, error)

    async def _fail(self, message: TakenMessage, error: ProcessingError | UnfitError) -> None:
        node, cause = None, error.__cause__ if isinstance(error, ProcessingError) else error
        if isinstance(error, ProcessingError):
            node = self._assigned_tasks().node_name(error.node)
        failure = PipelineError(message, node, cause if isinstance(cause, Exception) else error)
        if self._how.on_error == "raise":
            self._at = None
            await self._settle()
            self._broken = True
            raise failure from cause
        self._session.log.warning("The pipeline of the group %s goes on behind a failure: %s", self.group, failure)
        if isinstance(self._how.on_error, DeadLetters):
            letter = record_to_send(dead_letter(message, cause))
            self._fresh.append((self._how.on_error.topic, letter))

    def _seal(self) -> None:
        """Take it that the record at hand is done with: what it gave may be written. (RUN-004)"""
        if self._at is not None:
            task, message = self._at
            task.seal(message)
            self._is_heavy = task.is_heavy or len(self._given) > _MOST_OUTPUTS
            self._given += self._fresh
            self._fresh.clear()
            self._at = None

    # What is done with

    async def _settle(self) -> None:
        """Write what was given, and when that is acknowledged commit the records that gave it. (RUN-002, RUN-017)"""
        if self._reading is None:
            return
        self._broken = True
        await self._write()
        await self._keep_states()
        await self._commit(self._reading)
        self._is_heavy = self._broken = False

    async def _keep_states(self) -> None:
        tasks = self._assigned_tasks()
        for task in tasks.running():
            try:
                await task.settle()
            except KafkaError as error:
                if error.code not in TAKEN_BY_OTHERS:
                    raise
                self._session.log.warning("Another process has a task of the group %s: %s", self.group, error)
                tasks.drop(task)

    async def _write(self) -> None:
        by_topic: dict[str, list[Record]] = {}
        for topic, record in self._given:
            by_topic.setdefault(topic, []).append(record)
        for topic, records in by_topic.items():
            await self._sender(topic).send_batch(records)
        self._given.clear()

    def _sender(self, topic: str) -> Sending:
        if topic not in self._senders:
            self._senders[topic] = Sending(self._session, topic, idempotent=None, acks="all", retries=None)
        return self._senders[topic]

    async def _commit(self, reading: GroupReading[TakenMessage]) -> None:
        done = self._assigned_tasks().take_done()
        if not done:
            return
        try:
            await reading.commit(done)
        except KafkaError as error:
            if error.code not in _OTHERS_HAVE_IT:
                raise
            self._session.log.warning("The group %s has given partitions to others: %s", self.group, error)

    # What comes

    async def _poll(self, until_ms: int | None) -> bool:
        """Wait for records, for a moment at most; return whether there is something to go on waiting for.

        That is so where some came, where tasks have come or gone, and until the group has answered.
        """
        reading, tasks = self._reading, self._assigned_tasks()
        assert reading is not None  # noqa: S101  `_begin` comes first
        most_ms = options.DEFAULT_FETCH_MAX_WAIT_MS
        wait_ms = most_ms if until_ms is None else max(0, min(most_ms, until_ms - self._runtime.now_ms()))
        try:
            messages = await reading.poll(wait_ms)
        except KafkaError as error:
            if not may_be_repeated(error):
                raise
            self._session.log.warning("The pipeline of the group %s waits: %s", self.group, error)
            messages = []
        has_changed = await tasks.follow(reading, messages)
        is_joining = not reading.has_joined() and self._runtime.now_ms() < self._join_until_ms
        return bool(messages) or has_changed or is_joining
