"""A piece of a log: neighbouring records as one text, with indexes that are made when they are first needed."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec

from kafka_do.core.batch import Batch
from kafka_do.core.record_text import stored_records
from kafka_do.core.records import size_of

__all__ = ["FULL_BYTES", "Segment", "Timed", "join_arrays", "read_times"]

FULL_BYTES = 16_384
"""A segment with so much text takes no further batch. Small batches are joined until then, so that a million of them
are not a million segments; larger ones stay as they were written, since joining would cost as much as writing.
"""

_texts = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Timed(msgspec.Struct):
    """A record's place and time."""

    offset: int
    timestamp_ms: int


read_times = msgspec.json.Decoder(list[Timed]).decode


class Segment:
    """`count` records, each at an offset from `base_offset` to before `end_offset`, in a text of about `length` bytes.

    Positions within a segment count its records from 0. The text is a JSON array. `since_ms` and `until_ms` are when
    the first and the last of the records were appended, `latest_ms` is the largest of their timestamps.
    Where compaction has kept tombstones, `tombstones_since_ms` is when it first did. (RETAIN-026)
    """

    __slots__ = (
        "_offsets",
        "_pieces",
        "_sizes",
        "_starts",
        "base_offset",
        "count",
        "end_offset",
        "is_closed",
        "latest_ms",
        "length",
        "since_ms",
        "tombstones_since_ms",
        "until_ms",
    )

    def __init__(self, base_offset: int, now_ms: int = 0) -> None:
        self.base_offset = self.end_offset = base_offset
        self.since_ms = self.until_ms = now_ms
        self.count = self.length = self.latest_ms = 0
        self.is_closed = False
        self.tombstones_since_ms: int | None = None
        self._offsets: array[int] | None = None  # of each record; None where there are no gaps
        self._pieces: list[bytes] = []
        self._starts: array[int] | None = None
        self._sizes: array[int] | None = None

    def add(self, batch: Batch, now_ms: int = 0) -> None:
        """Take a batch behind the records that are there; one batch that fills the segment is kept as it is."""
        self._pieces.append(batch.text)
        self.count += batch.count
        self.end_offset += batch.count
        self.length += len(batch.text)
        self.latest_ms = max(self.latest_ms, batch.latest_ms)
        self.until_ms = now_ms
        self._starts = self._sizes = None
        if len(self._pieces) > 1 and self.is_full:
            self.text()

    def position(self, offset: int) -> int:
        """Return the position of the first record at an offset or behind it; `count` where there is none."""
        if self._offsets is None:
            return min(max(offset - self.base_offset, 0), self.count)
        return bisect_left(self._offsets, offset)

    def offset_at(self, position: int) -> int:
        """Return the offset of the record at a position."""
        return self.base_offset + position if self._offsets is None else self._offsets[position]

    def behind(self, offset: int) -> "Segment":
        """Return a segment of the records from an offset on, of which there is at least one. (RETAIN-014)"""
        start = self.position(offset)
        gaps = None if self._offsets is None else self._offsets[start:]
        left = self._made_of(self.part(start, self.count), self.count - start, gaps)
        left.base_offset = self.offset_at(start)
        left.is_closed = self.is_closed
        return left

    def only(self, positions: Sequence[int]) -> "Segment":
        """Return a closed segment of the records at these positions, of which there is at least one. (RETAIN-023)"""
        texts = _texts(self.text())
        text = b"[" + b",".join([memoryview(texts[position]) for position in positions]) + b"]"
        return self._made_of(text, len(positions), array("Q", [self.offset_at(position) for position in positions]))

    def may_join(self, other: "Segment") -> bool:
        """Whether these records and those of the segment behind it fit in one, and their tombstones go together."""
        since_ms = {self.tombstones_since_ms, other.tombstones_since_ms} - {None}
        return self.length + other.length <= FULL_BYTES and len(since_ms) <= 1

    def joined(self, other: "Segment") -> "Segment":
        """Return a closed segment of these records and those of the segment behind it."""
        text = join_arrays([self.text(), other.text()])
        both = self._made_of(text, self.count + other.count, array("Q", [*self.offsets(), *other.offsets()]))
        both.end_offset, both.until_ms = other.end_offset, other.until_ms
        if both.tombstones_since_ms is None:
            both.tombstones_since_ms = other.tombstones_since_ms
        return both

    def offsets(self) -> Iterable[int]:
        """Return every record's offset."""
        return range(self.base_offset, self.base_offset + self.count) if self._offsets is None else self._offsets

    def _made_of(self, text: bytes, count: int, offsets: "array[int] | None") -> "Segment":
        """Return a closed segment with other records, which is like this one otherwise."""
        made = Segment(self.base_offset, self.since_ms)
        made.end_offset, made.until_ms = self.end_offset, self.until_ms
        made.tombstones_since_ms = self.tombstones_since_ms
        made.count, made.length, made._pieces, made._offsets = count, len(text), [text], offsets
        made.latest_ms = max([record.timestamp_ms for record in read_times(text)])
        made.is_closed = True
        return made

    @property
    def is_full(self) -> bool:
        """Whether the next batch goes to another segment."""
        return self.is_closed or self.length >= FULL_BYTES

    def text(self) -> bytes:
        """Return the records as a JSON array."""
        if len(self._pieces) > 1:
            self._pieces = [join_arrays(self._pieces)]
        return self._pieces[0]

    def part(self, start: int, stop: int) -> bytes:
        """Return the records from `start` to before `stop` as a JSON array."""
        text = self.text()
        if stop - start == self.count:
            return text
        starts = self._record_starts()
        return b"[" + text[starts[start] : starts[stop] - 1] + b"]"

    def part_length(self, start: int, stop: int) -> int:
        """Return about how long the text of these records is: not shorter than their `size`."""
        if stop - start == self.count:
            return self.length
        starts = self._record_starts()
        return starts[stop] - starts[start]

    def size(self, start: int, stop: int) -> int:
        """Return the bytes of the records' keys, values and headers. (FETCH-008)"""
        sizes = self._sizes_before()
        return sizes[stop] - sizes[start]

    def fitting(self, start: int, stop: int, most: int) -> int:
        """Return the position before which the records from `start` on have no more than `most` bytes.

        Where not even none of them fit, since `most` is below 0, it is before `start`.
        """
        sizes = self._sizes_before()
        return bisect_right(sizes, sizes[start] + most, start, stop + 1) - 1

    def times(self) -> list[Timed]:
        """Return every record's place and time."""
        return read_times(self.text())

    def _record_starts(self) -> "array[int]":
        """Return for each position where the text of its record begins, behind the comma that ends the one before."""
        if self._starts is None:
            lengths = [len(text) + len(b",") for text in _texts(self.text())]
            self._starts = array("I", accumulate(lengths, initial=len(b"[")))
        return self._starts

    def _sizes_before(self) -> "array[int]":
        """Return for each position the size of all records before it."""
        if self._sizes is None:
            sizes = [size_of(record) for record in stored_records(self.text())]
            self._sizes = array("Q", accumulate(sizes, initial=0))
        return self._sizes


def join_arrays(arrays: Sequence[bytes]) -> bytes:
    """Return one JSON array of what is in several, none of which is empty."""
    return b"[" + b",".join([memoryview(text)[1:-1] for text in arrays]) + b"]"
