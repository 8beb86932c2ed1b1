"""What a client needs of the place where it runs: time, waiting, work beside its caller's.

Decisions are coroutines. They wait only for what is named here and for a `Broker`, so the same ones run in an event
loop and, where everything named here blocks the thread, without one. (`blocking/runtime.py`, `aio/runtime.py`)
"""

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol

__all__ = ["Ahead", "Gate", "Runtime", "Work"]


class Gate(Protocol):
    """Whoever is inside is alone there. It is held for decisions, never for a request."""

    def __enter__(self) -> object:
        """Go in, once nobody is inside."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Go out."""

    def ring(self) -> None:
        """Wake everybody who waits; to be called from inside."""

    async def wait(self, timeout_ms: int) -> None:
        """Go out until somebody rings, or for so long at most, and come in again; to be called from inside."""


class Work(Protocol):
    """What runs beside its caller."""

    async def join(self, timeout_ms: int) -> None:
        """Wait until it has ended, so long at most."""


class Ahead(Protocol):
    """A time that tests set ahead of the machine's."""

    @property
    def ahead_ms(self) -> int:
        """By how much."""

    def watch(self, watcher: Callable[[], None]) -> object:
        """Have something called each time that it is set."""


class Runtime(Protocol):
    """Where a client runs."""

    def now_ms(self) -> int:
        """Return milliseconds that only ever go forward."""

    async def sleep(self, wait_ms: int) -> None:
        """Wait so long."""

    def gate(self) -> Gate:
        """Return a new gate."""

    def turn(self) -> AbstractAsyncContextManager[Any]:
        """Return what lets in one caller at a time, and the next when that one is out; it may wait inside."""

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> Work:
        """Begin work beside the caller's."""
