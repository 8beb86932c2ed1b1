"""Time and waiting of the blocking client: the machine's, in the thread of the caller."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kafka_do.client.backoff import Backoff, Pause, persist
from kafka_do.client.driving import drive

__all__ = ["ask_until", "now_ms", "sleep"]

T = TypeVar("T")


def now_ms() -> int:
    """Return milliseconds that only ever go forward."""
    return time.monotonic_ns() // 1_000_000


async def sleep(wait_ms: int) -> None:
    """Block the thread."""
    time.sleep(wait_ms / 1000)  # noqa: ASYNC251  a blocking client has no event loop


def ask_until(ask: Callable[[], Awaitable[T]], until_ms: int, pause: Pause = sleep) -> T:
    """Ask, and again until the time if that helps and does no harm; raises the KafkaError of the last try."""
    return drive(persist(ask, backoff=Backoff(), clock=now_ms, pause=pause, until_ms=until_ms))
