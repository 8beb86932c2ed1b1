"""The next fetch, while the caller works: what it asks, what becomes of it, and that nobody waits for it in the end."""

import asyncio
import threading
from typing import Any

import pytest

from kafka_do import KafkaError
from kafka_do.client.tracing import Server
from kafka_do.core.messages import FetchRequest
from kafka_do.errors import ClosedError, ForbiddenError
from tests.conftest import Skin, until

_PATIENCE_S = 10
_SOON_MS = 50
_ELSEWHERE = Server("elsewhere.example", 443)


class _Far:
    """A broker whose fetches are seen, and wait at a closed door if they are not of the `free` first ones."""

    def __init__(self, skin: "Skin", client: Any, free: int = 99) -> None:
        self.fetches: list[FetchRequest] = []
        self.door = threading.Event()
        self._free = free
        self._skin = skin
        connection = client._session.connection
        self._broker = connection.broker
        client._session.connection = connection._replace(broker=self, server=_ELSEWHERE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def fetch(self, request: FetchRequest) -> Any:
        """Let a fetch through the door."""
        self.fetches.append(request)
        if len(self.fetches) > self._free:
            if self._skin.name == "blocking":
                self.door.wait(_PATIENCE_S)
            while not self.door.is_set():  # noqa: ASYNC110  the same door is for threads
                await asyncio.sleep(0.001)
        return await self._broker.fetch(request)


def _consumer(client: Any, **options: Any) -> Any:
    return client.consumer("t", "billing", auto_commit=False, heartbeat_interval_ms=10, **options)


async def _fill(skin: "Skin", client: Any, count: int = 6, partitions: int = 1) -> None:
    await skin.told(client.admin().create_topic("t", partitions=partitions))
    client.seed("t", list(range(count)))


def test_the_next_records_are_fetched_while_the_caller_works_and_no_more(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await _fill(skin, client)
        far = _Far(skin, client)
        consumer = _consumer(client, max_poll_records=2)
        first = await skin.told(consumer.poll(_PATIENCE_S * 1000))
        await until(lambda: len(far.fetches) == 2)
        assert [one.partitions[0].offset for one in far.fetches] == [0, 2]
        rest = [await skin.told(consumer.poll(_PATIENCE_S * 1000)) for _ in range(2)]
        assert [message.value for found in (first, *rest) for message in found] == list(range(6))
        assert [one.partitions[0].offset for one in far.fetches] == [0, 2, 4]  # nothing is known to be at 6
        assert await skin.told(consumer.poll(_SOON_MS)) == []

    skin.run(test)


def test_records_that_come_late_are_given_by_a_later_call(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await _fill(skin, client)
        far = _Far(skin, client, free=1)
        consumer = _consumer(client, max_poll_records=3)
        assert len(await skin.told(consumer.poll(_PATIENCE_S * 1000))) == 3
        assert await skin.told(consumer.poll(0)) == []
        far.door.set()
        assert [one.value for one in await skin.told(consumer.poll(_PATIENCE_S * 1000))] == [3, 4, 5]
        assert len(far.fetches) == 2

    skin.run(test)


def test_what_was_fetched_ahead_of_a_seek_or_a_pause_is_not_given(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await _fill(skin, client)
        far = _Far(skin, client)
        consumer = _consumer(client, max_poll_records=2)
        await skin.told(consumer.poll(_PATIENCE_S * 1000))
        await until(lambda: len(far.fetches) == 2)
        await skin.told(consumer.seek("t", 0, 1))
        assert [one.value for one in await skin.told(consumer.poll(_PATIENCE_S * 1000))] == [1, 2]
        await until(lambda: len(far.fetches) == 4)
        consumer.pause(("t", 0))
        assert await skin.told(consumer.poll(_SOON_MS)) == []
        consumer.resume()
        assert [one.value for one in await skin.told(consumer.poll(_PATIENCE_S * 1000))] == [3, 4]

    skin.run(test)


def test_why_a_fetch_failed_is_told_by_the_call_that_wants_its_records(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await _fill(skin, client)
        _Far(skin, client)
        consumer = _consumer(client, max_poll_records=5)
        assert len(await skin.told(consumer.poll(_PATIENCE_S * 1000))) == 5
        await until(lambda: consumer._reading._ahead._outcome is not None)
        consumer._reading._ahead._outcome = KafkaError("forbidden", "this key may not read t", topic="t")
        with pytest.raises(ForbiddenError, match="this key may not read t"):
            await skin.told(consumer.poll(_PATIENCE_S * 1000))
        assert [one.value for one in await skin.told(consumer.poll(_PATIENCE_S * 1000))] == [5]

    skin.run(test)


def test_a_partition_is_given_up_when_its_fetch_is_answered_even_if_the_caller_is_elsewhere(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await _fill(skin, client, count=8, partitions=2)
        far = _Far(skin, client, free=1)
        one = _consumer(client, max_poll_records=1)
        await skin.told(one.poll(_PATIENCE_S * 1000))
        await until(lambda: len(far.fetches) == 2)
        assert await skin.told(one.poll(0)) == []  # what was given before is done with
        two = _consumer(client)

        await until(lambda: len(one.assignment) == 1)
        with one._reading._member.locked() as state:
            assert len(state.owned) == 2
        far.door.set()
        await until(lambda: len(two.assignment) == 1)
        assert len(one.assignment) == 1

    skin.run(test)


def test_closing_does_not_wait_for_a_fetch(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await _fill(skin, client)
        far = _Far(skin, client, free=1)
        consumer = _consumer(client, max_poll_records=2)
        await skin.told(consumer.poll(_PATIENCE_S * 1000))
        await until(lambda: len(far.fetches) == 2)
        async with asyncio.timeout(_PATIENCE_S / 2):
            await skin.told(consumer.close())
        far.door.set()
        await until(lambda: not any("fetching" in thread.name for thread in threading.enumerate()))

    skin.run(test)


def test_who_waits_for_a_fetch_while_the_consumer_is_closed_is_told_so(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await _fill(skin, client)
        far = _Far(skin, client, free=1)
        consumer = _consumer(client, max_poll_records=2)
        await skin.told(consumer.poll(_PATIENCE_S * 1000))
        polling = skin.beside(lambda: consumer.poll(100 * _PATIENCE_S * 1000))
        await until(lambda: len(far.fetches) == 2)
        await skin.told(consumer.close())
        with pytest.raises(ClosedError):
            await asyncio.wait_for(polling, _PATIENCE_S)
        far.door.set()
        await until(lambda: not any("fetching" in thread.name for thread in threading.enumerate()))

    skin.run(test)


def test_a_broker_in_this_process_is_asked_when_its_records_are_wanted(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await _fill(skin, client)
        consumer = _consumer(client, max_poll_records=2)
        await skin.told(consumer.poll(_PATIENCE_S * 1000))
        assert not consumer._reading._ahead.is_under_way

    skin.run(test)
