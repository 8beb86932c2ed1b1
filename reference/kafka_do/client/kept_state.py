"""What the operators of a task have to remember, between their memory and its changelog. (RUN-017, RUN-018)"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from kafka_do.client.changelog import STATE_ADVICE, Changelog, Position, Source, StateError, Store
from kafka_do.client.membership import Partition
from kafka_do.client.serializing import data_of
from kafka_do.client.stream_records import Origin
from kafka_do.spec import SPEC
from kafka_do.streams import nodes
from kafka_do.streams.keeping import Noted
from kafka_do.streams.nodes import Node
from kafka_do.streams.plan import Plan
from kafka_do.streams.record import StreamRecord
from kafka_do.streams.task import ProcessingError, Task

__all__ = ["KeptState"]

_MOST_ENTRIES = SPEC.limits["max_records_per_request"] // 4
_MOST_BYTES = SPEC.limits["max_batch_bytes"] // 4


class KeptState:
    """The state of a task: `note` takes what a record has changed, `seal` says that it counts, `write` writes it."""

    def __init__(self, plan: Plan, operators: Task, partitions: Collection[Partition], changelog: Changelog) -> None:
        topics = {one.topic for one in partitions}
        names = next(unit.stores for unit in plan.units if topics == set(unit.topics))
        self._partitions = {one.topic: one for one in partitions}
        self._changelog = changelog
        self._stores = {name: operators.stores[name] for name in names}
        self._shapes = {node.node: _shape(node) for node in plan.topology.nodes if node.node in self._stores}
        self._fresh: dict[str, bytes | None] = {}
        self._fresh_closed: list[str] = []
        self._changed: dict[str, bytes | None] = {}
        self._closed: list[str] = []
        self._bytes = 0
        self._moved: dict[tuple[str, int], Origin] = {}
        self._fresh_moved: Origin | None = None
        self._sealed = self._told()

    @property
    def is_heavy(self) -> bool:
        """Whether what has changed comes near the largest batch."""
        return len(self._changed) > _MOST_ENTRIES or self._bytes > _MOST_BYTES

    async def restore(self) -> dict[Partition, int]:
        """Take the state from the changelog; return where each partition is to be read on. Raises StateError."""
        position, entries = await self._changelog.take_over()
        offsets: dict[Partition, int] = {}
        if position is not None:
            self._check(position)
            for name, store in position.stores.items():
                operator = self._stores[name]
                operator.time, operator.late, operator.ignored = store.time, store.late, store.ignored
            self._moved = {(origin.topic_id, origin.partition): origin for origin in position.moved}
            offsets = {self._partitions[source.topic]: source.next_offset for source in position.sources}
        for name, value in entries.items():
            self._restore(name, value)
        for operator in self._stores.values():
            operator.noted = Noted()
        self._sealed = self._told()
        return offsets

    def is_new(self, origin: Origin) -> bool:
        """Whether a record that was moved here has not been here before. (RUN-019)

        Whoever moves records of a partition does so in their order, and again from a place that was moved already:
        what is not behind the furthest one was here.
        """
        before = self._moved.get((origin.topic_id, origin.partition))
        if before is not None and origin <= before:
            return False
        self._fresh_moved = origin
        return True

    def note(self, record: StreamRecord) -> None:
        """Take what the record has changed; raises ProcessingError for a state that JSON cannot say."""
        for node, operator in self._stores.items():
            noted, operator.noted = operator.noted or Noted(), Noted()
            for name, value in noted.changed.items():
                try:
                    self._fresh[f"{node}/{name}"] = data_of(value)
                except (TypeError, ValueError) as error:
                    raise ProcessingError(node, record, error) from error
            self._fresh_closed += [f"{node}/{name}" for name in noted.closed]

    def seal(self) -> None:
        """Let what was noted count."""
        self._changed |= self._fresh
        self._bytes += sum(len(name) + len(value or b"") for name, value in self._fresh.items())
        for name in self._fresh_closed:
            self._changed.pop(name, None)
        self._closed += self._fresh_closed
        self._fresh, self._fresh_closed = {}, []
        if (origin := self._fresh_moved) is not None:
            self._moved[origin.topic_id, origin.partition] = origin
            self._fresh_moved = None
        self._sealed = self._told()

    async def write(self, next_offsets: Mapping[Partition, int | None]) -> None:
        """Append what counts, with how far the partitions were read; raises KafkaError."""
        sources = [Source(one.topic, one.topic_id, at) for one, at in sorted(next_offsets.items()) if at is not None]
        await self._changelog.write(Position(sources, self._sealed, list(self._moved.values())), self._changed)
        self._changed, self._bytes = {}, 0
        closed, self._closed = self._closed, []
        await self._changelog.sweep(closed)

    def _told(self) -> dict[str, Store]:
        return {
            name: Store(self._shapes[name], operator.time, operator.late, operator.ignored)
            for name, operator in self._stores.items()
        }

    def _check(self, position: Position) -> None:
        told = {name: store.shape for name, store in position.stores.items()}
        if told != self._shapes:
            there, here = (msgspec.json.encode(shapes).decode() for shapes in (told, self._shapes))
            raise StateError(f"the state of the group is that of {there}, not of {here}; {STATE_ADVICE}")
        for source in position.sources:
            partition = self._partitions.get(source.topic)
            if partition is None or partition.topic_id != source.topic_id:
                raise StateError(f"the state is of a topic {source.topic} that is no more; {STATE_ADVICE}")

    def _restore(self, name: str, value: bytes) -> None:
        node, _, entry = name.partition("/")
        try:
            is_open = self._stores[node].restore(entry, msgspec.json.decode(value))
        except (KeyError, ValueError, TypeError) as error:
            raise StateError(f"the entry {name!r} is of no operator here: {error}; {STATE_ADVICE}") from None
        if not is_open:
            self._closed.append(name)


def _shape(node: Node) -> Any:
    """Return what the entries of an operator depend on, as it is in JSON."""
    window = getattr(node, "window", msgspec.UNSET)
    kind = node.within if isinstance(node, nodes.Join) else None if window is msgspec.UNSET else window
    return msgspec.json.decode(msgspec.json.encode([node.__struct_config__.tag, kind]))
