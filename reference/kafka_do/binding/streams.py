"""Live streams over HTTP: what asks for one, and its lines. (STREAM-001 to STREAM-022)"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from kafka_do.binding.fetch import written
from kafka_do.binding.fields import preferred
from kafka_do.core.broker import FetchPartition, PartitionFailure, PartitionSlice
from kafka_do.core.errors import invalid_request
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.messages import EndLine, EndReason, ErrorLine, FetchRequest, HeartbeatLine, Offset
from kafka_do.spec import SPEC

__all__ = ["STREAMS", "Form", "Line", "end_line", "fetch_of_stream", "found_lines", "heartbeat_line", "stream_form"]

STREAMS = "streams"
_LAST_EVENT_ID = "Last-Event-ID"
_LONGEST_OFFSET = 16  # digits
_, _GREATEST_OFFSET = SPEC.ranges["Offset"]


class _RecordsLine(msgspec.Struct, tag_field="type", tag="records"):
    """A `RecordsLine` whose records are left as they are written."""

    topic: str
    partition: int
    records: msgspec.Raw
    next_offset: Offset
    high_watermark: Offset
    log_start_offset: Offset


Line = _RecordsLine | HeartbeatLine | ErrorLine | EndLine


class Form(NamedTuple):
    """How a stream is written: its media type, and a line's bytes."""

    media_type: str
    write: Callable[[Line], bytes]


def _as_line(line: Line) -> bytes:
    """Return a line of JSON. (STREAM-005)"""
    return msgspec.json.encode(line) + b"\n"


def _as_event(line: Line) -> bytes:
    """Return an event; only records move the position of a reader. (STREAM-006)"""
    ident = b"id: %d\n" % line.next_offset if isinstance(line, _RecordsLine) else b""
    return b"%bdata: %b\n\n" % (ident, msgspec.json.encode(line))


_LINES = Form("application/x-ndjson", _as_line)
_EVENTS = Form("text/event-stream", _as_event)
_FORMS: Mapping[str, Mapping[str, Form]] = {
    "fetch": {_LINES.media_type: _LINES},
    "fetch_partition": {form.media_type: form for form in (_LINES, _EVENTS)},
}
"""The operations that stream, and the forms that each has."""


def stream_form(operation: str, accept: bytes | None) -> Form | None:
    """Return the form of the stream that a request asks for, None where it asks for none. (STREAM-001, STREAM-002)"""
    forms = _FORMS.get(operation)
    if forms is None or accept is None:
        return None
    return forms.get(preferred(accept, tuple(forms)))


def fetch_of_stream(asked: FetchRequest | FetchPartition, form: Form, last_event_id: bytes) -> FetchRequest:
    """Return what a stream asks for as a fetch of many partitions, of one where it is a stream of one partition.

    Raises KafkaError `invalid_request`. (STREAM-021, STREAM-022)
    """
    if isinstance(asked, FetchRequest):
        return asked
    offset = _last_event(last_event_id) if form is _EVENTS and last_event_id else asked.offset
    return asked.as_request(offset)


def _last_event(text: bytes) -> int:
    if text.isdigit() and len(text) <= _LONGEST_OFFSET and int(text) <= _GREATEST_OFFSET:
        return int(text)
    raise invalid_request([(_LAST_EVENT_ID, "this header has to be an offset, which is the id of the last event")])


def found_lines(
    found: Sequence[PartitionSlice | PartitionFailure], asked: FetchRequest, limits: Mapping[str, int]
) -> list[Line]:
    """Return a line for each partition that has something to say: records, a new position, an error."""
    lines: list[Line] = []
    for one, position in zip(found, asked.partitions, strict=True):
        if isinstance(one, PartitionFailure):
            lines.append(ErrorLine(one.topic, one.partition, item_of_error(one.error)))
        elif one.next_offset > position.offset:
            lines.append(_RecordsLine(**msgspec.structs.asdict(written(one, asked.encoding, limits))))
    return lines


def heartbeat_line(now_ms: int) -> Line:
    """Return a heartbeat. (STREAM-012)"""
    return HeartbeatLine(now_ms)


def end_line(reason: EndReason) -> Line:
    """Return the last line. (STREAM-014)"""
    return EndLine(reason)
