"""What several test files need: a server in a process of its own."""

import asyncio
import contextlib
import inspect
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from kafka_do.testing import AsyncMockClient, MockClient
from tests.over_http import AsyncServedMockClient, ServedMockClient

_PATIENCE_S = 30


async def until(met: Callable[[], bool]) -> None:
    """Wait until it is so, for what happens in other threads or processes too; raises TimeoutError."""
    async with asyncio.timeout(_PATIENCE_S):
        while not met():  # noqa: ASYNC110  nobody is there to set an event
            await asyncio.sleep(0.001)


class Skin:
    """One of the two skins of the client, so that one test says what both do."""

    def __init__(self, name: str, url: str | None = None) -> None:
        self.name = name
        self.url = url

    def run(self, test: Callable[[Any], Awaitable[None]]) -> None:
        """Run a test with a mock client, in an event loop."""
        asyncio.run(self._with_client(test))

    async def told(self, answer: Any) -> Any:
        """Return what a call returns."""
        return await answer if inspect.isawaitable(answer) else answer

    async def taken(self, messages: Any, count: int) -> list[Any]:
        """Return the first so many of an iteration."""
        found: list[Any] = []
        messages = messages.__aiter__() if hasattr(messages, "__aiter__") else iter(messages)
        while len(found) < count:
            found.append(await anext(messages) if hasattr(messages, "__anext__") else next(messages))
        return found

    async def all_of(self, messages: Any) -> list[Any]:
        """Return everything of an iteration."""
        return [one async for one in messages] if hasattr(messages, "__aiter__") else list(messages)

    def handler(self, work: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Any]:
        """Return a handler that does `work` in the event loop of the test, wherever it is called."""
        if self.name == "aio":
            return work
        loop = asyncio.get_running_loop()

        async def perform(message: Any) -> None:
            await work(message)

        return lambda message: asyncio.run_coroutine_threadsafe(perform(message), loop).result(_PATIENCE_S)

    def beside(self, call: Callable[[], Any]) -> "asyncio.Task[Any]":
        """Begin a call that waits, beside the test."""
        if self.name == "aio":
            return asyncio.ensure_future(call())
        return asyncio.ensure_future(asyncio.to_thread(call))

    def _client(self) -> Any:
        """Return a client of a broker in this process, or of the server at `url`."""
        if self.url is not None:
            return (ServedMockClient if self.name == "blocking" else AsyncServedMockClient)(self.url)
        return MockClient() if self.name == "blocking" else AsyncMockClient()

    async def _with_client(self, test: Callable[[Any], Awaitable[None]]) -> None:
        client = self._client()
        try:
            await test(client)
        finally:
            await self.told(client.close())
        await self.told(client.close())
        assert len(asyncio.all_tasks()) == 1


@pytest.fixture(params=["blocking", "aio"])
def skin(request: pytest.FixtureRequest) -> Iterator[Skin]:
    """Return a skin of the client; after a test with it no thread and no task is left."""
    before = set(threading.enumerate())
    yield Skin(request.param)
    assert set(threading.enumerate()) <= before


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """Start `kafka-do serve` on a free port of the loopback interface and yield its URL."""
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def served_alone() -> Iterator[str]:
    """Serve as `served` does, for the tests of one file only."""
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def served_for_tests() -> Iterator[str]:
    """Serve with the feature `control`, for the tests of one file only."""
    with serving("--test-control") as url:
        yield url


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    """Start `kafka-do serve` with options and yield its URL."""
    command = [sys.executable, "-m", "kafka_do", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        guard = threading.Timer(_PATIENCE_S, server.kill)
        guard.start()
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            guard.cancel()
            assert url.startswith("http://127.0.0.1:"), f"the server said {url!r} instead of its URL"
            yield url
        finally:
            guard.cancel()
            server.kill()
