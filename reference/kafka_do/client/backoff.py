"""How long to wait before something is tried again: longer each time, never longer than a bound."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kafka_do.core.errors import KafkaError
from kafka_do.spec import SPEC

__all__ = ["Backoff", "Clock", "Pause", "may_be_repeated", "persist"]

T = TypeVar("T")

Clock = Callable[[], int]
"""Tells the time in milliseconds, from any beginning."""

Pause = Callable[[int], Awaitable[None]]
"""Waits for so many milliseconds."""

_FIRST_MS = int(SPEC.defaults["client"]["retry_backoff_ms"])
_LONGEST_MS = int(SPEC.defaults["client"]["max_retry_backoff_ms"])
_DOUBLINGS = 20


class Backoff:
    """The pauses between tries: each about twice the one before, within a fifth, so that clients do not try in step."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        """Take what tells a number from 0 up to 1."""
        self._chance = chance
        self._tries = 0

    def reset(self) -> None:
        """Begin again with the shortest pause: a try has succeeded."""
        self._tries = 0

    def next_ms(self, error: KafkaError | None = None) -> int:
        """Return the next pause, at least as long as the server asked for with the error."""
        whole = min(_LONGEST_MS, _FIRST_MS << min(self._tries, _DOUBLINGS))
        self._tries += 1
        asked = 0 if error is None else int(error.fields.get("retry_after_ms", 0))
        return max(asked, round(whole * (0.8 + 0.2 * self._chance())))


def may_be_repeated(error: KafkaError) -> bool:
    """Whether to send a request again that does no harm twice: it was put off, or what became of it is unknown."""
    return error.retriable or error.indeterminate


async def persist(
    ask: Callable[[], Awaitable[T]],
    *,
    backoff: Backoff,
    clock: Clock,
    pause: Pause,
    until_ms: int,
    tries: int | None = None,
    may_repeat: Callable[[KafkaError], bool] = may_be_repeated,
) -> T:
    """Ask until there is an answer, with a pause before each further try, so many times at most if that is given.

    Raises the KafkaError of the last try, when it says that no further one helps or the next would be after `until_ms`.
    """
    number = 1
    while True:
        try:
            answer = await ask()
        except KafkaError as error:
            wait_ms = backoff.next_ms(error)
            if number == tries or not may_repeat(error) or clock() + wait_ms > until_ms:
                raise
            await pause(wait_ms)
            number += 1
        else:
            backoff.reset()
            return answer
