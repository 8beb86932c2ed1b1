"""The HTTP binding: what a client encodes a server decodes, and the other way round; faults are pointed to."""

import asyncio
import json
from typing import Any, get_args

import msgspec
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kafka_do.binding import CREATE_TOPIC, DISCOVER, FETCH, FETCH_PARTITION, OPERATIONS, PRODUCE
from kafka_do.binding.http import HttpRequest, HttpResponse, header
from kafka_do.binding.operation import OperationBinding
from kafka_do.binding.parameters import parse_query
from kafka_do.binding.problems import error_of_response, problem_response
from kafka_do.binding.routes import find_route
from kafka_do.client import producing, reading
from kafka_do.client.messages import Read
from kafka_do.core.broker import Discover, FetchPartition, ListTopics, PartitionFailure, PartitionSlice, Produce
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.messages import (
    Acks,
    CreateTopicRequest,
    Discovery,
    FetchPosition,
    FetchRequest,
    ProduceRecord,
    ProduceResult,
    ReadEncoding,
    ServerInfo,
    Topic,
)
from kafka_do.core.record_text import message_of_record, read_as, record_of_message, stored_records
from kafka_do.core.records import Header, Record, StoredRecord
from kafka_do.core.results import Appended
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC, data_root
from kafka_do.transports.http import HttpBroker

_DEPTH = SPEC.limits["max_json_depth"]
_LIMITS = {**SPEC.limits, "max_json_depth": 3}
_JSON = (("Content-Type", "application/json"),)
_PROBLEM_JSON = (("Content-Type", "application/problem+json"),)

_many = settings(deadline=None, max_examples=150)

_counts = st.integers(0, 2**53 - 1)
_partitions = st.integers(0, 2**31 - 1)
_data = (
    st.none()
    | st.binary(max_size=8)
    | st.text(max_size=8).map(str.encode)
    | st.sampled_from(
        [b"null", b"", b"1.00", b'{"a": 1}', b'{"a":1,"a":2}', b'"\\u0041"', b"\xef\xbb\xbf1"]
        + [b"[" * depth + b"]" * depth for depth in (1, 128, 129)]
    )
)
_headers = st.lists(st.builds(Header, st.text(max_size=4), _data), max_size=3).map(tuple)
_records = st.builds(
    Record,
    value=_data,
    key=_data,
    headers=_headers,
    timestamp_ms=st.none() | _counts,
    partition=st.none() | _partitions,
)
_stored = st.builds(
    StoredRecord, offset=_counts, timestamp_ms=st.none() | _counts, key=_data, value=_data, headers=_headers
)
_appended = st.builds(ProduceResult, _partitions, _counts, st.none() | _counts)


def _refused_with(code: str, detail: str = "no", **fields: Any) -> ProduceResult:
    return ProduceResult(error=item_of_error(KafkaError(code, detail, **fields)))


_refused = st.builds(
    lambda detail, partition: _refused_with(
        "partition_not_found", detail, topic="t", partition=partition, partition_count=3
    ),
    st.text(),
    st.integers(0, 9),
)
_flags = pytest.mark.parametrize(("retriable", "indeterminate"), [(True, False), (False, True), (False, False)])


def _asked(binding: OperationBinding[Any, Any], asked: Any) -> Any:
    """Return what a server understands of what a client asks."""
    request = binding.encode_request(asked)
    found, values = find_route(request.method, request.path)
    assert found is binding
    return found.decode_request(request, {**values, **parse_query(found.operation, request.query)}, SPEC.limits)


def _answered(binding: OperationBinding[Any, Any], asked: Any, answer: Any) -> Any:
    """Return what a client understands of what a server answers."""
    return binding.answer_of(binding.encode_answer(asked, answer, SPEC.limits))


def _facts(error: KafkaError) -> tuple[Any, ...]:
    """Return an error in a form that can be compared."""
    return (error.code, error.message, error.retriable, error.indeterminate, dict(error.fields))


