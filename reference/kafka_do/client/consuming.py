"""Where a member reads, and what it asks for next. (GROUP-051, GROUP-056, GROUP-057)

A position is the next record to read. A partition that the member has got has none at first. It is looked up: the
group's committed offset, and where there is none, or where the position lies outside the partition, the place where the
caller said to start. From then on only what was read moves it; a commit does not. (COMMIT-030)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, TypeVar

from msgspec import UNSET, UnsetType

from kafka_do.client.backoff import may_be_repeated
from kafka_do.client.membership import Partition
from kafka_do.client.messages import Message
from kafka_do.client.reading import records_of
from kafka_do.client.serializing import message_of
from kafka_do.core.broker import PartitionFailure, PartitionSlice
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import (
    CommitQuery,
    CommitQueryResponse,
    FetchPosition,
    FetchRequest,
    ItemError,
    OffsetQuery,
    OffsetsRequest,
    OffsetsResponse,
    TopicPartition,
)
from kafka_do.spec import SPEC

__all__ = ["Found", "Positions", "Start"]

Start = Literal["earliest", "latest"]

_MOST = SPEC.limits["max_partitions_per_fetch"]
_GONE = frozenset(("topic_not_found", "partition_not_found"))

Item = TypeVar("Item")


@dataclass(slots=True)
class Found:
    """What a fetch found: messages to hand out, and the partitions they are of.

    `stalled`: a partition cannot be read now, and asking again at once would not change that.
    """

    messages: list[Message] = field(default_factory=list)
    partitions: set[Partition] = field(default_factory=set)
    stalled: bool = False


class Positions:
    """The positions of a member in the partitions that it may read, and how far its caller has been given records."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._next: dict[Partition, int] = {}
        self._handed: dict[Partition, int] = {}
        self._at_start: set[Partition] = set()
        self._turns: list[Partition] = []

    def keep(self, *, assigned: frozenset[Partition], owned: frozenset[Partition]) -> None:
        """Forget the positions in all but the assigned partitions, and what was handed out of all but the owned.

        A partition that comes back is looked up again. (GROUP-051, GROUP-052, GROUP-057)
        """
        self._next = {one: offset for one, offset in self._next.items() if one in assigned}
        self._at_start &= assigned
        self._handed = {one: offset for one, offset in self._handed.items() if one in owned}

    def done(self, messages: Iterable[Message] | None) -> dict[Partition, int]:
        """Return for each partition the offset after the last record that the caller has done with. (COMMIT-027)

        None means everything that was handed out. Messages of a partition that the member has lost do not count.
        """
        if messages is None:
            return dict(self._handed)
        behind: dict[tuple[str, int], int] = {}
        for message in messages:
            place = message.topic, message.partition
            behind[place] = max(message.offset + 1, behind.get(place, 0))
        return {
            one: min(behind[one.topic, one.number], most)
            for one, most in self._handed.items()
            if (one.topic, one.number) in behind
        }

    def to_look_up(self, readable: Iterable[Partition]) -> list[Partition]:
        """Return partitions, as many as one request may name, whose committed offset is to be asked for."""
        unknown = (one for one in sorted(readable) if one not in self._next and one not in self._at_start)
        return list(islice(unknown, _MOST))

    def to_start(self, readable: Iterable[Partition]) -> list[Partition]:
        """Return partitions, as many as one request may name, that are to be read from where the caller said."""
        return list(islice((one for one in sorted(readable) if one in self._at_start), _MOST))

    def ask_committed(self, partitions: Sequence[Partition]) -> CommitQuery:
        """Return the question for committed offsets."""
        return CommitQuery(partitions=[TopicPartition(one.topic, one.number) for one in partitions])

    def take_committed(
        self, partitions: Sequence[Partition], answer: CommitQueryResponse, readable: frozenset[Partition]
    ) -> None:
        """Begin at the committed offsets; those without one are to be read from the start. (GROUP-056)

        Raises KafkaError where an item has one.
        """
        for partition, item in zip(partitions, _matched(partitions, answer.partitions), strict=True):
            if _is_gone(item.error) or partition not in readable:
                continue
            if isinstance(item.committed_offset, int):
                self._next[partition] = item.committed_offset
            else:
                self._at_start.add(partition)

    def ask_start(self, partitions: Sequence[Partition]) -> OffsetsRequest:
        """Return the question for the place where the caller said to start."""
        return OffsetsRequest([OffsetQuery(one.topic, one.number, at=self._start) for one in partitions])

    def take_start(
        self, partitions: Sequence[Partition], answer: OffsetsResponse, readable: frozenset[Partition]
    ) -> None:
        """Begin at the start; raises KafkaError where an item has one."""
        for partition, item in zip(partitions, _matched(partitions, answer.partitions), strict=True):
            if not _is_gone(item.error) and partition in readable and isinstance(item.offset, int):
                self._next[partition] = item.offset
                self._at_start.discard(partition)

    def ask_records(self, readable: frozenset[Partition], max_wait_ms: int) -> FetchRequest | None:
        """Return the next fetch, None while no position is known. Who was first in the last one is last now."""
        placed = readable & self._next.keys()
        known = [one for one in self._turns if one in placed]
        known += sorted(placed.difference(known))
        self._turns = [*known[1:], *known[:1]]
        if not known:
            return None
        places = [FetchPosition(one.topic, one.number, self._next[one], topic_id=one.topic_id) for one in known[:_MOST]]
        return FetchRequest(partitions=places, max_wait_ms=max_wait_ms)

    def take_records(
        self, asked: FetchRequest, parts: Sequence[PartitionSlice | PartitionFailure], readable: frozenset[Partition]
    ) -> Found:
        """Return what is to be handed out; what was found where the member may not read any more is dropped.

        Raises KafkaError where a partition has one that waiting does not end, and there is nothing to hand out.
        """
        found = Found()
        refused: KafkaError | None = None
        for place, part in zip(asked.partitions, _matched(asked.partitions, parts), strict=True):
            partition = Partition(place.topic, str(place.topic_id), place.partition)
            if partition not in readable or self._next.get(partition) != place.offset:
                continue
            if isinstance(part, PartitionSlice):
                self._hand_out(partition, part, found)
            elif part.error.code == "offset_out_of_range":
                del self._next[partition]
                self._at_start.add(partition)
            elif may_be_repeated(part.error) or part.error.code in _GONE:
                found.stalled = True
            else:
                refused = part.error
        if refused is not None and not found.messages:
            raise refused
        return found

    def _hand_out(self, partition: Partition, part: PartitionSlice, found: Found) -> None:
        self._next[partition] = part.next_offset
        records = records_of(part.records)
        if records:
            found.messages += [message_of(part.topic, part.partition, record) for record in records]
            found.partitions.add(partition)
            self._handed[partition] = records[-1].offset + 1


def _matched(asked: Sequence[object], items: Sequence[Item]) -> Sequence[Item]:
    if len(items) != len(asked):
        raise KafkaError("disconnected", f"{len(asked)} partitions were asked for and {len(items)} are in the answer")
    return items


def _is_gone(error: ItemError | UnsetType) -> bool:
    """Whether a partition is no more, as a heartbeat's answer will tell; raises KafkaError for any other error."""
    if error is UNSET:
        return False
    if error.code in _GONE:
        return True
    raise error_of_item(error)
