"""What the user of a client sees: `Message` to send and to read, `RecordMetadata` for where one landed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka_do.core.records import Header

__all__ = ["Headers", "Key", "Message", "Read", "RecordMetadata"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Key = str | bytes | None
Headers = Mapping[str, str | bytes | None] | Sequence[tuple[str, str | bytes | None]]


@dataclass(frozen=True, slots=True)
class RecordMetadata:
    """Where a record landed. `timestamp_ms` as stored, in milliseconds since the Unix epoch. (PRODUCE-015)"""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """A record as it was read.

    `value` is what the bytes mean: the JSON value if they are JSON, else text if they are UTF-8, else bytes; None is a
    tombstone. `key` is text if it is UTF-8. The bytes themselves are in `raw_value` and `raw_key`. (RECORD-019)
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    key: Key
    value: Any
    headers: tuple[Header, ...]
    raw_key: bytes | None
    raw_value: bytes | None

    @property
    def timestamp(self) -> datetime | None:
        """`timestamp_ms` as a time in UTC; None also where the time lies beyond what `datetime` can say."""
        try:
            return None if self.timestamp_ms is None else _EPOCH + timedelta(milliseconds=self.timestamp_ms)
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class Read:
    """What one read found. `next_offset` is where to read on, whatever the messages' offsets are. (FETCH-010)"""

    messages: tuple[Message, ...]
    next_offset: int
    high_watermark: int
    log_start_offset: int
