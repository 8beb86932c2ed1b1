"""A piece of a log: neighbouring records as one text, with indexes that are made when they are first needed."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
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
    """`count` records from `base_offset` on; their text has about `length` bytes.

    Positions within a segment count from 0 at `base_offset`. The text is a JSON array.
    """

    __slots__ = ("_pieces", "_sizes", "_starts", "base_offset", "count", "length")

    def __init__(self, base_offset: int) -> None:
        self.base_offset = base_offset
        self.count = 0
        self.length = 0
        self._pieces: list[bytes] = []
        self._starts: array[int] | None = None
        self._sizes: array[int] | None = None

    def add(self, batch: Batch) -> None:
        """Take a batch behind the records that are there; one batch that fills the segment is kept as it is."""
        self._pieces.append(batch.text)
        self.count += batch.count
        self.length += len(batch.text)
        self._starts = self._sizes = None
        if len(self._pieces) > 1 and self.is_full:
            self.text()

    @property
    def is_full(self) -> bool:
        """Whether the next batch goes to another segment."""
        return self.length >= FULL_BYTES

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
