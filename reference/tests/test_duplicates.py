"""Members that stand twice are found exactly where a look at every object of the envelope finds them. (CONV-014)"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.binding import ALTER_TOPIC, CREATE_TOPIC, FETCH, LIST_OFFSETS, PRODUCE, PRODUCE_PARTITION
from kafka_do.binding.duplicates import find_duplicate
from kafka_do.binding.http import HttpRequest
from kafka_do.binding.operation import OperationBinding
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import (
    AlterTopicRequest,
    CreateTopicRequest,
    FetchRequest,
    OffsetsRequest,
    ProducePartitionRequest,
    ProduceRequest,
)
from kafka_do.core.plain_records import PlainRequest
from kafka_do.spec import SPEC

_Texts = st.SearchStrategy[str]

_many = settings(deadline=None, max_examples=150)


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON with all its members."""


def _repeated(node: Any, shape: Any, path: list[str]) -> Iterator[list[str]]:
    """Yield the path of each member that stands twice; `shape` says which objects are the protocol's."""
    if isinstance(shape, list):
        for index, item in enumerate(node):
            yield from _repeated(item, shape[0], [*path, str(index)])
        return
    seen: set[str] = set()
    for name, child in node:
        if name in seen:
            yield [*path, name]
        seen.add(name)
        if name in shape:
            yield from _repeated(child, shape[name], [*path, name])


def _escaped(name: str) -> str:
    return f"\\u{ord(name[0]):04x}{name[1:]}" if name else name


@st.composite
def _object(draw: st.DrawFn, required: dict[str, _Texts], optional: dict[str, _Texts] | None = None) -> str:
    """Return the text of an object: some members stand twice, and some names with an escape."""
    known = {**required, **(optional or {})}
    names = [*required, *(name for name in optional or {} if draw(st.booleans()))]
    if names and draw(st.integers(0, 3)) == 0:
        names.append(draw(st.sampled_from(names)))
    names = draw(st.permutations(names))
    spelt = [_escaped(name) if draw(st.integers(0, 5)) == 0 else name for name in names]
    return "{" + ",".join(f'"{word}":{draw(known[name])}' for word, name in zip(spelt, names, strict=True)) + "}"


def _array(items: _Texts) -> _Texts:
    return st.lists(items, min_size=1, max_size=3).map(lambda texts: f"[{','.join(texts)}]")


def _one_of(*texts: str) -> _Texts:
    return st.sampled_from(texts)


_value = _one_of(
    "1",
    "12",
    "null",
    '"a,b"',
    '{"a":1,"a":2}',
    '[{"value":{},"value":{}}]',
    '"\\"}{,\\\\"',
    '{"key":"k","key":[1,{}]}',
    "{}",
)
_text = _one_of('"k"', '"\\u006b"', '"{\\"k\\":1,\\"k\\":2}"', '""', '"é"', '"/"', '"\\/"', '"\\n\\u000a"')
_number = _one_of("0", "7", "71")
_header = _object({"key": _text, "value": _one_of("null", '"v"')}, {"value_encoding": _one_of('"string"', '"base64"')})
_record: dict[str, _Texts] = {
    "key": _text | st.just("null"),
    "key_encoding": _one_of('"string"', '"base64"'),
    "value_encoding": _one_of('"json"', '"string"'),
    "headers": _array(_header) | st.just("[]"),
    "timestamp_ms": _number,
}
_around: dict[str, _Texts] = {"acks": _one_of('"all"', '"none"'), "timeout_ms": _one_of("30000", "1")}
_produce_shape: dict[str, Any] = {"records": [{"headers": [{}]}]}


def _requests(record: _Texts) -> _Texts:
    return _object({"records": _array(record)}, _around)


_configs = _object({"a": _text, "b": _text}, {"key": _text})
_fetched = _object({"topic": _text, "partition": _number, "offset": _number})
_looked_up = _object({"topic": _text, "partition": _number}, {"at": _one_of('"latest"'), "timestamp_ms": _number})
_limits = {name: _one_of("1", "500") for name in ("max_records", "max_bytes", "min_bytes", "max_wait_ms")}


