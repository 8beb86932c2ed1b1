"""Several things at the same time: so many at most, each once, and none begun for a caller who has gone."""

import asyncio
import threading
from functools import partial

import pytest

from kafka_do.aio.runtime import LoopRuntime
from kafka_do.blocking.runtime import ThreadRuntime
from kafka_do.client.driving import drive
from kafka_do.client.side_by_side import one_by_one, side_by_side

_PATIENCE_MS = 10_000


def test_tasks_do_so_many_at_the_same_time_and_each_once() -> None:
    async def main() -> None:
        under_way = 0
        most = 0
        done: list[int] = []

        async def act(number: int) -> None:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            for _ in range(number + 1):
                await asyncio.sleep(0)
            under_way -= 1
            done.append(number)

        acts = [partial(act, number) for number in range(7)]
        await side_by_side(LoopRuntime(), acts, most=3)
        assert most == 3
        assert sorted(done) == list(range(7))
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_threads_do_so_many_at_the_same_time_and_each_once() -> None:
    meeting = threading.Barrier(3, timeout=_PATIENCE_MS / 1000)
    done: list[int] = []

    async def act(number: int) -> None:
        meeting.wait()  # passes only if three are there
        done.append(number)

    before = set(threading.enumerate())
    acts = [partial(act, number) for number in range(6)]
    drive(side_by_side(ThreadRuntime(), acts, most=3))
    assert sorted(done) == list(range(6))
    assert set(threading.enumerate()) <= before


def test_a_caller_who_is_cancelled_leaves_nothing_behind() -> None:
    async def main() -> None:
        begun: list[int] = []
        both = asyncio.Event()

        async def act(number: int) -> None:
            begun.append(number)
            if len(begun) == 2:
                both.set()
            await asyncio.Event().wait()

        acts = [partial(act, number) for number in range(4)]
        calling = asyncio.ensure_future(side_by_side(LoopRuntime(), acts, most=2))
        await both.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert sorted(begun) == [0, 1]
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_one_by_one_is_in_order() -> None:
    done: list[int] = []

    async def act(number: int) -> None:
        done.append(number)

    drive(one_by_one([partial(act, number) for number in range(4)]))
    assert done == [0, 1, 2, 3]
