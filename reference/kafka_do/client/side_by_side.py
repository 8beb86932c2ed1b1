"""Several things at the same time, of which the caller does one."""

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from kafka_do.client.runtime import Runtime

__all__ = ["Act", "SideBySide", "one_by_one", "side_by_side"]

_LONG_MS = 24 * 60 * 60 * 1000

Act = Callable[[], Coroutine[Any, Any, None]]
SideBySide = Callable[[Sequence[Act]], Coroutine[Any, Any, None]]


async def one_by_one(acts: Sequence[Act]) -> None:
    """Do one after the other."""
    for act in acts:
        await act()


async def side_by_side(runtime: Runtime, acts: Sequence[Act], *, most: int) -> None:
    """Do so many at the same time at most, in order, and return when all are done: each has to have an end of its own.

    Where the caller is interrupted, nothing more is begun, and tasks are cancelled.
    """
    left = deque(acts)

    async def work() -> None:
        while True:
            try:
                act = left.popleft()
            except IndexError:
                return
            await act()

    others = [runtime.start(work, "sending") for _ in range(min(most, len(acts)) - 1)]
    try:
        await work()
        for other in others:
            await other.join(_LONG_MS)
    except BaseException:
        left.clear()
        for other in others:
            await other.join(0)
        raise
