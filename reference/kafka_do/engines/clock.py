"""The time that an engine is given: what time it is, and a way to wait."""

import asyncio
import threading
import time
from typing import Protocol

__all__ = ["Clock", "EventLoopClock", "ManualClock", "MovableClock", "ThreadClock", "Waiter"]


class Waiter(Protocol):
    """Waits once, for whichever comes first: `wake`, or the end of a time."""

    def wake(self) -> None:
        """End the waiting."""

    async def wait(self, timeout_ms: int) -> None:
        """Wait until `wake` or until `timeout_ms` have passed."""


class Clock(Protocol):
    """Where an engine has its time from."""

    def now_ms(self) -> int:
        """Return the time in milliseconds since the Unix epoch."""

    def waiter(self) -> Waiter:
        """Return a new waiter."""


def _machine_ms() -> int:
    return time.time_ns() // 1_000_000


class EventLoopClock:
    """The machine's time; waiters suspend the running task, one future each."""

    def now_ms(self) -> int:
        """Return the machine's time."""
        return _machine_ms()

    def waiter(self) -> Waiter:
        """Return a waiter of the running event loop."""
        return _FutureWaiter()


class _FutureWaiter:
    def __init__(self) -> None:
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    async def wait(self, timeout_ms: int) -> None:
        timer = asyncio.get_running_loop().call_later(timeout_ms / 1000, self.wake)
        try:
            await self.future
        finally:
            timer.cancel()


class MovableClock:
    """The machine's time and what it was set ahead by, never back; waiters end by this time. (CONTROL-001 to -003)"""

    def __init__(self) -> None:
        self._ahead_ms = 0
        self._waiting: set[_MovableWaiter] = set()

    def now_ms(self) -> int:
        """Return the machine's time and what it was set ahead by."""
        return _machine_ms() + self._ahead_ms

    def waiter(self) -> Waiter:
        """Return a waiter of the running event loop whose time is this clock's."""
        return _MovableWaiter(self)

    def advance(self, ms: int) -> None:
        """Set the time ahead: every waiting whose time has come ends, the others become shorter."""
        self._ahead_ms += ms
        for waiter in list(self._waiting):
            waiter.look()

    async def hold(self, waiter: "_MovableWaiter") -> None:
        """Keep a waiter until it is woken or its time has come."""
        self._waiting.add(waiter)
        try:
            waiter.look()
            await waiter.future
        finally:
            self._waiting.discard(waiter)
            waiter.forget()


class _MovableWaiter(_FutureWaiter):
    def __init__(self, clock: MovableClock) -> None:
        super().__init__()
        self._clock = clock
        self._ends_ms = 0
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, timeout_ms: int) -> None:
        self._ends_ms = self._clock.now_ms() + timeout_ms
        await self._clock.hold(self)

    def look(self) -> None:
        """End the waiting if its time has come, else look again when it will have."""
        self.forget()
        left_ms = self._ends_ms - self._clock.now_ms()
        if left_ms <= 0:
            self.wake()
        else:
            self._timer = asyncio.get_running_loop().call_later(left_ms / 1000, self.look)

    def forget(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()


class ThreadClock:
    """The machine's time; waiters block the thread, which gives `condition` up meanwhile so that others can append."""

    def __init__(self) -> None:
        self.condition = threading.Condition()

    def now_ms(self) -> int:
        """Return the machine's time."""
        return _machine_ms()

    def waiter(self) -> Waiter:
        """Return a waiter; its methods are to be called with `condition` held."""
        return _ConditionWaiter(self.condition)


class _ConditionWaiter:
    def __init__(self, condition: threading.Condition) -> None:
        self._condition = condition
        self._woken = False

    def wake(self) -> None:
        self._woken = True
        self._condition.notify_all()

    async def wait(self, timeout_ms: int) -> None:
        self._condition.wait_for(lambda: self._woken, timeout_ms / 1000)


class ManualClock:
    """A time that stands still until it is moved: for tests, which never wait for time to pass."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms
        self._waiting: dict[_FutureWaiter, int] = {}

    def now_ms(self) -> int:
        """Return the time as it was set."""
        return self._now_ms

    def waiter(self) -> Waiter:
        """Return a waiter of the running event loop whose time is this clock's."""
        return _ManualWaiter(self)

    def advance(self, ms: int) -> None:
        """Move the time, and end every waiting whose time has come."""
        self._now_ms += ms
        for waiter, ends_ms in list(self._waiting.items()):
            if ends_ms <= self._now_ms:
                waiter.wake()

    async def hold(self, waiter: _FutureWaiter, timeout_ms: int) -> None:
        """Keep a waiter until it is woken or the time has come."""
        self._waiting[waiter] = self._now_ms + timeout_ms
        try:
            await waiter.future
        finally:
            del self._waiting[waiter]


class _ManualWaiter(_FutureWaiter):
    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    async def wait(self, timeout_ms: int) -> None:
        await self._clock.hold(self, timeout_ms)
