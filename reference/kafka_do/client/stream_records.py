"""Between a topic's records and those of a pipeline. (RUN-003, RUN-008, RUN-012)"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from kafka_do.client.codec import Codec, Misfit
from kafka_do.client.messages import ReadMessage
from kafka_do.client.serializing import data_of, record_of
from kafka_do.core.partitioner import partition_of_key
from kafka_do.core.records import Header, Record
from kafka_do.spec import SPEC
from kafka_do.streams.record import StreamRecord, Window

__all__ = [
    "Origin",
    "UnfitError",
    "moved_record",
    "record_of_message",
    "record_of_moved",
    "values_as",
    "written_record",
]

_LATEST = SPEC.ranges["TimestampMs"][1]


class UnfitError(ValueError):
    """A record cannot be one of a pipeline. (RUN-008)"""


class Origin(NamedTuple):
    """What a moved record was made of: the record of a source, and how many were made of that before. (RUN-019)"""

    topic_id: str
    partition: int
    offset: int
    number: int


class _Moved(msgspec.Struct, omit_defaults=True):
    """A record on its way through an internal topic: what is no part of a record there."""

    value: Any
    origin: Origin
    topic: str | None = None
    window: Window | None = None


def record_of_message(message: ReadMessage[Any]) -> StreamRecord:
    """Return what a pipeline takes of a message; raises UnfitError. (RUN-008)"""
    key, value, time = message.key, message.value, message.timestamp_ms
    if isinstance(key, bytes):
        raise UnfitError(f"its key {key!r} is not UTF-8")
    if isinstance(value, bytes):
        raise UnfitError("its value is neither JSON nor UTF-8")
    if time is None or not 0 <= time <= _LATEST:
        raise UnfitError(f"its time is {time!r}, not from 0 to {_LATEST}")
    return StreamRecord(key, value, time, topic=message.topic, headers=message.headers.raw)


def values_as(value_type: Any) -> Callable[[StreamRecord], Any]:
    """Return what gives a record's value as one of a type; it raises ValueError for one that does not fit.

    Raises TypeError for a type that says nothing about JSON.
    """
    codec = Codec(value_type)

    def value_of(record: StreamRecord) -> Any:
        value = codec.decode(data_of(record.value))
        if isinstance(value, Misfit):
            raise UnfitError(f"the value does not fit {codec.name}: {value.reason}")
        return value

    return value_of


def written_record(record: StreamRecord, partition_count: int) -> Record:
    """Return what stands in a topic for a record of a pipeline.

    The key of a window's result names the window too; its partition is that of the key alone. (RUN-003)

    Raises TypeError or ValueError for a value that JSON cannot say.
    """
    key, partition = record.key, None
    if record.window is not None and key is not None:
        partition = partition_of_key(key.encode(), partition_count)
        key = f"{key}@{record.window.start_ms}/{record.window.end_ms}"
    made = record_of(record.value, key=key, partition=partition, timestamp=record.timestamp_ms)
    return msgspec.structs.replace(made, headers=_headers(record)) if record.headers else made


def moved_record(record: StreamRecord, origin: Origin) -> Record:
    """Return what stands in an internal topic for a record; raises as `written_record`. (RUN-012)"""
    moved = _Moved(record.value, origin, record.topic, record.window)
    made = record_of(moved, key=record.key, timestamp=record.timestamp_ms)
    return msgspec.structs.replace(made, headers=_headers(record)) if record.headers else made


def record_of_moved(message: ReadMessage[Any]) -> tuple[StreamRecord, Origin]:
    """Return the record that was moved, and its origin; raises UnfitError for what this library has not put there."""
    record = record_of_message(message)
    try:
        moved = msgspec.convert(record.value, _Moved)
    except msgspec.ValidationError as error:
        raise UnfitError(f"it was not moved here by a pipeline: {error}") from None
    made = StreamRecord(record.key, moved.value, record.timestamp_ms, moved.window, moved.topic, record.headers)
    return made, moved.origin


def _headers(record: StreamRecord) -> tuple[Header, ...]:
    return tuple(Header(*header) for header in record.headers)
