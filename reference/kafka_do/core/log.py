"""The log of one partition: records in the order in which they were appended, each at its offset."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice

from kafka_do.core.records import Record, StoredRecord, size_of

__all__ = ["OffsetOutOfRangeError", "PartitionLog"]


class OffsetOutOfRangeError(Exception):
    """A position below the start of the log or beyond its end."""


class PartitionLog:
    """An append-only log. Offsets begin at 0 and are contiguous. (PRODUCE-006, PRODUCE-007)"""

    def __init__(self) -> None:
        self._records: list[StoredRecord] = []
        self._latest: list[
            int
        ] = []  # at each offset the largest timestamp up to it: never falling, so it can be bisected

    @property
    def start_offset(self) -> int:
        """The offset of the first record that can be read."""
        return 0

    @property
    def high_watermark(self) -> int:
        """The offset that the next record gets; reads end here."""
        return len(self._records)

    def append(self, batch: Sequence[Record], now_ms: int) -> list[StoredRecord]:
        """Append a batch and return it with its places; `now_ms` is the time of records without one. (RECORD-010)"""
        stored = [
            StoredRecord(
                offset=offset,
                timestamp_ms=now_ms if record.timestamp_ms is None else record.timestamp_ms,
                key=record.key,
                value=record.value,
                headers=record.headers,
            )
            for offset, record in enumerate(batch, start=self.high_watermark)
        ]
        self._records.extend(stored)
        latest = self._latest[-1] if self._latest else 0
        for record in stored:
            latest = max(latest, record.timestamp_ms or 0)
            self._latest.append(latest)
        return stored

    def read(self, offset: int, *, max_records: int, max_bytes: int) -> list[StoredRecord]:
        """Return the records from `offset` on; the first whatever its size. (FETCH-001, -007, -008)

        Raises OffsetOutOfRangeError for a position below the start or beyond the end; the end is none. (FETCH-005)
        """
        if not self.start_offset <= offset <= self.high_watermark:
            raise OffsetOutOfRangeError
        found: list[StoredRecord] = []
        size = 0
        for record in islice(self._records, offset, offset + max_records):
            size += size_of(record)
            if found and size > max_bytes:
                break
            found.append(record)
        return found

    def first_at_or_after(self, timestamp_ms: int) -> StoredRecord | None:
        """Return the first record, in the order of offsets, with that timestamp or a later one. (OFFSETS-002)

        It is where the largest timestamp so far first reaches the time that is looked for.
        """
        found = bisect_left(self._latest, timestamp_ms)
        return self._records[found] if found < len(self._records) else None

    def latest_record(self) -> StoredRecord | None:
        """Return the record with the largest timestamp, the first of them. (OFFSETS-003)"""
        return self.first_at_or_after(self._latest[-1]) if self._latest else None
