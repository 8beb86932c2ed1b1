"""Driving the engine while the server runs: what time brings, little by little, between the requests. (RETAIN-004)"""

import asyncio
from collections.abc import Callable

from kafka_do.engines.clock import Clock

__all__ = ["Tend", "tend_always", "tend_now"]

Tend = Callable[[], int]
"""Does a little; returns in how many milliseconds there is more to do, 0 for at once."""


async def tend_now(tend: Tend) -> None:
    """Do all that is due, and let others in between the steps. (CONTROL-003)"""
    while tend() == 0:  # noqa: ASYNC110  it works and does not wait
        await asyncio.sleep(0)


async def tend_always(tend: Tend, clock: Clock) -> None:
    """Do what is due whenever it is due, until cancelled."""
    while True:
        left_ms = tend()
        if left_ms:
            await clock.waiter().wait(left_ms)
        else:
            await asyncio.sleep(0)