def _refusal(
    binding: OperationBinding[Any, Any], body: bytes, headers: tuple[tuple[str, str], ...] = _JSON
) -> KafkaError:
    """Return the error that a server refuses a body with."""
    request = HttpRequest(binding.operation.method, binding.operation.path, headers=headers, body=body)
    engine = MemoryEngine(version="9.9", limits=_LIMITS, clock=ManualClock())
    with pytest.raises(KafkaError) as refused:
        asyncio.run(binding.perform(engine, binding.decode_request(request, {"topic": "t"}, _LIMITS)))
    assert not asyncio.run(engine.list_topics(ListTopics(page_size=1))).topics
    return refused.value


def _pointers(error: KafkaError) -> list[str]:
    assert error.code == "invalid_request"
    return [fault["pointer"] for fault in error.fields["errors"]]


def _fetched(**members: Any) -> HttpResponse:
    record = {"offset": 0, "timestamp_ms": 1, "key": None, "value": None, "headers": [], **members}
    answer = {
        "topic": "t",
        "partition": 0,
        "records": [record],
        "next_offset": 1,
        "high_watermark": 1,
        "log_start_offset": 0,
    }
    return HttpResponse(200, _JSON, json.dumps(answer).encode())


def _sent(*records: Record) -> list[ProduceRecord]:
    return [message_of_record(record, _DEPTH) for record in records]


def _written(*records: StoredRecord) -> msgspec.Raw:
    """Return records as an engine gives them."""
    return msgspec.Raw(msgspec.json.encode([read_as(record, "auto", _DEPTH) for record in records]))


def _answering(response: HttpResponse) -> HttpBroker:
    """Return a broker that gives one answer to everything."""

    async def exchange(_: HttpRequest) -> HttpResponse:
        return response

    return HttpBroker(exchange)


def _read(response: HttpResponse) -> Read:
    """Return what a client makes of the answer to a fetch."""
    return asyncio.run(reading.read(_answering(response), "t", 0, offset=0, max_records=None, max_bytes=None))


