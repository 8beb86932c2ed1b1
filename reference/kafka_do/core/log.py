"""The log of one partition: records in the order in which they were appended, each at its offset."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from kafka_do.core.batch import Batch
from kafka_do.core.segment import Segment, Timed, join_arrays, read_times
from kafka_do.core.sequences import Sequences

__all__ = ["LogSlice", "OffsetOutOfRangeError", "PartitionLog"]


class OffsetOutOfRangeError(Exception):
    """A position below the start of the log or beyond its end."""


Part = tuple[Segment, int, int]
"""Neighbouring records of a segment, from one position to before another."""


class LogSlice:
    """Neighbouring records of a log, from `offset` to before `next_offset`."""

    __slots__ = ("_parts", "count", "next_offset", "offset")

    def __init__(self, offset: int, parts: list[Part], next_offset: int) -> None:
        self.offset = offset
        self._parts = parts
        self.next_offset = next_offset
        self.count = sum(stop - start for _, start, stop in parts)

    @property
    def text(self) -> bytes:
        """The records as they are read, a JSON array."""
        parts = [segment.part(start, stop) for segment, start, stop in self._parts]
        return parts[0] if len(parts) == 1 else join_arrays(parts)

    @property
    def text_length(self) -> int:
        """How long `text` is, about; never less than `size`."""
        return sum(segment.part_length(start, stop) for segment, start, stop in self._parts)

    @property
    def size(self) -> int:
        """The bytes of keys, values and headers, for which each record is looked at. (FETCH-008)"""
        return sum(segment.size(start, stop) for segment, start, stop in self._parts)

    def times(self) -> list[Timed]:
        """Return every record's place and time."""
        return read_times(self.text)

    def within(self, max_bytes: int) -> "LogSlice":
        """Return the first records, perhaps none, that have no more than `max_bytes` together. (FETCH-008)"""
        kept: list[Part] = []
        for segment, start, stop in self._parts:
            fitting = segment.fitting(start, stop, max_bytes)
            if fitting > start:
                kept.append((segment, start, fitting))
                max_bytes -= segment.size(start, fitting)
            if fitting < stop:
                return LogSlice(self.offset, kept, _behind(kept, self.offset))
        return self

    def none(self) -> "LogSlice":
        """Return no records, at the same offset."""
        return LogSlice(self.offset, [], self.offset)

    def first(self) -> "LogSlice":
        """Return the first record alone; there has to be one."""
        segment, start, _ = self._parts[0]
        part = (segment, start, start + 1)
        return LogSlice(self.offset, [part], _behind([part], self.offset))


def _behind(parts: Sequence[Part], offset: int) -> int:
    """Return the offset behind the last record of parts, or where there is none an offset as it is. (FETCH-002)"""
    if not parts:
        return offset
    segment, _, stop = parts[-1]
    return segment.offset_at(stop - 1) + 1


