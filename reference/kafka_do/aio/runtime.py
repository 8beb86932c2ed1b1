"""An event loop as the place where a client runs."""

import asyncio
import time
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from kafka_do.client.runtime import Ahead

__all__ = ["LoopGate", "LoopRuntime"]


class LoopGate:
    """Between two waits a coroutine is alone anyway; what is left of a gate is the waiting."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def __enter__(self) -> Self:
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
        try:
            await asyncio.wait((self._task,), timeout=timeout_ms / 1000)
        finally:
            self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


class LoopRuntime:
    """The machine's time, and tasks of the running event loop."""

    def __init__(self, clock: Ahead | None = None) -> None:
        """Take a clock that tests set ahead, if there is one: waiting then ends by its time."""
        self._clock = clock
        self._gates: weakref.WeakSet[LoopGate] = weakref.WeakSet()
        if clock is not None:
            clock.watch(self._ring)

    def now_ms(self) -> int:
        """Return milliseconds that only ever go forward."""
        return time.monotonic_ns() // 1_000_000 + (0 if self._clock is None else self._clock.ahead_ms)

    async def sleep(self, wait_ms: int) -> None:
        """Suspend the task."""
        until_ms = self.now_ms() + wait_ms
        with self.gate() as gate:
            while (left_ms := until_ms - self.now_ms()) > 0:
                await gate.wait(left_ms)

    def gate(self) -> LoopGate:
        """Return a new gate."""
        gate = LoopGate()
        if self._clock is not None:
            self._gates.add(gate)
        return gate

    def _ring(self) -> None:
        for gate in list(self._gates):
            with gate:
                gate.ring()

    def turn(self) -> asyncio.Lock:
        """Return a lock."""
        return asyncio.Lock()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> _TaskWork:
        """Begin work in a task of its own."""
        return _TaskWork(asyncio.get_running_loop().create_task(work(), name=f"kafka-do {name}"))
