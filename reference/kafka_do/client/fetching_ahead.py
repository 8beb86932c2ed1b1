"""The next fetch, made while the caller works on what the one before has found: one at a time, and no more than that.

So at most two answers wait for the caller, each as large as one fetch may be. (spec/client.md)
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kafka_do.client.runtime import Runtime
from kafka_do.core.broker import PartitionFailure, PartitionSlice
from kafka_do.core.messages import FetchRequest

if TYPE_CHECKING:
    from kafka_do.client.runtime import Work

__all__ = ["Answer", "FetchAhead"]

Parts = Sequence[PartitionSlice | PartitionFailure]

_IDLE_MS = 60_000  # how often a worker without work looks whether it was forgotten
_LEAVING_MS = 100  # an answer that was on its way comes within it; a thread that waits longer ends with its request


class Answer(NamedTuple):
    """What was fetched, and what was asked for."""

    asked: FetchRequest
    parts: Parts


class FetchAhead:
    """Fetches beside the caller. `answered` is called after each answer, before the caller can take it."""

    def __init__(
        self, runtime: Runtime, fetch: Callable[[FetchRequest], Awaitable[Parts]], answered: Callable[[], None]
    ) -> None:
        self._runtime = runtime
        self._fetch = fetch
        self._answered = answered
        self._gate = runtime.gate()
        self._asked: FetchRequest | None = None
        self._outcome: Parts | Exception | None = None
        self._is_closed = False
        self._working: Work | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether something was asked for and not taken."""
        return self._asked is not None

    def begin(self, asked: FetchRequest) -> None:
        """Ask for something, which `take` gives."""
        with self._gate:
            self._asked = asked
            self._gate.ring()
            if self._working is None:
                self._working = self._runtime.start(self._work, "fetching")

    async def take(self, until_ms: int) -> Answer | None:
        """Return what was asked for, None if it is not there by the time; raises what the fetch has raised."""
        with self._gate:
            while self._outcome is None and not self._is_closed:
                if (left_ms := until_ms - self._runtime.now_ms()) <= 0:
                    break
                await self._gate.wait(left_ms)
            asked, outcome = self._asked, self._outcome
            if asked is None or outcome is None:
                return None
            self._asked = self._outcome = None
        if isinstance(outcome, Exception):
            raise outcome
        return Answer(asked, outcome)

    async def close(self) -> None:
        """Fetch no more. It may be called twice."""
        with self._gate:
            self._is_closed = True
            self._gate.ring()
        working, self._working = self._working, None
        if working is not None:
            await working.join(_LEAVING_MS)

    async def _work(self) -> None:
        while (asked := await self._next()) is not None:
            outcome: Parts | Exception
            try:
                outcome = await self._fetch(asked)
            except Exception as error:  # noqa: BLE001  `take` raises it, in the caller's place
                outcome = error
            self._answered()
            with self._gate:
                self._outcome = outcome
                self._gate.ring()

    async def _next(self) -> FetchRequest | None:
        """Wait for something to fetch; None at the end."""
        with self._gate:
            while not self._is_closed and (self._asked is None or self._outcome is not None):
                await self._gate.wait(_IDLE_MS)
            return None if self._is_closed else self._asked
