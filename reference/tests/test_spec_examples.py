"""The examples in openapi.yaml are what the schemas, the catalogue of errors and the library say."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
import yaml

from kafka_do.binding import OPERATIONS
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.spec import SPEC, data_root

_SPEC = data_root() / "spec"
_DOCUMENT: dict[str, Any] = yaml.safe_load((_SPEC / "openapi.yaml").read_text("utf-8"))
_CODES: dict[str, Any] = yaml.safe_load((_SPEC / "errors.yaml").read_text("utf-8"))["codes"]
_OPERATIONS = {
    operation["operationId"]: operation
    for item in _DOCUMENT["paths"].values()
    for method, operation in item.items()
    if method != "parameters"
}
_PUBLISHED: dict[str, Any] = json.loads((_SPEC / "generated" / "openapi.json").read_text("utf-8"))
_PUBLISHED_OPERATIONS = {
    operation["operationId"]: operation
    for item in _PUBLISHED["paths"].values()
    for method, operation in item.items()
    if method != "parameters"
}
_BINDINGS = {binding.name: binding for binding in OPERATIONS}


def _media(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield everything with a schema and examples below a node."""
    if isinstance(node, dict):
        if "schema" in node and "examples" in node:
            yield path, node
        for name, inner in node.items():
            yield from _media(inner, f"{path}/{name}")


def _examples(node: Any, path: str) -> list[Any]:
    return [
        pytest.param(media["schema"], example["value"], id=f"{place}/{name}")
        for place, media in _media(node, path)
        for name, example in media["examples"].items()
    ]


def _parameters(examples: list[Any]) -> list[Any]:
    return [example.values for example in examples]


def _validate(schema: dict[str, Any], value: Any) -> None:
    whole = {"components": _DOCUMENT["components"], **schema}
    jsonschema.Draft202012Validator(whole).validate(value)


