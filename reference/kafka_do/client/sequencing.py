"""Sending batches that are appended once: numbered, sent again as they are, never under other numbers.

What is numbered how, and what may be on its way, is decided in `numbering.py`; here is the sending, and what follows
from the answers. The rules of a client in spec/producers.md, PRODUCER-017 to PRODUCER-026.
"""

import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import UNSET

from kafka_do.client.backoff import Backoff, may_be_repeated, persist
from kafka_do.client.messages import Outcome
from kafka_do.client.numbering import Entry, Numbering
from kafka_do.client.producing import outcome_of
from kafka_do.client.runtime import Runtime
from kafka_do.client.side_by_side import SideBySide, one_by_one
from kafka_do.core.broker import AllocateProducer, Broker, DescribeTopic, ProducePartition
from kafka_do.core.errors import KafkaError, decisive
from kafka_do.core.messages import Producer, ProduceRecord
from kafka_do.core.partitioner import Spread, partition_of_key
from kafka_do.core.record_text import message_of_record
from kafka_do.core.records import Record
from kafka_do.spec import SPEC

__all__ = ["Sequencer"]

_TRIES = int(SPEC.defaults["client"]["idempotent_tries"])
_DEPTH = SPEC.limits["max_json_depth"]
_LONG_MS = 60_000

T = TypeVar("T")


