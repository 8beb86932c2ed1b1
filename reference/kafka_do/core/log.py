"""The log of one partition: records in the order in which they were appended, each at its offset."""

from bisect import bisect_left, bisect_right

from kafka_do.core.batch import Batch
from kafka_do.core.segment import Segment, Timed, join_arrays, read_times
from kafka_do.core.sequences import Sequences

__all__ = ["LogSlice", "OffsetOutOfRangeError", "PartitionLog"]


class OffsetOutOfRangeError(Exception):
    """A position below the start of the log or beyond its end."""


class LogSlice:
    """Neighbouring records of a log, from `offset` to before `next_offset`. A part is (segment, from, to position)."""

    __slots__ = ("_parts", "count", "offset")

    def __init__(self, offset: int, parts: list[tuple[Segment, int, int]]) -> None:
        self.offset = offset
        self._parts = parts
        self.count = sum(stop - start for _, start, stop in parts)

    @property
    def next_offset(self) -> int:
        """Where to read on. (FETCH-002)"""
        return self.offset + self.count

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
        kept: list[tuple[Segment, int, int]] = []
        for segment, start, stop in self._parts:
            fitting = segment.fitting(start, stop, max_bytes)
            if fitting > start:
                kept.append((segment, start, fitting))
                max_bytes -= segment.size(start, fitting)
            if fitting < stop:
                break
        return LogSlice(self.offset, kept)

    def none(self) -> "LogSlice":
        """Return no records, at the same offset."""
        return LogSlice(self.offset, [])

    def first(self) -> "LogSlice":
        """Return the first record alone; there has to be one."""
        segment, start, _ = self._parts[0]
        return LogSlice(self.offset, [(segment, start, start + 1)])


class PartitionLog:
    """An append-only log. Offsets begin at 0 and are contiguous. (PRODUCE-006, PRODUCE-007)

    `sequences` is what it knows of producers. (PRODUCER-009)
    """

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._base_offsets: list[int] = []
        self._latest_ms: list[
            int
        ] = []  # for each segment the largest timestamp so far: never falling, so it is bisected
        self.high_watermark = 0
        self.sequences = Sequences()

    @property
    def start_offset(self) -> int:
        """The offset of the first record that can be read."""
        return 0

    def append(self, batch: Batch) -> None:
        """Append a batch that was written for the offset `high_watermark`, the one that the next record gets."""
        if not self._segments or self._segments[-1].is_full:
            self._segments.append(Segment(self.high_watermark))
            self._base_offsets.append(self.high_watermark)
            self._latest_ms.append(self._latest_ms[-1] if self._latest_ms else 0)
        self._segments[-1].add(batch)
        self._latest_ms[-1] = max(self._latest_ms[-1], batch.latest_ms)
        self.high_watermark += batch.count

    def read(self, offset: int, max_records: int) -> LogSlice:
        """Return the records from `offset` on. (FETCH-001, FETCH-007)

        Raises OffsetOutOfRangeError for a position below the start or beyond the end; the end is none. (FETCH-005)
        """
        if not self.start_offset <= offset <= self.high_watermark:
            raise OffsetOutOfRangeError
        parts: list[tuple[Segment, int, int]] = []
        stop = min(offset + max_records, self.high_watermark)
        number = bisect_right(self._base_offsets, offset) - 1
        position = offset
        while position < stop:
            segment = self._segments[number]
            upto = min(stop - segment.base_offset, segment.count)
            parts.append((segment, position - segment.base_offset, upto))
            position = segment.base_offset + upto
            number += 1
        return LogSlice(offset, parts)

    def first_at_or_after(self, timestamp_ms: int) -> Timed | None:
        """Return the first record, in the order of offsets, with that timestamp or a later one. (OFFSETS-002)

        It is in the segment in which the largest timestamp so far first reaches the time that is looked for.
        """
        found = bisect_left(self._latest_ms, timestamp_ms)
        if found == len(self._segments):
            return None
        return next(record for record in self._segments[found].times() if record.timestamp_ms >= timestamp_ms)

    def latest_record(self) -> Timed | None:
        """Return the record with the largest timestamp, the first of them. (OFFSETS-003)"""
        return self.first_at_or_after(self._latest_ms[-1]) if self._latest_ms else None
