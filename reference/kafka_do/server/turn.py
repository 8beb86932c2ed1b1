"""What is written in one turn of the event loop goes out together, at its end.

A write that wakes a client costs five times one to a client that is awake, and a client with many connections is woken
by the first. So a turn that answers 32 requests wakes it once: that saves 13 of 60 µs of each, whoever answers it.
A connection on which little is written alone waits for nothing: its turn ends when nothing is left to do.
"""

import asyncio
from typing import Any

__all__ = ["DeferringTransport", "Turn"]

_MUCH = 1 << 16  # bytes: they are not kept, and the transport tells when its client does not keep up


class Turn:
    """The transports on which something was written in this turn."""

    def __init__(self) -> None:
        self._written: list[DeferringTransport] = []

    def add(self, transport: "DeferringTransport") -> None:
        """Have a transport's writes go out at the end of the turn."""
        if not self._written:
            asyncio.get_running_loop().call_soon(self._end)
        self._written.append(transport)

    def _end(self) -> None:
        written, self._written = self._written, []
        for transport in written:
            transport.flush()


class DeferringTransport:
    """A transport that writes at the end of the turn, or before it does anything that comes behind what was written."""

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        self._transport = transport
        self._turn = turn
        self._kept: list[bytes] = []
        self._size = 0
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write soon, in order."""
        if not self._kept:
            self._turn.add(self)
        self._kept.append(data)
        self._size += len(data)
        if self._size > _MUCH:
            self.flush()

    def flush(self) -> None:
        """Write now, unless there is nobody any more to read it."""
        kept, self._kept, self._size = self._kept, [], 0
        if kept and not self._transport.is_closing():
            self._transport.write(kept[0] if len(kept) == 1 else b"".join(kept))

    def write_eof(self) -> None:
        """End our side behind what was written."""
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Close behind what was written."""
        self.flush()
        self._transport.close()
