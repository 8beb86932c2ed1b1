"""Where a member reads, and what it asks for next. (GROUP-051, GROUP-056, GROUP-057)

A position is the next record to read. A partition that the member has got has none at first. It is looked up: the
group's committed offset, and where there is none, or where the position lies outside the partition, the place where the
caller said to start. From then on only what was read moves it; a commit does not. (COMMIT-030)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from msgspec import UNSET, UnsetType

from kafka_do.client.backoff import may_be_repeated
from kafka_do.client.membership import Partition
from kafka_do.client.messages import ReadMessage, milliseconds
from kafka_do.client.reading import records_of
from kafka_do.client.serializing import messages_of
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

__all__ = ["Found", "Origin", "Positions", "Start", "check_start"]

Start = Literal["earliest", "latest"] | datetime | int
"""Where to read where nothing is committed: a place by name, the first record of a time or later, or an offset."""

Received = ReadMessage[Any]

_MOST = SPEC.limits["max_partitions_per_fetch"]
_GONE = frozenset(("topic_not_found", "partition_not_found"))

Item = TypeVar("Item")


class Origin(NamedTuple):
    """Whose message one is: the consumer that gave it, the partition, and how often the member had lost everything."""

    consumer: object
    partition: Partition
    losses: int


def check_start(start: object) -> None:
    """Raise ValueError or TypeError for what no partition can begin at."""
    names = get_args(get_args(Start)[0])
    if isinstance(start, str) and start not in names:
        raise ValueError(f"start has to be {' or '.join(names)}, a datetime or an offset, unlike {start!r}")
    if isinstance(start, bool) or not isinstance(start, str | datetime | int):
        raise TypeError(f"start has to be {' or '.join(names)}, a datetime or an offset, unlike {start!r}")
    if isinstance(start, int) and start < 0:
        raise ValueError(f"an offset to start at is not negative, unlike {start}")


@dataclass(slots=True)
class Found:
    """What a fetch found: messages to hand out, and the partitions they are of.

    `stalled`: a partition cannot be read now, and asking again at once would not change that.
    """

    messages: list[Received] = field(default_factory=list)
    partitions: set[Partition] = field(default_factory=set)
    stalled: bool = False


class Positions:
    """The positions of a member in the partitions that it may read, and how far its caller has been given records.

    `limits` are `max_records`, `max_bytes` and `min_bytes` of a fetch.
    """

    def __init__(self, start: Start, *, limits: Mapping[str, Any] | None = None) -> None:
        self._start = start
        self._make: Callable[..., Received] = ReadMessage
        self._decode: Callable[[bytes | None], Any] | None = None
        self._consumer: object = None
        self._limits = dict(limits or {})
        self._next: dict[Partition, int] = {}
        self._handed: dict[Partition, int] = {}
        self._last: Received | None = None
        self._stored: dict[Partition, int] = {}
        self._at_start: set[Partition] = set()
        self._paused: set[Partition] = set()
        self._turns: list[Partition] = []
        self._ends: dict[Partition, int] = {}

    def hand_to(
        self,
        consumer: object,
        make: Callable[..., Received],
        decode: Callable[[bytes | None], Any] | None = None,
    ) -> None:
        """Say who the caller is, and what makes its messages and their values."""
        self._consumer = consumer
        self._make = make
        self._decode = decode

    @property
    def paused(self) -> frozenset[Partition]:
        """What is not read for the moment."""
        return frozenset(self._paused)

    def keep(self, *, assigned: frozenset[Partition], owned: frozenset[Partition]) -> None:
        """Forget the positions in all but the assigned partitions, and what was handed out of all but the owned.

        A partition that comes back is looked up again. (GROUP-051, GROUP-052, GROUP-057)
        """
        self._note_last()
        self._next = {one: offset for one, offset in self._next.items() if one in assigned}
        self._ends = {one: offset for one, offset in self._ends.items() if one in assigned}
        self._at_start &= assigned
        self._paused &= assigned
        self._handed = {one: offset for one, offset in self._handed.items() if one in owned}
        self._stored = {one: offset for one, offset in self._stored.items() if one in owned}

    def hand_out(self, messages: Iterable[Received]) -> None:
        """Note that the caller has been given messages, in their order."""
        self._forget_last()
        for message in messages:
            partition = message.origin.partition
            self._stored.setdefault(partition, message.offset)
            self._handed[partition] = message.offset + 1

    def go_on(self, message: Received) -> None:
        """Note that the caller has been given the message behind the last one of the same partition.

        Only this may be called while the positions are not locked, by the caller's thread: a lock would cost as much as
        the rest of an iteration. It is accounted for when somebody asks.
        """
        self._last = message

    def _forget_last(self) -> None:
        self._note_last()
        self._last = None

    def _note_last(self) -> None:
        if (last := self._last) is not None and last.origin.partition in self._handed:
            self._handed[last.origin.partition] = last.offset + 1

    def take_back(self, messages: Iterable[Received]) -> None:
        """Read again what was handed out and not worked on; what was committed behind it stays committed."""
        self._forget_last()
        for message in messages:
            partition = message.origin.partition
            if partition in self._handed:
                self._handed[partition] = min(message.offset, self._handed[partition])
            if partition in self._next:
                self._next[partition] = min(message.offset, self._next[partition])

    def position(self, partition: Partition) -> int | None:
        """Return where reading goes on; None while that is not known."""
        return self._next.get(partition)

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on at an offset. What was committed before does not keep the caller from committing less."""
        self._forget_last()
        self._at_start.discard(partition)
        self._next[partition] = offset
        self._handed.pop(partition, None)
        self._stored.pop(partition, None)

    def begin(self, partitions: Iterable[Partition]) -> None:
        """Read these from where the caller said to start, whatever a group has committed."""
        for partition in partitions:
            self.seek(partition, 0)
            del self._next[partition]
            self._at_start.add(partition)

    def is_read(self, partition: Partition) -> bool:
        """Whether everything was read that was there when the partition was read last."""
        return partition in self._ends and self._next.get(partition, -1) >= self._ends[partition]

    def read_again(self, partition: Partition, offset: int) -> None:
        """Read on at a record that was found and not handed out."""
        if partition in self._next:
            self._next[partition] = offset

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Read these no more, and keep them."""
        self._paused.update(partitions)

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Read these again."""
        self._paused.difference_update(partitions)

    def note_stored(self, stored: Mapping[Partition, int]) -> None:
        """Note what was committed: within an assignment no commit goes back behind another."""
        for partition, offset in stored.items():
            if partition in self._stored:
                self._stored[partition] = max(offset, self._stored[partition])

    def gone_past(self, at_work: Iterable[Received]) -> dict[Partition, int]:
        """Return what would be committed if the caller had not done with some of the messages that it was given."""
        self._note_last()
        done = dict(self._handed)
        for message in at_work:
            partition = message.origin.partition
            if partition in done:
                done[partition] = min(done[partition], message.offset)
        return {one: offset for one, offset in done.items() if offset > self._stored.get(one, 0)}

    def done(self, messages: Iterable[Received] | None) -> dict[Partition, int]:
        """Return for each partition the offset after the last record that the caller has done with. (COMMIT-027)

        None means everything that was handed out. Messages of a partition that the member has lost do not count, nor
        those behind which something is committed already.
        """
        self._note_last()
        if messages is None:
            return dict(self._handed)
        behind: dict[tuple[str, int], int] = {}
        for message in messages:
            place = message.topic, message.partition
            behind[place] = max(message.offset + 1, behind.get(place, 0))
        done = {
            one: min(behind[one.topic, one.number], most)
            for one, most in self._handed.items()
            if (one.topic, one.number) in behind
        }
        return {one: offset for one, offset in done.items() if offset >= self._stored.get(one, 0)}

    def to_look_up(self, readable: Iterable[Partition]) -> list[Partition]:
        """Return partitions, as many as one request may name, whose committed offset is to be asked for."""
        unknown = (one for one in sorted(readable) if one not in self._next and one not in self._at_start)
        return list(islice(unknown, _MOST))

    def to_start(self, readable: Iterable[Partition]) -> list[Partition]:
        """Return partitions, as many as one request may name, that are to be read from where the caller said."""
        return list(islice((one for one in sorted(readable) if one in self._at_start), _MOST // 2))

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
        """Return the question for the place where the caller said to start.

        Where that is a time or an offset, two for each partition: for the end before the time, since the time may be
        that of no record, and for both bounds, which the offset has to keep to.
        """
        return OffsetsRequest([query for one in partitions for query in self._start_queries(one)])

    def take_start(
        self, partitions: Sequence[Partition], answer: OffsetsResponse, readable: frozenset[Partition]
    ) -> None:
        """Begin at the start; raises KafkaError where an item has one."""
        asked = [self._start_queries(one) for one in partitions]
        items = iter(_matched([query for queries in asked for query in queries], answer.partitions))
        for partition, queries in zip(partitions, asked, strict=True):
            offsets = [None if _is_gone(item.error) else item.offset for item in islice(items, len(queries))]
            start = self._start_of(offsets)
            if start is not None and partition in readable:
                self._next[partition] = start
                self._at_start.discard(partition)

    def ask_records(self, readable: frozenset[Partition], max_wait_ms: int) -> FetchRequest | None:
        """Return the next fetch, None while no position is known. Who was first in the last one is last now."""
        placed = readable & self._next.keys() - self._paused
        known = [one for one in self._turns if one in placed]
        known += sorted(placed.difference(known))
        self._turns = [*known[1:], *known[:1]]
        if not known:
            return None
        places = [FetchPosition(one.topic, one.number, self._next[one], topic_id=one.topic_id) for one in known[:_MOST]]
        return FetchRequest(partitions=places, max_wait_ms=max_wait_ms, **self._limits)

    def ask_more(self, readable: frozenset[Partition], max_wait_ms: int) -> FetchRequest | None:
        """Return the next fetch where records are known to be left, else None."""
        placed = readable & self._next.keys() - self._paused
        return None if all(map(self.is_read, placed)) else self.ask_records(readable, max_wait_ms)

    def take_records(
        self,
        asked: FetchRequest,
        parts: Sequence[PartitionSlice | PartitionFailure],
        readable: frozenset[Partition],
        losses: int = 0,
    ) -> Found:
        """Return what is to be handed out; what was found where the member may not or would not read is dropped.

        `losses` is how often it has lost everything.

        Raises KafkaError where a partition has one that waiting does not end, and there is nothing to hand out.
        """
        found = Found()
        refused: KafkaError | None = None
        for place, part in zip(asked.partitions, _matched(asked.partitions, parts), strict=True):
            partition = Partition(place.topic, str(place.topic_id), place.partition)
            if partition not in readable - self._paused or self._next.get(partition) != place.offset:
                continue
            if isinstance(part, PartitionSlice):
                self._find(Origin(self._consumer, partition, losses), part, found)
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

    def _find(self, origin: Origin, part: PartitionSlice, found: Found) -> None:
        self._next[origin.partition] = part.next_offset
        self._ends[origin.partition] = part.high_watermark
        records = records_of(part.records)
        if records:
            found.messages += messages_of(
                part.topic, part.partition, records, origin=origin, make=self._make, decode=self._decode
            )
            found.partitions.add(origin.partition)

    def _start_queries(self, partition: Partition) -> list[OffsetQuery]:
        topic, number, start = partition.topic, partition.number, self._start
        if isinstance(start, str):
            return [OffsetQuery(topic, number, at=start)]
        first = (
            OffsetQuery(topic, number, timestamp_ms=max(0, milliseconds(start)))
            if isinstance(start, datetime)
            else OffsetQuery(topic, number, at="earliest")
        )
        return [OffsetQuery(topic, number, at="latest"), first]

    def _start_of(self, offsets: Sequence[int | UnsetType | None]) -> int | None:
        known = [offset for offset in offsets if isinstance(offset, int)]
        if isinstance(self._start, int) and known:
            return min(max(self._start, known[-1]), known[0])
        return known[-1] if known else None


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
