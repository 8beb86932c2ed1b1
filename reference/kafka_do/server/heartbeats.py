"""When streams have to be heard of: those whose time is near together, because a heartbeat among others costs half."""

import asyncio
from collections.abc import Callable

from kafka_do.engines.clock import Clock

__all__ = ["TICK_MS", "Heartbeats"]

TICK_MS = 200


class Heartbeats:
    """Calls at their times, which all move to the begin of the tick that they lie in."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[int, list[Callable[[], None]]] = {}
        self._ticking: asyncio.Task[None] | None = None

    def call_at(self, due_ms: int, call: Callable[[], None]) -> None:
        """Call once, at this time of the clock or up to a tick before it."""
        self._due.setdefault(due_ms - due_ms % TICK_MS, []).append(call)
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.ensure_future(self._tick())

    async def _tick(self) -> None:
        while self._due:
            await self._clock.waiter().wait(TICK_MS - self._clock.now_ms() % TICK_MS)
            now_ms = self._clock.now_ms()
            for due_ms in sorted(one for one in self._due if one <= now_ms):
                for call in self._due.pop(due_ms):
                    call()
