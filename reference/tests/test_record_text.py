"""A record and its text: what is settled is what `auto` reads, and settling it once is enough."""

import json
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import (
    FetchedHeader,
    FetchedRecord,
    ProducePartitionRecord,
    ProduceRecord,
    ReadEncoding,
    RecordHeader,
    TextEncoding,
    ValueEncoding,
)
from kafka_do.core.plain_records import PlainRecord
from kafka_do.core.record_text import (
    is_settled,
    key_bytes,
    message_of_record,
    read_as,
    record_of_message,
    settle,
    stored_records,
)
from kafka_do.core.records import Header, Record, StoredRecord, WrittenRecord
from kafka_do.engines.appending import settled
from kafka_do.spec import SPEC

_DEPTH = 3
_LIMITS = {**SPEC.limits, "max_json_depth": _DEPTH}

_many = settings(deadline=None, max_examples=400)
_texts = (
    st.text(max_size=6)
    | st.sampled_from(["YQ==", "/w==", "bnVsbA==", "MQ==", "e30=", ""])
    | st.sampled_from(
        ["null", "1", "-1", "{}", "[]", '"a"', '"', "\\", "true", "fals", "nul", "é", " 1", "1 ", "\ufeff1"]
    )
    | st.text('[]{}"\\tnf-0 1,:ru', max_size=5)
    | st.integers(0, _DEPTH + 2).map(lambda depth: "[" * depth + "]" * depth)
)
_json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_nested = st.integers(0, _DEPTH + 5).map(lambda depth: b"[" * depth + b"1" + b"]" * depth)
_raw = (
    _nested
    | st.builds(
        lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode(),
        _json_values | _texts,
        st.booleans(),
    )
    | st.sampled_from([b'"\\u007b}"', b'"\\/w=="', b'"\\u006eull"', b"1.00", b'{"a":1,"a":2}', b'"Y\\u0051=="'])
)
_keys = st.just(msgspec.UNSET) | st.none() | _texts
_encodings = st.sampled_from(get_args(TextEncoding))
_message_headers = st.lists(st.builds(RecordHeader, _texts, st.none() | _texts, _encodings), max_size=2)
_members: dict[str, Any] = {
    "value": _raw.map(msgspec.Raw),
    "key": _keys,
    "key_encoding": _encodings,
    "value_encoding": st.sampled_from(get_args(ValueEncoding)),
    "headers": _message_headers,
    "timestamp_ms": st.just(msgspec.UNSET) | st.integers(0, 9),
}
_messages = st.builds(ProduceRecord, **_members, partition=st.just(msgspec.UNSET) | st.integers(0, 9)) | st.builds(
    ProducePartitionRecord, **_members
)


def _facts(message: ProduceRecord | ProducePartitionRecord) -> tuple[Any, ...]:
    """Return what a message says. An absent key says what null says, and a text in JSON the same with other escapes."""
    value = bytes(message.value)
    return (
        None if message.key is msgspec.UNSET else message.key,
        message.key_encoding,
        value if message.value_encoding == "json" else json.loads(value),
        message.value_encoding,
        message.headers,
        message.timestamp_ms,
        getattr(message, "partition", msgspec.UNSET),
    )


def _settled(message: ProduceRecord | ProducePartitionRecord) -> ProduceRecord | ProducePartitionRecord:
    """Return what a broker keeps of a record."""
    (kept,) = settled([message], _LIMITS)
    assert not isinstance(kept, PlainRecord)
    return kept


def _faults(step: Callable[[], object]) -> list[dict[str, str]]:
    """Return the faults that a step names, none if it succeeds."""
    try:
        step()
    except KafkaError as error:
        faults: list[dict[str, str]] = error.fields["errors"]
        return faults
    return []


