"""Fetches wait for records on the engine's clock, which these tests move by hand, and in threads on a condition."""

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from kafka_do import Client, KafkaError
from kafka_do.client.connecting import connect
from kafka_do.core.broker import DeleteTopic, FetchPartition, PartitionFailure, PartitionSlice, Produce
from kafka_do.core.messages import CreateTopicRequest, FetchPosition, FetchRequest, ProduceRecord
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine

_PATIENCE_S = 10
_WAIT_MS = 5_000


def _record(value: bytes, partition: int) -> ProduceRecord:
    return ProduceRecord(value=msgspec.Raw(value), partition=partition)


def _values(found: PartitionSlice) -> list[Any]:
    """Return what was found, as JSON values."""
    return [record["value"] for record in msgspec.json.decode(found.records)]


class _Waiting:
    """An engine with a topic `t` of two partitions and a fetch of partition 0 that waits."""

    def __init__(self, engine: MemoryEngine, clock: ManualClock, fetch: "asyncio.Task[PartitionSlice]") -> None:
        self.engine = engine
        self.clock = clock
        self.fetch = fetch

    async def settle(self) -> bool:
        """Let everything run that can, and tell whether the fetch is answered."""
        for _ in range(10):
            await asyncio.sleep(0)
        return self.fetch.done()


def _with_a_waiting_fetch(check: Callable[[_Waiting], Awaitable[None]], min_bytes: int = 1) -> None:
    async def run() -> None:
        clock = ManualClock(1_000)
        engine = MemoryEngine(version="9.9", clock=clock)
        await engine.create_topic(CreateTopicRequest(topic="t", partitions=2))
        asked = FetchPartition("t", 0, 0, 100, 1_000, min_bytes=min_bytes, max_wait_ms=_WAIT_MS)
        waiting = _Waiting(engine, clock, asyncio.create_task(engine.fetch_partition(asked)))
        assert not await waiting.settle()
        await check(waiting)
        assert waiting.fetch.done()

    asyncio.run(asyncio.wait_for(run(), _PATIENCE_S))


def test_a_fetch_is_answered_when_its_time_is_over_and_not_before() -> None:
    async def check(waiting: _Waiting) -> None:
        waiting.clock.advance(_WAIT_MS - 1)
        assert not await waiting.settle()
        waiting.clock.advance(1)
        assert await waiting.settle()
        assert _values(waiting.fetch.result()) == []

    _with_a_waiting_fetch(check)


def test_a_fetch_is_answered_by_an_append_to_its_partition_and_by_no_other() -> None:
    async def check(waiting: _Waiting) -> None:
        await waiting.engine.produce(Produce("t", [_record(b'"other"', partition=1)]))
        assert not await waiting.settle()
        await waiting.engine.produce(Produce("t", [_record(b'"mine"', partition=0)]))
        assert await waiting.settle()
        assert _values(waiting.fetch.result()) == ["mine"]

    _with_a_waiting_fetch(check)


def test_min_bytes_wait_for_more_than_one_append() -> None:
    async def check(waiting: _Waiting) -> None:
        await waiting.engine.produce(Produce("t", [_record(b"123", partition=0)]))
        assert not await waiting.settle()
        await waiting.engine.produce(Produce("t", [_record(b"45", partition=0)]))
        assert await waiting.settle()
        assert _values(waiting.fetch.result()) == [123, 45]

    _with_a_waiting_fetch(check, min_bytes=5)


def test_draining_answers_a_fetch_that_waits_and_lets_none_wait_any_more() -> None:
    async def check(waiting: _Waiting) -> None:
        waiting.engine.drain()
        assert await waiting.settle()
        again = FetchPartition("t", 0, 0, 100, 1_000, max_wait_ms=_WAIT_MS)
        assert _values(await waiting.engine.fetch_partition(again)) == []

    _with_a_waiting_fetch(check)


def test_deleting_the_topic_ends_the_waiting_with_an_error() -> None:
    async def check(waiting: _Waiting) -> None:
        await waiting.engine.delete_topic(DeleteTopic("t"))
        assert await waiting.settle()
        error = waiting.fetch.exception()
        assert isinstance(error, KafkaError)
        assert error.code == "topic_not_found"

    _with_a_waiting_fetch(check)


def test_a_fetch_of_many_with_an_error_does_not_wait() -> None:
    async def run() -> list[Any]:
        engine = MemoryEngine(version="9.9", clock=ManualClock())
        await engine.create_topic(CreateTopicRequest(topic="t"))
        positions = [FetchPosition(topic="t", partition=0, offset=0), FetchPosition(topic="t", partition=1, offset=0)]
        return await engine.fetch(FetchRequest(partitions=positions, max_wait_ms=_WAIT_MS))

    found = asyncio.run(asyncio.wait_for(run(), _PATIENCE_S))
    assert [type(one) for one in found] == [PartitionSlice, PartitionFailure]


def test_a_blocked_thread_lets_another_one_append_and_is_answered_by_that() -> None:
    name = f"memory://{uuid.uuid4()}"
    with Client(name) as client:
        client.admin().create_topic("t")
        broker = connect(name, timeout_ms=1_000).broker
        asked = FetchPartition("t", 0, 0, 100, 1_000, max_wait_ms=_PATIENCE_S * 1_000)
        found: list[PartitionSlice] = []

        def fetch() -> None:
            try:
                broker.fetch_partition(asked).send(None)
            except StopIteration as done:
                found.append(done.value)

        thread = threading.Thread(target=fetch, daemon=True)
        thread.start()
        client.producer("t").send(1)
        thread.join(_PATIENCE_S / 2)
        assert [_values(one) for one in found] == [[1]]


@pytest.mark.parametrize("wait_ms", [-1, 2**31])
def test_a_wait_outside_its_range_is_refused(wait_ms: int) -> None:
    engine = MemoryEngine(version="9.9", clock=ManualClock())
    with pytest.raises(KafkaError) as refused:
        asyncio.run(engine.fetch_partition(FetchPartition("t", 0, 0, 100, 1_000, max_wait_ms=wait_ms)))
    assert refused.value.code == "invalid_request"
