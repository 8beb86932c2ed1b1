"""What a record is: its bytes, whatever text carries them.

Keys and values are bytes or None; how JSON carries them is said in `record_text.py`.
"""

from typing import NamedTuple

import msgspec

__all__ = ["Header", "Record", "StoredRecord", "WrittenRecord", "size_in_batch", "size_of"]

_RECORD_BYTES = 32
_HEADER_BYTES = 16


class Header(NamedTuple):
    """A header: `key` is text, `value` bytes or None. Order and duplicates matter. (RECORD-008)"""

    key: str
    value: bytes | None


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record to be appended. `value` None is a tombstone, `key` None is no key; `b""` is neither.

    `timestamp_ms` None takes the server's clock, `partition` None lets the server choose.
    """

    value: bytes | None
    key: bytes | None = None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None
    partition: int | None = None


class WrittenRecord(Record, frozen=True, gc=False):
    """A record whose value this library has written as JSON: it has no white space, and need not be looked at again."""


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record with its place. `timestamp_ms` is None only for a record that came by another way than this protocol."""

    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]


def size_of(record: Record | StoredRecord) -> int:
    """Return the bytes of key, value and headers, as `max_bytes` counts them. (FETCH-008)"""
    size = len(record.key or b"") + len(record.value or b"")
    for header in record.headers:
        size += len(header.key.encode()) + len(header.value or b"")
    return size


def size_in_batch(record: Record | StoredRecord) -> int:
    """Return what a record adds to the size of its batch, as `max_batch_bytes` counts it. (PRODUCE-019, PRODUCE-020)"""
    return size_of(record) + _RECORD_BYTES + _HEADER_BYTES * len(record.headers)
