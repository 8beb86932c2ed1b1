"""The mock clients with a real server process in place of the broker in this one, for tests that run on both."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx

from kafka_do.aio.runtime import LoopRuntime
from kafka_do.blocking.runtime import ThreadRuntime
from kafka_do.client.connecting import Connection, connect
from kafka_do.client.session import DEFAULT_RETRIES, DEFAULT_TIMEOUT_MS, Session
from kafka_do.testing import AsyncMockClient, MockClient
from kafka_do.testing.faults import Fault, FaultyBroker

if TYPE_CHECKING:
    from kafka_do.client.runtime import Runtime

_PATIENCE_S = 30.0


class _ServerClock:
    """The time of a server with the feature `control`, and of the clients that go by it."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/v1/control/clock"
        self.ahead_ms = 0
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        self._watchers.append(watcher)

    def advance(self, ms: int) -> None:
        if ms < 0:
            raise ValueError("a clock goes forward only")
        httpx.post(self._url, json={"advance_ms": ms}, timeout=_PATIENCE_S, trust_env=False).raise_for_status()
        self.ahead_ms += ms
        for watcher in list(self._watchers):
            watcher()


class _Served:
    """What a mock client has of its broker: here that of a server, which begins anew."""

    def __init__(self, url: str) -> None:
        httpx.post(f"{url}/v1/control/reset", timeout=_PATIENCE_S, trust_env=False).raise_for_status()
        self.url = url
        self.clock = _ServerClock(url)
        self._look = connect(url, timeout_ms=DEFAULT_TIMEOUT_MS)

    def broker(self, *, in_loop: bool) -> Any:
        assert not in_loop
        return self._look.broker

    async def close(self) -> None:
        await self._look.close()

    def session(self, faults: list[Fault], *, timeout_ms: int, retries: int, in_loop: bool) -> Session:
        runtime: Runtime = LoopRuntime(self.clock) if in_loop else ThreadRuntime(self.clock)
        connection = _faulty(connect(self.url, timeout_ms=timeout_ms, in_loop=in_loop), faults)
        session = Session(connection, runtime, timeout_ms=timeout_ms, retries=retries)
        session.parts.add(self)
        return session


def _faulty(connection: Connection, faults: list[Fault]) -> Connection:
    broker: Any = FaultyBroker(connection.broker, faults)
    return connection._replace(broker=broker, beside=lambda timeout_ms: _faulty(connection.beside(timeout_ms), faults))


class ServedMockClient(MockClient):
    """A blocking mock client of a server at `url`."""

    def __init__(self, url: str, *, timeout_ms: int = DEFAULT_TIMEOUT_MS, retries: int = DEFAULT_RETRIES) -> None:
        self._embedded: Any = _Served(url)
        self._faults: list[Fault] = []
        self._begin(self._embedded.session(self._faults, timeout_ms=timeout_ms, retries=retries, in_loop=False))


class AsyncServedMockClient(AsyncMockClient):
    """A mock client of an event loop, of a server at `url`."""

    def __init__(self, url: str, *, timeout_ms: int = DEFAULT_TIMEOUT_MS, retries: int = DEFAULT_RETRIES) -> None:
        self._embedded: Any = _Served(url)
        self._faults: list[Fault] = []
        self._begin(self._embedded.session(self._faults, timeout_ms=timeout_ms, retries=retries, in_loop=True))
