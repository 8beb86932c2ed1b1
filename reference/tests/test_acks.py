"""What `acks` changes in an answer: nothing but that a request without faults is told nothing. (PRODUCE-022, -023)"""

import asyncio
import json
from typing import Any, get_args

import pytest

from kafka_do.binding import PRODUCE, PRODUCE_PARTITION
from kafka_do.binding.http import HttpRequest, HttpResponse, header
from kafka_do.binding.operation import OperationBinding
from kafka_do.binding.problems import problem_response
from kafka_do.core.broker import FetchPartition
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import Acks, CreateTopicRequest
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC

_LIMITS = {**SPEC.limits, "max_record_bytes": 100, "max_json_depth": 3}
_JSON = (("Content-Type", "application/json"),)
_TOO_LARGE = {"value": "x" * 100}

_both_forms = pytest.mark.parametrize("binding", [PRODUCE, PRODUCE_PARTITION], ids=lambda binding: binding.name)


def _answer(
    binding: OperationBinding[Any, Any], body: dict[str, Any], *, topic: str = "t", partition: int = 0
) -> tuple[HttpResponse, list[Any]]:
    """Return a server's answer, and the values that stand in partition 0 afterwards."""
    engine = MemoryEngine(version="9.9", limits=_LIMITS, clock=ManualClock(1_000), features=["core"])
    asyncio.run(engine.create_topic(CreateTopicRequest(topic="t")))
    request = HttpRequest("POST", "/", headers=_JSON, body=json.dumps(body).encode())
    try:
        asked = binding.decode_request(request, {"topic": topic, "partition": partition}, _LIMITS)
        response = binding.encode_answer(asked, asyncio.run(binding.perform(engine, asked)), _LIMITS)
    except KafkaError as error:
        response = problem_response(error)
    found = asyncio.run(engine.fetch_partition(FetchPartition("t", 0, 0, 100, 10_000)))
    return response, [record["value"] for record in json.loads(bytes(found.records))]


@_both_forms
@pytest.mark.parametrize("record", [{"value": 1}, {"value": 1, "key_encoding": "string", "timestamp_ms": 5}])
def test_with_none_a_request_without_faults_is_accepted_with_an_empty_object_and_appended(
    binding: OperationBinding[Any, Any], record: dict[str, Any]
) -> None:
    response, values = _answer(binding, {"records": [record, record], "acks": "none"})
    assert (response.status, response.body) == (202, b"{}")
    assert header(response.headers, "Content-Type") == "application/json"
    assert values == [1, 1]


@_both_forms
@pytest.mark.parametrize("around", [{}, {"acks": "all"}, {"acks": "leader"}, {"acks": "leader", "timeout_ms": 1}])
def test_otherwise_the_places_are_told(binding: OperationBinding[Any, Any], around: dict[str, Any]) -> None:
    response, values = _answer(binding, {"records": [{"value": 1}], **around})
    assert response.status == 200
    assert json.loads(response.body) == {"results": [{"partition": 0, "offset": 0, "timestamp_ms": 1_000}]}
    assert values == [1]


@_both_forms
@pytest.mark.parametrize("acks", get_args(Acks))
@pytest.mark.parametrize(
    ("records", "status", "expected"),
    [
        ([_TOO_LARGE], 413, []),
        ([{"value": 1}, _TOO_LARGE], 413, []),
        ([{"value": [[[[]]]]}], 400, []),
        ([{"value": 1, "key": 5}], 400, []),
        ([], 400, []),
    ],
)
def test_faults_are_answered_as_with_all(
    binding: OperationBinding[Any, Any],
    acks: Acks,
    records: list[dict[str, Any]],
    status: int,
    expected: list[Any],
) -> None:
    response, values = _answer(binding, {"records": records, "acks": acks})
    like_all, _ = _answer(binding, {"records": records})
    assert response == like_all
    assert (response.status, values) == (status, expected)


@pytest.mark.parametrize("acks", get_args(Acks))
def test_when_some_records_are_refused_all_results_are_told(acks: Acks) -> None:
    records = [{"value": 1, "partition": 0}, {"value": 2, "partition": 1}]
    response, values = _answer(PRODUCE, {"records": records, "acks": acks})
    assert response.status == 207
    first, second = json.loads(response.body)["results"]
    assert first == {"partition": 0, "offset": 0, "timestamp_ms": 1_000}
    assert second["error"]["code"] == "partition_not_found"
    assert values == [1]


@pytest.mark.parametrize("acks", get_args(Acks))
def test_a_partition_of_the_path_that_is_not_there_is_a_fault(acks: Acks) -> None:
    response, _ = _answer(PRODUCE_PARTITION, {"records": [{"value": 1}], "acks": acks}, partition=1)
    assert (response.status, json.loads(response.body)["code"]) == (404, "partition_not_found")


@_both_forms
@pytest.mark.parametrize("acks", get_args(Acks))
def test_a_topic_that_is_not_there_is_a_fault(binding: OperationBinding[Any, Any], acks: Acks) -> None:
    response, _ = _answer(binding, {"records": [{"value": 1}], "acks": acks}, topic="unknown")
    assert (response.status, json.loads(response.body)["code"]) == (404, "topic_not_found")


@_both_forms
@pytest.mark.parametrize(
    ("around", "pointer"),
    [
        ({"acks": "1"}, "/acks"),
        ({"acks": 0}, "/acks"),
        ({"acks": None}, "/acks"),
        ({"acks": "None"}, "/acks"),
        ({"timeout_ms": 0}, "/timeout_ms"),
        ({"timeout_ms": 2**31}, "/timeout_ms"),
        ({"timeout_ms": "5"}, "/timeout_ms"),
    ],
)
def test_other_values_are_refused_and_nothing_is_appended(
    binding: OperationBinding[Any, Any], around: dict[str, Any], pointer: str
) -> None:
    response, values = _answer(binding, {"records": [{"value": 1}], **around})
    assert response.status == 400
    assert [fault["pointer"] for fault in json.loads(response.body)["errors"]] == [pointer]
    assert values == []
