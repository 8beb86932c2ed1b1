"""The time that an engine is given."""

import time
from collections.abc import Callable

__all__ = ["Clock", "system_clock"]

Clock = Callable[[], int]
"""Returns the time in milliseconds since the Unix epoch."""


def system_clock() -> int:
    """Return the machine's time."""
    return time.time_ns() // 1_000_000
