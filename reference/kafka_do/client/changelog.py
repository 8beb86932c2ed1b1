"""The state of a task in a topic: partition n of it has that of task n. (RUN-017 to RUN-020)

Each record is an entry of an operator, `node/entry` with its value, or `position`: how far each source was read. A step
is one batch, which is appended whole or not at all, so that state and position are always of the same moment: what a
record did to the state is there once, however often it is read again.

Whoever takes a task over raises the epoch of the producer that writes its changelog. From then on nothing more comes
from a process that had the task before and does not know yet that it has it no more. (PRODUCER-013)
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from kafka_do.client import reading
from kafka_do.client.messages import ReadMessage
from kafka_do.client.producing import send
from kafka_do.client.sending import DEFAULT_TRIES, portions
from kafka_do.client.sequencing import Sequencer
from kafka_do.client.session import Session
from kafka_do.client.stream_records import Origin
from kafka_do.core.broker import AllocateProducer, DescribeTopic
from kafka_do.core.errors import KafkaError, decisive
from kafka_do.core.messages import Producer
from kafka_do.core.records import Record
from kafka_do.spec import SPEC

__all__ = ["STATE_ADVICE", "TAKEN_BY_OTHERS", "Changelog", "Position", "Source", "StateError", "Store"]

_POSITION = "position"
_LAST_EPOCH = SPEC.ranges["ProducerEpoch"][1]
_RIVALS = 5

STATE_ADVICE = "run the pipeline in another group, or delete the topic to begin anew"
TAKEN_BY_OTHERS = ("producer_fenced", "out_of_order_sequence")


class StateError(ValueError):
    """The state in a changelog is not that of the pipeline that is to go on with it. (RUN-018)"""


class Source(NamedTuple):
    """How far a partition was read: the next offset. `topic_id` tells another topic of that name."""

    topic: str
    topic_id: str
    next_offset: int


class Store(NamedTuple):
    """What an operator has besides its entries. `shape` says what kind of state it is."""

    shape: Any
    time: int
    late: int
    ignored: int


class Position(msgspec.Struct, frozen=True):
    """What the newest step has come to, and who has written it; `moved` are the last ones that were moved here."""

    sources: list[Source]
    stores: dict[str, Store]
    moved: list[Origin] = []
    producer: Producer | None = None
    owner: str = ""


class Changelog:
    """The changelog of one task, for the process that has it."""

    def __init__(self, session: Session, topic: str, partition: int) -> None:
        self._session = session
        self._topic = topic
        self._partition = partition
        self._owner = str(uuid.uuid4())
        self._sequencer: Sequencer | None = None
        self._next_offset = 0
        self._position: Position | None = None
        self._entries: dict[str, bytes] = {}

    async def take_over(self) -> tuple[Position | None, Mapping[str, bytes]]:
        """Become the only one who writes it; return what it has: the position, and every entry's value by its name.

        Raises StateError for a topic that holds something else, KafkaError.
        """
        described = await self._session.ask(lambda broker: broker.describe_topic(DescribeTopic(self._topic)))
        self._next_offset = described.partitions[self._partition].log_start_offset
        await self._read_on()
        if await self._session.offers("producers"):
            for _ in range(_RIVALS):
                if await self._raise_epoch():
                    break
            else:
                raise KafkaError("producer_fenced", f"{self._name} is taken over by others again and again")
        entries, self._entries = self._entries, {}
        position = self._position
        return (position if position and position.stores else None), entries

    async def write(self, position: Position, changed: Mapping[str, bytes | None]) -> None:
        """Append a step: what has changed and where that leads, in one batch; None deletes. (RUN-017)

        Raises KafkaError, `producer_fenced` where another process has the task.
        """
        identity = None if self._sequencer is None else self._sequencer.identity
        told = msgspec.structs.replace(position, producer=identity, owner=self._owner)
        records = [self._record(name, value) for name, value in changed.items()]
        await self._append([*records, self._record(_POSITION, msgspec.json.encode(told))])

    async def sweep(self, closed: Sequence[str]) -> None:
        """Delete entries that time has closed, in batches of any size: who restores the state knows that they are."""
        records = [self._record(name, None) for name in closed]
        if not records:
            return
        most_records = await self._session.limit("max_records_per_request")
        most_bytes = await self._session.limit("max_batch_bytes")
        for portion in portions(records, most_records=most_records, most_bytes=most_bytes):
            await self._append(portion)

    @property
    def _name(self) -> str:
        return f"{self._topic}-{self._partition}"

    async def _raise_epoch(self) -> bool:
        """Write the position again as a producer of a higher epoch; return whether nobody has done so meanwhile."""
        before = None if self._position is None else self._position.producer
        if before is None or before.epoch >= _LAST_EPOCH:
            identity = await self._session.ask(lambda broker: broker.allocate_producer(AllocateProducer()))
        else:
            identity = Producer(before.id, before.epoch + 1)
        self._sequencer = self._new_sequencer(identity)
        try:
            await self.write(self._position or Position([], {}), {})
        except KafkaError as error:
            if error.code == "unknown_producer":
                self._position = msgspec.structs.replace(self._position or Position([], {}), producer=None)
            elif error.code not in TAKEN_BY_OTHERS:
                raise
            else:
                await self._read_on()
            return False
        await self._read_on()
        return self._position is not None and self._position.owner == self._owner

    def _new_sequencer(self, identity: Producer) -> Sequencer:
        return Sequencer(
            self._topic,
            self._session.runtime,
            timeout_ms=self._session.timeout_ms,
            tries=DEFAULT_TRIES,
            identity=identity,
        )

    async def _append(self, records: Sequence[Record]) -> None:
        if self._sequencer is not None:
            outcomes = await self._sequencer.send(self._session.broker, records)
        else:
            outcomes = await send(self._session.broker, self._topic, records)
        errors = [one for one in outcomes if isinstance(one, KafkaError)]
        if errors:
            raise decisive(errors)

    def _record(self, name: str, value: bytes | None) -> Record:
        return Record(value, name.encode(), partition=self._partition)

    async def _read_on(self) -> None:
        """Read to the end of the partition."""
        most = await self._session.limit("max_fetch_bytes")
        while True:
            offset = self._next_offset
            found = await self._session.ask(
                lambda broker, offset=offset: reading.read(  # type: ignore[misc]
                    broker, self._topic, self._partition, offset=offset, max_records=None, max_bytes=most
                )
            )
            for message in found.messages:
                self._take(message)
            self._next_offset = found.next_offset
            if found.next_offset >= found.high_watermark:
                return

    def _take(self, message: ReadMessage[Any]) -> None:
        if not isinstance(message.key, str) or (message.key == _POSITION and message.raw_value is None):
            raise StateError(f"{self._name}, offset {message.offset}: no pipeline has written this; {STATE_ADVICE}")
        if message.key != _POSITION:
            if message.raw_value is None:
                self._entries.pop(message.key, None)
            else:
                self._entries[message.key] = message.raw_value
            return
        try:
            self._position = msgspec.json.decode(message.raw_value or b"", type=Position)
        except msgspec.DecodeError as error:
            raise StateError(f"{self._name}, offset {message.offset}: {error}; {STATE_ADVICE}") from None