@_many
@given(_messages)
@example(ProduceRecord(msgspec.Raw(b'"\\u007b}"'), value_encoding="string"))
@example(ProduceRecord(msgspec.Raw(b'"null"'), value_encoding="string"))
@example(ProduceRecord(msgspec.Raw(b'""'), value_encoding="string"))
@example(ProduceRecord(msgspec.Raw(b"null"), value_encoding="string"))
@example(ProduceRecord(msgspec.Raw(b"null"), value_encoding="base64"))
@example(ProduceRecord(msgspec.Raw(b"null"), None, "base64"))
@example(ProduceRecord(msgspec.Raw(b"true"), value_encoding="string"))
@example(ProduceRecord(msgspec.Raw(b"[[[]]]")))
@example(ProduceRecord(msgspec.Raw(b"[[[[]]]]")))
@example(ProduceRecord(msgspec.Raw(b"false"), value_encoding="string"))
@example(ProduceRecord(msgspec.Raw(b"1"), headers=[RecordHeader("h", "YQ==", "base64")]))
def test_a_settled_record_is_what_auto_writes_of_its_bytes(message: ProduceRecord | ProducePartitionRecord) -> None:
    faults = _faults(lambda: record_of_message(message, "/records/0", _DEPTH))
    assert _faults(lambda: settled([message], _LIMITS)) == faults
    if faults:
        return
    record = record_of_message(message, "/records/0", _DEPTH)
    kept = _settled(message)
    assert _facts(kept) == _facts(message_of_record(record, _DEPTH)) == _facts(settle(message, "", _DEPTH))
    assert record_of_message(kept, "", _DEPTH) == record
    assert _facts(_settled(kept)) == _facts(kept)
    assert key_bytes(kept) == record.key


@pytest.mark.parametrize(
    ("sent", "encoding", "text", "settled_encoding"),
    [
        (b"null", "string", b"null", "json"),
        (b"null", "base64", b"null", "json"),
        (b'"null"', "string", b'"null"', "string"),
        (b'"1"', "string", b"1", "json"),
        (b'"\\u007b}"', "string", b"{}", "json"),
        (b'"x"', "string", b'"x"', "string"),
        (b'"e30="', "base64", b"{}", "json"),
        (b'"eA=="', "base64", b'"x"', "string"),
        (b'"/w=="', "base64", b'"/w=="', "base64"),
        (b'"1"', "json", b'"1"', "json"),
        (b'"{\\"a\\":1}"', "string", b'{"a":1}', "json"),
        (b'"{\\"a\\": 1}"', "string", b'"{\\"a\\": 1}"', "string"),
    ],
)
def test_a_value_is_settled_in_the_encoding_in_which_auto_reads_it(
    sent: bytes, encoding: ValueEncoding, text: bytes, settled_encoding: ValueEncoding
) -> None:
    kept = _settled(ProduceRecord(msgspec.Raw(sent), value_encoding=encoding))
    assert (bytes(kept.value), kept.value_encoding) == (text, settled_encoding)


@pytest.mark.parametrize("text", [*"0123456789", "-1", "true", "false", "{}", "[]", "1.5"])
def test_a_text_that_is_json_is_settled_as_json_whatever_it_begins_with(text: str) -> None:
    kept = _settled(ProduceRecord(msgspec.Raw(json.dumps(text)), value_encoding="string"))
    assert (bytes(kept.value), kept.value_encoding) == (text.encode(), "json")


@pytest.mark.parametrize("key", [None, "", "k", "é"])
def test_a_plain_record_has_the_bytes_of_its_text(key: str | None) -> None:
    plain = PlainRecord(msgspec.Raw(b'{"a":1}'), key)
    expected = None if key is None else key.encode()
    assert record_of_message(plain, "", _DEPTH) == Record(value=b'{"a":1}', key=expected)
    assert key_bytes(plain) == expected


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        (PlainRecord(msgspec.Raw(b"[[[[]]]]")), "/records/7/value"),
        (ProduceRecord(msgspec.Raw(b"[[[[]]]]")), "/records/7/value"),
        (ProduceRecord(msgspec.Raw(b"1"), key="YQ", key_encoding="base64"), "/records/7/key"),
        (ProduceRecord(msgspec.Raw(b"1"), headers=[RecordHeader("h", "?", "base64")]), "/records/7/headers/0/value"),
    ],
)
def test_a_fault_is_pointed_to(message: PlainRecord | ProduceRecord, pointer: str) -> None:
    faults = _faults(lambda: record_of_message(message, "/records/7", _DEPTH))
    assert [fault["pointer"] for fault in faults] == [pointer]
    assert [fault["detail"] for fault in faults if "base64" in fault["detail"] or "max_json_depth" in fault["detail"]]


