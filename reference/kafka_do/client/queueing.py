"""A queue in front of a producer: what is put in is sent beside the caller's work, and reported when it is answered.

A request is sent when `batch_bytes` are queued or the first record has waited for `linger_ms`, and then takes
everything that fits in one: a portion. Where batches are numbered, further portions go while one is under way; each has
a head start before the next, so that a next one hardly ever comes first. They are reported in their order. The queue,
what is under way and the failures that nobody has read are bounded together: beyond, whoever puts something in has to
wait.
"""

import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kafka_do.client.headers import HeadersLike
from kafka_do.client.messages import BatchError, Instant, Key, Outcome, RecordMetadata
from kafka_do.client.sending import Sending
from kafka_do.client.serializing import record_to_send_with
from kafka_do.client.session import Session
from kafka_do.core.errors import KafkaError
from kafka_do.core.records import Record, size_in_batch
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.client.runtime import Work

__all__ = [
    "DEFAULT_BATCH_BYTES",
    "DEFAULT_LINGER_MS",
    "DEFAULT_QUEUE_RECORDS",
    "DeliveryReport",
    "Queued",
    "Queueing",
    "ReportCallback",
]

DEFAULT_BATCH_BYTES = int(SPEC.defaults["client"]["batch_bytes"])
DEFAULT_LINGER_MS = int(SPEC.defaults["client"]["linger_ms"])
DEFAULT_QUEUE_RECORDS = int(SPEC.defaults["client"]["queue_records"])

_LONG_MS = 60_000
_HEAD_START_MS = 50


class DeliveryReport(msgspec.Struct, frozen=True):
    """What became of one record: `metadata` says where it landed, or `error` why it did not.

    `value` is what was given to `send`.
    """

    value: Any
    metadata: RecordMetadata | None
    error: KafkaError | None


ReportCallback = Callable[[DeliveryReport], Awaitable[None] | None]


class Queued(msgspec.Struct, frozen=True, gc=False):
    """A record in the queue, what it was made of, its bytes in a batch, and since when it waits."""

    value: Any
    record: Record
    size: int
    since_ms: int


class _Portion:
    """What goes in one request; `outcomes` are there when it is answered."""

    __slots__ = ("outcomes", "queued")

    def __init__(self, queued: list[Queued]) -> None:
        self.queued = queued
        self.outcomes: Sequence[Outcome] | None = None


