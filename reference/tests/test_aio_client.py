"""The client of an event loop over HTTP: what the embedded broker cannot show of it."""

import asyncio
import socket
import uuid

import pytest

from kafka_do import DisconnectedError, aio

_PATIENCE_S = 30


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep proxies and addresses of the surroundings out of the tests."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("KAFKA_DO_API_KEY", raising=False)


def test_two_members_share_a_topic_and_every_record_is_read(served: str) -> None:
    async def main() -> None:
        topic = f"t-{uuid.uuid4()}"
        group = f"g-{uuid.uuid4()}"
        found: set[int] = set()
        both, all_read = asyncio.Event(), asyncio.Event()

        async def consume(client: aio.Client, one: set[str]) -> None:
            def note(_: object) -> None:
                one.add(str(id(asyncio.current_task())))
                if len(one) == 2:
                    both.set()

            async with client.consumer(topic, group, auto_commit=True, on_assigned=note) as consumer:
                async for message in consumer:
                    found.add(message.value)
                    if len(found) == 200:
                        all_read.set()

        async with aio.Client(served) as client, asyncio.timeout(_PATIENCE_S):
            await client.admin().create_topic(topic, partitions=4)
            assigned: set[str] = set()
            readers = [asyncio.create_task(consume(client, assigned)) for _ in range(2)]
            await both.wait()
            async with client.async_producer(topic) as producer:
                for number in range(200):
                    await producer.send(number, key=str(number))
            await all_read.wait()
            for reader in readers:
                reader.cancel()
            ended = await asyncio.gather(*readers, return_exceptions=True)
            assert [type(one) for one in ended] == [asyncio.CancelledError] * 2
            described = await client.admin().describe_group(group)
            assert (described.state, described.members) == ("empty", [])
        assert found == set(range(200))
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_no_answer_in_time_is_a_timeout_and_a_lost_server() -> None:
    async def main(url: str) -> None:
        async with aio.Client(url, timeout_ms=50, retries=0) as client:
            with pytest.raises(TimeoutError) as caught:
                await client.discover()
            assert isinstance(caught.value, DisconnectedError)
            assert caught.value.indeterminate

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(main(f"http://127.0.0.1:{silent.getsockname()[1]}"))
