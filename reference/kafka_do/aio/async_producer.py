"""The event loop's producer that does not wait for its answers."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Generic, Self

from kafka_do.client.headers import HeadersLike
from kafka_do.client.messages import Instant, Key, Message, ReadMessage, V
from kafka_do.client.queueing import DeliveryReport, Queueing
from kafka_do.core.records import Record

__all__ = ["AsyncProducer"]


class AsyncProducer(Generic[V]):
    """Sends records to one topic beside its caller's work; `reports` tell what became of them.

    Use it as a context manager, or call `close()`: what is still queued when the program ends is lost.
    """

    def __init__(self, queueing: Queueing) -> None:
        self._queueing = queueing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def send(
        self,
        value: V | Message[V] | ReadMessage[V] | Record,
        *,
        key: Key = None,
        headers: HeadersLike = (),
        partition: int | None = None,
        timestamp: Instant | None = None,
    ) -> None:
        """Queue one record, what `Producer.send` takes. It waits only where the queue is full, until there is room.

        Raises TimeoutError where there is none within the client's timeout, KafkaError `closed`, and TypeError for a
        value that is not of the producer's type.
        """
        late = self._queueing.offer(value, key=key, headers=headers, partition=partition, timestamp=timestamp)
        if late is not None:
            await self._queueing.put(late)

    async def reports(self) -> AsyncIterator[DeliveryReport]:
        """Iterate over what became of the records, until everything that was sent so far is reported.

        There are none with `on_report`. Of records that landed the oldest reports go when nobody reads them.
        """
        while (report := await self._queueing.next_report()) is not None:
            yield report

    async def flush(self) -> None:
        """Return when everything is answered for.

        Raises BatchError, with the results, for failures that nobody has read.
        """
        await self._queueing.flush()

    async def close(self) -> None:
        """Send what is queued and nothing any more; raises as `flush`. It may be called twice."""
        await self._queueing.close()
