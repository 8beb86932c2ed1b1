"""The time of a broker in this process, for whichever asks it: threads that block, and tasks of an event loop."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from kafka_do.engines.clock import Waiter

__all__ = ["EmbeddedClock", "suspending"]

_SUSPENDS: ContextVar[bool] = ContextVar("kafka_do_suspends", default=False)


@contextmanager
def suspending() -> Iterator[None]:
    """Let waiters that are made meanwhile suspend the running task, where they would block its thread."""
    before = _SUSPENDS.set(True)
    try:
        yield
    finally:
        _SUSPENDS.reset(before)


class EmbeddedClock:
    """The machine's time and what it was set ahead by. Waiters give `condition` up, so that others can append.

    Everything but `advance` and `watch` is to be called with `condition` held.
    """

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self._ahead_ms = 0
        self._watchers: list[Callable[[], None]] = []

    @property
    def ahead_ms(self) -> int:
        """By how much this time is ahead of the machine's."""
        return self._ahead_ms

    def now_ms(self) -> int:
        """Return the time."""
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def waiter(self) -> Waiter:
        """Return a new waiter."""
        return _TaskWaiter(self) if _SUSPENDS.get() else _ThreadWaiter(self)

    def advance(self, ms: int) -> None:
        """Set the time ahead: every waiting whose time has come ends."""
        if ms < 0:
            raise ValueError("a clock goes forward only")
        with self.condition:
            self._ahead_ms += ms
            self.condition.notify_all()
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have something called after each `advance`, until what is returned is called."""
        with self.condition:
            self._watchers.append(watcher)

        def forget() -> None:
            with self.condition, suppress(ValueError):
                self._watchers.remove(watcher)

        return forget


class _ThreadWaiter:
    def __init__(self, clock: EmbeddedClock) -> None:
        self._clock = clock
        self._woken = False

    def wake(self) -> None:
        self._woken = True
        self._clock.condition.notify_all()

    async def wait(self, timeout_ms: int) -> None:
        ends_ms = self._clock.now_ms() + timeout_ms
        while not self._woken and (left_ms := ends_ms - self._clock.now_ms()) > 0:
            self._clock.condition.wait(left_ms / 1000)


class _TaskWaiter:
    def __init__(self, clock: EmbeddedClock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()

    def wake(self) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(self._ended.set)

    async def wait(self, timeout_ms: int) -> None:
        ends_ms = self._clock.now_ms() + timeout_ms

        def look() -> None:
            if self._clock.now_ms() >= ends_ms:
                self.wake()

        forget = self._clock.watch(look)
        self._clock.condition.release()
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await self._ended.wait()
        except TimeoutError:
            pass
        finally:
            self._clock.condition.acquire()
            forget()
