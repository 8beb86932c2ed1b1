"""What only tests need: a clock that can be set ahead, faults, a fresh start; over real sockets where that matters."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import PlantedFault, PlantFaultRequest
from kafka_do.engines.clock import ManualClock, MovableClock
from kafka_do.server.faults import DroppedError, Faults

_PATIENCE_S = 10
_HOUR_MS = 3_600_000


def _run(check: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(check(), _PATIENCE_S))


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_clock_that_was_set_ahead_goes_on_from_there() -> None:
    clock = MovableClock()
    before = clock.now_ms()
    clock.advance(_HOUR_MS)
    clock.advance(_HOUR_MS)
    assert 0 <= clock.now_ms() - before - 2 * _HOUR_MS < _PATIENCE_S * 1000


def test_a_jump_ends_what_is_over_and_shortens_the_rest() -> None:
    async def check() -> None:
        clock = MovableClock()
        short, long = (asyncio.create_task(clock.waiter().wait(ms)) for ms in (_HOUR_MS, 2 * _HOUR_MS))
        await _settle()
        clock.advance(_HOUR_MS)
        await _settle()
        assert (short.done(), long.done()) == (True, False)
        clock.advance(_HOUR_MS)
        await _settle()
        assert long.done()

    _run(check)


def test_a_wait_ends_also_without_a_jump_and_by_waking() -> None:
    async def check() -> None:
        clock = MovableClock()
        await clock.waiter().wait(1)
        await clock.waiter().wait(0)
        waiter = clock.waiter()
        waiter.wake()
        waiter.wake()
        await waiter.wait(_HOUR_MS)

    _run(check)


def test_a_wait_that_is_given_up_is_forgotten() -> None:
    async def check() -> None:
        clock = MovableClock()
        waiting = asyncio.create_task(clock.waiter().wait(_HOUR_MS))
        await _settle()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        assert not clock._waiting
        clock.advance(2 * _HOUR_MS)

    _run(check)


def test_a_group_coordinator_fault_tells_the_group_of_its_request() -> None:
    async def check() -> None:
        faults = Faults(ManualClock())
        faults._left.append(_planted("describe_topic", "group_coordinator"))
        with pytest.raises(KafkaError) as found:
            await faults.strike("describe_topic", {"group": "g"}, _fail)
        assert (found.value.code, found.value.fields) == ("group_coordinator", {"group": "g"})

    _run(check)


def test_a_fault_of_the_server_is_not_hidden_by_a_dropped_answer() -> None:
    async def check() -> None:
        faults = Faults(ManualClock())
        faults.plant(PlantFaultRequest(operation="produce", fault="drop_after"))
        with pytest.raises(ZeroDivisionError):
            await faults.strike("produce", {}, _fail)

    _run(check)


def test_a_fault_strikes_only_where_its_place_is() -> None:
    async def check() -> None:
        faults = Faults(ManualClock())
        faults.plant(PlantFaultRequest(operation="fetch_partition", fault="drop_before", topic="t", partition=0))
        for topic, partition in (("t", 1), ("u", 0)):
            with pytest.raises(ZeroDivisionError):
                await faults.strike("fetch_partition", {"topic": topic, "partition": partition}, _fail)
        with pytest.raises(DroppedError):
            await faults.strike("fetch_partition", {"topic": "t", "partition": 0}, _fail)
        assert faults.left() == []

    _run(check)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_requests_behind_a_dropped_one_on_its_connection_do_nothing(served_for_tests: str, fault: str) -> None:
    with httpx.Client(base_url=served_for_tests) as server:
        server.post("/v1/control/reset").raise_for_status()
        planted = {"operation": "list_topics", "fault": fault}
        server.post("/v1/control/faults", json=planted).raise_for_status()
        with _connected(served_for_tests) as connection:
            body = json.dumps({"topic": "behind"}).encode()
            fields = b"Host: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            before = b"GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n"
            struck = b"GET /v1/topics HTTP/1.1\r\nHost: a\r\n\r\n"
            connection.sendall(before + struck + b"POST /v1/topics HTTP/1.1\r\n" + fields + body)
            answers = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert answers.count(b"HTTP/1.1 ") == 1
        assert b'"features"' in answers
        assert server.get("/v1/topics").json() == {"topics": []}


def _planted(operation: str, code: str) -> PlantedFault:
    return PlantedFault(operation=operation, fault="error", times=1, code=code)  # type: ignore[arg-type]


async def _fail() -> None:
    raise ZeroDivisionError


@contextlib.contextmanager
def _connected(url: str) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), _PATIENCE_S) as connection:
        yield connection
