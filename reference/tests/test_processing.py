"""Messages worked on by several workers: order, commits without gaps, failures, and the end."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kafka_do import DeadLetters, Message, MisfitError, errors
from kafka_do.client.consuming import Origin
from kafka_do.client.lanes import Lanes, Order
from kafka_do.client.membership import Partition
from kafka_do.client.messages import ReadMessage
from kafka_do.client.serializing import messages_of
from kafka_do.core.records import StoredRecord
from tests.conftest import Skin, until

_SOON_MS = 50
_PATIENCE_S = 10


async def _committed(skin: "Skin", client: Any) -> dict[int, int]:
    try:
        described = await skin.told(client.admin().describe_group("billing"))
    except errors.GroupNotFoundError:
        return {}
    return {one.partition: one.committed_offset for one in described.offsets if isinstance(one.committed_offset, int)}


async def _refuse_2(message: Any) -> None:
    if message.value == 2:
        raise LookupError("no such customer")


class _Doors:
    """A handler whose work on some messages ends when the test lets it."""

    def __init__(self, *held: object) -> None:
        self.begun: list[Any] = []
        self.done: list[Any] = []
        self.doors = {value: asyncio.Event() for value in held}

    async def work(self, message: Any) -> None:
        self.begun.append(message.value)
        if message.value in self.doors:
            await self.doors[message.value].wait()
        self.done.append(message.value)


def _keyed(*values: int, of: int = 3) -> list[Message[int]]:
    return [Message(value, key=f"k{value % of}", partition=0) for value in values]


def _process(skin: "Skin", consumer: Any, work: Callable[[Any], Awaitable[None]], **options: Any) -> Any:
    """Begin to process, beside the test; what it returns is to be awaited."""
    handler = skin.handler(work)
    return skin.beside(lambda: consumer.process(handler, **options))


@pytest.mark.parametrize("workers", [1, 4])
def test_everything_is_worked_on_once_in_the_order_of_its_key_and_committed(skin: "Skin", workers: int) -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [Message(n, key=f"k{n % 7}") for n in range(200)], partitions=2)
        doors = _Doors()
        consumer = client.consumer("orders", "billing")
        options = {"workers": workers, "queue_records": 20, "timeout_ms": _SOON_MS}
        assert await _process(skin, consumer, doors.work, **options) == 200
        assert sorted(doors.done) == list(range(200))
        for key in range(7):
            assert [value for value in doors.done if value % 7 == key] == list(range(key, 200, 7))
        assert sum((await _committed(skin, client)).values()) == 200

    skin.run(test)


def test_other_keys_go_on_while_one_waits_and_the_commit_stays_before_what_is_not_done(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _keyed(0, 1, 2, 3, 4, 5))
        doors = _Doors(1)
        consumer = client.consumer("orders", "billing", auto_commit_interval_ms=1)
        running = _process(skin, consumer, doors.work, workers=3)
        await until(lambda: sorted(doors.done) == [0, 2, 3, 5])
        client.advance(1000)
        async with asyncio.timeout(_PATIENCE_S):
            while await _committed(skin, client) != {0: 1}:
                client.advance(1)
                await asyncio.sleep(0.001)
        assert doors.begun.count(4) == 0
        doors.doors[1].set()
        await until(lambda: len(doors.done) == 6)
        consumer.stop()
        assert await running == 6
        assert await _committed(skin, client) == {0: 6}

    skin.run(test)


def test_in_the_order_of_partitions_nothing_overtakes(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [Message(n, key=f"k{n}", partition=n % 2) for n in range(20)], partitions=2)
        doors = _Doors(0)
        consumer = client.consumer("orders", "billing")
        running = _process(skin, consumer, doors.work, workers=4, order="partition")
        await until(lambda: len(doors.done) == 10)
        assert doors.done == list(range(1, 20, 2))
        assert doors.begun.count(2) == 0
        doors.doors[0].set()
        await until(lambda: len(doors.done) == 20)
        assert doors.done[10:] == list(range(0, 20, 2))
        consumer.stop()
        await running

    skin.run(test)


def test_no_more_is_read_than_may_wait(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(50))
        doors = _Doors(*range(50))
        consumer = client.consumer("orders", "billing")
        running = _process(skin, consumer, doors.work, workers=50, queue_records=5)
        await until(lambda: len(doors.begun) == 5)
        for number in range(10):  # each that is done makes room for one more
            assert sorted(doors.begun) == list(range(number + 5))
            doors.doors[number].set()
            await until(lambda: len(doors.begun) > number + 5)  # noqa: B023  it is awaited here
        for door in doors.doors.values():
            door.set()
        await until(lambda: len(doors.done) == 50)
        consumer.stop()
        assert await running == 50

    skin.run(test)


def test_what_a_handler_raises_ends_the_work_and_comes_again(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(5))
        consumer = client.consumer("orders", "billing")
        with pytest.raises(LookupError, match="no such customer"):
            await _process(skin, consumer, _refuse_2, workers=1)
        assert await _committed(skin, client) == {0: 2}
        assert [message.value for message in await skin.taken(consumer, 3)] == [2, 3, 4]
        assert await skin.told(consumer.commit()) == {("orders", 0): 5}

    skin.run(test)


def test_a_message_that_cannot_be_worked_on_is_skipped(skin: "Skin", caplog: pytest.LogCaptureFixture) -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(5))
        consumer = client.consumer("orders", "billing")
        assert await _process(skin, consumer, _refuse_2, on_error="skip", timeout_ms=_SOON_MS) == 5
        assert await _committed(skin, client) == {0: 5}
        assert "orders-0 at offset 2" in caplog.text
        assert "no such customer" in caplog.text

    skin.run(test)


def test_a_message_that_cannot_be_worked_on_becomes_a_dead_letter(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(5))
        consumer = client.consumer("orders", "billing")
        fate = DeadLetters("letters")
        assert await _process(skin, consumer, _refuse_2, on_error=fate, timeout_ms=_SOON_MS) == 5
        (letter,) = client.get_messages("letters")
        assert (letter.value, letter.headers["original-offset"]) == (2, "2")
        assert letter.headers["error"] == "LookupError: no such customer"

    skin.run(test)


def test_a_letter_that_cannot_be_sent_ends_the_work_and_the_message_stays(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(5))
        consumer = client.consumer("orders", "billing")
        client.fail("produce_partition", "unauthorized")
        with pytest.raises(errors.UnauthorizedError) as caught:
            await _process(skin, consumer, _refuse_2, on_error=DeadLetters("letters"), workers=1)
        assert isinstance(caught.value.__context__, LookupError)
        assert await _committed(skin, client) == {0: 2}

    skin.run(test)


def test_a_record_of_another_type_ends_the_work_once_the_others_are_done(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [1, 2, "three", 4])
        doors = _Doors(1)
        consumer = client.consumer("orders", "billing", value_type=int)
        running = _process(skin, consumer, doors.work, workers=2)
        await until(lambda: doors.done == [2])
        doors.doors[1].set()
        with pytest.raises(MisfitError, match="orders-0 at offset 2"):
            await running
        assert await _committed(skin, client) == {0: 2}

    skin.run(test)


def test_a_stop_takes_less_than_a_second_whatever_a_handler_does(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(4))
        doors = _Doors(1)
        consumer = client.consumer("orders", "billing")
        running = _process(skin, consumer, doors.work, workers=1)
        await until(lambda: doors.begun == [0, 1])
        begun = time.monotonic()
        consumer.stop()
        assert await running == 1
        assert time.monotonic() - begun < 1
        assert await _committed(skin, client) == {0: 1}
        assert [message.value for message in await skin.taken(consumer, 3)] == [1, 2, 3]
        doors.doors[1].set()
        if skin.name == "blocking":  # a thread cannot be ended, and what it does counts no more
            await until(lambda: not [one for one in threading.enumerate() if one.name == "kafka-do worker 0"])
        assert await _committed(skin, client) == {0: 1}

    skin.run(test)


def test_a_handler_may_stop_the_work(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(100))
        consumer = client.consumer("orders", "billing")

        async def work(message: Any) -> None:
            if message.value == 10:
                consumer.stop()

        assert await _process(skin, consumer, work, workers=1) == 11
        assert await _committed(skin, client) == {0: 11}

    skin.run(test)


def test_the_handler_commits_nothing_and_nobody_processes_twice(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(1))
        consumer = client.consumer("orders", "billing")
        seen: list[Any] = []

        async def work(message: Any) -> None:
            for call in (message.commit, lambda: consumer.process(print)):
                with pytest.raises(RuntimeError) as caught:
                    await skin.told(call())
                seen.append(str(caught.value))
            consumer.stop()

        await _process(skin, consumer, work)
        assert seen == [
            "processing commits by itself what is done with, without gaps",
            "this consumer is processing already",
        ]

    skin.run(test)


def test_a_partition_goes_to_another_member_once_what_was_begun_there_is_done_and_committed(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [Message(n, partition=n % 2) for n in range(4)], partitions=2)
        doors = _Doors(0, 1)
        consumer = client.consumer("orders", "billing", heartbeat_interval_ms=10)
        running = _process(skin, consumer, doors.work)
        await until(lambda: sorted(doors.done) == [2, 3])
        other = client.consumer("orders", "billing", heartbeat_interval_ms=10)
        await until(lambda: len(consumer.assignment) == 1)
        assert other.assignment == []
        for door in doors.doors.values():
            door.set()
        await until(lambda: len(other.assignment) == 1)
        assert await skin.all_of(other.messages(timeout_ms=_SOON_MS)) == []
        consumer.stop()
        assert await running == 4
        assert await _committed(skin, client) == {0: 2, 1: 2}

    skin.run(test)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"workers": 0}, "workers has to be 1 or more"),
        ({"queue_records": 0}, "queue_records has to be 1 or more"),
        ({"order": "topic"}, "order has to be key or partition"),
        ({"on_error": "ignore"}, "on_error has to be raise, skip or DeadLetters"),
    ],
)
def test_options_that_mean_nothing_are_refused(skin: "Skin", wrong: dict[str, Any], words: str) -> None:
    async def test(client: Any) -> None:
        consumer = client.consumer("orders", "billing")
        with pytest.raises(ValueError, match=words):
            await skin.told(consumer.process(print, **wrong))

    skin.run(test)


@pytest.mark.parametrize("skin", ["aio"], indirect=True)
def test_cancelling_the_task_commits_what_is_done(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(4))
        doors = _Doors(2)
        consumer = client.consumer("orders", "billing")
        running = asyncio.ensure_future(consumer.process(doors.work, workers=1))
        await until(lambda: doors.begun == [0, 1, 2])
        running.cancel()
        begun = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert time.monotonic() - begun < 1
        described = await client.admin().describe_group("billing")
        assert [one.committed_offset for one in described.offsets] == [2]

    skin.run(test)


@pytest.mark.parametrize("skin", ["aio"], indirect=True)
def test_a_worker_that_is_cancelled_ends_the_work(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(4))
        consumer = client.consumer("orders", "billing")

        async def work(_message: Any) -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await consumer.process(work, workers=1)

    skin.run(test)


# Lanes


def _message(offset: int, key: bytes | None = None, losses: int = 0) -> ReadMessage[Any]:
    origin = Origin(None, Partition("orders", "id", 0), losses)
    return messages_of("orders", 0, [StoredRecord(offset, None, key, b"1", ())], origin=origin)[0]


@pytest.mark.parametrize(("order", "begun"), [("key", [0, 1, 3]), ("partition", [0])])
def test_one_lane_has_one_message_at_work(order: Order, begun: list[int]) -> None:
    lanes: Lanes[ReadMessage[Any]] = Lanes(order)
    for offset, key in enumerate((b"a", b"b", b"a", None)):
        lanes.add(_message(offset, key))
    taken = []
    while (message := lanes.take()) is not None:
        taken.append(message)
    assert [one.offset for one in taken] == begun
    lanes.done(taken[0])
    following = lanes.take()
    assert following is not None
    assert following.offset == (2 if order == "key" else 1)
    assert [one.offset for one in lanes.unfinished] == [1, 2, 3]


def test_what_is_lost_is_forgotten_and_its_lane_is_free_when_its_work_ends() -> None:
    lanes: Lanes[ReadMessage[Any]] = Lanes("key")
    lost = [_message(0, b"a"), _message(1, b"a")]
    for message in lost:
        lanes.add(message)
    taken = lanes.take()
    assert taken is lost[0]
    lanes.forget(lost)
    assert lanes.unfinished == []
    again = _message(0, b"a", losses=1)
    lanes.add(again)
    assert lanes.take() is None
    lanes.done(taken)
    assert lanes.unfinished == [again]
    assert lanes.take() is again
