"""Between Python's values and a record's bytes, in both directions."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do import ReadMessage  # noqa: TC001
from kafka_do.client.serializing import messages_of, record_of
from kafka_do.core.records import Header, Record, StoredRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999

_many = settings(deadline=None, max_examples=200)
_json_values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(st.text(), inner | st.none(), max_size=3),
    max_leaves=8,
)


def _read(value: bytes | None = None, key: bytes | None = None, timestamp_ms: int | None = 0) -> Any:
    return messages_of("t", 1, [StoredRecord(5, timestamp_ms, key, value, ())])[0]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (b"\xff", b"\xff"),
        (b"", b""),
        (None, None),
        ("", b'""'),
        ("text", b'"text"'),
        (0, b"0"),
        (False, b"false"),
        ({"b": 1, "a": [None]}, b'{"b":1,"a":[null]}'),
        (2**64, b"18446744073709551616"),
    ],
)
def test_bytes_are_sent_as_they_are_none_is_a_tombstone_and_everything_else_becomes_json(
    value: Any, stored: bytes | None
) -> None:
    assert record_of(value).value == stored


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan], {"a": {"b": math.inf}}])
def test_a_number_that_json_cannot_say_is_refused_and_not_sent_as_null(value: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        record_of(value)


@pytest.mark.parametrize("value", [object(), {None: 1}, [lambda: 1]])
def test_an_object_that_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        record_of(value)


def test_text_that_has_no_utf_8_is_refused() -> None:
    for refused in ({"value": "\ud800"}, {"value": 1, "key": "\ud800"}, {"value": 1, "headers": {"h": "\ud800"}}):
        with pytest.raises(ValueError, match="surrogate"):
            record_of(**refused)


@pytest.mark.parametrize(
    ("key", "stored"), [("order-1", b"order-1"), ("é", "é".encode()), (b"\xff", b"\xff"), ("", b""), (None, None)]
)
def test_a_key_is_text_or_bytes_or_absent(key: str | bytes | None, stored: bytes | None) -> None:
    assert record_of(1, key=key).key == stored


@pytest.mark.parametrize("key", [1, ["a"], bytearray(b"a"), True])
def test_a_key_of_another_type_is_refused(key: Any) -> None:
    with pytest.raises(TypeError, match="key has to be str, bytes or None"):
        record_of(1, key=key)


def test_headers_keep_their_order_duplicates_and_nulls() -> None:
    pairs: list[tuple[str, str | bytes | None]] = [("b", "1"), ("a", b"\xff"), ("b", None), ("b", "")]
    assert record_of(1, headers=pairs).headers == (
        Header("b", b"1"),
        Header("a", b"\xff"),
        Header("b", None),
        Header("b", b""),
    )


def test_headers_may_be_a_mapping() -> None:
    assert record_of(1, headers={"b": "1", "a": None}).headers == (Header("b", b"1"), Header("a", None))


def test_a_header_value_of_another_type_is_refused() -> None:
    headers: Any = {"h": 1}
    with pytest.raises(TypeError, match="header 'h' has to be str, bytes or None, not int"):
        record_of(1, headers=headers)


@pytest.mark.parametrize("name", [5, None, b"h", "\ud800"])
def test_a_header_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        record_of(1, headers=[(name, "v")])


def test_partition_and_time_are_taken_as_they_are_given() -> None:
    assert record_of(None, partition=0, timestamp=0) == Record(value=None, partition=0, timestamp_ms=0)


@_many
@given(_json_values)
def test_a_json_value_is_read_as_it_was_sent(value: Any) -> None:
    stored = record_of(value).value
    assert _read(stored).value == value
    assert json.loads(stored or b"") == value


@_many
@given(st.binary() | st.text().map(str.encode))
def test_bytes_are_read_as_they_were_sent(data: bytes) -> None:
    message = _read(record_of(data, key=data).value, key=data)
    assert (message.raw_value, message.raw_key) == (data, data)


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        (None, None),
        (b"null", None),
        (b'{"a": 1}', {"a": 1}),
        (b"1.0", 1.0),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"", ""),
        (b"plain", "plain"),
        (b"NaN", "NaN"),
        (b"{", "{"),
        (b"\xff", b"\xff"),
        (b'"\xff"', b'"\xff"'),
        (b"[" * 100_000, "[" * 100_000),
    ],
    ids=lambda value: repr(value)[:16],
)
def test_a_value_is_read_as_json_else_as_text_else_as_bytes(stored: bytes | None, value: Any) -> None:
    message = _read(stored)
    assert (message.value, type(message.value), message.raw_value) == (value, type(value), stored)


@pytest.mark.parametrize(("stored", "key"), [(None, None), (b"", ""), (b"1", "1"), (b"\xff", b"\xff")])
def test_a_key_is_read_as_text_else_as_bytes(stored: bytes | None, key: str | bytes | None) -> None:
    message = _read(key=stored)
    assert (message.key, message.raw_key) == (key, stored)


def test_a_message_tells_its_place_and_its_headers_as_bytes() -> None:
    headers = (Header("h", b"1"), Header("h", None))
    message: ReadMessage[Any] = messages_of("t", 1, [StoredRecord(5, 7, None, None, headers)])[0]
    assert (message.topic, message.partition, message.offset, message.timestamp_ms) == ("t", 1, 5, 7)
    assert message.headers.raw == headers


def test_a_record_without_a_time_has_none() -> None:
    assert _read(timestamp_ms=None).timestamp is None


@_many
@given(st.integers(0, _LAST_MS))
def test_the_time_in_utc_is_exact_to_the_millisecond(timestamp_ms: int) -> None:
    assert _read(timestamp_ms=timestamp_ms).timestamp == _EPOCH + timedelta(milliseconds=timestamp_ms)
