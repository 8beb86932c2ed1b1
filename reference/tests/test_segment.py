"""Segments: what they take over from those that they are made of, when they are full, and what they may become."""

import pytest

from kafka_do.core import segment as module
from kafka_do.core.batch import write_batch, write_rows
from kafka_do.core.record_text import message_of_record
from kafka_do.core.records import Record
from kafka_do.core.segment import Segment

_NOW = 50


def _segment(base: int, *values: bytes | None, now_ms: int = _NOW) -> Segment:
    made = Segment(base, now_ms)
    rows = write_rows(
        [message_of_record(Record(value, b"k"), 8) for value in values], range(base, base + len(values)), 7
    )
    made.add(write_batch(rows), now_ms)
    return made


def test_a_new_segment_is_open_and_of_the_time_that_it_is_told() -> None:
    made = Segment(10)
    assert (made.since_ms, made.until_ms, made.is_closed, made.is_full) == (0, 0, False, False)
    made.add(write_batch(write_rows([message_of_record(Record(b"1"), 8)], range(10, 11), 7)))
    assert (made.until_ms, made.end_offset) == (0, 11)
    assert _segment(3, b"1", now_ms=9).since_ms == 9


def test_a_segment_is_full_with_exactly_the_bytes_that_it_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    made = _segment(0, b"1")
    monkeypatch.setattr(module, "FULL_BYTES", made.length + 1)
    assert not made.is_full
    monkeypatch.setattr(module, "FULL_BYTES", made.length)
    assert made.is_full


def test_what_is_left_keeps_its_offsets_its_times_and_whether_it_is_closed() -> None:
    whole = _segment(10, b"0", b"1", b"2", b"3", now_ms=60)
    whole.tombstones_since_ms = 33
    gaps = whole.only([0, 1, 3])
    assert (list(gaps.offsets()), gaps.count) == ([10, 11, 13], 3)
    assert (gaps.since_ms, gaps.until_ms, gaps.end_offset, gaps.tombstones_since_ms) == (60, 60, 14, 33)
    assert gaps.is_closed is True
    assert gaps.is_full
    behind = gaps.behind(11)
    assert (list(behind.offsets()), behind.base_offset, behind.is_closed) == ([11, 13], 11, True)
    assert [behind.position(offset) for offset in (11, 12, 13, 14)] == [0, 1, 1, 2]
    still_open = whole.behind(12)
    assert (list(still_open.offsets()), still_open.is_closed, still_open.since_ms) == ([12, 13], False, 60)


@pytest.mark.parametrize(
    ("one", "other", "together"), [(None, None, True), (None, 5, True), (5, None, True), (5, 5, True), (5, 6, False)]
)
def test_segments_join_if_their_tombstones_go_together(one: int | None, other: int | None, *, together: bool) -> None:
    left, right = _segment(0, b"1"), _segment(1, None)
    left.tombstones_since_ms, right.tombstones_since_ms = one, other
    assert left.may_join(right) is together


def test_segments_join_if_they_fit_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = _segment(0, b"1"), _segment(1, b"2")
    monkeypatch.setattr(module, "FULL_BYTES", left.length + right.length)
    assert left.may_join(right)
    monkeypatch.setattr(module, "FULL_BYTES", left.length + right.length - 1)
    assert not left.may_join(right)


@pytest.mark.parametrize(("one", "other", "both"), [(None, None, None), (None, 5, 5), (5, None, 5), (5, 5, 5)])
def test_joined_segments_have_the_records_and_the_times_of_both(
    one: int | None, other: int | None, both: int | None
) -> None:
    left, right = _segment(10, b"0", b"1", now_ms=60).only([1]), _segment(12, b"2", now_ms=70)
    left.tombstones_since_ms, right.tombstones_since_ms = one, other
    joined = left.joined(right)
    assert (list(joined.offsets()), joined.base_offset, joined.end_offset) == ([11, 12], 10, 13)
    assert (joined.since_ms, joined.until_ms, joined.tombstones_since_ms, joined.is_closed) == (60, 70, both, True)


def test_what_fits_ends_where_the_caller_says() -> None:
    made = _segment(0, b"1" * 10, b"2" * 10, b"3" * 10)
    assert [made.fitting(0, stop, 1000) for stop in (1, 2, 3)] == [1, 2, 3]
    assert [made.fitting(0, 3, most) for most in (-1, 10, 11, 22, 33)] == [-1, 0, 1, 2, 3]