def _errors_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object with a code below a value."""
    if isinstance(value, dict):
        if "code" in value and "fault" not in value:  # a fault to be planted only names the code of an error
            yield value
        for inner in value.values():
            yield from _errors_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _errors_in(inner)


_ALL = [*_examples(_DOCUMENT["paths"], ""), *_examples(_DOCUMENT["components"]["responses"], "")]
_PROBLEMS = _examples(_DOCUMENT["components"]["responses"], "")
_ERRORS = [
    pytest.param(error, id=f"{example.id}:{error['code']}")
    for example in _ALL
    for error in _errors_in(example.values[1])
]
_REQUESTS = [
    pytest.param(name, example.values[1], id=f"{name}{example.id}")
    for name, operation in _OPERATIONS.items()
    for example in _examples(operation.get("requestBody", {}), "")
]
_ANSWERS = [
    pytest.param(name, int(status), example.values[1], id=f"{name}-{status}{example.id}")
    for name, operation in _OPERATIONS.items()
    for status, response in operation["responses"].items()
    if status.startswith("2")
    for example in _examples(response.get("content", {}).get("application/json", {}), "")
]


_PUBLISHED_ERRORS = [
    pytest.param(name, status, code, example["value"], id=f"{name}-{status}-{code}")
    for name, operation in _PUBLISHED_OPERATIONS.items()
    for status, response in operation["responses"].items()
    if not status.startswith("2")
    for code, example in response["content"]["application/problem+json"]["examples"].items()
]


@pytest.mark.parametrize("name", ["openapi.yaml", "generated/openapi.json"])
def test_the_document_is_a_valid_openapi_document(name: str) -> None:
    openapi_spec_validator.validate(yaml.safe_load((_SPEC / name).read_text("utf-8")))


@pytest.mark.parametrize("name", _DOCUMENT["components"]["schemas"])
def test_every_schema_is_a_schema_and_its_own_examples_fit(name: str) -> None:
    schema = _DOCUMENT["components"]["schemas"][name]
    jsonschema.Draft202012Validator.check_schema(schema)
    for example in schema.get("examples", []):
        _validate(schema, example)


@pytest.mark.parametrize(("schema", "value"), _ALL)
def test_every_example_is_what_its_schema_says(schema: dict[str, Any], value: Any) -> None:
    _validate(schema, value)


_STREAMED = [
    pytest.param(stream["x-lines"], line.removeprefix("data: "), id=f"{name}-{number}")
    for name, operation in _OPERATIONS.items()
    for stream in operation["responses"].get("200", {}).get("content", {}).values()
    for example in stream.get("examples", {}).values()
    if "x-lines" in stream
    for number, line in enumerate(example["value"].splitlines())
    if line and not line.startswith("id: ")
]


@pytest.mark.parametrize(("schema", "line"), _STREAMED)
def test_every_line_in_the_example_of_a_stream_is_what_its_schema_says(schema: dict[str, Any], line: str) -> None:
    _validate(schema, json.loads(line))
    assert len(_STREAMED) >= 7


def test_every_operation_has_an_example_of_its_request_and_of_each_successful_answer() -> None:
    with_request = {name for name, operation in _OPERATIONS.items() if "requestBody" in operation}
    answers = {
        (name, int(status))
        for name, operation in _OPERATIONS.items()
        for status, response in operation["responses"].items()
        if status.startswith("2") and "content" in response
    }
    assert {example.values[0] for example in _REQUESTS} == with_request
    assert {(example.values[0], example.values[1]) for example in _ANSWERS} == answers


@pytest.mark.parametrize("name", _OPERATIONS)
def test_every_code_that_an_operation_can_answer_is_in_the_catalogue_as_one_of_servers(name: str) -> None:
    codes = _OPERATIONS[name]["x-errors"]
    assert [code for code in codes if _CODES.get(code, {}).get("raised_by") != "server"] == []
    assert len(set(codes)) == len(codes)


def test_every_field_of_the_catalogue_is_a_member_of_an_error() -> None:
    members = _DOCUMENT["components"]["schemas"]["ItemError"]["properties"]
    assert [field for entry in _CODES.values() for field in entry["fields"] if field not in members] == []


@pytest.mark.parametrize("error", _ERRORS)
def test_the_error_in_an_example_has_what_the_catalogue_gives_for_its_code(error: dict[str, Any]) -> None:
    entry = _CODES[error["code"]]
    assert (error["retriable"], error["indeterminate"]) == (entry["retriable"], entry["indeterminate"])
    assert [field for field in entry["fields"] if field not in error] == []


@pytest.mark.parametrize(("_schema", "problem"), _PROBLEMS)
def test_the_problem_in_an_example_has_title_status_and_type_of_its_code(_schema: Any, problem: dict[str, Any]) -> None:
    entry = _CODES[problem["code"]]
    assert (problem["title"], problem["status"]) == (entry["title"], entry["status"])
    assert problem["type"] == f"https://kafka.do/spec/generated/errors/{problem['code']}/"


@pytest.mark.parametrize(("name", "body"), _REQUESTS)
def test_the_library_takes_the_example_of_a_request(name: str, body: Any) -> None:
    binding = _BINDINGS[name]
    headers = (("Content-Type", "application/json"),)
    request = HttpRequest("POST", "/", headers=headers, body=json.dumps(body).encode())
    known: dict[str, int | str] = {"topic": "orders", "partition": 1, "group": "billing", "member": "m"}
    values = {
        parameter.name: known[parameter.name] for parameter in binding.operation.parameters if parameter.place == "path"
    }
    asked = binding.decode_request(request, values, SPEC.limits)
    again = binding.encode_request(asked)
    assert binding.decode_request(again, values, SPEC.limits) == asked


@pytest.mark.parametrize(("name", "status", "body"), _ANSWERS)
def test_the_library_takes_the_example_of_an_answer(name: str, status: int, body: Any) -> None:
    binding = _BINDINGS[name]
    assert status in binding.operation.success
    response = HttpResponse(status, (("Content-Type", "application/json"),), json.dumps(body).encode())
    assert binding.answer_of(response) is not None


def test_the_example_of_discovery_names_every_limit() -> None:
    named = [set(body["limits"]) for name, _, body in _parameters(_ANSWERS) if name == "discover"]
    assert named == [set(SPEC.limits)]


@pytest.mark.parametrize("name", _OPERATIONS)
def test_an_operation_has_an_example_of_every_error_that_it_can_answer(name: str) -> None:
    own = _OPERATIONS[name]["x-errors"]
    before = {"route_not_found", "method_not_allowed", "unauthorized" if name == "discover" else ""}
    of_any = {
        code for code, entry in _CODES.items() if entry.get("any_operation") and entry["level"] == "core"
    } - before
    shown = [example.values[2] for example in _PUBLISHED_ERRORS if example.values[0] == name]
    assert sorted(str(code) for code in shown) == sorted({*own, *of_any})


@pytest.mark.parametrize(("_name", "status", "code", "problem"), _PUBLISHED_ERRORS)
def test_the_example_of_an_error_is_what_the_schema_and_the_catalogue_say(
    _name: str, status: str, code: str, problem: dict[str, Any]
) -> None:
    entry = _CODES[code]
    _validate({"$ref": "#/components/schemas/Problem"}, problem)
    assert (problem["code"], problem["status"], problem["title"]) == (code, int(status), entry["title"])
    assert problem["type"] == f"https://kafka.do/spec/generated/errors/{code}/"
    assert (problem["retriable"], problem["indeterminate"]) == (entry["retriable"], entry["indeterminate"])
    assert [field for field in entry["fields"] if field not in problem] == []
    known = {*entry["fields"], *entry.get("optional", ())}
    about = {"topic", "partition", "partition_count", "log_start_offset", "high_watermark"}
    assert about & problem.keys() <= known


@pytest.mark.parametrize("name", [name for name, operation in _OPERATIONS.items() if "x-item-errors" in operation])
def test_an_operation_has_an_example_of_every_error_that_an_item_can_have(name: str) -> None:
    answer = _PUBLISHED_OPERATIONS[name]["responses"]["200"]["content"]["application/json"]
    values = [example["value"] for example in answer["examples"].values()]
    errors = list(_errors_in(values))
    for value in values:
        _validate(answer["schema"], value)
    for error in errors:
        entry = _CODES[error["code"]]
        assert (error["retriable"], error["indeterminate"]) == (entry["retriable"], entry["indeterminate"])
        assert [field for field in entry["fields"] if field not in error] == []
        assert "status" not in error
    assert {error["code"] for error in errors} == set(_OPERATIONS[name]["x-item-errors"])


@pytest.mark.parametrize("name", _OPERATIONS)
def test_the_example_of_a_malformed_request_points_into_what_the_operation_is_asked(name: str) -> None:
    response = _PUBLISHED_OPERATIONS[name]["responses"]["400"]
    problem = response["content"]["application/problem+json"]["examples"]["invalid_request"]["value"]
    in_query = {fault["pointer"].startswith("?") for fault in problem["errors"]}
    assert in_query == {"requestBody" not in _OPERATIONS[name]}


def test_no_operation_is_left_with_an_answer_of_any_status() -> None:
    statuses = {status for operation in _PUBLISHED_OPERATIONS.values() for status in operation["responses"]}
    assert "default" not in statuses
