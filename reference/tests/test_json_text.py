"""JSON as text: white space goes, every token stays as it is spelt, and what is not strict JSON is refused."""

import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kafka_do.core.json_text import compact, compact_body, is_compact, is_deeper
from kafka_do.core.plain_records import PlainRequest

_many = settings(deadline=None, max_examples=200)

_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
_texts = st.builds(lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only), _values, st.booleans())


def _broken(text: str, place: int, piece: str, drop: int) -> str:
    at = place % (len(text) + 1)
    return text[:at] + piece + text[at + drop :]


_nearly = st.builds(
    _broken,
    _texts,
    st.integers(0, 200),
    st.text('[]{}",:\\ud800 \t\n\r\f0123456789eE+-.NaInfty/\x01é', max_size=3),
    st.integers(0, 2),
)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _is_strict_json(text: str) -> bool:
    """Whether `text` is JSON without lone surrogates, as Python's own parser and codec see it."""
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=list)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b' { "a" : 1 , "b" : [ 1 , 2 ] } ', b'{"a":1,"b":[1,2]}'),
        (b"\t[\r\n]\n", b"[]"),
        (b"[1.0, 1.00, 1e2, 1E+02, -0, 0.10, 1e400]", b"[1.0,1.00,1e2,1E+02,-0,0.10,1e400]"),
        (b"123456789012345678901234567890", b"123456789012345678901234567890"),
        (b'{"b":1, "a":2}', b'{"b":1,"a":2}'),
        (b'{"a":1, "a":2}', b'{"a":1,"a":2}'),
        (b'"\\u0041\\/\\ud83d\\ude00 \\n"', b'"\\u0041\\/\\ud83d\\ude00 \\n"'),
        (b'" two  spaces , kept : [ "', b'" two  spaces , kept : [ "'),
        ('"é\u2028\x7f"'.encode(), '"é\u2028\x7f"'.encode()),
        (b" null ", b"null"),
    ],
)
def test_compact_takes_away_white_space_between_tokens_and_nothing_else(text: bytes, kept: bytes) -> None:
    assert compact(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"NaN",
        b"-Infinity",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"1e",
        b"tru",
        b"1 2",
        b"[1,]",
        b'{"a":1,}',
        b"{1:2}",
        b"'a'",
        b"[1] // no",
        b"\x0c1",
        b"\xef\xbb\xbf1",
        b'"\x01"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\x"',
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\\"',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_not_strict_json_in_utf_8_is_refused_with_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        compact(text)
    assert not is_compact(text, max_depth=1_000_000)


@_many
@given(value=_values, ascii_only=st.booleans(), indent=st.sampled_from([0, 1, 3, "\t", " \t "]))
def test_compact_gives_the_text_that_was_written_without_white_space(
    *, value: Any, ascii_only: bool, indent: int | str
) -> None:
    spread = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=(" ,\r\n", " : "))
    dense = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    assert compact(spread.encode()) == dense.encode()
    assert is_compact(dense.encode(), max_depth=_depth(value))


@_many
@given(_nearly)
def test_the_same_texts_count_as_json_as_for_a_strict_parser(text: str) -> None:
    try:
        compact(text.encode())
        accepted = True
    except ValueError:
        accepted = False
    assert accepted == _is_strict_json(text)


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        (b"1", 0),
        (b'"[[["', 0),
        (b'"\\"[[["', 0),
        (b'"\\\\"', 0),
        (b"[]", 1),
        (b"{}", 1),
        (b"[[],[[]]]", 3),
        (b'{"a":[{"b":1}]}', 3),
        (b'{"[[[[":"]]{{"}', 1),
        (b'["\\\\",[]]', 2),
        (b"[[]" * 50 + b"]" * 50, 51),
    ],
)
def test_depth_counts_arrays_and_objects_and_no_brackets_in_strings(text: bytes, levels: int) -> None:
    assert [is_deeper(text, limit) for limit in range(levels + 1)] == [True] * levels + [False]


@_many
@given(_values)
def test_depth_is_that_of_the_value(value: Any) -> None:
    text, levels = json.dumps(value).encode(), _depth(value)
    assert [is_deeper(text, limit) for limit in range(levels + 1)] == [True] * levels + [False]


@pytest.mark.parametrize(("text", "max_depth"), [(b'{"a":1}', 1), (b"[[]]", 2), (b"1", 0), (b'" "', 0), (b"null", 0)])
def test_json_without_white_space_and_not_too_deep_is_compact(text: bytes, max_depth: int) -> None:
    assert is_compact(text, max_depth)


@pytest.mark.parametrize(
    ("text", "max_depth"), [(b'{"a": 1}', 1), (b'{"a":1}\n', 1), (b"[[]]", 1), (b"[]", 0), (b"plain", 9)]
)
def test_white_space_depth_beyond_the_limit_and_other_text_are_not_compact(text: bytes, max_depth: int) -> None:
    assert not is_compact(text, max_depth)


def test_a_string_that_never_ends_is_refused_in_time_proportional_to_its_length() -> None:
    begun = time.process_time()
    assert not is_compact(b'"' + b'\\"' * 10_000, max_depth=128)
    assert time.process_time() - begun < 0.5


@_many
@given(value=_values, ascii_only=st.booleans(), separators=st.sampled_from([(",", ":"), (", ", ":"), (",", ":\t")]))
def test_a_body_is_made_compact_as_any_text(*, value: Any, ascii_only: bool, separators: tuple[str, str]) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode()
    for text in (body, body + b"\n", b"\r\n" + body):
        assert compact_body(text) == compact(text)


@pytest.mark.parametrize("white", [b" ", b"\n", b"\t", b"\r"])
def test_each_kind_of_white_space_is_taken_from_a_body(white: bytes) -> None:
    assert compact_body(b"[1," + white + b"2]") == b"[1,2]"


@_many
@given(_nearly)
@example('"\\ud800"')
@example('{"\\udc00":1}')
@example("NaN")
@example("01")
@example('"\x1f"')
def test_a_body_is_decoded_exactly_if_each_value_in_it_is_strict_json(value: str) -> None:
    body = f'{{"records":[{{"value":{value}}}]}}'.encode()
    try:
        decoded = msgspec.json.decode(compact_body(body), type=PlainRequest)
    except (msgspec.DecodeError, RecursionError):
        assert not _is_strict_json(value)
    else:
        assert _is_strict_json(body.decode())
        for record in decoded.records:
            assert bytes(record.value) == compact(bytes(record.value))