def test_every_operation_of_the_openapi_document_has_a_binding() -> None:
    document = yaml.safe_load((data_root() / "spec" / "openapi.yaml").read_text("utf-8"))
    stated = {
        (operation["operationId"], method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    bound = [(binding.name, binding.operation.method, binding.operation.path) for binding in OPERATIONS]
    assert sorted(bound) == sorted(stated)


@_many
@given(
    st.text(min_size=1),
    st.lists(_records, min_size=1, max_size=4),
    st.sampled_from(get_args(Acks)),
    st.integers(1, 2**31 - 1),
)
def test_a_server_is_asked_to_append_the_records_that_the_client_was_given(
    topic: str, records: list[Record], acks: Acks, timeout_ms: int
) -> None:
    asked = _asked(PRODUCE, Produce(topic, _sent(*records), acks, timeout_ms))
    assert (asked.topic, asked.acks, asked.timeout_ms) == (topic, acks, timeout_ms)
    assert [record_of_message(message, "", _DEPTH) for message in asked.records] == records


@_many
@given(st.lists(_appended | _refused, min_size=1, max_size=5))
def test_a_client_is_told_the_result_of_each_record(results: list[ProduceResult]) -> None:
    asked = Produce("t", _sent(*[Record(value=None)] * len(results)))
    assert _answered(PRODUCE, asked, results) == results


@_many
@given(_partitions, st.integers(0, 2**53 - 10), _counts, st.integers(1, 9))
def test_a_client_is_told_the_places_of_records_that_were_all_appended(
    partition: int, offset: int, now_ms: int, count: int
) -> None:
    answer = Appended([partition] * count, range(offset, offset + count), now_ms)
    assert _answered(PRODUCE, Produce("t", _sent(Record(value=None))), answer) == list(answer)


@_many
@given(
    st.builds(
        FetchPartition,
        topic=st.text(min_size=1),
        partition=_partitions,
        offset=_counts,
        max_records=st.integers(1, 100_000),
        max_bytes=st.integers(1, 2**53 - 1),
        encoding=st.sampled_from(get_args(ReadEncoding)),
    )
)
def test_a_server_is_asked_to_read_what_the_client_was_asked_for(asked: FetchPartition) -> None:
    assert _asked(FETCH_PARTITION, asked) == asked


@_many
@given(st.lists(_stored, max_size=4), st.sampled_from(get_args(ReadEncoding)), _counts, _counts, _counts)
def test_a_client_reads_the_bytes_that_are_stored_in_every_encoding(
    records: list[StoredRecord], encoding: ReadEncoding, after: int, end: int, start: int
) -> None:
    asked = FetchPartition("t", 1, 0, 500, 1_000, encoding=encoding)
    answer = PartitionSlice("t", 1, _written(*records), after, end, start)
    told = _answered(FETCH_PARTITION, asked, answer)
    assert stored_records(told.records) == records
    assert msgspec.structs.replace(told, records=answer.records) == answer


_slices = st.builds(
    lambda partition, records, after, end, start: (
        PartitionSlice("t", partition, _written(*records), after, end, start),
        records,
    ),
    _partitions,
    st.lists(_stored, max_size=3),
    _counts,
    _counts,
    _counts,
)
_failures = st.builds(
    lambda partition, detail: PartitionFailure("t", partition, KafkaError("topic_not_found", detail, topic="t")),
    _partitions,
    st.text(),
)


@_many
@given(st.lists(_slices | _failures, min_size=1, max_size=4), st.sampled_from(get_args(ReadEncoding)))
def test_a_client_is_told_what_was_found_for_each_item_in_every_encoding(
    items: list[tuple[PartitionSlice, list[StoredRecord]] | PartitionFailure], encoding: ReadEncoding
) -> None:
    asked = FetchRequest(partitions=[FetchPosition("t", 0, 0)] * len(items), encoding=encoding)
    answer = [item if isinstance(item, PartitionFailure) else item[0] for item in items]
    for told, item in zip(_answered(FETCH, asked, answer), items, strict=True):
        if isinstance(item, PartitionFailure):
            assert (told.topic, told.partition, _facts(told.error)) == ("t", item.partition, _facts(item.error))
            continue
        found, records = item
        assert stored_records(told.records) == records
        assert msgspec.structs.replace(told, records=found.records) == found


@pytest.mark.parametrize("missing", ["records", "next_offset", "high_watermark", "log_start_offset"])
def test_an_item_with_neither_records_nor_an_error_is_reported_as_disconnected(missing: str) -> None:
    item = {"topic": "t", "partition": 0, "records": [], "next_offset": 0, "high_watermark": 0, "log_start_offset": 0}
    del item[missing]
    with pytest.raises(KafkaError, match="neither records nor an error") as reported:
        FETCH.answer_of(HttpResponse(200, _JSON, json.dumps({"partitions": [item]}).encode()))
    assert reported.value.code == "disconnected"


@_many
@given(st.builds(CreateTopicRequest, topic=st.text(), partitions=st.integers(1, 2**31 - 1)))
def test_a_server_is_asked_to_create_the_topic_that_the_client_was_given(asked: CreateTopicRequest) -> None:
    assert _asked(CREATE_TOPIC, asked) == asked


@_many
@given(st.builds(Topic, topic=st.text(), topic_id=st.text(), partition_count=st.integers(1, 2**31 - 1)))
def test_a_client_is_told_the_topic_that_was_created(answer: Topic) -> None:
    assert _answered(CREATE_TOPIC, CreateTopicRequest(topic="t"), answer) == answer


def test_discovery_asks_nothing_and_tells_what_the_server_is() -> None:
    answer = Discovery(
        revision="1.0", server=ServerInfo(name="n", version="v"), features=["core"], limits={"max_json_depth": 1}
    )
    assert _asked(DISCOVER, Discover()) == Discover()
    assert _answered(DISCOVER, Discover(), answer) == answer


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Appended([1, 1], range(2), 1), 200),
        ([ProduceResult(0, 0, 1), ProduceResult(1, 0, 1)], 200),
        ([ProduceResult(0, 0, 1), _refused_with("partition_not_found")], 207),
        ([_refused_with("partition_not_found"), ProduceResult(0, 0, 1)], 207),
        ([_refused_with("partition_not_found"), _refused_with("topic_not_found")], 404),
        ([_refused_with("not_attempted"), _refused_with("message_too_large")], 413),
        ([_refused_with("internal")], 500),
    ],
)
def test_the_status_tells_whether_all_some_or_no_records_were_appended(
    answer: Appended | list[ProduceResult], status: int
) -> None:
    response = PRODUCE.encode_answer(Produce("t", []), answer, _LIMITS)
    assert response.status == status
    assert len(json.loads(response.body)["results"]) == len(answer)