def test_settling_refuses_a_value_that_nests_too_deep_by_itself() -> None:
    faults = _faults(lambda: settle(ProduceRecord(msgspec.Raw(b"[[[[]]]]")), "/records/7", _DEPTH))
    assert [fault["pointer"] for fault in faults] == ["/records/7/value"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (ProduceRecord(msgspec.Raw(b"1")), True),
        (ProduceRecord(msgspec.Raw(b"1"), key="k", headers=[RecordHeader("h", "v"), RecordHeader("h", None)]), True),
        (ProduceRecord(msgspec.Raw(b'"x"'), value_encoding="string"), True),
        (ProduceRecord(msgspec.Raw(b'"1"'), value_encoding="string"), False),
        (ProduceRecord(msgspec.Raw(b'""'), value_encoding="string"), False),
        (ProduceRecord(msgspec.Raw(b'"\\u0031"'), value_encoding="string"), False),
        (ProduceRecord(msgspec.Raw(b"null"), value_encoding="string"), False),
        (ProduceRecord(msgspec.Raw(b'"eA=="'), value_encoding="base64"), False),
        (ProduceRecord(msgspec.Raw(b"1"), key="YQ==", key_encoding="base64"), False),
        (ProduceRecord(msgspec.Raw(b"1"), headers=[RecordHeader("h", "YQ==", "base64")]), False),
    ],
)
def test_it_is_seen_at_once_that_a_record_is_settled_if_nothing_is_in_base64_and_no_text_may_be_json(
    *, message: ProduceRecord, expected: bool
) -> None:
    assert is_settled(message) is expected


def test_a_message_says_nothing_of_what_a_record_does_not_have() -> None:
    assert msgspec.json.encode(message_of_record(Record(value=b"1"), _DEPTH)) == b'{"value":1}'


@pytest.mark.parametrize(
    ("wanted", "value", "others", "encoding"),
    [("auto", b"1", "1", "string"), ("string", b'"1"', "1", "string"), ("base64", b'"MQ=="', "MQ==", "base64")],
)
def test_key_value_and_headers_are_read_in_the_encoding_that_is_wanted(
    wanted: ReadEncoding, value: bytes, others: str, encoding: TextEncoding
) -> None:
    read = read_as(StoredRecord(5, 6, b"1", b"1", (Header("h", b"1"),)), wanted, _DEPTH)
    assert (read.offset, read.timestamp_ms, read.key, read.key_encoding) == (5, 6, others, encoding)
    assert (bytes(read.value), read.value_encoding) == (value, "json" if wanted == "auto" else encoding)
    assert read.headers == [FetchedHeader("h", others, encoding)]


_NOT_JSON = [b'"\x01"', b'"\\ud800"', b'"\\x"', b"NaN", b"01", b"1.", b"[1,]", b'{"a":1,}', b'"\xff"', b"tru", b"{1:2}"]


@pytest.mark.parametrize("space", [b"", b" "])
@pytest.mark.parametrize("value", _NOT_JSON)
def test_what_is_no_json_is_not_read_whether_there_is_white_space_or_not(value: bytes, space: bytes) -> None:
    text = b'[{"offset":0,"timestamp_ms":1,"key":null,"value":' + space + value + b',"headers":[]}]'
    with pytest.raises((ValueError, msgspec.DecodeError)):
        stored_records(text)


@given(value=_json_values, text=st.binary(max_size=20))
def test_a_text_without_white_space_is_read_as_one_with_it(value: Any, text: bytes) -> None:
    written = [message_of_record(Record(one), 64) for one in (json.dumps(value).encode(), text, b"null", None)]
    fetched = [
        FetchedRecord(
            offset=place, timestamp_ms=1, key=None, value=one.value, headers=[], value_encoding=one.value_encoding
        )
        for place, one in enumerate(written)
    ]
    tight = msgspec.json.encode(fetched)
    assert stored_records(tight) == stored_records(msgspec.json.format(tight, indent=2))


@given(value=_json_values)
def test_a_value_that_this_library_has_written_is_sent_as_any_other(value: Any) -> None:
    data = msgspec.json.encode(value)
    for depth in (0, 2, 64):
        for key, headers in ((None, ()), (b"k", (Header("h", b"v"),))):
            assert message_of_record(WrittenRecord(data, key, headers), depth) == message_of_record(
                Record(data, key, headers), depth
            )


@pytest.mark.parametrize("headers", [(), (Header("h", b"v"),)])
def test_a_record_without_a_key_is_sent_without_that_member(headers: tuple[Header, ...]) -> None:
    assert message_of_record(Record(b"1", None, headers), 64).key is msgspec.UNSET
