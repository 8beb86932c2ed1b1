"""The log of one partition, compared with a plain list."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.log import OffsetOutOfRangeError, PartitionLog
from kafka_do.core.records import Header, Record, StoredRecord

_NOW = 1_760_000_000_000
_ALL = 2**53

_short = st.none() | st.binary(max_size=6)
_headers = st.lists(st.builds(Header, st.text(max_size=3), _short), max_size=2).map(tuple)
_records = st.builds(
    Record, value=_short, key=_short, headers=_headers, timestamp_ms=st.none() | st.integers(0, 2**53 - 1)
)
_batches = st.lists(st.lists(_records, max_size=4), max_size=5)


def _log_of(*values: bytes | None) -> PartitionLog:
    log = PartitionLog()
    log.append([Record(value=value) for value in values], _NOW)
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


@settings(deadline=None, max_examples=200)
@given(_batches, st.integers(-2, 24), st.integers(1, 8), st.integers(1, 40))
def test_a_log_is_a_list_that_is_read_in_pieces(
    batches: list[list[Record]], offset: int, max_records: int, max_bytes: int
) -> None:
    log = PartitionLog()
    returned = [stored for index, batch in enumerate(batches) for stored in log.append(batch, _NOW + index)]
    model = _modelled(batches)

    assert returned == model
    assert (log.start_offset, log.high_watermark) == (0, len(model))
    if not 0 <= offset <= len(model):
        with pytest.raises(OffsetOutOfRangeError):
            log.read(offset, max_records=max_records, max_bytes=max_bytes)
        return
    rest = model[offset : offset + max_records]
    fitting = [count for count in range(1, len(rest) + 1) if count == 1 or _bytes_in(rest[:count]) <= max_bytes]
    assert log.read(offset, max_records=max_records, max_bytes=max_bytes) == rest[: max(fitting, default=0)]


@settings(deadline=None, max_examples=100)
@given(_batches, st.integers(1, 5), st.integers(1, 20))
def test_reading_on_behind_each_answer_finds_every_record_once(
    batches: list[list[Record]], max_records: int, max_bytes: int
) -> None:
    log = PartitionLog()
    for index, batch in enumerate(batches):
        log.append(batch, _NOW + index)
    found: list[StoredRecord] = []
    for _ in range(log.high_watermark):
        found += log.read(len(found), max_records=max_records, max_bytes=max_bytes)
    assert found == _modelled(batches)


def test_the_first_record_has_offset_0_and_the_next_follow_without_gaps() -> None:
    log = PartitionLog()
    first = log.append([Record(value=b"a"), Record(value=b"b")], _NOW)
    second = log.append([Record(value=b"c")], _NOW)
    assert [stored.offset for stored in [*first, *second]] == [0, 1, 2]


def test_a_batch_of_no_records_changes_nothing() -> None:
    log = _log_of(b"a")
    assert log.append([], _NOW) == []
    assert log.high_watermark == 1


def test_a_record_without_a_time_gets_that_of_the_append_and_the_epoch_itself_is_a_time() -> None:
    log = PartitionLog()
    stored = log.append([Record(value=b""), Record(value=b"", timestamp_ms=0)], _NOW)
    assert [record.timestamp_ms for record in stored] == [_NOW, 0]


def test_reading_at_the_end_finds_nothing_and_beyond_it_is_an_error() -> None:
    log = _log_of(b"a", b"b")
    assert log.read(2, max_records=1, max_bytes=1) == []
    for offset in (-1, 3):
        with pytest.raises(OffsetOutOfRangeError):
            log.read(offset, max_records=1, max_bytes=1)


def test_the_first_record_is_read_whatever_its_size_and_the_next_only_if_it_fits() -> None:
    log = _log_of(b"x" * 100, b"y", b"z" * 9, None)
    assert [record.offset for record in log.read(0, max_records=9, max_bytes=10)] == [0]
    assert [record.offset for record in log.read(1, max_records=9, max_bytes=9)] == [1]
    assert [record.offset for record in log.read(1, max_records=9, max_bytes=10)] == [1, 2, 3]


def test_what_was_read_stays_as_it_is_when_more_is_appended() -> None:
    log = _log_of(b"a")
    read = log.read(0, max_records=9, max_bytes=_ALL)
    log.append([Record(value=b"b")], _NOW)
    assert [record.value for record in read] == [b"a"]
