"""An event loop as the place where a client runs."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any

__all__ = ["LoopGate", "LoopRuntime"]


class LoopGate:
    """Between two waits a coroutine is alone anyway; what is left of a gate is the waiting."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def __enter__(self) -> object:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def ring(self) -> None:
        """Wake every task that waits."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, timeout_ms: int) -> None:
        """Suspend the task until somebody rings, or for so long."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await future
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(future)


class _TaskWork:
    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    async def join(self, timeout_ms: int) -> None:
        """Wait until it has ended; what has not by then is cancelled."""
        await asyncio.wait((self._task,), timeout=timeout_ms / 1000)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


class LoopRuntime:
    """The machine's time, and tasks of the running event loop."""

    def now_ms(self) -> int:
        """Return milliseconds that only ever go forward."""
        return time.monotonic_ns() // 1_000_000

    async def sleep(self, wait_ms: int) -> None:
        """Suspend the task."""
        await asyncio.sleep(wait_ms / 1000)

    def gate(self) -> LoopGate:
        """Return a new gate."""
        return LoopGate()

    def turn(self) -> asyncio.Lock:
        """Return a lock."""
        return asyncio.Lock()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> _TaskWork:
        """Begin work in a task of its own."""
        return _TaskWork(asyncio.get_running_loop().create_task(work(), name=f"kafka-do {name}"))