def test_a_client_declares_its_body_as_json_and_no_body_as_nothing() -> None:
    sent = PRODUCE.encode_request(Produce("t", _sent(Record(value=None))))
    assert header(sent.headers, "content-type") == "application/json"
    assert DISCOVER.encode_request(Discover()) == HttpRequest("GET", "/v1")


def test_what_is_absent_is_not_sent_and_what_is_empty_or_null_is() -> None:
    records = _sent(Record(value=None), Record(value=b"", key=b"", headers=(Header("h", None),)))
    sent = json.loads(PRODUCE.encode_request(Produce("t", records)).body)
    assert sent == {
        "records": [
            {"value": None},
            {"key": "", "value": "", "value_encoding": "string", "headers": [{"key": "h", "value": None}]},
        ]
    }


def test_a_fetched_record_has_all_its_members_and_names_an_encoding_that_is_not_the_default() -> None:
    records = [StoredRecord(0, None, None, None, ()), StoredRecord(1, 5, b"\xff", b"{", (Header("h", b"\xff"),))]
    asked = FetchPartition("t", 0, 0, 1, 1)
    response = FETCH_PARTITION.encode_answer(asked, PartitionSlice("t", 0, _written(*records), 2, 2, 0), _LIMITS)
    assert json.loads(response.body)["records"] == [
        {"offset": 0, "timestamp_ms": None, "key": None, "value": None, "headers": []},
        {
            "offset": 1,
            "timestamp_ms": 5,
            "key": "/w==",
            "key_encoding": "base64",
            "value": "{",
            "value_encoding": "string",
            "headers": [{"key": "h", "value": "/w==", "value_encoding": "base64"}],
        },
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("[]", ""),
        ("null", ""),
        ("{}", "/records"),
        ('{"records": null}', "/records"),
        ('{"records": {}}', "/records"),
        ('{"records": []}', "/records"),
        ('{"records": [1]}', "/records/0"),
        ('{"records": [{}]}', "/records/0/value"),
        ('{"records": [{"value": 1}, {"key": "a"}]}', "/records/1/value"),
        ('{"records": [{"vlaue": 1}]}', "/records/0/vlaue"),
        ('{"record": [{"value": 1}]}', "/record"),
        ('{"records": [{"value": 1}], "acks": 1}', "/acks"),
        ('{"records": [{"value": 1, "a/b~c": 1}]}', "/records/0/a~1b~0c"),
        ('{"records": [{"value": 1, "key": 5}]}', "/records/0/key"),
        ('{"records": [{"value": 1, "key": "YQ", "key_encoding": "base64"}]}', "/records/0/key"),
        ('{"records": [{"value": 1, "key": "{}", "key_encoding": "json"}]}', "/records/0/key_encoding"),
        ('{"records": [{"value": 1, "value_encoding": "xml"}]}', "/records/0/value_encoding"),
        ('{"records": [{"value": 1, "value_encoding": null}]}', "/records/0/value_encoding"),
        ('{"records": [{"value": 1, "value_encoding": "string"}]}', "/records/0/value"),
        ('{"records": [{"value": "?", "value_encoding": "base64"}]}', "/records/0/value"),
        ('{"records": [{"value": [[[[]]]]}]}', "/records/0/value"),
        ('{"records": [{"value": 1, "partition": -1}]}', "/records/0/partition"),
        ('{"records": [{"value": 1, "partition": 2147483648}]}', "/records/0/partition"),
        ('{"records": [{"value": 1, "partition": "0"}]}', "/records/0/partition"),
        ('{"records": [{"value": 1, "partition": true}]}', "/records/0/partition"),
        ('{"records": [{"value": 1, "partition": 1.5}]}', "/records/0/partition"),
        ('{"records": [{"value": 1, "partition": null}]}', "/records/0/partition"),
        ('{"records": [{"value": 1, "timestamp_ms": -1}]}', "/records/0/timestamp_ms"),
        ('{"records": [{"value": 1, "timestamp_ms": 9007199254740992}]}', "/records/0/timestamp_ms"),
        ('{"records": [{"value": 1, "headers": {}}]}', "/records/0/headers"),
        ('{"records": [{"value": 1, "headers": null}]}', "/records/0/headers"),
        ('{"records": [{"value": 1, "headers": [{"key": "a"}]}]}', "/records/0/headers/0/value"),
        ('{"records": [{"value": 1, "headers": [{"value": "a"}]}]}', "/records/0/headers/0/key"),
        ('{"records": [{"value": 1, "headers": [{"key": "a", "value": 1}]}]}', "/records/0/headers/0/value"),
        (
            '{"records": [{"value": 1, "headers": [{"key": "a", "value": ""}, {"key": "a", "value": 1}]}]}',
            "/records/0/headers/1/value",
        ),
        (
            '{"records": [{"value": 1, "headers": [{"key": "a", "value": "?", "value_encoding": "base64"}]}]}',
            "/records/0/headers/0/value",
        ),
    ],
)
def test_a_fault_in_a_produce_request_is_pointed_to(body: str, pointer: str) -> None:
    assert _pointers(_refusal(PRODUCE, body.encode())) == [pointer]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("{}", "/topic"),
        ('{"topic": 1}', "/topic"),
        ('{"topic": "t", "partitions": 0}', "/partitions"),
        ('{"topic": "t", "partitions": 2147483648}', "/partitions"),
        ('{"topic": "t", "partitions": "3"}', "/partitions"),
        ('{"topic": "t", "partitions": null}', "/partitions"),
        ('{"topic": "t", "partition": 3}', "/partition"),
    ],
)
def test_a_fault_in_a_request_to_create_a_topic_is_pointed_to(body: str, pointer: str) -> None:
    assert _pointers(_refusal(CREATE_TOPIC, body.encode())) == [pointer]


