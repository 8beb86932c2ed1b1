"""The encodings of keys, values and header values: what bytes become in JSON, and that they come back."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kafka_do.core.encodings import decode_text, decode_value, encode_text, encode_value
from kafka_do.core.messages import ProduceRecord, ReadEncoding, TextEncoding, ValueEncoding

_DEPTH = 4

_many = settings(deadline=None, max_examples=300)
_wanted = st.sampled_from(get_args(ReadEncoding))
_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_json_bytes = st.builds(
    lambda value, ascii_only, separators: json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode(),
    _json_values,
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": ")]),
)
_alphabet = b'[]{}",:\\ud83e0019.-+E ntrufals\n\xef\xbb\xbf\xc3\xa9\xff'
_data = (
    st.binary()
    | st.text().map(str.encode)
    | _json_bytes
    | st.lists(st.sampled_from([bytes([byte]) for byte in _alphabet]), max_size=12).map(b"".join)
    | st.sampled_from(
        [
            b"null",
            b'"null"',
            b"",
            b'""',
            b"\xef\xbb\xbf1",
            b"[[[[]]]]",
            b"[[[[[]]]]]",
            b'"\\ud800"',
            b'"\\u0000"',
            b"1e999",
            b"\x00",
        ]
    )
)


def _raw(text: str | bytes) -> msgspec.Raw:
    return msgspec.Raw(text)


@_many
@given(st.none() | _data, _wanted)
def test_every_key_survives_every_encoding(data: bytes | None, wanted: ReadEncoding) -> None:
    text, encoding = encode_text(data, wanted)
    assert decode_text(text, encoding) == data


@_many
@given(st.none() | _data, _wanted)
@example(b'"\\ud800"', "auto")
@example(b"null", "json")
def test_every_value_survives_every_encoding(data: bytes | None, wanted: ReadEncoding) -> None:
    raw, encoding = encode_value(data, wanted, _DEPTH)
    assert decode_value(raw, encoding, _DEPTH) == data


@_many
@given(_data)
def test_every_value_that_auto_gives_stands_in_a_document_and_gives_the_same_bytes(data: bytes) -> None:
    raw, encoding = encode_value(data, "auto", _DEPTH)
    document = msgspec.json.encode(ProduceRecord(value=raw, value_encoding=encoding))
    json.loads(document)
    again = msgspec.json.decode(document, type=ProduceRecord)
    assert decode_value(again.value, again.value_encoding, _DEPTH) == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ("", "string")),
        (b"abc", ("abc", "string")),
        ("é".encode(), ("é", "string")),
        (b"\xff\x00", ("/wA=", "base64")),
        (None, (None, "string")),
    ],
)
def test_auto_writes_a_key_as_text_if_it_is_utf_8_else_as_base64(
    data: bytes | None, expected: tuple[str | None, str]
) -> None:
    assert encode_text(data, "auto") == expected


@pytest.mark.parametrize(
    ("data", "expected", "encoding"),
    [
        (b'{"a":1}', {"a": 1}, "json"),
        (b"1.00", 1.0, "json"),
        (b'"text"', "text", "json"),
        (b"true", True, "json"),
        (b"[[[[]]]]", [[[[]]]], "json"),
        (b'{"a": 1}', '{"a": 1}', "string"),
        (b"[[[[[]]]]]", "[[[[[]]]]]", "string"),
        (b"null", "null", "string"),
        (b"\xef\xbb\xbf1", "\ufeff1", "string"),
        (b'"\\ud800"', '"\\ud800"', "string"),
        (b"NaN", "NaN", "string"),
        (b"plain", "plain", "string"),
        (b"", "", "string"),
        (b"\xff", "/w==", "base64"),
        (b'"\xff"', "Iv8i", "base64"),
        (None, None, "json"),
    ],
)
def test_auto_writes_a_value_as_json_then_as_text_then_as_base64(
    data: bytes | None, expected: Any, encoding: str
) -> None:
    raw, chosen = encode_value(data, "auto", _DEPTH)
    assert (json.loads(bytes(raw)), chosen) == (expected, encoding)


@_many
@given(_data)
def test_base64_writes_all_that_is_not_null_as_base64(data: bytes) -> None:
    assert encode_text(data, "base64")[1] == "base64"
    assert encode_value(data, "base64", _DEPTH)[1] == "base64"


@_many
@given(_data)
def test_string_and_json_fall_back_on_auto_where_the_bytes_cannot_be_written_so(data: bytes) -> None:
    assert encode_text(data, "string") == encode_text(data, "json") == encode_text(data, "auto")
    as_json, as_auto = (encode_value(data, wanted, _DEPTH) for wanted in ("json", "auto"))
    assert (bytes(as_json[0]), as_json[1]) == (bytes(as_auto[0]), as_auto[1])
    assert encode_value(data, "string", _DEPTH)[1] == encode_text(data, "auto")[1]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("1.0", b"1.0"),
        ("1.00", b"1.00"),
        ("1e2", b"1e2"),
        ("-0", b"-0"),
        ("1E400", b"1E400"),
        ("12345678901234567890123", b"12345678901234567890123"),
        ('{"b": 1, "a": 2}', b'{"b":1,"a":2}'),
        ('{"a": 1, "a": 2}', b'{"a":1,"a":2}'),
        ('"\\u0041\\/é"', '"\\u0041\\/é"'.encode()),
        ('[ 1 , " a , b " ]', b'[1," a , b "]'),
        ("false", b"false"),
        ('""', b'""'),
        ('"null"', b'"null"'),
    ],
)
def test_json_keeps_every_token_as_it_was_sent(sent: str, stored: bytes) -> None:
    assert decode_value(_raw(sent), "json", _DEPTH) == stored


@pytest.mark.parametrize("encoding", get_args(ValueEncoding))
def test_null_is_a_tombstone_in_every_encoding(encoding: ValueEncoding) -> None:
    assert decode_value(_raw("null"), encoding, _DEPTH) is None


@pytest.mark.parametrize("encoding", get_args(TextEncoding))
def test_null_and_the_empty_text_stay_apart(encoding: TextEncoding) -> None:
    assert decode_text(None, encoding) is None
    assert decode_text("", encoding) == b""
    assert decode_value(_raw('""'), encoding, _DEPTH) == b""


@pytest.mark.parametrize(
    ("sent", "encoding", "stored"),
    [
        ('"\\u00e9\\n"', "string", "é\n".encode()),
        ('"null"', "string", b"null"),
        ('"{}"', "string", b"{}"),
        ('"/wA="', "base64", b"\xff\x00"),
        ('"\\/wA="', "base64", b"\xff\x00"),
    ],
)
def test_text_stands_for_its_bytes(sent: str, encoding: ValueEncoding, stored: bytes) -> None:
    assert decode_value(_raw(sent), encoding, _DEPTH) == stored


@pytest.mark.parametrize(
    "text",
    [
        "YQ",
        "YQ=",
        "YQ===",
        "YWJj=",
        "YWJj==",
        "YWJj====",
        "=YQ=",
        "====",
        "=",
        "Y",
        "YQ==YQ==",
        "Y=Q=",
        "YW J",
        "YWJj\n",
        "_-8=",
        "é",
        "YQ==x",
    ],
)
def test_anything_but_the_standard_alphabet_with_its_padding_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode_text(text, "base64")


@pytest.mark.parametrize("text", ["_-8=", "YW J", "YWJj\n"])
def test_a_character_outside_the_alphabet_is_not_called_padding(text: str) -> None:
    with pytest.raises(ValueError, match="base64") as refused:
        decode_text(text, "base64")
    assert "more padding" not in str(refused.value)


@pytest.mark.parametrize("sent", ["1", "true", "[]", '{"a":1}'])
@pytest.mark.parametrize("encoding", ["string", "base64"])
def test_a_value_that_is_no_text_is_refused_in_the_encodings_of_text(sent: str, encoding: ValueEncoding) -> None:
    with pytest.raises(ValueError, match=encoding):
        decode_value(_raw(sent), encoding, _DEPTH)


def test_a_text_that_has_no_utf_8_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        decode_text("\ud800", "string")


def test_json_may_nest_as_deep_as_the_limit_and_no_deeper() -> None:
    assert decode_value(_raw("[[[[1]]]]"), "json", _DEPTH) == b"[[[[1]]]]"
    with pytest.raises(ValueError, match="max_json_depth, which is 4"):
        decode_value(_raw("[[[[[1]]]]]"), "json", _DEPTH)


def test_the_limit_of_depth_is_about_json_only() -> None:
    assert decode_value(_raw('"[[[[[[]]]]]]"'), "string", _DEPTH) == b"[[[[[[]]]]]]"
    assert decode_value(_raw("[[[[[[]]]]]]"), "json") == b"[[[[[[]]]]]]"
