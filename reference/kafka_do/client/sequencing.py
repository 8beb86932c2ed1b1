"""Sending batches that are appended once: numbered, sent again as they are, never under other numbers.

The rules of a client in spec/producers.md, PRODUCER-017 to PRODUCER-024. Nothing here waits but for a `Broker` and
`wait`.
"""

import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import UNSET

from kafka_do.client.backoff import Backoff, may_be_repeated
from kafka_do.client.messages import RecordMetadata
from kafka_do.client.producing import outcome_of
from kafka_do.client.side_by_side import SideBySide, one_by_one
from kafka_do.core.broker import AllocateProducer, Broker, DescribeTopic, ProducePartition
from kafka_do.core.errors import KafkaError, decisive
from kafka_do.core.messages import Producer, ProducerBatch, ProduceRecord
from kafka_do.core.partitioner import Spread, partition_of_key
from kafka_do.core.record_text import message_of_record
from kafka_do.core.records import Record
from kafka_do.core.sequences import add_to_sequence
from kafka_do.spec import SPEC

__all__ = ["Sequencer"]

_TRIES = int(SPEC.defaults["client"]["idempotent_tries"])
_DEPTH = SPEC.limits["max_json_depth"]
_LAST_EPOCH = SPEC.ranges["ProducerEpoch"][1]

Outcome = RecordMetadata | KafkaError
T = TypeVar("T")


