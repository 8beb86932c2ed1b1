"""A batch is the text in which its records are read, whichever messages brought them."""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.batch import write_batch, write_rows
from kafka_do.core.messages import FetchedRecord, ProducePartitionRecord, ProduceRecord
from kafka_do.core.plain_records import PlainRecord
from kafka_do.core.record_text import message_of_record, read_as
from kafka_do.core.records import Header, Record, StoredRecord

_NOW = 1_760_000_000_000
_DEPTH = 8

_many = settings(deadline=None, max_examples=200)
_offsets = st.integers(0, 2**53 - 100)
_keys = st.none() | st.text(max_size=5)
_values = st.sampled_from([b"null", b"1", b'"a,b"', b'{"a":[1,{}],"a":2}', '"é"'.encode()])
_data = st.none() | st.binary(max_size=6) | st.text(max_size=6).map(str.encode) | _values
_records = st.builds(
    Record,
    value=_data,
    key=_data,
    headers=st.lists(st.builds(Header, st.text(max_size=3), _data), max_size=2).map(tuple),
    timestamp_ms=st.none() | st.integers(0, 2**53 - 1),
)


@_many
@given(pairs=st.lists(st.tuples(_keys, _values), min_size=1, max_size=9), base=_offsets, is_keyed=st.booleans())
def test_plain_records_are_written_as_the_same_records_with_all_their_members(
    *, pairs: list[tuple[str | None, bytes]], base: int, is_keyed: bool
) -> None:
    offsets = range(base, base + len(pairs))
    plain = [PlainRecord(key=key, value=msgspec.Raw(value)) for key, value in pairs]
    whole = [
        ProduceRecord(value=msgspec.Raw(value), key=msgspec.UNSET if key is None and not is_keyed else key)
        for key, value in pairs
    ]
    one_partition = [ProducePartitionRecord(value=record.value, key=record.key) for record in whole]
    batch = write_batch(write_rows(plain, offsets, _NOW))
    assert batch == write_batch(write_rows(whole, offsets, _NOW))
    assert batch == write_batch(write_rows(one_partition, offsets, _NOW))
    assert (batch.count, batch.latest_ms) == (len(pairs), _NOW)
    assert json.loads(batch.text) == [
        {"offset": offset, "timestamp_ms": _NOW, "key": key, "value": json.loads(value), "headers": []}
        for offset, (key, value) in zip(offsets, pairs, strict=True)
    ]


@_many
@given(st.lists(_records, min_size=1, max_size=6), _offsets, st.data())
def test_a_batch_is_what_reading_its_records_gives(records: list[Record], base: int, data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.integers(1, 3), min_size=len(records), max_size=len(records)))
    offsets = [base + sum(gaps[:index]) for index in range(len(records))]
    rows = write_rows([message_of_record(record, _DEPTH) for record in records], offsets, _NOW)
    stored = [
        StoredRecord(
            offset,
            _NOW if record.timestamp_ms is None else record.timestamp_ms,
            record.key,
            record.value,
            record.headers,
        )
        for offset, record in zip(offsets, records, strict=True)
    ]
    batch = write_batch(rows)
    assert batch.text == msgspec.json.encode([read_as(one, "auto", _DEPTH) for one in stored])
    assert batch.latest_ms == max(one.timestamp_ms or 0 for one in stored)
    assert msgspec.json.decode(batch.text, type=list[FetchedRecord])[0].offset == offsets[0]


def test_the_latest_of_records_at_the_epoch_is_the_epoch() -> None:
    rows = write_rows([ProduceRecord(msgspec.Raw(b"1"), timestamp_ms=0)] * 2, range(2), _NOW)
    assert write_batch(rows).latest_ms == 0
