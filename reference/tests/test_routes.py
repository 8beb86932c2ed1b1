"""Which operation a request is for: the paths and methods of the OpenAPI document."""

import pytest

from kafka_do.binding import CREATE_TOPIC, DISCOVER, FETCH_PARTITION, OPERATIONS, PRODUCE
from kafka_do.binding.operation import Binding
from kafka_do.binding.problems import HeadedError
from kafka_do.binding.routes import find_route, methods_at
from kafka_do.core.errors import KafkaError


@pytest.mark.parametrize(
    ("method", "path", "binding", "values"),
    [
        ("GET", "/v1", DISCOVER, {}),
        ("POST", "/v1/topics", CREATE_TOPIC, {}),
        ("POST", "/v1/topics/orders/records", PRODUCE, {"topic": "orders"}),
        ("POST", "/v1/topics/topics/records", PRODUCE, {"topic": "topics"}),
        ("GET", "/v1/topics/orders/partitions/0/records", FETCH_PARTITION, {"topic": "orders", "partition": 0}),
        ("GET", "/v1/topics/x%20y/partitions/7/records", FETCH_PARTITION, {"topic": "x y", "partition": 7}),
    ],
)
def test_a_path_and_a_method_lead_to_their_operation(
    method: str, path: str, binding: Binding, values: dict[str, str | int]
) -> None:
    assert find_route(method, path) == (binding, values)


@pytest.mark.parametrize("binding", OPERATIONS, ids=lambda binding: binding.name)
def test_every_operation_is_found_at_the_path_of_its_template(binding: Binding) -> None:
    values = {p.name: 7 if p.type == "integer" else p.name for p in binding.operation.parameters if p.place == "path"}
    assert find_route(binding.operation.method, binding.operation.path.format_map(values)) == (binding, values)


@pytest.mark.parametrize(
    ("segment", "topic"), [("a%2Fb", "a/b"), ("%2E%2E", ".."), ("a%252Fb", "a%2Fb"), ("a+b", "a+b"), ("..", "..")]
)
def test_a_segment_is_decoded_once_and_after_the_path_was_split(segment: str, topic: str) -> None:
    for _ in range(2):
        assert find_route("POST", f"/v1/topics/{segment}/records").values == {"topic": topic}


def test_a_path_of_any_length_leads_to_its_operation() -> None:
    topic = "x" * 60_000
    assert find_route("GET", f"/v1/topics/{topic}").values == {"topic": topic}


def test_a_segment_that_is_not_what_its_parameter_wants_is_refused_by_name() -> None:
    for path, pointer in (("/v1/topics/%ff", "?topic"), ("/v1/topics/t/partitions/x/records", "?partition")):
        with pytest.raises(KafkaError) as refused:
            find_route("GET", path)
        assert refused.value.fields["errors"][0]["pointer"] == pointer


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