@_many
@given(st.text())
@example("")
@example("two\nlines")
@example("x` - at `$.records")
def test_an_unknown_member_is_pointed_to_whatever_its_name(name: str) -> None:
    known = {"value", "key", "key_encoding", "value_encoding", "headers", "timestamp_ms", "partition", "records"}
    unknown = f"~{name}" if name in known else name
    step = unknown.replace("~", "~0").replace("/", "~1")
    inside = json.dumps({"records": [{"value": 1, unknown: 1}]}).encode()
    beside = json.dumps({"records": [{"value": 1}], unknown: 1}).encode()
    assert _pointers(_refusal(PRODUCE, inside)) == [f"/records/0/{step}"]
    assert _pointers(_refusal(PRODUCE, beside)) == [f"/{step}"]


def test_a_misspelt_member_is_refused_with_the_right_spelling() -> None:
    error = _refusal(PRODUCE, b'{"records": [{"vlaue": 1}]}')
    assert error.fields["errors"][0]["detail"] == "unknown member; did you mean 'value'?"
    assert error.message == "/records/0/vlaue: unknown member; did you mean 'value'?"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"records": [{"value": 1}]} x',
        b'{"records": [{"value": NaN}]}',
        b'{"records": [{"value": 01}]}',
        b'{"records": [{"value": "\xff"}]}',
        b'{"records": [{"value": 1, "key": "\xed\xa0\x80"}]}',
        b'\xef\xbb\xbf{"records": [{"value": 1}]}',
        '{"records": [{"value": 1}]}'.encode("utf-16"),
        b'{"records": [{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
    ],
    ids=lambda body: repr(body[-14:]),
)
def test_a_body_that_is_not_json_in_utf_8_is_refused(body: bytes) -> None:
    assert _pointers(_refusal(PRODUCE, body)) == [""]


@pytest.mark.parametrize(
    "declared", [None, "", "text/plain", "application/jsonp", "application/problem+json", "text/json"]
)
def test_a_body_that_is_not_declared_as_json_is_refused(declared: str | None) -> None:
    headers = () if declared is None else (("Content-Type", declared),)
    assert _refusal(PRODUCE, b'{"records": [{"value": 1}]}', headers).code == "unsupported_media_type"


@pytest.mark.parametrize("declared", ["application/json", "application/json; charset=utf-8", "Application/JSON ;a=b"])
def test_parameters_and_case_of_the_media_type_make_no_difference(declared: str) -> None:
    request = HttpRequest("POST", "/", headers=(("content-type", declared),), body=b'{"topic": "t"}')
    assert CREATE_TOPIC.decode_request(request, {}, _LIMITS) == CreateTopicRequest(topic="t")


