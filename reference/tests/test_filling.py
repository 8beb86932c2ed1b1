"""Filling an answer, compared with measuring every record of every item."""

import json
from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core import segment
from kafka_do.core.batch import write_batch, write_rows
from kafka_do.core.broker import PartitionFailure
from kafka_do.core.errors import KafkaError
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import FetchedRecord, FetchPosition
from kafka_do.core.record_text import message_of_record
from kafka_do.core.records import Header, Record
from kafka_do.engines.filling import Found, fill

_many = settings(deadline=None, max_examples=300)
_sizes = st.sampled_from([0, 0, 1, 2, 3, 10, 50, 400])
_records = st.builds(
    lambda key, value, byte, name: Record(
        key=b"k" * key if key else None,
        value=byte * value if value else None,
        headers=(Header("n" * name, b"v"),) if name else (),
    ),
    _sizes,
    _sizes,
    st.sampled_from([b"1", b"\xff"]),
    st.sampled_from([0, 0, 0, 1, 5]),
)
_logs = st.lists(st.lists(st.lists(_records, min_size=1, max_size=4), max_size=4), min_size=1, max_size=4)

_Outcome = list[tuple[int, list[int]] | str]


def _log_of(batches: list[list[Record]]) -> PartitionLog:
    log = PartitionLog()
    for batch in batches:
        offsets = range(log.high_watermark, log.high_watermark + len(batch))
        log.append(write_batch(write_rows([message_of_record(record, 8) for record in batch], offsets, 1)))
    return log


def _size(record: Record) -> int:
    headers = sum(len(name.encode()) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def _naive(logs: list[list[Record]], positions: list[tuple[int, int]], max_records: int, max_bytes: int) -> _Outcome:
    """Return for each position where it began and the offsets that are answered, or the code of its error."""
    outcome: _Outcome = []
    count = size = 0
    is_ended = False
    for partition, offset in positions:
        if partition >= len(logs):
            outcome.append("partition_not_found")
            continue
        records = logs[partition]
        if offset > len(records):
            outcome.append("offset_out_of_range")
            continue
        answered = []
        for place in range(offset, len(records)):
            fits = count == 0 or size + _size(records[place]) <= max_bytes
            is_ended = is_ended or count == max_records or not fits
            if is_ended:
                break
            answered.append(place)
            count += 1
            size += _size(records[place])
        outcome.append((offset, answered))
    return outcome


def _outcome(found: list[Found | PartitionFailure]) -> _Outcome:
    outcome: _Outcome = []
    for one in found:
        if isinstance(one, PartitionFailure):
            outcome.append(one.error.code)
            continue
        rows = msgspec.json.decode(one.records.text, type=list[FetchedRecord])
        assert one.records.next_offset == one.records.offset + len(rows)
        outcome.append((one.records.offset, [row.offset for row in rows]))
    return outcome


@_many
@given(
    _logs,
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=6),
    st.integers(1, 20),
    st.integers(1, 120) | st.integers(300, 1_300) | st.integers(1_000, 3_000),
    st.sampled_from([1, 300, segment.FULL_BYTES]),
)
def test_an_answer_ends_before_the_record_that_does_not_fit_and_has_its_first_whatever_its_size(
    logs: list[list[list[Record]]],
    positions: list[tuple[int, int]],
    max_records: int,
    max_bytes: int,
    full: int,
) -> None:
    with patch.object(segment, "FULL_BYTES", full):
        made = [_log_of(batches) for batches in logs]

        def find_log(topic: str, partition: int, _: object) -> PartitionLog:
            if partition >= len(made):
                raise KafkaError("partition_not_found", "no", topic=topic, partition=partition, partition_count=4)
            return made[partition]

        asked = [FetchPosition("t", partition, offset) for partition, offset in positions]
        flat = [[record for batch in batches for record in batch] for batches in logs]
        for _ in range(2):  # the second time with whatever the first one has measured
            found = fill(asked, find_log, max_records=max_records, max_bytes=max_bytes)
            assert _outcome(found) == _naive(flat, positions, max_records, max_bytes)


def test_an_answer_is_as_long_as_max_bytes_to_the_byte() -> None:
    batches = [[Record(value=b"1" * 1_000)], [Record(value=b"2" * 1_000)]]
    logs = [_log_of(batches), _log_of(batches)]
    asked = [FetchPosition("t", partition, 0) for partition in (0, 1)]
    for max_bytes in (1, 999, 1_000, 1_001, 1_999, 2_000, 2_001, 2_999, 3_000, 3_100, 3_999, 4_000, 4_300):
        found = fill(asked, lambda _, partition, __: logs[partition], max_records=10, max_bytes=max_bytes)
        answered = sum(one.records.count for one in found if isinstance(one, Found))
        assert answered == max(1, min(4, max_bytes // 1_000))


def test_an_offset_outside_the_log_is_told_with_the_logs_bounds() -> None:
    log = _log_of([[Record(value=b"1")]])
    (failure,) = fill([FetchPosition("t", 0, 2)], lambda *_: log, max_records=1, max_bytes=1)
    assert isinstance(failure, PartitionFailure)
    assert (failure.topic, failure.partition) == ("t", 0)
    assert failure.error.code == "offset_out_of_range"
    assert failure.error.fields == {"topic": "t", "partition": 0, "log_start_offset": 0, "high_watermark": 1}


def test_a_failure_says_which_partition_of_which_topic_it_is_about() -> None:
    def find_log(topic: str, partition: int, _: object) -> PartitionLog:
        raise KafkaError("partition_not_found", "no", topic=topic, partition=partition, partition_count=4)

    asked = [FetchPosition("t", 7, 0), FetchPosition("u", 8, 0)]
    failures = [one for one in fill(asked, find_log, max_records=1, max_bytes=1) if isinstance(one, PartitionFailure)]
    assert [(one.topic, one.partition) for one in failures] == [("t", 7), ("u", 8)]


def test_an_answer_has_max_records_over_all_its_positions() -> None:
    logs = [_log_of([[Record(value=b"1")] * 3]) for _ in range(3)]
    asked = [FetchPosition("t", partition, 0) for partition in range(3)]
    for most in range(1, 11):
        found = fill(asked, lambda _, partition, __: logs[partition], max_records=most, max_bytes=10_000)
        counts = [one.records.count for one in found if isinstance(one, Found)]
        assert counts == [min(3, max(0, most - 3 * before)) for before in range(3)]


def test_what_is_found_says_where_it_was_looked_for() -> None:
    log = _log_of([[Record(value=b"1")]])
    position = FetchPosition("t", 3, 0)
    (found,) = fill([position], lambda *_: log, max_records=1, max_bytes=1)
    assert isinstance(found, Found)
    assert (found.position, found.log) == (position, log)
    assert [record["value"] for record in json.loads(found.records.text)] == [1]
