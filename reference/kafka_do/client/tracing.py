"""Spans for what a client does, where OpenTelemetry's API is installed and set up; nothing otherwise.

`Tracing` is the nothing; `spans.py` has the spans and is imported only where it can be.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from kafka_do.client.messages import Outcome, ReadMessage
from kafka_do.core.records import Record

__all__ = ["Sent", "Server", "Settled", "Tracing", "tracing_of"]


class Server(NamedTuple):
    """Where requests go."""

    host: str
    port: int


class Sent:
    """A request to append records: `records` are to be sent, with the headers that the trace adds."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def done(self, outcomes: Sequence[Outcome]) -> None:
        """Note what became of each."""


class Settled:
    """A commit."""

    def done(self, stored: Mapping[Any, int]) -> None:
        """Note the offset of each partition."""


class Tracing:
    """No spans."""

    in_headers = False
    """Whether `created` has anything to do: it costs a microsecond to ask whether there are spans."""

    @property
    def is_on(self) -> bool:
        """Whether there are spans now."""
        return False

    def created(self, topic: str, records: Sequence[Record]) -> Sequence[Record]:
        """Return records that are to be sent later or with others, each with the context in which it was made."""
        return records

    def sending(self, topic: str, records: Sequence[Record]) -> AbstractContextManager[Sent]:
        """Trace a call that appends records, with all its tries."""
        return nullcontext(Sent(records))

    def now_ns(self) -> int:
        """Return when a call begins that may find messages."""
        return 0

    def received(self, group: str, begun_ns: int, messages: Sequence[ReadMessage[Any]]) -> None:
        """Trace a call that has given messages to its caller."""

    def committing(self, group: str, topics: Iterable[str]) -> AbstractContextManager[Settled]:
        """Trace a commit."""
        return nullcontext(_SETTLED)


_SETTLED = Settled()


def tracing_of(server: Server | None, *, in_headers: bool) -> Tracing:
    """Return spans where they can be had. `in_headers`: records carry the context in which they were sent.

    Raises ValueError where that is asked for and cannot be done.
    """
    try:
        from kafka_do.client.spans import Spans  # noqa: PLC0415  only where OpenTelemetry is
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "opentelemetry":
            raise
        if in_headers:
            words = "trace_headers takes OpenTelemetry's API: pip install 'kafka-do[telemetry]'"
            raise ValueError(words) from None
        return Tracing()
    return Spans(server, in_headers=in_headers, clock_ns=time.time_ns)
