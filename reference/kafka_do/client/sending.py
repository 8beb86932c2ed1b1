"""What a producer does with its caller's records: numbered where the server knows numbers, in requests that fit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

from kafka_do.client import producing
from kafka_do.client.codec import codec_of
from kafka_do.client.headers import HeadersLike
from kafka_do.client.messages import BatchError, Instant, Key, Outcome, RecordMetadata
from kafka_do.client.sequencing import Sequencer
from kafka_do.client.serializing import data_of, record_to_send, record_to_send_with
from kafka_do.client.session import Session
from kafka_do.client.side_by_side import Act, one_by_one, side_by_side
from kafka_do.core.broker import Broker
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import Acks
from kafka_do.core.records import Record, size_in_batch
from kafka_do.spec import SPEC

__all__ = ["DEFAULT_TRIES", "Compression", "Sending", "portions"]

Compression = Literal["gzip"]

DEFAULT_TRIES = int(SPEC.defaults["client"]["idempotent_tries"])
_IN_FLIGHT = int(SPEC.defaults["client"]["in_flight_batches"])


class Sending:
    """Sends records to one topic, whoever calls it, in the order of the calls where batches are numbered.

    `idempotent` None leaves it to the server: where it has the feature `producers`, batches are numbered, so that one
    whose answer is lost can be sent again. `retries` None leaves their number to the specification. With
    `value_type` only values that can be read as that type are sent. `compression` is of its requests. (PRODUCER-017)
    """

    def __init__(
        self,
        session: Session,
        topic: str,
        *,
        idempotent: bool | None = None,
        acks: Acks = "all",
        retries: int | None = None,
        value_type: object = None,
        compression: Compression | None = None,
    ) -> None:
        if compression not in (None, *get_args(Compression)):
            raise ValueError(
                f"compression has to be {' or '.join(get_args(Compression))} or None, unlike {compression!r}"
            )
        if idempotent and acks == "none":
            raise ValueError("an idempotent producer waits for its answers: acks none is none of its choices")
        codec = codec_of(value_type)
        self.topic = topic
        self.encode = data_of if codec is None else codec.encode
        self._session = session
        self._idempotent = False if acks != "all" and idempotent is None else idempotent
        self._acks = acks
        self._compresses = compression is not None
        self._retries = retries
        self._sequencer = Sequencer(
            topic,
            session.runtime,
            timeout_ms=session.timeout_ms,
            tries=DEFAULT_TRIES if retries is None else retries + 1,
            count_if_created=session.count_if_created,
            together=one_by_one if session.connection.server is None else self._together,
        )
        self._closed = False

    async def most_under_way(self) -> int:
        """Return how many calls for one partition may be under way without harm to their order. (PRODUCER-020)"""
        if self._session.connection.server is None:
            return 1  # nothing is gained where nothing is waited for
        try:
            return _IN_FLIGHT if await self._is_idempotent() else 1
        except KafkaError:
            return 1

    def close(self) -> None:
        """Let nothing be sent any more."""
        self._closed = True

    def record(
        self,
        value: Any,
        *,
        key: Key = None,
        headers: HeadersLike = (),
        partition: int | None = None,
        timestamp: Instant | None = None,
    ) -> Record:
        """Return the record for what a user sends; raises TypeError for a value that is not of the producer's type."""
        return record_to_send_with(value, key, headers, partition, timestamp, self.encode)

    async def send(
        self,
        value: Any,
        *,
        key: Key = None,
        headers: HeadersLike = (),
        partition: int | None = None,
        timestamp: Instant | None = None,
    ) -> RecordMetadata:
        """Send what makes one record and return where it landed; raises KafkaError."""
        record = self.record(value, key=key, headers=headers, partition=partition, timestamp=timestamp)
        (outcome,) = await self.send_records((record,))
        if isinstance(outcome, KafkaError):
            raise outcome
        return outcome

    async def send_batch(self, messages: Iterable[Any]) -> list[RecordMetadata]:
        """Send messages and return where each landed.

        Raises BatchError where some did not, and KafkaError where none was tried.
        """
        given = [record_to_send(message, self.encode) for message in messages]
        self._check()
        if not given:
            return []
        records = self._session.tracing.created(self.topic, given)
        outcomes: list[Outcome] = []
        for portion in portions(
            records,
            most_records=await self._session.limit("max_records_per_request"),
            most_bytes=await self._session.limit("max_batch_bytes"),
        ):
            outcomes += await self._outcomes(portion, first=not outcomes)
        landed = [one for one in outcomes if isinstance(one, RecordMetadata)]
        if len(landed) < len(outcomes):
            raise BatchError(outcomes)
        return landed

    async def send_records(
        self, records: Sequence[Record], *, numbered: Callable[[], None] = lambda: None
    ) -> list[Outcome]:
        """Send records and return for each, in order, where it landed or the error that says why not.

        They go in one request, or in one for each partition where they are numbered; `numbered` is then called once
        what is sent afterwards comes behind them. Raises KafkaError where the request failed as a whole. (PRODUCE-016)
        """
        self._check()
        if not records:
            return await self._send(records, numbered)
        with self._session.tracing.sending(self.topic, records) as sent:
            outcomes = await self._send(sent.records, numbered)
            sent.done(outcomes)
            return outcomes

    async def _send(self, records: Sequence[Record], numbered: Callable[[], None]) -> list[Outcome]:
        if records and await self._is_idempotent():
            return await self._sequencer.send(self._broker, records, numbered=numbered)
        broker = self._broker
        return await self._session.ask(
            lambda _: producing.send(broker, self.topic, records, acks=self._acks),
            may_repeat=lambda error: error.retriable,  # PRODUCE-017
            retries=self._retries,
        )

    async def _together(self, acts: Sequence[Act]) -> None:
        """Send batches to several partitions, so many at the same time as the specification allows. (PRODUCER-020)"""
        await side_by_side(self._session.runtime, acts, most=_IN_FLIGHT)

    @property
    def _broker(self) -> Broker:
        """The broker, asked as the user wants; raises KafkaError `closed` after `close`."""
        plain = self._session.broker
        return self._session.connection.compressing or plain if self._compresses else plain

    async def _outcomes(self, records: Sequence[Record], *, first: bool) -> list[Outcome]:
        """Send a portion; where it fails as a whole, each record has the error, unless nothing was sent before."""
        try:
            return await self.send_records(records)
        except KafkaError as error:
            if first:
                raise
            return [error] * len(records)

    async def _is_idempotent(self) -> bool:
        if self._idempotent is None:
            self._idempotent = await self._session.offers("producers")
        return self._idempotent

    def _check(self) -> None:
        self._session.check()
        if self._closed:
            raise KafkaError("closed", "this producer is closed")


def portions(records: Sequence[Record], *, most_records: int, most_bytes: int) -> Iterator[Sequence[Record]]:
    """Cut records into requests, in order; one that is too large by itself has a request of its own."""
    first = size = 0
    for place, record in enumerate(records):
        more = size_in_batch(record)
        if place > first and (place - first == most_records or size + more > most_bytes):
            yield records[first:place]
            first, size = place, 0
        size += more
    yield records[first:]
