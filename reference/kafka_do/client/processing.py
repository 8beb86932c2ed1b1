"""Messages of one consumer worked on by several workers, committed without gaps.

The caller reads and commits; workers, beside it, only call the handler. A commit covers what is done up to the first
message of a partition that is not, so that none is passed over: after a stop or a crash what was not done comes again,
and perhaps some of what was done behind it. (COMMIT-027)
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from kafka_do.client.group_reading import GroupReading
from kafka_do.client.lanes import Lanes, Order
from kafka_do.client.letters import Letters
from kafka_do.client.messages import ReadMessage
from kafka_do.client.misfits import Fate, MisfitError, check_fate
from kafka_do.core.errors import KafkaError

if TYPE_CHECKING:
    from kafka_do.client.runtime import Work

__all__ = ["HowToProcess", "Processing"]

M = TypeVar("M", bound=ReadMessage[Any])

Handler = Callable[[M], Awaitable[object] | object]

_READ_MS = 300
_WAIT_MS = 100
_LONG_MS = 60_000
_PATIENCE_MS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class HowToProcess:
    """How many workers there are, what they keep in order, how much is read ahead, and what becomes of failures.

    Raises ValueError for what cannot be meant.
    """

    workers: int
    order: Order
    queue_records: int
    on_error: Fate

    def __post_init__(self) -> None:
        """Check."""
        check_fate(on_error=self.on_error)
        if self.order not in get_args(Order):
            raise ValueError(f"order has to be {' or '.join(get_args(Order))}, unlike {self.order!r}")
        for name, number in (("workers", self.workers), ("queue_records", self.queue_records)):
            if number < 1:
                raise ValueError(f"{name} has to be 1 or more, unlike {number}")


class Processing(Generic[M]):
    """One run over a consumer's messages."""

    def __init__(self, reading: GroupReading[M], handler: "Handler[M]", how: HowToProcess) -> None:
        session = reading.session
        self._runtime = session.runtime
        self._log = session.log
        self._letters = Letters(session)
        self._reading = reading
        self._handler = handler
        self._how = how
        self._gate = session.runtime.gate()
        self._lanes: Lanes[M] = Lanes(how.order)
        self._refused: list[M] = []
        self._failure: BaseException | None = None
        self._stopping = False
        self._done = 0

    async def run(self, timeout_ms: int | None) -> int:
        """Work until nothing comes for so long, or `stop`; return how many messages were done with.

        Raises what the handler raised, and KafkaError as reading does.
        """
        with self._reading.beside(self.stop):
            workers = [self._runtime.start(self._work, f"worker {n}") for n in range(self._how.workers)]
            try:
                await self._feed(timeout_ms)
            except MisfitError as error:
                self._refused.append(error.message)
                raise
            finally:
                await self._end(workers)
        if self._failure is not None:
            raise self._failure
        return self._done

    def stop(self) -> None:
        """Let `run` return, within a second: what has begun has half of it to end, what has not is left."""
        with self._gate:
            self._stopping = True
            self._gate.ring()

    async def _feed(self, timeout_ms: int | None) -> None:
        last_ms = self._runtime.now_ms()
        while True:
            with self._gate:
                if self._stopping:
                    return
                self._lanes.forget(self._reading.lost(self._lanes.unfinished))
                at_work = self._lanes.unfinished
                done = self._done
            most = self._how.queue_records - len(at_work)
            wait_ms = _READ_MS if timeout_ms is None else min(_READ_MS, timeout_ms)
            messages = await self._reading.more(at_work, most, wait_ms)
            with self._gate:
                for message in messages:
                    self._lanes.add(message)
                if messages:
                    self._gate.ring()
                elif (most <= 0 or self._reading.has_found) and done == self._done and not self._stopping:
                    await self._gate.wait(_WAIT_MS)
            now_ms = self._runtime.now_ms()
            if messages or at_work:
                last_ms = now_ms
            elif timeout_ms is not None and now_ms - last_ms >= timeout_ms:
                return

    async def _end(self, workers: "list[Work]") -> None:
        self.stop()
        until_ms = self._runtime.now_ms() + _PATIENCE_MS
        for worker in workers:
            await worker.join(max(0, until_ms - self._runtime.now_ms()))
        with self._gate:
            left = [*self._lanes.unfinished, *self._refused]
        await self._reading.end_beside(left)

    async def _work(self) -> None:
        try:
            while (message := await self._begin()) is not None:
                failure = await self._handle(message)
                with self._gate:
                    if failure is None:
                        self._lanes.done(message)
                        self._done += 1
                    else:
                        self._fail(failure)
                    self._gate.ring()
        except BaseException as error:  # a worker that is cancelled: the run ends, where it would wait for ever
            with self._gate:
                self._fail(error)
                self._gate.ring()
            raise

    def _fail(self, failure: BaseException) -> None:
        if not self._stopping:
            self._failure = failure
            self._stopping = True

    async def _begin(self) -> M | None:
        """Wait for a message; None when there is nothing to be begun any more."""
        with self._gate:
            while not self._stopping:
                if (message := self._lanes.take()) is not None:
                    return message
                await self._gate.wait(_LONG_MS)
            return None

    async def _handle(self, message: M) -> BaseException | None:
        """Return why the run has to end, if it has to."""
        try:
            answer = self._handler(message)
            if inspect.isawaitable(answer):
                await answer
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  the caller decides what follows
            return await self._settle(message, error)
        return None

    async def _settle(self, message: M, error: BaseException) -> BaseException | None:
        fate = self._how.on_error
        if fate == "raise" or not isinstance(error, Exception):
            return error
        if fate == "skip":
            place = f"{message.topic}-{message.partition} at offset {message.offset}"
            self._log.warning("Skipped: the record of %s could not be worked on", place, exc_info=error)
            return None
        try:
            await self._letters.send(fate, message, error)
        except KafkaError as lost:
            lost.__context__ = error
            return lost
        return None