class PartitionLog:
    """A log to whose end is appended, and from whose beginning is removed. (PRODUCE-006, PRODUCE-007, RETAIN-005)

    Its segments are in the order of their offsets; compaction leaves gaps in them and between them. `length` is about
    how many bytes their text has, and everything below `compacted_offset` has been compacted.
    `sequences` is what the log knows of producers. (PRODUCER-009)
    """

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._base_offsets: list[int] = []
        # for each segment the largest timestamp so far, perhaps of a record that is gone: never falling, so bisected
        self._latest_ms: list[int] = []
        self.start_offset = 0
        self.high_watermark = 0
        self.length = 0
        self.compacted_offset = 0
        self.sequences = Sequences()

    def append(self, batch: Batch, now_ms: int = 0) -> None:
        """Append a batch that was written for the offset `high_watermark`, the one that the next record gets."""
        if not self._segments or self._segments[-1].is_full:
            self._segments.append(Segment(self.high_watermark, now_ms))
            self._base_offsets.append(self.high_watermark)
            self._latest_ms.append(self._latest_ms[-1] if self._latest_ms else 0)
        self._segments[-1].add(batch, now_ms)
        self._latest_ms[-1] = max(self._latest_ms[-1], batch.latest_ms)
        self.high_watermark += batch.count
        self.length += len(batch.text)

    def close_older_than(self, since_ms: int) -> None:
        """Close the last segment if its first record was appended before that time: the next append begins another."""
        if self._segments and self._segments[-1].since_ms < since_ms:
            self._segments[-1].is_closed = True

    def read(self, offset: int, max_records: int) -> LogSlice:
        """Return the records from `offset` on, where that one is gone those behind it. (FETCH-001, -007, RETAIN-028)

        Raises OffsetOutOfRangeError for a position below the start or beyond the end; the end is none. (FETCH-005)
        """
        if not self.start_offset <= offset <= self.high_watermark:
            raise OffsetOutOfRangeError
        parts: list[Part] = []
        number = max(0, bisect_right(self._base_offsets, offset) - 1)
        while number < len(self._segments):
            segment = self._segments[number]
            start = segment.position(offset)
            stop = min(start + max_records, segment.count)
            if start < stop:
                parts.append((segment, start, stop))
                max_records -= stop - start
            if stop < segment.count or not max_records:
                return LogSlice(offset, parts, _behind(parts, offset))
            number += 1
        return LogSlice(offset, parts, self.high_watermark)

    def first_at_or_after(self, timestamp_ms: int) -> Timed | None:
        """Return the first record, in the order of offsets, with that timestamp or a later one. (OFFSETS-002)

        It is in the first segment that has such a time, not before the one in which the largest so far reaches it.
        """
        for number in range(bisect_left(self._latest_ms, timestamp_ms), len(self._segments)):
            segment = self._segments[number]
            if segment.latest_ms >= timestamp_ms:
                return next(record for record in segment.times() if record.timestamp_ms >= timestamp_ms)
        return None

    def latest_record(self) -> Timed | None:
        """Return the record with the largest timestamp, the first of them. (OFFSETS-003)"""
        if not self._segments:
            return None
        return self.first_at_or_after(max([segment.latest_ms for segment in self._segments]))

    def times(self, offsets: range) -> list[int | None]:
        """Return the timestamps of records, None for those that are gone. (RETAIN-032)"""
        first = max(offsets.start, self.start_offset)
        found = {record.offset: record.timestamp_ms for record in self.read(first, len(offsets)).times()}
        return [found.get(offset) for offset in offsets]

    @property
    def segments(self) -> Sequence[Segment]:
        """The segments, oldest first; what is appended goes to the last, or behind it."""
        return self._segments

    def segment_from(self, offset: int) -> Segment | None:
        """Return the first segment that begins at an offset or behind it."""
        number = bisect_left(self._base_offsets, offset)
        return self._segments[number] if number < len(self._segments) else None

    def remove_before(self, offset: int) -> None:
        """Remove the records below an offset, which lies within the bounds of the log. (RETAIN-006, RETAIN-014)"""
        count = bisect_right(self._base_offsets, offset) - 1
        if count >= 0 and self._segments[count].position(offset) == self._segments[count].count:
            count += 1
        self._remove_oldest(max(count, 0))
        if self._segments and self._segments[0].base_offset < offset:
            left = self._segments[0].behind(offset)
            self.length += left.length - self._segments[0].length
            self._segments[0], self._base_offsets[0] = left, left.base_offset
        self.start_offset = max(self.start_offset, offset)
        self.index_times()

    def remove_segments(self, count: int) -> None:
        """Remove the oldest segments, perhaps all. (RETAIN-009, RETAIN-012)"""
        self._remove_oldest(count)
        self.start_offset = self._segments[0].base_offset if self._segments else self.high_watermark
        self.index_times()

    def replace(self, base_offset: int, end_offset: int, made: Sequence[Segment]) -> None:
        """Put other segments in the place of those from one offset to before another. (RETAIN-022)

        Times are found all the same, and again as quickly as before once `index_times` was called.
        """
        first, behind = bisect_left(self._base_offsets, base_offset), bisect_left(self._base_offsets, end_offset)
        self.length += sum(one.length for one in made) - sum(one.length for one in self._segments[first:behind])
        latest_ms = self._latest_ms[behind - 1]
        self._segments[first:behind] = made
        self._base_offsets[first:behind] = [one.base_offset for one in made]
        self._latest_ms[first:behind] = [latest_ms] * len(made)

    def index_times(self) -> None:
        """Find the largest timestamp up to each segment again, when records are gone."""
        self._latest_ms = list(accumulate((segment.latest_ms for segment in self._segments), max))

    def _remove_oldest(self, count: int) -> None:
        self.length -= sum(segment.length for segment in self._segments[:count])
        del self._segments[:count], self._base_offsets[:count], self._latest_ms[:count]