class Sequencer:
    """Sends the records of one topic under one producer id, whoever calls it: who comes first is appended first.

    `runtime` is where it waits; `chance` varies the pauses. Nothing is tried more than `tries` times, nor after a pause
    that ends later than `timeout_ms` after the numbering. Batches to several partitions go as `together` does them. The
    number of partitions is asked for once, and again when the topic or a partition was not found; `count_if_created`
    tells how many there will be of a topic that producing creates, None where it creates none. `identity` is id and
    epoch where they are known already, else they are allocated.
    """

    def __init__(
        self,
        topic: str,
        runtime: Runtime,
        *,
        timeout_ms: int,
        chance: Callable[[], float] = random.random,
        tries: int = _TRIES,
        count_if_created: Callable[[], Awaitable[int | None]] | None = None,
        identity: Producer | None = None,
        together: SideBySide = one_by_one,
    ) -> None:
        self._topic = topic
        self._runtime = runtime
        self._timeout_ms = timeout_ms
        self._tries = tries
        self._count_if_created = count_if_created
        self._chance = chance
        self._together = together
        self._turn = runtime.turn()
        self._gate = runtime.gate()
        self._spread = Spread()
        self._partition_count: int | None = None
        self._numbering = Numbering(identity)
        self._is_allocating = False

    @property
    def identity(self) -> Producer | None:
        """Id and epoch of the next batch; None where they are to be allocated."""
        return self._numbering.identity

    async def send(
        self, broker: Broker, records: Sequence[Record], *, numbered: Callable[[], None] = lambda: None
    ) -> list[Outcome]:
        """Send records, those of one partition as one batch, and return for each where it landed or why it did not.

        `numbered` is called once it is settled what they come behind. Raises KafkaError where nothing could be sent.
        """
        entries: dict[int, Entry] = {}
        try:
            async with self._turn:
                places = await self._route(broker, records)
                with self._gate:
                    entries.update((one, self._numbering.enter(one, len(of))) for one, of in places.items())
                refusal = await self._number(broker, entries.values())
            if refusal is not None:
                return [refusal] * len(records)
            numbered()
            until_ms = self._runtime.now_ms() + self._timeout_ms
            if len(places) == 1:
                (_, entry) = entries.popitem()
                return await self._deliver(broker, entry, [_message(record) for record in records], until_ms)
            outcomes: dict[int, Outcome] = {}

            async def deliver(partition: int) -> None:
                messages = [_message(records[place]) for place in places[partition]]
                found = await self._deliver(broker, entries.pop(partition), messages, until_ms)
                outcomes.update(zip(places[partition], found, strict=True))

            await self._together([partial(deliver, partition) for partition in places])
            return [outcomes[place] for place in range(len(records))]
        finally:
            self._withdraw(entries.values())

    async def _route(self, broker: Broker, records: Sequence[Record]) -> dict[int, Sequence[int]]:
        """Return the places of each partition's records: that which one names, its key's, or one for all the others.

        (PRODUCER-018)
        """
        count = self._partition_count
        if count is None and any(record.partition is None for record in records):
            count = await self._count(broker)
        if count is not None and all(record.partition is None and record.key is None for record in records):
            return {self._spread.next(count): range(len(records))}
        turn = None
        places: dict[int, list[int]] = {}
        for place, record in enumerate(records):
            partition = record.partition
            if partition is None and count is not None:
                if record.key is not None:
                    partition = partition_of_key(record.key, count)
                else:
                    partition = turn = self._spread.next(count) if turn is None else turn
            places.setdefault(partition or 0, []).append(place)
        return dict(places)

    async def _count(self, broker: Broker) -> int:
        try:
            topic = await self._persist(lambda: broker.describe_topic(DescribeTopic(self._topic)))
        except KafkaError as error:
            created = None
            if error.code == "topic_not_found" and self._count_if_created is not None:
                created = await self._count_if_created()
            if created is None:
                raise
            return created
        self._partition_count = topic.partition_count
        return topic.partition_count

    async def _number(self, broker: Broker, entries: Collection[Entry]) -> KafkaError | None:
        """Wait until all these batches may have numbers, and give them some; return why they never will have any."""
        while True:
            with self._gate:
                while not self._can_go_on(entries):
                    await self._gate.wait(_LONG_MS)
                if self._numbering.fenced is not None:  # PRODUCER-023
                    return self._numbering.fenced
                if self._numbering.identity is not None:
                    for entry in entries:
                        self._numbering.number(entry)
                    self._gate.ring()  # the next one may be up now
                    return None
                self._is_allocating = True
            try:
                identity = await self._persist(lambda: broker.allocate_producer(AllocateProducer()))  # PRODUCER-017
                self._numbering.identify(identity)
            except KafkaError as error:
                return error
            finally:
                with self._gate:
                    self._is_allocating = False
                    self._gate.ring()

    def _can_go_on(self, entries: Collection[Entry]) -> bool:
        if self._numbering.fenced is not None:
            return True
        return not self._is_allocating and all(self._numbering.is_up(entry) for entry in entries)

    def _withdraw(self, entries: Collection[Entry]) -> None:
        """Take batches back that were never sent."""
        if entries:
            with self._gate:
                for entry in entries:
                    self._numbering.withdraw(entry)
                self._gate.ring()

    async def _deliver(
        self, broker: Broker, entry: Entry, messages: list[ProduceRecord], until_ms: int
    ) -> list[Outcome]:
        """Send one batch until there is an answer that counts, and settle what follows from it."""
        try:
            while True:
                with self._gate:
                    batch = self._numbering.send(entry)
                if batch is None:
                    refusal = await self._number(broker, (entry,))
                    if refusal is not None:
                        self._withdraw((entry,))
                        return [refusal] * len(messages)
                    continue
                request = ProducePartition(self._topic, entry.partition, messages, producer=batch)
                outcomes = await self._try_under_its_numbers(broker, entry, request, until_ms)
                if outcomes is not None:
                    return outcomes
        except BaseException:
            with self._gate:  # who was interrupted has given up on what may be there (PRODUCER-022)
                self._numbering.leave(entry)
                self._gate.ring()
            raise

    async def _try_under_its_numbers(
        self, broker: Broker, entry: Entry, request: ProducePartition, until_ms: int
    ) -> list[Outcome] | None:
        """Send one batch until there is an answer that counts; None where it needs other numbers. (PRODUCER-019)"""
        may_be_there = False
        tries = 1
        is_repetition = False
        backoff = Backoff(self._chance)
        while True:
            with self._gate:
                is_first = self._numbering.is_first(entry)
            outcomes = await _try(broker, request)
            error = _decisive(outcomes)
            if error is None:
                with self._gate:
                    self._numbering.appended(entry)
                    self._gate.ring()
                return outcomes
            if error.code == "out_of_order_sequence" and not is_first:  # PRODUCER-025
                if not await self._is_right_at_last(entry, may_have_others=not is_repetition):
                    return None
                is_repetition = True
                continue
            lost_count_on_the_way = error.code == "out_of_order_sequence" and is_repetition  # PRODUCER-021
            may_be_there = may_be_there or error.indeterminate or lost_count_on_the_way
            pause_ms = backoff.next_ms(error)
            if tries == self._tries or not may_be_repeated(error) or self._runtime.now_ms() + pause_ms > until_ms:
                return self._settle(entry, outcomes, error, may_be_there=may_be_there)
            await self._runtime.sleep(pause_ms)
            tries += 1
            is_repetition = True

    async def _is_right_at_last(self, entry: Entry, *, may_have_others: bool) -> bool:
        """Wait until nothing is on its way that a batch has overtaken; return whether to send it as it is.

        Else it has lost its numbers: what it has overtaken was not appended.
        """
        with self._gate:
            self._numbering.overtook(entry)
            while not self._numbering.is_first(entry):
                await self._gate.wait(_LONG_MS)
            if not (self._numbering.has_lost_count and may_have_others):
                return True
            self._numbering.give_back(entry)
            self._gate.ring()
            return False

    def _settle(self, entry: Entry, outcomes: list[Outcome], error: KafkaError, *, may_be_there: bool) -> list[Outcome]:
        """Return the outcomes of a batch that failed for good, and prepare for the next one."""
        if may_be_there:
            outcomes = [_unknown(one) if isinstance(one, KafkaError) else one for one in outcomes]
        with self._gate:
            if error.code == "producer_fenced":
                self._numbering.fenced = error
                self._numbering.refused(entry)
            elif error.code == "unknown_producer":
                self._numbering.lost(entry, "allocated")
            elif may_be_there or error.code == "out_of_order_sequence":  # PRODUCER-022
                self._numbering.lost(entry, "raised")
            else:
                self._numbering.refused(entry)
            if error.code in ("topic_not_found", "partition_not_found"):
                self._partition_count = None
            self._gate.ring()
        return outcomes

    async def _persist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer, for what may be asked twice."""
        return await persist(
            ask,
            backoff=Backoff(self._chance),
            clock=self._runtime.now_ms,
            pause=self._runtime.sleep,
            until_ms=self._runtime.now_ms() + self._timeout_ms,
            tries=self._tries,
        )


def _message(record: Record) -> ProduceRecord:
    """Return the message for a record of a request that names the partition."""
    message = message_of_record(record, _DEPTH)
    return message if record.partition is None else msgspec.structs.replace(message, partition=UNSET)


async def _try(broker: Broker, request: ProducePartition) -> list[Outcome]:
    count = len(request.records)
    try:
        results = await broker.produce_partition(request)
        if len(results) == count:
            return [outcome_of(request.topic, result) for result in results]
        wrong = f"{count} records were sent and {len(results)} results came back"
        return [KafkaError("disconnected", wrong)] * count
    except KafkaError as error:
        return [error] * count


def _decisive(outcomes: Sequence[Outcome]) -> KafkaError | None:
    """Return why a batch was not appended: the first error that is not another record's. (PRODUCE-018)"""
    errors = [one for one in outcomes if isinstance(one, KafkaError)]
    return decisive(errors) if errors else None


def _unknown(error: KafkaError) -> KafkaError:
    """Return an error as that of a batch which an earlier try may have appended."""
    unknown = KafkaError(error.code, error.message, retriable=False, indeterminate=True, **error.fields)
    unknown.request_id = error.request_id
    return unknown
