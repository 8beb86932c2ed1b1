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
from kafka_do.core.broker import PartitionSlice
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import (
    CreateTopicRequest,
    FetchPosition,
    FetchRequest,
    ProducePartitionRecord,
    ProducePartitionRequest,
    ProduceRecord,
    ProduceRequest,
)
from kafka_do.core.plain_records import PlainPartitionRequest, PlainRecord, PlainRequest, are_plain
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


@pytest.mark.parametrize("whole_kind", [ProduceRequest, ProducePartitionRequest])
@_many
@given(request=_requests)
def test_a_request_is_plain_exactly_if_it_is_one_whose_records_have_no_more_than_key_and_value(
    whole_kind: type[msgspec.Struct], request: dict[str, Any]
) -> None:
    body = json.dumps(request, separators=(",", ":")).encode()
    whole, plain = _decoded(body, whole_kind), _decoded(body, PlainRequest)
    assert (plain is not None) == (
        whole is not None and all(set(one) <= {"key", "value"} for one in request["records"])
    )
    if plain is not None:
        assert (plain.acks, plain.timeout_ms) == (whole.acks, whole.timeout_ms)
        assert [record_of_message(one, "", _DEPTH) for one in plain.records] == [
            record_of_message(one, "", _DEPTH) for one in whole.records
        ]


@pytest.mark.parametrize("whole", [ProduceRecord, ProducePartitionRecord])
def test_the_members_of_a_plain_record_are_those_of_a_record(whole: type[msgspec.Struct]) -> None:
    plain_kinds, whole_kinds = (
        get_type_hints(PlainRecord, include_extras=True),
        get_type_hints(whole, include_extras=True),
    )
    assert set(plain_kinds) == {"key", "value"}
    assert plain_kinds["value"] == whole_kinds["value"]
    assert set(get_args(plain_kinds["key"])) | {msgspec.UnsetType} == set(get_args(whole_kinds["key"]))
    required = {field.name for field in msgspec.structs.fields(PlainRecord) if field.required}
    assert required == set(_SCHEMAS[whole.__name__]["required"])
    assert PlainRecord.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize(
    ("plain", "whole"), [(PlainRequest, ProduceRequest), (PlainPartitionRequest, ProducePartitionRequest)]
)
def test_the_members_of_a_plain_request_are_those_of_a_request_with_the_same_ranges_and_defaults(
    plain: type[msgspec.Struct],
    whole: type[msgspec.Struct],
) -> None:
    plain_fields = {field.name: field for field in msgspec.structs.fields(plain)}
    whole_fields = {field.name: field for field in msgspec.structs.fields(whole)}
    assert list(plain_fields) == list(whole_fields) == list(_SCHEMAS[whole.__name__]["properties"])
    for name in plain_fields.keys() - {"records"}:
        assert plain_fields[name].type == whole_fields[name].type
        assert plain_fields[name].default == whole_fields[name].default
    plain_records, whole_records = (get_type_hints(kind, include_extras=True)["records"] for kind in (plain, whole))
    assert plain_records.__metadata__ == whole_records.__metadata__
    assert plain_fields["records"].required
    assert plain.__struct_config__.forbid_unknown_fields


def test_the_defaults_are_those_that_the_specification_tells() -> None:
    plain = PlainRequest(records=[])
    assert plain.acks == _SCHEMAS["Acks"]["default"]
    assert plain.timeout_ms == _SCHEMAS["ProduceTimeout"]["default"]


def test_a_request_is_plain_or_not_as_a_whole() -> None:
    raw = msgspec.Raw(b"1")
    assert are_plain([PlainRecord(raw)])
    assert not are_plain([ProduceRecord(raw)])
    assert not are_plain([ProducePartitionRecord(raw)])


_LIMITS = {**SPEC.limits, "max_json_depth": 3, "max_record_bytes": 60, "max_batch_bytes": 150}
_EVERY_PARTITION = FetchRequest([FetchPosition("t", partition, 0) for partition in range(3)], max_wait_ms=0)


def _outcome(binding: OperationBinding[Any, Any], requests: list[dict[str, Any]], partitions: int) -> list[Any]:
    """Return what a server answers to requests one after another, and what is read afterwards."""
    engine = MemoryEngine(version="9.9", limits=_LIMITS, clock=ManualClock(1_000), new_id=lambda: "id")
    asyncio.run(engine.create_topic(CreateTopicRequest(topic="t", partitions=partitions)))
    outcome: list[Any] = []
    for body in requests:
        request = HttpRequest("POST", "/", headers=_JSON, body=json.dumps(body).encode())
        try:
            asked = binding.decode_request(request, {"topic": "t", "partition": 0}, _LIMITS)
            response = binding.encode_answer(asked, asyncio.run(binding.perform(engine, asked)), _LIMITS)
            outcome.append((response.status, response.body))
        except KafkaError as error:
            outcome.append((error.code, error.message, error.fields))
    read = asyncio.run(engine.fetch(_EVERY_PARTITION))
    return outcome + [bytes(one.records) if isinstance(one, PartitionSlice) else one.error.code for one in read]


_DEFAULTS_SPELT_OUT = {"key_encoding": "string", "value_encoding": "json", "headers": []}
_keyed = st.fixed_dictionaries(
    {"value": _json_values | st.just("long" * 9) | st.just([[[[1]]]])},
    optional={"key": st.none() | st.text(max_size=9)},
)


@pytest.mark.parametrize("binding", [PRODUCE, PRODUCE_PARTITION], ids=lambda binding: binding.name)
@pytest.mark.parametrize("partitions", [1, 3])
@_many
@given(requests=st.lists(st.lists(_keyed, min_size=1, max_size=20), min_size=1, max_size=3))
def test_plain_records_have_the_outcome_of_the_same_records_with_their_defaults_spelt_out(
    binding: OperationBinding[Any, Any], partitions: int, requests: list[list[dict[str, Any]]]
) -> None:
    plain = [{"records": records} for records in requests]
    spelt_out = [{"records": [{**record, **_DEFAULTS_SPELT_OUT} for record in records]} for records in requests]
    assert _outcome(binding, plain, partitions) == _outcome(binding, spelt_out, partitions)
