"""The tasks of a pipeline in one process: which there are, and whose turn it is. (RUN-011, RUN-016)

A task is partition n of each topic of a unit. It is here while the member has all of these: until then, and when one of
them has gone, nothing of it is processed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kafka_do.client.administering import Administering
from kafka_do.client.changelog import Changelog
from kafka_do.client.group_reading import GroupReading
from kafka_do.client.kept_state import KeptState
from kafka_do.client.membership import Partition
from kafka_do.client.messages import ReadMessage
from kafka_do.client.stream_records import record_of_message, record_of_moved
from kafka_do.core.errors import KafkaError
from kafka_do.streams.plan import PartitioningError, Plan, Unit
from kafka_do.streams.record import StreamRecord
from kafka_do.streams.task import LeftOut, Task

__all__ = ["LiveTask", "TakenMessage", "Tasks"]

TakenMessage = ReadMessage[Any]

_MOST_WAITING = 1000


class _Name(NamedTuple):
    """A task: the number of its unit, and that of its partitions."""

    unit: int
    number: int


class LiveTask:
    """A task that runs here: its operators with their state, and records that wait for their turn.

    With a `changelog` the state is kept there: `open` restores it, and `settle` writes what has become of it.
    """

    def __init__(
        self,
        partitions: Iterable[Partition],
        losses: int,
        plan: Plan,
        emit: Callable[[str | None, StreamRecord], None],
        changelog: Changelog | None = None,
    ) -> None:
        self.partitions = frozenset(partitions)
        self.losses = losses
        self.next_offsets: dict[Partition, int | None] = dict.fromkeys(self.partitions)
        self.operators = Task(plan.topology, emit)
        self._internal = plan.internal
        self._done: dict[Partition, TakenMessage] = {}
        self._waiting: dict[Partition, deque[TakenMessage]] = {one: deque() for one in sorted(self.partitions)}
        self._state = None if changelog is None else KeptState(plan, self.operators, self.partitions, changelog)

    async def open(self) -> dict[Partition, int | None]:
        """Restore the state; return where to read, None for the start; nothing where the group's commits tell that.

        Raises StateError, KafkaError.
        """
        if self._state is None:
            return {}
        self.next_offsets |= await self._state.restore()
        return self.next_offsets

    def put(self, message: TakenMessage) -> None:
        """Put a record behind those that wait."""
        self._waiting[message.origin.partition].append(message)

    def next(self, read_to_end: frozenset[Partition]) -> TakenMessage | None:
        """Return the record whose turn it is: the earliest, once each partition has one or has none left. (RUN-011)"""
        heads = [waiting for waiting in self._waiting.values() if waiting]
        if not heads or not all(waiting or one in read_to_end for one, waiting in self._waiting.items()):
            return None
        return min(heads, key=_time_of_first).popleft()

    def full(self) -> Iterator[Partition]:
        """Yield the partitions of which so much waits that no more is to be read."""
        return (one for one, waiting in self._waiting.items() if len(waiting) >= _MOST_WAITING)

    def process(self, message: TakenMessage) -> None:
        """Take a record through the pipeline, once if it was moved twice; raises ProcessingError, UnfitError."""
        if message.topic in self._internal:
            record, origin = record_of_moved(message)
            if self._state is not None and not self._state.is_new(origin):
                return
        else:
            record = record_of_message(message)
        self.operators.process(message.topic, record)
        if self._state is not None:
            self._state.note(record)

    def seal(self, message: TakenMessage) -> None:
        """Note that a record is done with."""
        partition = message.origin.partition
        self._done[partition] = message
        self.next_offsets[partition] = message.offset + 1
        if self._state is not None:
            self._state.seal()

    @property
    def is_heavy(self) -> bool:
        """Whether so much of the state has changed that it is to be written before the next record."""
        return self._state is not None and self._state.is_heavy

    async def settle(self) -> None:
        """Write what has become of the state; raises KafkaError."""
        if self._state is not None and self._done:
            await self._state.write(self.next_offsets)

    def take_done(self) -> list[TakenMessage]:
        """Return the last record of each partition that is done with since the call before."""
        done = list(self._done.values())
        self._done.clear()
        return done

    def begin_again(self, losses: int) -> None:
        """Go on after the group has forgotten the member: what waits will be read again."""
        self.losses = losses
        self._done.clear()
        for waiting in self._waiting.values():
            waiting.clear()


class Tasks:
    """The tasks of one member. `is_alone`: nobody else can have run them meanwhile, whatever the group says."""

    def __init__(
        self,
        admin: Administering,
        plan: Plan,
        topic_ids: Mapping[str, str],
        emit: Callable[[str | None, StreamRecord], None],
        changelog_of: Callable[[Unit, int], Changelog | None],
        *,
        is_alone: bool,
    ) -> None:
        self._admin = admin
        self._plan = plan
        self._topic_ids = dict(topic_ids)
        self._emit = emit
        self._changelog_of = changelog_of
        self._is_alone = is_alone
        self._unit_of = {topic: number for number, unit in enumerate(plan.units) for topic in unit.topics}
        self._tasks: dict[_Name, LiveTask] = {}
        self._of: dict[Partition, LiveTask] = {}
        self._standing: tuple[int, frozenset[Partition]] = (-1, frozenset())
        self._paused: set[Partition] = set()
        self._read_to_end: frozenset[Partition] = frozenset()
        self._turns: deque[LiveTask] = deque()

    def node_name(self, node: str) -> str:
        """Return the name of a node as the user knows it."""
        return self._plan.named.get(node, node)

    def left_out(self) -> dict[str, LeftOut]:
        """Return what each operator with a state has left out, in all tasks together."""
        found: dict[str, LeftOut] = {}
        for task in self._tasks.values():
            for node, left in task.operators.left_out().items():
                late, ignored = found.get(node, LeftOut(0, 0))
                found[node] = LeftOut(late + left.late, ignored + left.ignored)
        return found

    def next(self) -> tuple[LiveTask, TakenMessage] | None:
        """Return the next record to take, and its task; None when more has to be read first."""
        while self._turns:
            task = self._turns[0]
            if (message := task.next(self._read_to_end)) is not None:
                return task, message
            self._turns.popleft()
        return None

    def take_done(self) -> list[TakenMessage]:
        """Return the last record of each partition that is done with since the call before."""
        return [message for task in self._tasks.values() for message in task.take_done()]

    async def follow(self, reading: GroupReading[TakenMessage], messages: Sequence[TakenMessage]) -> bool:
        """Take what was polled, and what the group has given and taken away since; return whether it has.

        Raises KafkaError, and PartitioningError.
        """
        standing = reading.standing()
        positions: dict[Partition, int | None] = {}
        has_changed = standing != self._standing
        if has_changed:
            await self._check_topics()
            positions = await self._rearrange(*standing)
            self._standing = standing
        for message in messages:
            partition = message.origin.partition
            task = self._of.get(partition)
            if task is None:
                positions.setdefault(partition, message.offset)  # it waits until the task is whole
            elif partition not in positions and message.origin.losses == task.losses:
                task.put(message)
        running = self._of.keys()
        paused = {one for one in standing[1] if one not in running}
        paused.update(one for task in self._tasks.values() for one in task.full())
        if positions or paused != self._paused:
            reading.arrange(positions, paused)
            self._paused = paused
        self._read_to_end = reading.read_to_end()
        self._turns = deque(self._tasks.values())
        return has_changed

    def drop(self, task: LiveTask) -> None:
        """Let a task go that another process has taken over; if it is still this member's, it begins anew."""
        self._tasks = {name: one for name, one in self._tasks.items() if one is not task}
        self._of = {one: other for one, other in self._of.items() if other is not task}
        self._turns = deque(other for other in self._turns if other is not task)
        self._standing = (-1, frozenset())

    def running(self) -> Sequence[LiveTask]:
        """Return the tasks that run here."""
        return list(self._tasks.values())

    async def _rearrange(self, losses: int, assigned: frozenset[Partition]) -> dict[Partition, int | None]:
        """Let go the tasks of which something has gone, begin those that are whole now; return where to read."""
        whole = dict(self._whole(assigned))
        positions: dict[Partition, int | None] = {}
        kept = self._tasks if self._is_alone else {}
        self._tasks = {
            name: task
            for name, task in self._tasks.items()
            if task.partitions == whole.get(name, frozenset()) and task.losses == losses
        }
        for name, partitions in whole.items():
            if name in self._tasks:
                continue
            before = kept.get(name)
            if before is not None and before.partitions == partitions:
                before.begin_again(losses)
                self._tasks[name] = before
                positions.update(before.next_offsets)
            else:
                changelog = self._changelog_of(self._plan.units[name.unit], name.number)
                self._tasks[name] = task = LiveTask(partitions, losses, self._plan, self._emit, changelog)
                positions.update(await task.open())
        self._of = {one: task for task in self._tasks.values() for one in task.partitions}
        return positions

    def _whole(self, assigned: frozenset[Partition]) -> Iterator[tuple[_Name, frozenset[Partition]]]:
        """Yield the tasks of which the member has all partitions."""
        found: dict[_Name, set[Partition]] = {}
        for one in assigned:
            found.setdefault(_Name(self._unit_of[one.topic], one.number), set()).add(one)
        for name, partitions in sorted(found.items()):
            if len(partitions) == len(self._plan.units[name.unit].topics):
                yield name, frozenset(partitions)

    async def _check_topics(self) -> None:
        """Raise KafkaError for a topic that has gone, PartitioningError where one has grown below a state. (RUN-016)"""
        for topic, ident in self._topic_ids.items():
            described = await self._admin.describe_topic(topic)
            if described.topic_id != ident:
                words = f"{topic} was deleted, and is another topic now; what was read is not of it"
                raise KafkaError("topic_not_found", words, topic=topic)
            unit = self._plan.units[self._unit_of[topic]]
            if unit.stores and described.partition_count != unit.partitions:
                raise PartitioningError(
                    f"{unit.stores[0]}: {topic} has {described.partition_count} partitions now, and the state is that"
                    f" of {unit.partitions}; the records of a key may have moved. Start it again in another group"
                )


def _time_of_first(waiting: deque[TakenMessage]) -> int:
    return waiting[0].timestamp_ms or 0
