"""A queue whose portions are under way together: when each goes, and in which order they are reported."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kafka_do import KafkaError, Record, RecordMetadata
from kafka_do.aio.runtime import LoopRuntime
from kafka_do.client.messages import BatchError, Outcome
from kafka_do.client.queueing import DeliveryReport, Queueing
from kafka_do.client.serializing import data_of
from kafka_do.client.tracing import Tracing

_HEAD_START_MS = 60


class _Ahead:
    """A clock that tests set ahead of the machine's."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        self._watchers.append(watcher)

    async def advance(self, ms: int) -> None:
        self.ahead_ms += ms
        for watcher in self._watchers:
            watcher()
        await _settle()


class _Sending:
    """Sends nothing: each call waits until it is answered."""

    topic = "t"
    encode = staticmethod(data_of)

    def __init__(self, most: int) -> None:
        self._most = most
        self.calls: list[list[bytes | None]] = []
        self.answers: list[asyncio.Future[KafkaError | None]] = []

    async def most_under_way(self) -> int:
        return self._most

    async def send_records(self, records: Sequence[Record], *, numbered: Callable[[], None]) -> list[Outcome]:
        self.calls.append([record.value for record in records])
        self.answers.append(asyncio.get_running_loop().create_future())
        number = len(self.answers)
        numbered()
        error = await self.answers[-1] if number == len(self.answers) else None
        return [RecordMetadata("t", 0, number, 0) if error is None else error for _ in records]

    def close(self) -> None:
        pass


class _Session:
    timeout_ms = 10_000
    log = logging.getLogger("test")
    tracing = Tracing()

    def __init__(self, clock: _Ahead) -> None:
        self.runtime = LoopRuntime(clock)
        self.parts: set[Any] = set()

    def check(self) -> None:
        pass


class _Queue:
    def __init__(self, most: int, on_report: Callable[[DeliveryReport], None] | None = None) -> None:
        self.clock = _Ahead()
        self.sending = _Sending(most)
        session: Any = _Session(self.clock)
        sending: Any = self.sending
        self.queueing = Queueing(session, sending, batch_bytes=1, linger_ms=0, queue_records=100, on_report=on_report)

    async def put(self, value: int) -> None:
        assert self.queueing.offer(value) is None
        await _settle()

    async def answer(self, number: int, error: KafkaError | None = None) -> None:
        self.sending.answers[number].set_result(error)
        await _settle()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_portion_goes_beside_another_after_a_head_start_and_is_reported_behind_it() -> None:
    reported: list[int] = []

    async def main() -> None:
        queue = _Queue(5, on_report=lambda report: reported.append(report.value))
        await queue.put(1)
        await queue.put(2)
        assert queue.sending.calls == [[b"1"]]
        await queue.clock.advance(_HEAD_START_MS)
        assert queue.sending.calls == [[b"1"], [b"2"]]
        await queue.put(3)
        await queue.put(4)
        assert queue.sending.calls == [[b"1"], [b"2"]]
        await queue.clock.advance(_HEAD_START_MS)
        assert queue.sending.calls[2:] == [[b"3", b"4"]]
        await queue.answer(1)
        assert reported == []
        await queue.answer(0)
        assert reported == [1, 2]
        await queue.answer(2)
        assert reported == [1, 2, 3, 4]
        await queue.queueing.close()

    asyncio.run(main())


@pytest.mark.parametrize("most", [1, 3])
def test_so_many_portions_are_under_way_and_no_more(most: int) -> None:
    async def main() -> None:
        queue = _Queue(most)
        for value in range(6):
            await queue.put(value)
            await queue.clock.advance(_HEAD_START_MS)
        assert len(queue.sending.calls) == most
        for number in range(most):
            await queue.answer(number)
        assert len(queue.sending.calls) == most + 1
        await queue.answer(most)
        assert [report.value async for report in _reports(queue)] == list(range(6))
        await queue.queueing.close()

    asyncio.run(main())


def test_a_failure_behind_one_that_is_under_way_is_raised_with_the_rest() -> None:
    async def main() -> None:
        queue = _Queue(5)
        await queue.put(1)
        await queue.clock.advance(_HEAD_START_MS)
        await queue.put(2)
        await queue.answer(1, KafkaError("message_too_large", "large"))
        flushing = asyncio.ensure_future(queue.queueing.flush())
        await _settle()
        assert not flushing.done()
        await queue.answer(0)
        with pytest.raises(BatchError, match="1 of 2 records were not appended"):
            await flushing
        await queue.queueing.close()

    asyncio.run(main())


async def _reports(queue: _Queue) -> Any:
    while (report := await queue.queueing.next_report()) is not None:
        yield report
