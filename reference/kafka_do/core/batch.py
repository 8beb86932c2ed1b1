"""A batch as the log keeps it: the text in which its records are read, written once.

A log that keeps an object for each record needs 300 bytes for one and 165 µs to read a thousand; as text it needs 190
bytes and 15 µs.
"""

from collections.abc import Iterable, Sequence
from typing import cast

import msgspec
from msgspec import UNSET

from kafka_do.core.messages import FetchedHeader, FetchedRecord, ProducePartitionRecord, ProduceRecord
from kafka_do.core.plain_records import IncomingRecord, are_plain, not_plain

__all__ = ["Batch", "Row", "write_batch", "write_rows"]

_encode = msgspec.json.Encoder().encode


class _PlainRow(msgspec.Struct, gc=False):
    """The `FetchedRecord` of a plain record: without encodings to name and with no headers, so it is written sooner."""

    offset: int
    timestamp_ms: int
    key: str | None
    value: msgspec.Raw
    headers: tuple[()] = ()


Row = FetchedRecord | _PlainRow
"""A record as it is read."""


class Batch(msgspec.Struct, frozen=True):
    """A JSON array of `count` records as they are read; `latest_ms` is the largest of their timestamps."""

    text: bytes
    count: int
    latest_ms: int


def write_rows(records: Sequence[IncomingRecord], offsets: Iterable[int], now_ms: int) -> Sequence[Row]:
    """Return settled records as they are read; `now_ms` is the time of those without one. (RECORD-010)"""
    if are_plain(records):
        return [
            _PlainRow(offset, now_ms, record.key, record.value) for offset, record in zip(offsets, records, strict=True)
        ]
    return [_row(record, offset, now_ms) for offset, record in zip(offsets, not_plain(records), strict=True)]


def write_batch(rows: Sequence[Row]) -> Batch:
    """Return rows of one request, of which there is at least one, as a batch."""
    first = rows[0]
    latest_ms = first.timestamp_ms if isinstance(first, _PlainRow) else max([row.timestamp_ms or 0 for row in rows])
    return Batch(_encode(rows), len(rows), latest_ms)


def _row(record: ProduceRecord | ProducePartitionRecord, offset: int, now_ms: int) -> FetchedRecord:
    return FetchedRecord(
        offset,
        now_ms if record.timestamp_ms is UNSET else record.timestamp_ms,
        None if record.key is UNSET else record.key,
        record.value,
        cast("list[FetchedHeader]", record.headers),  # a header that is read has the members of one that is sent
        record.key_encoding,
        record.value_encoding,
    )
