"""An end that comes in time, whatever the server does."""

from collections.abc import Awaitable, Callable

from kafka_do.client.runtime import Runtime

__all__ = ["CLOSING_MS", "end_within"]

CLOSING_MS = 600
"""How long a consumer that is closed waits for the server: closing takes less than a second."""


async def end_within(runtime: Runtime, end: Callable[[], Awaitable[None]], *, timeout_ms: int) -> bool:
    """Do `end` beside the caller and wait so long at most; return whether it is done, or raise what it raised.

    What is not done by then is cancelled where that is possible. A thread goes on by itself, and ends with its
    requests.
    """
    failures: list[Exception] = []
    done = False

    async def perform() -> None:
        nonlocal done
        try:
            await end()
        except Exception as error:  # noqa: BLE001  it is raised below, in the caller's place
            failures.append(error)
        done = True

    await runtime.start(perform, "closing").join(timeout_ms)
    if failures:
        raise failures[0]
    return done