_FIELDS: dict[str, Any] = {
    "topic": "t",
    "partition": 1,
    "partition_count": 2,
    "log_start_offset": 3,
    "high_watermark": 4,
    "max_request_bytes": 5,
    "max_header_bytes": 12,
    "max_request_ms": 13,
    "max_partitions_per_topic": 6,
    "max_record_bytes": 7,
    "max_batch_bytes": 8,
    "expected_sequence": 9,
    "current_epoch": 10,
    "group": "g",
    "member": "m",
    "instance_id": "i",
    "feature": "f",
    "retry_after_ms": 11,
    "errors": [{"pointer": "/a", "detail": "b"}],
}


@pytest.mark.parametrize("code", [code for code, entry in SPEC.errors.items() if entry.raised_by == "server"])
def test_a_problem_brings_the_error_of_every_code_to_the_client(code: str) -> None:
    entry = SPEC.errors[code]
    raised = KafkaError(code, "what was wrong", **{name: _FIELDS[name] for name in (*entry.fields, *entry.optional)})
    response = problem_response(raised)
    document = json.loads(response.body)
    assert response.status == document["status"] == entry.status
    assert header(response.headers, "Content-Type") == "application/problem+json"
    assert document["type"] == f"https://kafka.do/spec/generated/errors/{code}/"
    assert _facts(error_of_response(response)) == _facts(raised)


@_flags
def test_a_code_that_the_client_does_not_know_is_reported_as_the_server_sent_it(
    *, retriable: bool, indeterminate: bool
) -> None:
    document = {
        "type": "https://kafka.do/spec/generated/errors/moon_phase/",
        "title": "The moon is wrong",
        "status": 418,
        "code": "moon_phase",
        "detail": "wait for the new moon",
        "retriable": retriable,
        "indeterminate": indeterminate,
        "phase": "waning",
    }
    response = HttpResponse(
        418, (("content-type", "application/problem+json; charset=utf-8"),), json.dumps(document).encode()
    )
    for binding in OPERATIONS:
        with pytest.raises(KafkaError) as reported:
            binding.answer_of(response)
        assert _facts(reported.value) == ("moon_phase", "wait for the new moon", retriable, indeterminate, {})


@_flags
def test_a_known_code_has_the_flags_that_the_server_sent(*, retriable: bool, indeterminate: bool) -> None:
    sent = problem_response(KafkaError("internal", "no", retriable=retriable, indeterminate=indeterminate))
    received = error_of_response(sent)
    assert (received.retriable, received.indeterminate) == (retriable, indeterminate)


def test_the_error_of_one_record_has_the_flags_that_the_server_sent() -> None:
    error = {"code": "moon_phase", "detail": "d", "retriable": True, "indeterminate": True, "topic": "t"}
    response = HttpResponse(207, _JSON, json.dumps({"results": [{"error": error}]}).encode())
    (told,) = asyncio.run(producing.send(_answering(response), "t", [Record(value=None)]))
    assert isinstance(told, KafkaError)
    assert _facts(told) == ("moon_phase", "d", True, True, {"topic": "t"})


