"""A record on its way through a pipeline, and the window of a result."""

from typing import Any

import msgspec

__all__ = ["StreamRecord", "Window"]

Headers = tuple[tuple[str, bytes | None], ...]


class Window(msgspec.Struct, frozen=True, order=True):
    """The window of a result, in milliseconds since the epoch. Its kind says whether `end_ms` belongs to it."""

    start_ms: int
    end_ms: int


class StreamRecord(msgspec.Struct, frozen=True, gc=False):
    """What operators take and give. `timestamp_ms` is event time; a result of a window has `window`."""

    key: str | None
    value: Any
    timestamp_ms: int
    window: Window | None = None
    topic: str | None = None
    headers: Headers = ()