class Sequencer:
    """Sends the records of one topic under one producer id, to each partition one batch after the other.

    It is not for several callers at once; batches to several partitions go as `together` does them. `wait` waits as
    many milliseconds as it is told, `chance` varies the pauses. Nothing is tried more than `tries` times, nor after a
    pause that ends too late for `in_time`. The number of partitions is asked for once, and again when the topic or a
    partition was not found; `count_if_created` tells how many there will be of a topic that producing creates, None
    where it creates none. `identity` is id and epoch where they are known already, else they are allocated.
    """

    def __init__(
        self,
        topic: str,
        *,
        wait: Callable[[int], Awaitable[None]],
        chance: Callable[[], float] = random.random,
        tries: int = _TRIES,
        in_time: Callable[[int], bool] = lambda _: True,
        count_if_created: Callable[[], Awaitable[int | None]] | None = None,
        identity: Producer | None = None,
        together: SideBySide = one_by_one,
    ) -> None:
        self._topic = topic
        self._wait = wait
        self._tries = tries
        self._in_time = in_time
        self._count_if_created = count_if_created
        self._chance = chance
        self._together = together
        self._counting = threading.Lock()
        self._spread = Spread()
        self._partition_count: int | None = None
        self._identity = identity
        self._following: dict[int, int] = {}
        self._fenced: KafkaError | None = None

    @property
    def identity(self) -> Producer | None:
        """Id and epoch of the next batch; None where they are to be allocated."""
        return self._identity

    async def send(self, broker: Broker, records: Sequence[Record]) -> list[Outcome]:
        """Send records, those of one partition as one batch, and return for each where it landed or why it did not.

        Raises KafkaError where nothing could be sent.
        """
        messages = [msgspec.structs.replace(message_of_record(one, _DEPTH), partition=UNSET) for one in records]
        places: dict[int, list[int]] = {}
        for place, partition in enumerate(await self._route(broker, records)):
            places.setdefault(partition, []).append(place)
        outcomes: dict[int, Outcome] = {}

        async def send_batch(partition: int) -> None:
            sent = await self._send_batch(broker, partition, [messages[place] for place in places[partition]])
            outcomes.update(zip(places[partition], sent, strict=True))

        if len(places) > 1 and self._fenced is None:
            try:
                await self._identified(broker)
            except KafkaError as error:
                return [error] * len(records)
        try:
            await self._together([partial(send_batch, partition) for partition in places])
            return [outcomes[place] for place in range(len(records))]
        except BaseException:
            with self._counting:  # who was interrupted has given up on what may be there (PRODUCER-022)
                self._begin_anew(_raised(self._identity))
            raise

    async def _route(self, broker: Broker, records: Sequence[Record]) -> list[int]:
        """Return each record's partition: the one it names, its key's, or one for all the others. (PRODUCER-018)"""
        if all(record.partition is not None for record in records):
            return [record.partition or 0 for record in records]
        count = self._partition_count or await self._count(broker)
        turn = self._spread.next(count)
        return [
            record.partition
            if record.partition is not None
            else turn
            if record.key is None
            else partition_of_key(record.key, count)
            for record in records
        ]

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

    async def _send_batch(self, broker: Broker, partition: int, messages: list[ProduceRecord]) -> list[Outcome]:
        if self._fenced is not None:  # PRODUCER-023
            return [self._fenced] * len(messages)
        try:
            identity = await self._identified(broker)
        except KafkaError as error:
            return [error] * len(messages)
        batch = ProducerBatch(identity.id, identity.epoch, self._following.get(partition, 0))
        return await self._deliver(broker, ProducePartition(self._topic, partition, messages, producer=batch), batch)

    async def _identified(self, broker: Broker) -> Producer:
        """Return id and epoch, allocated where there are none. (PRODUCER-017)"""
        if self._identity is None:
            self._identity = await self._persist(lambda: broker.allocate_producer(AllocateProducer()))
        return self._identity

    async def _deliver(self, broker: Broker, request: ProducePartition, batch: ProducerBatch) -> list[Outcome]:
        """Send one batch until there is an answer that counts, and settle what follows from it. (PRODUCER-019)"""
        may_be_there = False
        number = 1
        backoff = Backoff(self._chance)
        while True:
            outcomes = await _try(broker, request)
            error = _decisive(outcomes)
            if error is None:
                with self._counting:
                    if self._is_current(batch):
                        self._following[request.partition] = add_to_sequence(batch.base_sequence, len(outcomes))
                return outcomes
            lost_count_on_the_way = error.code == "out_of_order_sequence" and number > 1  # PRODUCER-021
            may_be_there = may_be_there or error.indeterminate or lost_count_on_the_way
            pause_ms = backoff.next_ms(error)
            if number == self._tries or not may_be_repeated(error) or not self._in_time(pause_ms):
                with self._counting:
                    return self._settle(batch, outcomes, error, may_be_there=may_be_there)
            await self._wait(pause_ms)
            number += 1

    def _is_current(self, batch: ProducerBatch) -> bool:
        """Whether counting goes on behind a batch: a batch to another partition may have begun it anew meanwhile."""
        return self._identity == Producer(batch.id, batch.epoch)

    def _settle(
        self, batch: ProducerBatch, outcomes: list[Outcome], error: KafkaError, *, may_be_there: bool
    ) -> list[Outcome]:
        """Return the outcomes of a batch that failed for good, and prepare for the next one."""
        if may_be_there:
            outcomes = [_unknown(one) if isinstance(one, KafkaError) else one for one in outcomes]
        if error.code == "producer_fenced":
            self._fenced = error
        elif self._is_current(batch):
            if error.code == "unknown_producer":
                self._begin_anew(None)
            elif may_be_there or error.code == "out_of_order_sequence":  # PRODUCER-022
                self._begin_anew(_raised(self._identity))
        if error.code in ("topic_not_found", "partition_not_found"):
            self._partition_count = None
        return outcomes

    def _begin_anew(self, identity: Producer | None) -> None:
        self._identity = identity
        self._following.clear()

    async def _persist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer, for what may be asked twice."""
        backoff = Backoff(self._chance)
        for _ in range(1, self._tries):
            try:
                return await ask()
            except KafkaError as error:
                pause_ms = backoff.next_ms(error)
                if not may_be_repeated(error) or not self._in_time(pause_ms):
                    raise
                await self._wait(pause_ms)
        return await ask()


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


def _raised(identity: Producer | None) -> Producer | None:
    """Return a producer with the next epoch; None, for a new one, where there is none. (PRODUCER-022)"""
    if identity is None or identity.epoch >= _LAST_EPOCH:
        return None
    return Producer(identity.id, identity.epoch + 1)