_PROBLEM: dict[str, Any] = {
    "type": "t",
    "title": "t",
    "status": 500,
    "code": "internal",
    "detail": "d",
    "retriable": False,
    "indeterminate": True,
}
_DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(502, (("Content-Type", "text/html"),), b"<html>Bad Gateway</html>"),
        HttpResponse(502, (), b""),
        HttpResponse(500, _JSON, json.dumps(_PROBLEM).encode()),
        HttpResponse(500, _PROBLEM_JSON, b""),
        HttpResponse(500, _PROBLEM_JSON, json.dumps(_PROBLEM).encode()[:-1]),
        HttpResponse(500, _PROBLEM_JSON, json.dumps({**_PROBLEM, "code": None}).encode()),
        HttpResponse(500, _PROBLEM_JSON, json.dumps(_PROBLEM).encode().replace(b'"d"', b'"\xff"')),
        HttpResponse(500, _PROBLEM_JSON, json.dumps(_PROBLEM).encode()[:-1] + b', "more": ' + _DEEP + b"}"),
        HttpResponse(302, (("Location", "/"),), b""),
        HttpResponse(204, (), b""),
        HttpResponse(200, (("Content-Type", "text/html"),), b"<html>Welcome</html>"),
        HttpResponse(200, (), b"{}"),
        HttpResponse(200, _JSON, b"{}"),
        HttpResponse(200, _JSON, b'{"results": [{}'),
        HttpResponse(200, _JSON, b'{"results": [{}]}'),
        HttpResponse(200, _JSON, b'{"results": [{"partition": 0, "offset": -1, "timestamp_ms": 0}]}'),
        HttpResponse(200, _JSON, b'{"results": [{"error": {"code": "\xff"}}]}'),
        HttpResponse(200, _JSON, b'{"results": []}'),
        HttpResponse(200, _JSON, b'{"results": [{"partition": 0, "offset": 0}]}'),
        HttpResponse(202, _JSON, b"{}"),
        HttpResponse(200, _JSON, b'{"results": [], "more": ' + _DEEP + b"}"),
    ],
    ids=lambda response: f"{response.status}-{response.body[:24]!r}",
)
def test_an_answer_that_is_not_of_this_protocol_is_reported_as_disconnected(response: HttpResponse) -> None:
    with pytest.raises(KafkaError) as reported:
        asyncio.run(producing.send(_answering(response), "t", [Record(value=None)]))
    assert (reported.value.code, reported.value.indeterminate) == ("disconnected", True)


@pytest.mark.parametrize(
    "members",
    [
        {"key": "YQ", "key_encoding": "base64"},
        {"value": 1, "value_encoding": "string"},
        {"value": "?", "value_encoding": "base64"},
        {"headers": [{"key": "h", "value": "?", "value_encoding": "base64"}]},
        {"key_encoding": "rot13"},
    ],
)
def test_a_record_that_is_not_what_its_encoding_promises_is_reported_as_disconnected(members: dict[str, Any]) -> None:
    with pytest.raises(KafkaError) as reported:
        _read(_fetched(**members))
    assert reported.value.code == "disconnected"


def test_a_client_ignores_members_that_it_does_not_know() -> None:
    (message,) = _read(_fetched(colour="red", headers=[{"key": "h", "value": "v", "colour": "red"}])).messages
    assert (message.offset, message.timestamp_ms, message.raw_key, message.raw_value) == (0, 1, None, None)
    assert message.headers.raw == (Header("h", b"v"),)


def test_a_client_takes_values_that_nest_deeper_than_a_server_would_store() -> None:
    deep = "[" * 300 + "]" * 300
    (message,) = _read(_fetched(value=json.loads(deep))).messages
    assert message.raw_value == deep.encode()


_DATED = (("Date", "Thu, 26 Nov 2026 12:00:00 GMT"),)


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ((("Retry-After", "3"),), 3000),
        ((("retry-after", " 0 "),), 0),
        ((("Retry-After", "Thu, 26 Nov 2026 12:00:02 GMT"), *_DATED), 2000),
        ((("Retry-After", "Thu, 26 Nov 2026 11:00:00 GMT"), *_DATED), 0),
        ((("Retry-After", "Thu, 26 Nov 2026 12:00:02 GMT"),), None),
        ((("Retry-After", "soon"), *_DATED), None),
        ((("Retry-After", "-3"), *_DATED), None),
        (_DATED, None),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<h1>Busy</h1>"])
def test_the_wait_that_a_proxy_asks_for_stands_in_the_error(
    headers: tuple[tuple[str, str], ...], wait_ms: int | None, body: bytes
) -> None:
    error = error_of_response(HttpResponse(503, headers, body))
    assert (error.code, error.fields.get("retry_after_ms")) == ("disconnected", wait_ms)


def test_the_wait_in_a_problem_counts_more_than_the_header() -> None:
    said = problem_response(KafkaError("quota_exceeded", "busy", retry_after_ms=150))
    for response, wait_ms in ((said, 150), (problem_response(KafkaError("not_leader", "moving")), 3000)):
        headers = (*response.headers, ("Retry-After", "3"))
        error = error_of_response(HttpResponse(response.status, headers, response.body))
        assert error.fields["retry_after_ms"] == wait_ms
