"""Threads as the place where a client runs: everything that waits blocks the thread of its caller."""

import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from kafka_do.client.driving import drive
from kafka_do.client.runtime import Ahead

__all__ = ["ThreadGate", "ThreadRuntime"]


class ThreadGate:
    """A condition: its lock and its waiting."""

    def __init__(self) -> None:
        lock = threading.RLock()
        self._condition = threading.Condition(lock)
        self._enter = lock.acquire
        self._leave = lock.release

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def ring(self) -> None:
        """Wake every thread that waits."""
        self._condition.notify_all()

    async def wait(self, timeout_ms: int) -> None:
        """Block the thread until somebody rings, or for so long."""
        self._condition.wait(timeout_ms / 1000)


class _Turn:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(self, *_error: object) -> None:
        self._lock.release()


class _ThreadWork:
    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    async def join(self, timeout_ms: int) -> None:
        self._thread.join(timeout_ms / 1000)


class ThreadRuntime:
    """The machine's time, and threads that do not keep the process alive."""

    def __init__(self, clock: Ahead | None = None) -> None:
        """Take a clock that tests set ahead, if there is one: waiting then ends by its time."""
        self._clock = clock
        self._gates: weakref.WeakSet[ThreadGate] = weakref.WeakSet()
        if clock is not None:
            clock.watch(self._ring)

    def now_ms(self) -> int:
        """Return milliseconds that only ever go forward."""
        return time.monotonic_ns() // 1_000_000 + (0 if self._clock is None else self._clock.ahead_ms)

    async def sleep(self, wait_ms: int) -> None:
        """Block the thread."""
        until_ms = self.now_ms() + wait_ms
        with self.gate() as gate:
            while (left_ms := until_ms - self.now_ms()) > 0:
                await gate.wait(left_ms)

    def gate(self) -> ThreadGate:
        """Return a new gate."""
        gate = ThreadGate()
        if self._clock is not None:
            self._gates.add(gate)
        return gate

    def _ring(self) -> None:
        for gate in list(self._gates):
            with gate:
                gate.ring()

    def turn(self) -> _Turn:
        """Return a lock."""
        return _Turn()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> _ThreadWork:
        """Begin work in a thread of its own."""
        thread = threading.Thread(target=lambda: drive(work()), name=f"kafka-do {name}", daemon=True)
        thread.start()
        return _ThreadWork(thread)
