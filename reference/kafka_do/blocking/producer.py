"""The blocking producer."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Generic, Self

from kafka_do.client.driving import drive
from kafka_do.client.headers import HeadersLike
from kafka_do.client.messages import Instant, Key, Message, Outcome, ReadMessage, RecordMetadata, V
from kafka_do.client.sending import Sending
from kafka_do.core.records import Record

__all__ = ["Producer"]


class Producer(Generic[V]):
    """Sends records to one topic, for any number of threads; each call returns when its records are answered for."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(
        self,
        value: V | Message[V] | ReadMessage[V] | Record,
        *,
        key: Key = None,
        headers: HeadersLike = (),
        partition: int | None = None,
        timestamp: Instant | None = None,
    ) -> RecordMetadata:
        """Send one record and return where it landed.

        `value` bytes are sent as they are, None is a tombstone, a `Message` has all the rest with it, a message that
        was read goes on with its bytes, headers and time, and everything else becomes JSON; what is given beside a
        message counts more. Without `partition` the key decides, and without a key it is spread.

        Raises TypeError for a value that is not of the producer's type, and KafkaError: `topic_not_found`,
        `partition_not_found`; an `indeterminate` one means that the record may
        have been appended. (PRODUCE-014 to PRODUCE-017)
        """
        asked = self._sending.send(value, key=key, headers=headers, partition=partition, timestamp=timestamp)
        return drive(asked)

    def send_batch(self, messages: Iterable[V | Message[V] | ReadMessage[V] | Record]) -> list[RecordMetadata]:
        """Send messages, each what `send` takes, and return where each landed.

        They go in as few requests as the server's limits allow. Raises BatchError, with all results, where some were
        not appended, and another KafkaError where none was tried. (PRODUCE-016)
        """
        return drive(self._sending.send_batch(messages))

    def send_records(self, records: Sequence[Record]) -> list[Outcome]:
        """Send records and return for each, in order, where it landed or the error that says why not.

        They go in one request, or in one for each partition where the producer is idempotent.

        Raises KafkaError where the request failed as a whole. (PRODUCE-016)
        """
        return drive(self._sending.send_records(records))

    def flush(self) -> None:
        """Return when everything is answered for: at once, as each call waited for its own answer."""

    def close(self) -> None:
        """Send nothing any more. It may be called twice."""
        self._sending.close()