@pytest.mark.parametrize(
    ("kind", "texts", "shape"),
    [
        (PlainRequest, _requests(_object({"value": _value}, {"key": _text | st.just("null")})), _produce_shape),
        (
            ProduceRequest,
            _requests(_object({"value": _value}, {**_record, "partition": _number})),
            _produce_shape,
        ),
        (ProducePartitionRequest, _requests(_object({"value": _value}, _record)), _produce_shape),
        (
            CreateTopicRequest,
            _object({"topic": _text}, {"partitions": _one_of("1", "3"), "configs": _configs}),
            {"configs": {}},
        ),
        (AlterTopicRequest, _object({}, {"partitions": _one_of("3"), "configs": _configs}), {"configs": {}}),
        (
            FetchRequest,
            _object({"partitions": _array(_fetched)}, {**_limits, "encoding": _one_of('"auto"', '"json"')}),
            {"partitions": [{}]},
        ),
        (OffsetsRequest, _object({"partitions": _array(_looked_up)}), {"partitions": [{}]}),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
@_many
@given(data=st.data())
def test_what_stands_twice_in_the_envelope_is_found_and_nothing_else(
    kind: type[msgspec.Struct], texts: _Texts, shape: Any, data: st.DataObject
) -> None:
    body = data.draw(texts).encode()
    expected = list(_repeated(json.loads(body, object_pairs_hook=_Pairs), shape, []))
    found = find_duplicate(body, msgspec.json.decode(body, type=kind))
    assert found in expected if expected else found is None


def _decoded(binding: OperationBinding[Any, Any], body: str) -> Any:
    request = HttpRequest("POST", "/", headers=(("Content-Type", "application/json"),), body=body.encode())
    return binding.decode_request(request, {"topic": "t", "partition": 0}, SPEC.limits)


@pytest.mark.parametrize(
    ("binding", "body", "pointer"),
    [
        (PRODUCE, '{"records": [{"value": 1}], "records": [{"value": 1}]}', "/records"),
        (PRODUCE, '{"records": [{"value": 1}], "acks": "all", "acks": "none"}', "/acks"),
        (PRODUCE, '{"records": [{"value": 0}, {"value": 1, "value": 1}]}', "/records/1/value"),
        (PRODUCE, '{"records": [{"value": 1, "key": null, "key": null}]}', "/records/0/key"),
        (PRODUCE, '{"records": [{"value": 1, "key": "a", "k\\u0065y": "b"}]}', "/records/0/key"),
        (PRODUCE, '{"records": [{"value": 1, "headers": [], "headers": []}]}', "/records/0/headers"),
        (
            PRODUCE,
            '{"records": [{"value": 1, "headers": [{"key": "a", "value": "b", "key": "c"}]}]}',
            "/records/0/headers/0/key",
        ),
        (
            PRODUCE_PARTITION,
            '{"records": [{"value": 1, "timestamp_ms": 1, "timestamp_ms": 2}]}',
            "/records/0/timestamp_ms",
        ),
        (PRODUCE, '{"records": [{"value": 1, "value": 12}]}', "/records/0/value"),
        (PRODUCE, '{"records": [{"value": 12, "value": 1}]}', "/records/0/value"),
        (PRODUCE, '{"records": [{"value": [], "key": "a", "value": [[]]}]}', "/records/0/value"),
        (CREATE_TOPIC, '{"topic": "t", "topic": "t"}', "/topic"),
        (CREATE_TOPIC, '{"topic": "t", "configs": {"a/b": "1", "a/b": "1"}}', "/configs/a~1b"),
        (ALTER_TOPIC, '{"configs": {"a": null, "a": "1"}}', "/configs/a"),
        (
            FETCH,
            '{"partitions": [{"topic": "t", "partition": 0, "offset": 1, "offset": 2}]}',
            "/partitions/0/offset",
        ),
        (
            LIST_OFFSETS,
            '{"partitions": [{"topic": "t", "partition": 0, "at": "latest", "at": "earliest"}]}',
            "/partitions/0/at",
        ),
    ],
)
def test_a_member_that_stands_twice_is_pointed_to(binding: OperationBinding[Any, Any], body: str, pointer: str) -> None:
    with pytest.raises(KafkaError) as refused:
        _decoded(binding, body)
    assert refused.value.code == "invalid_request"
    assert refused.value.fields["errors"] == [{"pointer": pointer, "detail": "this member stands twice"}]


def test_a_value_is_the_applications_own_and_keeps_what_stands_twice_in_it() -> None:
    asked = _decoded(PRODUCE, '{"records": [{"value": {"a": 1, "a": {"b": 2, "b": 3}}, "headers": []}]}')
    assert [bytes(record.value) for record in asked.records] == [b'{"a":1,"a":{"b":2,"b":3}}']
