"""Plain records: a request is taken as plain exactly if it could be, and means what it means when spelt out."""

import asyncio
import json
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.binding import PRODUCE, PRODUCE_PARTITION
from kafka_do.binding.http import HttpRequest
from kafka_do.binding.operation import OperationBinding
from kafka_do.core.broker import FetchPartition, Produce, ProducePartition
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import (
    CreateTopicRequest,
    FetchRequest,
    FetchPosition,
    ProducePartitionRecord,
    ProducePartitionRequest,
    ProduceRecord,
    ProduceRequest,
)
from kafka_do.core.plain_records import IncomingRecord, PlainRecord, PlainRequest, are_plain
from kafka_do.core.record_text import record_of_message
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC, data_root

_DEPTH = SPEC.limits["max_json_depth"]
_SCHEMAS: dict[str, Any] = json.loads((data_root() / "spec" / "generated" / "openapi.json").read_text("utf-8"))[
    "components"
]["schemas"]
_JSON = (("Content-Type", "application/json"),)

_many = settings(deadline=None, max_examples=200)
_json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_plain = st.fixed_dictionaries({"value": _json_values}, optional={"key": st.none() | st.text(max_size=4)})
_spelt_out = st.fixed_dictionaries(
    {"value": _json_values},
    optional={
        "key": st.none() | st.text(max_size=4),
        "key_encoding": st.just("string"),
        "value_encoding": st.just("json"),
        "headers": st.just([]) | st.just([{"key": "h", "value": "v"}]),
        "timestamp_ms": st.integers(0, 9),
        "partition": st.integers(0, 4),
    },
)
_strange = st.fixed_dictionaries(
    {},
    optional={
        "value": _json_values,
        "key": st.none() | st.text(max_size=4) | st.integers() | st.just([]),
        "vlaue": st.just(1),
    },
)
_around = st.fixed_dictionaries(
    {},
    optional={
        "acks": st.sampled_from(["all", "leader", "none"]) | st.sampled_from(["1", 1, None]),
        "timeout_ms": st.integers(-1, 2) | st.sampled_from([2**31 - 1, 2**31, "5", None]),
        "more": st.just(1),
    },
)
_requests = st.builds(
    lambda records, around: {"records": records, **around},
    st.lists(_plain, max_size=4) | st.lists(_plain | _spelt_out | _strange, max_size=4),
    _around,
)


def _decoded(body: bytes, kind: type[msgspec.Struct]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        return None


def _is_plain(record: Any) -> bool:
    return set(record) <= {"key", "value"}


@_many
@given(_requests)
def test_a_request_is_plain_exactly_if_it_is_one_and_all_its_records_have_no_more_than_key_and_value(
    request: dict[str, Any],
) -> None:
    body = json.dumps(request, separators=(",", ":")).encode()
    for kind in (ProduceRequest, ProducePartitionRequest):
        whole = _decoded(body, kind)
        plain = _decoded(body, PlainRequest)
        assert (plain is not None) == (whole is not None and all(map(_is_plain, request["records"]))) or (
            kind is ProducePartitionRequest and any("partition" in record for record in request["records"])
        )
        if plain is None:
            continue
        assert (plain.acks, plain.timeout_ms) == (whole.acks, whole.timeout_ms)
        assert [record_of_message(record, "", _DEPTH) for record in plain.records] == [
            record_of_message(record, "", _DEPTH) for record in whole.records
        ]


@pytest.mark.parametrize("whole", [ProduceRecord, ProducePartitionRecord])
def test_the_members_of_a_plain_record_are_those_of_a_record(whole: type[msgspec.Struct]) -> None:
    plain_kinds, whole_kinds = get_type_hints(PlainRecord, include_extras=True), get_type_hints(whole, include_extras=True)
    assert set(plain_kinds) == {"key", "value"}
    assert plain_kinds["value"] == whole_kinds["value"]
    assert set(get_args(plain_kinds["key"])) | {msgspec.UnsetType} == set(get_args(whole_kinds["key"]))
    required = {field.name for field in msgspec.structs.fields(PlainRecord) if field.required}
    assert required == set(_SCHEMAS[whole.__name__]["required"])
    assert PlainRecord.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("whole", [ProduceRequest, ProducePartitionRequest])
def test_the_members_of_a_plain_request_are_those_of_a_request_with_the_same_ranges_and_defaults(
    whole: type[msgspec.Struct],
) -> None:
    plain_fields = {field.name: field for field in msgspec.structs.fields(PlainRequest)}
    whole_fields = {field.name: field for field in msgspec.structs.fields(whole)}
    assert list(plain_fields) == list(whole_fields) == list(_SCHEMAS[whole.__name__]["properties"])
    for name in ("acks", "timeout_ms"):
        assert plain_fields[name].type == whole_fields[name].type
        assert plain_fields[name].default == whole_fields[name].default
    plain_records, whole_records = (get_type_hints(kind, include_extras=True)["records"] for kind in (PlainRequest, whole))
    assert plain_records.__metadata__ == whole_records.__metadata__
    assert plain_fields["records"].required
    assert PlainRequest.__struct_config__.forbid_unknown_fields


def test_the_defaults_are_those_that_the_specification_tells() -> None:
    plain = PlainRequest(records=[])
    assert plain.acks == _SCHEMAS["Acks"]["default"]
    assert plain.timeout_ms == _SCHEMAS["ProduceTimeout"]["default"]


def test_a_request_is_plain_or_not_as_a_whole() -> None:
    raw = msgspec.Raw(b"1")
    assert are_plain([PlainRecord(raw)])
    assert not are_plain([ProduceRecord(raw)])
    assert not are_plain([ProducePartitionRecord(raw)])


def _engine(partitions: int) -> MemoryEngine:
    engine = MemoryEngine(version="9.9", clock=ManualClock(1_000))
    asyncio.run(engine.create_topic(CreateTopicRequest(topic="t", partitions=partitions)))
    return engine


def _outcome(engine: MemoryEngine, binding: OperationBinding[Any, Any], records: list[Any]) -> tuple[Any, ...]:
    """Return what a server answers to a request with these records, and what can be read then."""
    body = json.dumps({"records": records}).encode()
    path = binding.operation.path.format(topic="t", partition=0)
    request = HttpRequest(binding.operation.method, path, headers=_JSON, body=body)
    asked = binding.decode_request(request, {"topic": "t", "partition": 0}, SPEC.limits)
    answer = binding.encode_answer(asked, asyncio.run(binding.perform(engine, asked)), SPEC.limits)
    partitions = asyncio.run(engine.fetch(FetchRequest([FetchPosition("t", 0, 0)], max_wait_ms=0)))
    return are_plain(asked.records), answer.status, answer.body, [bytes(one.records) for one in partitions]  # type: ignore[union-attr]