class Queueing:
    """The queue of one producer, which sends from its making until `close`."""

    def __init__(
        self,
        session: Session,
        sending: Sending,
        *,
        batch_bytes: int,
        linger_ms: int,
        queue_records: int,
        on_report: ReportCallback | None,
    ) -> None:
        if queue_records < 1:
            raise ValueError(f"queue_records has to be 1 or more, unlike {queue_records}")
        self._session = session
        self._runtime = session.runtime
        self._sending = sending
        self._batch_bytes = batch_bytes
        self._linger_ms = linger_ms
        self._most = queue_records
        self._on_report = on_report
        self._gate = self._runtime.gate()
        self._queue: deque[Queued] = deque()
        self._queued_bytes = 0
        self._under_way: deque[_Portion] = deque()
        self._held = 0  # queued, under way, or failed and not read
        self._being_numbered: _Portion | None = None
        self._next_portion_ms = 0
        self._is_reporting = False
        self._hurry = 0
        self._unread: deque[Queued] = deque()
        self._unread_outcomes: deque[Outcome] = deque()
        self._failures = 0
        self._closing = False
        session.parts.add(self)
        self._at_rest = 1
        self._most_under_way = 1
        self._works: list[Work] = [self._runtime.start(self._send_all, "producer")]

    def offer(
        self,
        value: Any,
        *,
        key: Key = None,
        headers: HeadersLike = (),
        partition: int | None = None,
        timestamp: Instant | None = None,
    ) -> Queued | None:
        """Queue a record, and return None; where the queue is full, return what is to be `put` into it.

        Raises KafkaError `closed`, and TypeError for a value that is not of the producer's type.
        """
        record = record_to_send_with(value, key, headers, partition, timestamp, self._sending.encode)
        if self._session.tracing.in_headers:
            (record,) = self._session.tracing.created(self._sending.topic, (record,))
        queued = Queued(value, record, size_in_batch(record), self._runtime.now_ms())
        with self._gate:
            self._check()
            if self._held >= self._most:
                return queued
            self._append(queued)
        return None

    async def put(self, queued: Queued) -> None:
        """Queue what was offered, once there is room.

        Raises TimeoutError where there is none within the client's timeout, and KafkaError `closed`.
        """
        with self._gate:
            await self._await_room()
            self._append(queued)

    async def next_report(self) -> DeliveryReport | None:
        """Return the next report; None when everything that was put in is reported."""
        with self._gate:
            while not self._unread and (self._queue or self._under_way):
                await self._gate.wait(_LONG_MS)
            if not self._unread:
                return None
            outcome = self._unread_outcomes.popleft()
            if isinstance(outcome, KafkaError):
                self._failures -= 1
                self._held -= 1
                self._gate.ring()
            return _report_of(self._unread.popleft().value, outcome)

    async def flush(self) -> None:
        """Return when everything that was put in is answered for.

        Raises BatchError for failures that nobody has read.
        """
        with self._gate:
            self._hurry += 1
            self._gate.ring()
            try:
                while self._queue or self._under_way:
                    await self._gate.wait(_LONG_MS)
            finally:
                self._hurry -= 1
            self._raise_failures()

    async def close(self) -> None:
        """Send what is queued, and nothing any more; raises as `flush`. It may be called twice."""
        with self._gate:
            if self._closing:
                return
            self._closing = True
            self._gate.ring()
        for work in self._works:
            await work.join(2 * self._session.timeout_ms)
        self._sending.close()
        self._session.parts.discard(self)
        with self._gate:
            self._raise_failures()

    def _append(self, queued: Queued) -> None:
        queue = self._queue
        queue.append(queued)
        self._held += 1
        before = self._queued_bytes
        self._queued_bytes = before + queued.size
        if len(queue) == 1 or before < self._batch_bytes <= self._queued_bytes or self._held == self._most:
            self._wake()

    async def _await_room(self) -> None:
        until_ms = self._runtime.now_ms() + self._session.timeout_ms
        while self._held >= self._most:
            left_ms = until_ms - self._runtime.now_ms()
            if left_ms <= 0:
                raise TimeoutError(f"{self._most} records are queued, under way or failed, and none was dealt with")
            await self._gate.wait(left_ms)
            self._check()

    def _check(self) -> None:
        self._session.check()
        if self._closing:
            raise KafkaError("closed", "this producer is closed")

    def _raise_failures(self) -> None:
        if not self._failures:
            return
        outcomes = list(self._unread_outcomes)
        self._unread.clear()
        self._unread_outcomes.clear()
        self._held -= self._failures
        self._failures = 0
        raise BatchError(outcomes)

    def _wake(self) -> None:
        """Say that there is something to send; to be called from inside."""
        if self._at_rest == 0 and len(self._works) < self._most_under_way:
            self._at_rest += 1
            self._works.append(self._runtime.start(self._send_all, "producer"))
        self._gate.ring()

    async def _send_all(self) -> None:
        self._most_under_way = await self._sending.most_under_way()
        while (portion := await self._next_portion()) is not None:
            outcomes = await self._outcomes(portion)
            with self._gate:
                portion.outcomes = outcomes
                self._at_rest += 1
            await self._report()

    async def _next_portion(self) -> _Portion | None:
        """Wait until something is to be sent, and return it; None when all is sent and nothing more will come."""
        with self._gate:
            while (wait_ms := self._wait_ms()) > 0:
                await self._gate.wait(wait_ms)
            self._at_rest -= 1
            if not self._queue:
                return None
            portion = self._being_numbered = _Portion(self._take())
            self._under_way.append(portion)
            if self._queue:
                self._wake()
            return portion

    def _take(self) -> list[Queued]:
        """Take what fits in a request out of the queue."""
        taken: list[Queued] = []
        size = 0
        while self._queue and (not taken or self._fits(len(taken), size + self._queue[0].size)):
            queued = self._queue.popleft()
            size += queued.size
            taken.append(queued)
        self._queued_bytes -= size
        return taken

    def _numbered(self, portion: _Portion) -> None:
        """Let the next portion be taken, after the head start of this one."""
        with self._gate:
            if self._being_numbered is portion:
                self._being_numbered = None
                self._next_portion_ms = self._runtime.now_ms() + _HEAD_START_MS
                self._gate.ring()

    async def _report(self) -> None:
        """Report the portions that are answered, up to the first that is not, unless another one is at it."""
        with self._gate:
            if self._is_reporting:
                return
            self._is_reporting = True
        try:
            while (portion := self._first_answered()) is not None:
                outcomes = portion.outcomes or ()
                if self._on_report is not None:
                    for queued, outcome in zip(portion.queued, outcomes, strict=True):
                        await self._call(self._on_report, _report_of(queued.value, outcome))
                with self._gate:
                    self._under_way.popleft()
                    self._held -= len(portion.queued)
                    if self._on_report is None:
                        self._keep(portion.queued, outcomes)
                    self._gate.ring()
        except BaseException:
            self._is_reporting = False
            raise

    def _first_answered(self) -> _Portion | None:
        """Return the first portion, if it is answered; else nobody is at reporting any more."""
        with self._gate:
            if self._under_way and self._under_way[0].outcomes is not None:
                return self._under_way[0]
            self._is_reporting = False
            return None

    def _wait_ms(self) -> int:
        """Return how long to wait before a portion is taken, or before looking again; 0 for not at all."""
        if not self._queue:
            return 0 if self._closing else _LONG_MS
        if self._being_numbered is not None:
            return _LONG_MS
        now_ms = self._runtime.now_ms()
        due_ms = now_ms if self._closing or self._is_due() else self._queue[0].since_ms + self._linger_ms
        if self._under_way:
            due_ms = max(due_ms, self._next_portion_ms)
        return max(0, due_ms - now_ms)

    def _is_due(self) -> bool:
        return bool(self._hurry) or self._held >= self._most or self._queued_bytes >= self._batch_bytes

    def _fits(self, count: int, size: int) -> bool:
        return count < SPEC.limits["max_records_per_request"] and size <= SPEC.limits["max_batch_bytes"]

    async def _outcomes(self, portion: _Portion) -> Sequence[Outcome]:
        records = [one.record for one in portion.queued]
        try:
            return await self._sending.send_records(records, numbered=lambda: self._numbered(portion))
        except KafkaError as error:
            return [error] * len(records)
        except Exception as error:  # noqa: BLE001  a defect: it is reported, where a silent end would lose records
            defect = KafkaError("internal", f"{type(error).__name__}: {error}")
            defect.__cause__ = error
            return [defect] * len(records)
        finally:
            self._numbered(portion)

    async def _call(self, on_report: ReportCallback, report: DeliveryReport) -> None:
        try:
            answer = on_report(report)
            if inspect.isawaitable(answer):
                await answer
        except Exception:
            self._session.log.exception("on_report failed")

    def _keep(self, queued: Sequence[Queued], outcomes: Sequence[Outcome]) -> None:
        """Keep what is to be reported until somebody reads it; of what nobody reads the oldest good ones go."""
        self._unread.extend(queued)
        self._unread_outcomes.extend(outcomes)
        failures = sum(isinstance(outcome, KafkaError) for outcome in outcomes)
        self._failures += failures
        self._held += failures
        while len(self._unread) > self._most and not isinstance(self._unread_outcomes[0], KafkaError):
            self._unread.popleft()
            self._unread_outcomes.popleft()


def _report_of(value: Any, outcome: Outcome) -> DeliveryReport:
    if isinstance(outcome, KafkaError):
        return DeliveryReport(value, None, outcome)
    return DeliveryReport(value, outcome, None)
