"""The log of one partition, compared with a plain list, whatever its segments and whatever was read before."""

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core import segment
from kafka_do.core.batch import write_batch, write_rows
from kafka_do.core.log import LogSlice, OffsetOutOfRangeError, PartitionLog
from kafka_do.core.record_text import message_of_record, stored_records
from kafka_do.core.records import Header, Record, StoredRecord

_NOW = 1_760_000_000_000
_ALL = 2**53
_DEPTH = 8

_many = settings(deadline=None, max_examples=200)
_short = st.none() | st.binary(max_size=6) | st.sampled_from([b"[1,2]", b'{"a":"},{"}', b'"\\",\\""', "é,".encode()])
_headers = st.lists(st.builds(Header, st.text(max_size=3), _short), max_size=2).map(tuple)
_times = st.integers(0, 9) | st.integers(_NOW - 2, _NOW + 9) | st.integers(0, 2**53 - 1)
_records = st.builds(Record, value=_short, key=_short, headers=_headers, timestamp_ms=st.none() | _times)
_batches = st.lists(st.lists(_records, min_size=1, max_size=4), max_size=7)
_full = st.sampled_from([1, 150, 400, segment.FULL_BYTES])  # a segment for each batch, for a few, for all of them


def _append(log: PartitionLog, records: list[Record], now_ms: int = _NOW) -> None:
    """Append records as a broker does."""
    offsets = range(log.high_watermark, log.high_watermark + len(records))
    log.append(write_batch(write_rows([message_of_record(record, _DEPTH) for record in records], offsets, now_ms)))


def _log_of(*values: bytes | None) -> PartitionLog:
    log = PartitionLog()
    _append(log, [Record(value=value) for value in values])
    return log


def _modelled(batches: list[list[Record]]) -> list[StoredRecord]:
    """Return what a log holds after these batches; batch number i is appended i milliseconds after _NOW."""
    timed = [(record, _NOW + index) for index, batch in enumerate(batches) for record in batch]
    return [
        StoredRecord(
            offset,
            now if record.timestamp_ms is None else record.timestamp_ms,
            record.key,
            record.value,
            record.headers,
        )
        for offset, (record, now) in enumerate(timed)
    ]


def _bytes_in(records: list[StoredRecord]) -> int:
    pieces: list[bytes | None] = []
    for record in records:
        pieces += [record.key, record.value]
        for name, value in record.headers:
            pieces += [name.encode(), value]
    return sum(len(piece) for piece in pieces if piece is not None)


def _fitting(records: list[StoredRecord], max_bytes: int) -> list[StoredRecord]:
    counts = [count for count in range(len(records) + 1) if _bytes_in(records[:count]) <= max_bytes]
    return records[: max(counts, default=0)]


def _check(found: LogSlice, expected: list[StoredRecord], offset: int) -> None:
    """Fail unless a slice is these records, by every measure that it has."""
    assert stored_records(found.text) == expected
    assert (found.offset, found.count, found.next_offset) == (offset, len(expected), offset + len(expected))
    assert found.size == _bytes_in(expected)
    assert found.text_length >= found.size
    assert abs(found.text_length - len(found.text)) <= len(expected) + len(b"[]")


@_many
@given(_batches, st.integers(-2, 30), st.integers(1, 12), st.integers(-3, 60), _full)
def test_a_log_is_a_list_that_is_read_in_pieces(
    batches: list[list[Record]], offset: int, max_records: int, max_bytes: int, full: int
) -> None:
    with patch.object(segment, "FULL_BYTES", full):
        log = PartitionLog()
        for index, batch in enumerate(batches):
            _append(log, batch, _NOW + index)
        model = _modelled(batches)
        assert (log.start_offset, log.high_watermark) == (0, len(model))
        if not 0 <= offset <= len(model):
            with pytest.raises(OffsetOutOfRangeError):
                log.read(offset, max_records)
            return
        rest = model[offset : offset + max_records]
        found = log.read(offset, max_records)
        _check(found, rest, offset)
        _check(found.within(max_bytes), _fitting(rest, max_bytes), offset)
        _check(found.none(), [], offset)
        if rest:
            _check(found.first(), rest[:1], offset)


@_many
@given(_batches, st.data(), _full)
def test_what_was_read_before_makes_no_difference_to_what_is_read_after_an_append(
    batches: list[list[Record]], data: st.DataObject, full: int
) -> None:
    with patch.object(segment, "FULL_BYTES", full):
        log = PartitionLog()
        for index, batch in enumerate(batches):
            _append(log, batch, _NOW + index)
            model = _modelled(batches[: index + 1])
            offset = data.draw(st.integers(0, len(model)))
            max_records = data.draw(st.integers(1, 8))
            max_bytes = data.draw(st.integers(0, 40))
            rest = model[offset : offset + max_records]
            _check(log.read(offset, max_records), rest, offset)
            _check(log.read(offset, max_records).within(max_bytes), _fitting(rest, max_bytes), offset)


