"""Appending, compared with measuring every record: each batch whole or not at all, each record its result."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.broker import FetchPartition, Produce
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import CreateTopicRequest
from kafka_do.core.partitioner import partition_of_key
from kafka_do.core.plain_records import IncomingRecord, PlainRecord
from kafka_do.core.record_text import message_of_record, stored_records
from kafka_do.core.records import Header, Record, StoredRecord
from kafka_do.core.results import Results
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC

_NOW = 1_000
_PARTITIONS = 3
_MAX_RECORD, _MAX_BATCH, _MAX_MESSAGE = 100, 180, 150
_LIMITS = {**SPEC.limits, "max_record_bytes": _MAX_RECORD, "max_batch_bytes": _MAX_BATCH}

_many = settings(deadline=None, max_examples=200)
_lengths = st.sampled_from([0, 1, 2, 3]) | st.integers(20, 75)
_places = st.one_of(
    st.builds(lambda key: {"key": key}, st.text("abé", max_size=3).map(str.encode)),
    st.builds(lambda key, at: {"key": key, "partition": at}, st.none() | st.binary(max_size=2), st.integers(0, 3)),
)
_records = st.builds(
    lambda place, length, byte, headers, timestamp_ms: Record(
        value=byte * length, headers=(Header("h", b"v"),) * headers, timestamp_ms=timestamp_ms, **place
    ),
    _places,
    _lengths,
    st.sampled_from([b"1", b"x", b"\xff", b'"', b"\x01"]),
    st.sampled_from([0, 0, 1, 2]),
    st.none() | st.integers(0, 9),
)
_plain = st.builds(
    lambda key, length: Record(value=b"1" * length, key=key),
    st.text("abé", max_size=3).map(str.encode),
    st.integers(1, 75),
)


def _requests(records: st.SearchStrategy[Record]) -> st.SearchStrategy[list[list[Record]]]:
    return st.lists(st.lists(records, min_size=1, max_size=6), min_size=1, max_size=4)


class _Model:
    """What the partitions hold, and what each record is answered."""

    def __init__(self, *, replaces_timestamps: bool, max_batch: int) -> None:
        self.partitions: list[list[StoredRecord]] = [[] for _ in range(_PARTITIONS)]
        self._replaces_timestamps = replaces_timestamps
        self._max_batch = max_batch

    def append(self, records: list[Record]) -> list[Any]:
        """Return for each record its place and time, or the code of its error."""
        wanted = [
            partition_of_key(record.key or b"", _PARTITIONS) if record.partition is None else record.partition
            for record in records
        ]
        answers: list[Any] = [None] * len(records)
        for partition in set(wanted):
            places = [place for place, one in enumerate(wanted) if one == partition]
            for place, answer in zip(places, self._batch([records[place] for place in places], partition), strict=True):
                answers[place] = answer
        return answers

    def _batch(self, records: list[Record], partition: int) -> list[Any]:
        if partition >= _PARTITIONS:
            return ["partition_not_found"] * len(records)
        sizes = [_size(record) for record in records]
        if max(sizes) > _MAX_RECORD:
            return ["message_too_large" if size > _MAX_RECORD else "not_attempted" for size in sizes]
        if sum(sizes) > self._max_batch:
            return ["message_too_large"] * len(records)
        log = self.partitions[partition]
        answers = []
        for record in records:
            sent = None if self._replaces_timestamps else record.timestamp_ms
            timestamp_ms = _NOW if sent is None else sent
            answers.append((partition, len(log), timestamp_ms))
            log.append(StoredRecord(len(log), timestamp_ms, record.key, record.value, record.headers))
        return answers


def _size(record: Record) -> int:
    headers = sum(len(name.encode()) + len(value or b"") + 16 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + 32


def _facts(results: Results) -> list[Any]:
    return [
        (result.partition, result.offset, result.timestamp_ms) if result.error is msgspec.UNSET else result.error.code
        for result in results
    ]


def _as_plain(record: Record) -> PlainRecord:
    return PlainRecord(msgspec.Raw(record.value or b"null"), None if record.key is None else record.key.decode())


def _compare(requests: list[list[Record]], configs: dict[str, str], *, as_plain: bool) -> None:
    """Append requests one after another, and fail unless answers and partitions are those of the model."""
    engine = MemoryEngine(version="9.9", limits=_LIMITS, clock=ManualClock(_NOW))
    asyncio.run(engine.create_topic(CreateTopicRequest(topic="t", partitions=_PARTITIONS, configs=configs)))
    model = _Model(
        replaces_timestamps="message.timestamp.type" in configs,
        max_batch=min(_MAX_BATCH, int(configs.get("max.message.bytes", _MAX_BATCH))),
    )
    for records in requests:
        sent: list[IncomingRecord] = [_as_plain(one) if as_plain else message_of_record(one, 8) for one in records]
        assert _facts(asyncio.run(engine.produce(Produce("t", sent)))) == model.append(records)
    for partition, expected in enumerate(model.partitions):
        found = asyncio.run(engine.fetch_partition(FetchPartition("t", partition, 0, 1_000, 1_000_000)))
        assert stored_records(found.records) == expected


_all_configs = pytest.mark.parametrize(
    "configs",
    [{}, {"max.message.bytes": str(_MAX_MESSAGE)}, {"message.timestamp.type": "LogAppendTime"}],
    ids=["default", "max.message.bytes", "LogAppendTime"],
)


@_all_configs
@_many
@given(requests=_requests(_records))
def test_records_of_every_kind_have_the_results_of_the_model(
    configs: dict[str, str], requests: list[list[Record]]
) -> None:
    _compare(requests, configs, as_plain=False)


@_all_configs
@pytest.mark.parametrize("as_plain", [True, False])
@_many
@given(requests=_requests(_plain))
def test_plain_records_have_the_results_of_the_model(
    *, configs: dict[str, str], as_plain: bool, requests: list[list[Record]]
) -> None:
    _compare(requests, configs, as_plain=as_plain)


@pytest.mark.parametrize("as_plain", [True, False])
@pytest.mark.parametrize("length", [_MAX_RECORD - 32, _MAX_RECORD - 31])
def test_a_record_of_exactly_the_limit_is_appended_and_one_byte_more_is_refused(*, as_plain: bool, length: int) -> None:
    _compare([[Record(value=b"1" * (length - 1), key=b"k")]], {}, as_plain=as_plain)


@pytest.mark.parametrize("as_plain", [True, False])
@pytest.mark.parametrize("length", [_MAX_BATCH // 2 - 32, _MAX_BATCH // 2 - 31])
def test_a_batch_of_exactly_the_limit_is_appended_and_a_larger_one_is_refused(*, as_plain: bool, length: int) -> None:
    _compare([[Record(value=b"1" * (length - 1), key=b"k")] * 2], {}, as_plain=as_plain)


@pytest.mark.parametrize(
    ("timestamp_ms", "told"),
    [
        (699, "301 ms before the server's clock; message.timestamp.before.max.ms allows 300"),
        (700, None),
        (1_200, None),
        (1_201, "201 ms after the server's clock; message.timestamp.after.max.ms allows 200"),
    ],
)
def test_a_time_may_be_as_far_from_the_clock_as_the_configs_allow_and_no_millisecond_more(
    timestamp_ms: int, told: str | None
) -> None:
    engine = MemoryEngine(version="9.9", limits=_LIMITS, clock=ManualClock(_NOW))
    configs = {"message.timestamp.before.max.ms": "300", "message.timestamp.after.max.ms": "200"}
    asyncio.run(engine.create_topic(CreateTopicRequest(topic="t", configs=configs)))
    sent = message_of_record(Record(value=b"1", timestamp_ms=timestamp_ms), 8)
    (result,) = asyncio.run(engine.produce(Produce("t", [sent])))
    if told is None:
        assert result.error is msgspec.UNSET
    else:
        assert result.error is not msgspec.UNSET
        error = error_of_item(result.error)
        assert (error.code, error.fields) == ("invalid_timestamp", {"topic": "t", "partition": 0})
        assert told in error.message


def _errors(*values: bytes, partition: int) -> list[KafkaError]:
    engine = MemoryEngine(version="9.9", limits=_LIMITS, clock=ManualClock(_NOW))
    asyncio.run(engine.create_topic(CreateTopicRequest(topic="t", partitions=_PARTITIONS)))
    sent = [message_of_record(Record(value=value, partition=partition), 8) for value in values]
    results = asyncio.run(engine.produce(Produce("t", sent)))
    return [error_of_item(result.error) for result in results if result.error is not msgspec.UNSET]


def test_a_record_that_is_too_large_is_told_with_its_place_and_the_limit_and_the_others_with_their_place() -> None:
    too_large, other = _errors(b"1" * _MAX_RECORD, b"1", partition=2)
    place = {"topic": "t", "partition": 2}
    assert (too_large.code, too_large.fields) == ("message_too_large", {**place, "max_record_bytes": _MAX_RECORD})
    assert f"{_MAX_RECORD + 32} bytes" in too_large.message
    assert (other.code, other.fields) == ("not_attempted", place)


def test_a_batch_that_is_too_large_is_told_with_its_place_and_the_limit() -> None:
    for error in _errors(b"1" * 60, b"1" * 60, partition=1):
        assert (error.code, error.fields) == (
            "message_too_large",
            {"topic": "t", "partition": 1, "max_batch_bytes": _MAX_BATCH},
        )
        assert "the batch has 184 bytes" in error.message


@pytest.mark.parametrize("sent", [b"\x01" * 60, b"\xff" * 60, b'"' * 60])
def test_it_is_the_bytes_that_count_and_not_their_text(sent: bytes) -> None:
    _compare([[Record(value=sent, partition=0)]], {}, as_plain=False)
