"""The suite's own decoder of records, compared with the library's encoder and decoder: two readers of one chapter."""

import json
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kafka_do.core.encodings import decode_text
from kafka_do.core.messages import ReadEncoding
from kafka_do.core.record_text import message_of_record, read_as
from kafka_do.core.records import Header, Record, StoredRecord
from kafka_do_conformance.wire_records import WireRecord, decode_record, json_text

_DEPTH = 8
_MOST = 2**53 - 1

_many = settings(deadline=None, max_examples=200)
_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_data = st.one_of(
    st.binary(max_size=12),
    st.text(max_size=12).map(str.encode),
    _json_values.map(lambda value: json_text(value).encode()),
    _json_values.map(lambda value: json.dumps(value).encode()),
)
_headers = st.lists(st.builds(Header, st.text(max_size=5), st.none() | _data), max_size=4).map(tuple)
_times = st.integers(0, _MOST)
_records = st.builds(
    Record,
    value=st.none() | _data,
    key=st.none() | _data,
    headers=_headers,
    timestamp_ms=st.none() | _times,
    partition=st.none() | st.integers(0, 2**31 - 1),
)
_stored = st.builds(
    StoredRecord,
    offset=_times,
    timestamp_ms=st.none() | _times,
    key=st.none() | _data,
    value=st.none() | _data,
    headers=_headers,
)


def _on_the_wire(message: msgspec.Struct) -> dict[str, Any]:
    """Return what the other side's JSON decoder makes of a message."""
    decoded: dict[str, Any] = json.loads(msgspec.json.encode(message))
    return decoded


def _means_the_same(decoded: WireRecord, value: bytes | None) -> bool:
    """Whether a decoded value is the one that was encoded: the same bytes, or the same JSON value where it is JSON."""
    if decoded.is_json and decoded.value is not None and value is not None:
        return bool(_numbers_kept(decoded.value) == _numbers_kept(json_text(json.loads(value)).encode()))
    return decoded.value == value


def _numbers_kept(text: bytes) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


@_many
@example(Record(b"null"))
@example(Record(b'"\xed\xa0\x80"'))
@example(Record(b'"\\ud800"'))
@example(Record(b"\xef\xbb\xbf1", key=b"", headers=(Header("", b""), Header("", None))))
@given(_records)
def test_what_the_library_sends_is_read_as_what_it_was_told(record: Record) -> None:
    decoded = decode_record(_on_the_wire(message_of_record(record, _DEPTH)))
    assert _means_the_same(decoded, record.value)
    assert decoded.key == record.key
    assert decoded.headers == record.headers
    assert decoded.timestamp_ms == record.timestamp_ms
    assert decoded.partition == record.partition
    assert decoded.offset is None


@_many
@given(_stored, st.sampled_from(get_args(ReadEncoding)))
def test_what_the_server_answers_is_read_as_what_it_stores(stored: StoredRecord, wanted: ReadEncoding) -> None:
    decoded = decode_record(_on_the_wire(read_as(stored, wanted, _DEPTH)))
    assert _means_the_same(decoded, stored.value)
    assert decoded.key == stored.key
    assert decoded.headers == stored.headers
    assert decoded.timestamp_ms == stored.timestamp_ms
    assert decoded.offset == stored.offset
    assert decoded.partition is None


@_many
@given(_json_values)
def test_json_stays_the_value_it_was(value: Any) -> None:
    decoded = decode_record({"value": value})
    assert decoded.is_json is (value is not None)
    assert (None if decoded.value is None else json.loads(decoded.value)) == value


@_many
@example("YWJj=")
@example("YQ==YQ==")
@example("YQ")
@example("Y Q==")
@example("_-8=")
@given(st.text("Yb/+_-=\n", max_size=9))
def test_base64_is_read_as_the_library_reads_it_and_refused_where_it_refuses(text: str) -> None:
    try:
        expected = decode_text(text, "base64")
    except ValueError:
        with pytest.raises(ValueError, match="is not base64"):
            decode_record({"value": text, "value_encoding": "base64"})
    else:
        assert decode_record({"value": text, "value_encoding": "base64"}).value == expected


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ({"value": None}, None),
        ({"value": None, "value_encoding": "string"}, None),
        ({"value": None, "value_encoding": "base64"}, None),
        ({"value": ""}, b'""'),
        ({"value": "", "value_encoding": "string"}, b""),
        ({"value": "", "value_encoding": "base64"}, b""),
        ({"value": "null", "value_encoding": "string"}, b"null"),
        ({"value": "null"}, b'"null"'),
        ({"value": {"a": [1, "ü"]}}, b'{"a":[1,"\xc3\xbc"]}'),
        ({"value": "3q0=", "value_encoding": "base64"}, b"\xde\xad"),
        ({"value": "3q0=", "value_encoding": "string"}, b"3q0="),
    ],
)
def test_a_tombstone_an_empty_value_and_the_text_null_are_three_things(
    record: dict[str, Any], value: bytes | None
) -> None:
    assert decode_record(record).value == value


def test_only_a_value_that_was_sent_as_json_is_json() -> None:
    assert decode_record({"value": 1}).is_json
    assert decode_record({"value": False}).is_json
    assert not decode_record({"value": None}).is_json
    assert not decode_record({"value": "1", "value_encoding": "string"}).is_json
    assert not decode_record({"value": "MQ==", "value_encoding": "base64"}).is_json


def test_an_absent_key_is_no_key_and_an_empty_one_is() -> None:
    assert decode_record({"value": 1}).key is None
    assert decode_record({"value": 1, "key": None}).key is None
    assert decode_record({"value": 1, "key": ""}).key == b""
    assert decode_record({"value": 1, "key": "YQ=="}).key == b"YQ=="
    assert decode_record({"value": 1, "key": "YQ==", "key_encoding": "base64"}).key == b"a"


def test_headers_keep_their_order_and_their_duplicates() -> None:
    headers = [
        {"key": "h", "value": "2"},
        {"key": "h", "value": "gA==", "value_encoding": "base64"},
        {"key": "a", "value": None},
        {"key": "h", "value": "2"},
    ]
    assert decode_record({"value": 1, "headers": headers}).headers == (
        ("h", b"2"),
        ("h", b"\x80"),
        ("a", None),
        ("h", b"2"),
    )


@pytest.mark.parametrize(
    "record",
    [
        {"value": 1, "value_encoding": "string"},
        {"value": ["MQ=="], "value_encoding": "base64"},
        {"value": "x", "value_encoding": "utf8"},
        {"value": 1, "key": 7},
        {"value": 1, "key": "a", "key_encoding": "json"},
        {"value": 1, "key": "?", "key_encoding": "base64"},
        {"value": 1, "headers": [{"key": "h", "value": 1}]},
        {"value": 1, "headers": [{"key": "h", "value": "?", "value_encoding": "base64"}]},
    ],
)
def test_a_record_that_stands_for_nothing_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not"):
        decode_record(record)


def test_a_record_without_a_value_is_refused() -> None:
    with pytest.raises(KeyError):
        decode_record({"key": "a"})