@_many
@given(_batches, st.data(), _full)
def test_a_time_is_found_where_a_look_at_every_record_finds_it(
    batches: list[list[Record]], data: st.DataObject, full: int
) -> None:
    with patch.object(segment, "FULL_BYTES", full):
        log = PartitionLog()
        for index, batch in enumerate(batches):
            _append(log, batch, _NOW + index)
            model = _modelled(batches[: index + 1])
            times = [(record.timestamp_ms or 0, record.offset) for record in model]
            known = {time + step for time, _ in times for step in (-1, 0, 1)} | {0, 2**53 - 1}
            for wanted in [*known, data.draw(st.integers(0, 2**53 - 1))]:
                at_or_after = next(((offset, time) for time, offset in times if time >= wanted), None)
                found = log.first_at_or_after(wanted)
                assert (None if found is None else (found.offset, found.timestamp_ms)) == at_or_after
            most = max(time for time, _ in times)
            latest = log.latest_record()
            assert latest is not None
            assert (latest.timestamp_ms, latest.offset) == next(one for one in times if one[0] == most)


def test_a_record_at_the_epoch_is_found_at_its_time_and_not_at_a_later_one() -> None:
    log = PartitionLog()
    _append(log, [Record(value=b"", timestamp_ms=0)])
    found = log.first_at_or_after(0)
    assert found is not None
    assert (found.offset, found.timestamp_ms) == (0, 0)
    assert log.latest_record() == found
    assert log.first_at_or_after(1) is None


def test_an_empty_log_has_no_record_at_any_time() -> None:
    log = PartitionLog()
    assert (log.first_at_or_after(0), log.latest_record()) == (None, None)


@_many
@given(_batches, st.integers(1, 5), st.integers(1, 20), _full)
def test_reading_on_behind_each_answer_finds_every_record_once(
    batches: list[list[Record]], max_records: int, max_bytes: int, full: int
) -> None:
    with patch.object(segment, "FULL_BYTES", full):
        log = PartitionLog()
        for index, batch in enumerate(batches):
            _append(log, batch, _NOW + index)
        found: list[StoredRecord] = []
        for _ in range(log.high_watermark):
            rest = log.read(len(found), max_records)
            if rest.count:
                found += stored_records(rest.within(max_bytes).text) or stored_records(rest.first().text)
        assert found == _modelled(batches)


def test_batches_that_fill_segments_by_themselves_stand_beside_small_ones() -> None:
    sizes = [10, 20, segment.FULL_BYTES, 30, 2 * segment.FULL_BYTES, segment.FULL_BYTES - 200, 40, 50]
    batches = [[Record(value=b"%d" % index * size), Record(value=b"x")] for index, size in enumerate(sizes)]
    log = PartitionLog()
    for index, batch in enumerate(batches):
        _append(log, batch, _NOW + index)
    model = _modelled(batches)
    for offset in range(len(model) + 1):
        for max_records in (1, 2, 5, 100):
            _check(log.read(offset, max_records), model[offset : offset + max_records], offset)
    for most in (0, 9, 10, 11, 31, 70_000, _ALL):
        _check(log.read(0, 100).within(most), _fitting(model, most), 0)


def test_the_first_record_has_offset_0_and_the_next_follow_without_gaps() -> None:
    log = _log_of(b"a", b"b")
    _append(log, [Record(value=b"c")])
    assert [stored.offset for stored in stored_records(log.read(0, 9).text)] == [0, 1, 2]


def test_a_record_without_a_time_gets_that_of_the_append_and_the_epoch_itself_is_a_time() -> None:
    log = PartitionLog()
    _append(log, [Record(value=b""), Record(value=b"", timestamp_ms=0)])
    assert [record.timestamp_ms for record in stored_records(log.read(0, 9).text)] == [_NOW, 0]


def test_reading_at_the_end_finds_nothing_and_beyond_it_is_an_error() -> None:
    log = _log_of(b"a", b"b")
    assert log.read(2, 1).text == b"[]"
    for offset in (-1, 3):
        with pytest.raises(OffsetOutOfRangeError):
            log.read(offset, 1)


def test_a_record_that_does_not_fit_ends_what_is_within_and_the_next_is_not_taken_in_its_place() -> None:
    log = _log_of(b"y", b"x" * 100, b"z" * 9, None)
    assert [record.offset for record in stored_records(log.read(0, 9).within(20).text)] == [0]
    assert [record.offset for record in stored_records(log.read(2, 9).within(9).text)] == [2, 3]
    assert [record.offset for record in stored_records(log.read(2, 9).within(8).text)] == []


def test_what_was_read_stays_as_it_is_when_more_is_appended() -> None:
    log = _log_of(b"a")
    read = log.read(0, 9)
    _append(log, [Record(value=b"b")])
    assert [record.value for record in stored_records(read.text)] == [b"a"]
