"""Which operation a request is for: the paths and methods of the OpenAPI document."""

import pytest

from kafka_do.binding import CREATE_TOPIC, DISCOVER, FETCH_PARTITION, OPERATIONS, PRODUCE
from kafka_do.binding.operation import Binding
from kafka_do.binding.problems import HeadedError
from kafka_do.binding.routes import find_route, methods_at
from kafka_do.core.errors import KafkaError


@pytest.mark.parametrize(
    ("method", "path", "binding", "segments"),
    [
        ("GET", "/v1", DISCOVER, {}),
        ("POST", "/v1/topics", CREATE_TOPIC, {}),
        ("POST", "/v1/topics/orders/records", PRODUCE, {"topic": "orders"}),
        ("POST", "/v1/topics/topics/records", PRODUCE, {"topic": "topics"}),
        ("GET", "/v1/topics/orders/partitions/0/records", FETCH_PARTITION, {"topic": "orders", "partition": "0"}),
        ("GET", "/v1/topics/o/partitions/x%20y/records", FETCH_PARTITION, {"topic": "o", "partition": "x%20y"}),
    ],
)
def test_a_path_and_a_method_lead_to_their_operation(
    method: str, path: str, binding: Binding, segments: dict[str, str]
) -> None:
    assert find_route(method, path) == (binding, segments)


@pytest.mark.parametrize("binding", OPERATIONS, ids=lambda binding: binding.name)
def test_every_operation_is_found_at_the_path_of_its_template(binding: Binding) -> None:
    found, segments = find_route(binding.operation.method, binding.operation.path)
    assert found is binding
    assert segments == {p.name: f"{{{p.name}}}" for p in binding.operation.parameters if p.place == "path"}


@pytest.mark.parametrize("segment", ["a%2Fb", "%2E%2E", "a%252Fb", "%ff", "a+b", ".."])
def test_a_segment_is_given_as_it_stands_on_the_wire(segment: str) -> None:
    assert find_route("POST", f"/v1/topics/{segment}/records")[1] == {"topic": segment}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/v2",
        "/V1",
        "/v1/",
        "/v1x",
        "/v1/topic",
        "/v1/topics/",
        "/v1/topic/orders",
        "/v1/topics/orders/records/",
        "/v1/topics/a/b/records",
        "/v1/topics/orders/partitions/0",
        "/v1/topics/orders/partitions//records",
        "/v1/topics%2Forders%2Frecords",
        "/v1/topics/orders/records\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "BREW"])
def test_a_path_that_is_none_of_the_protocols_is_not_found_with_any_method(method: str, path: str) -> None:
    with pytest.raises(KafkaError) as refused:
        find_route(method, path)
    assert refused.value.code == "route_not_found"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v1", "GET"),
        ("HEAD", "/v1", "GET"),
        ("get", "/v1", "GET"),
        ("PUT", "/v1/topics", "GET, POST"),
        ("DELETE", "/v1/topics/orders/records", "POST"),
        ("PUT", "/v1/topics/orders/partitions/0/records", "GET, POST"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has(
    method: str, path: str, allow: str
) -> None:
    with pytest.raises(HeadedError) as refused:
        find_route(method, path)
    assert (refused.value.code, refused.value.headers) == ("method_not_allowed", (("Allow", allow),))


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/v1", ["GET"]), ("/v1/topics/t", ["DELETE", "GET", "PATCH"]), ("/v1/nothing", []), ("*", [])],
)
def test_a_path_tells_its_methods(path: str, methods: list[str]) -> None:
    assert methods_at(path) == methods
