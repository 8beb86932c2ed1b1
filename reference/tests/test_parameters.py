"""Path and query parameters, as the OpenAPI document states them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.binding.parameters import Values, format_path, format_query, parse_path, parse_query
from kafka_do.binding.routes import find_route
from kafka_do.core.errors import KafkaError
from kafka_do.spec import SPEC

_FETCH = SPEC.operations["fetch_partition"]
_DISCOVER = SPEC.operations["discover"]

_many = settings(deadline=None, max_examples=200)


def _query_faults(query: str) -> dict[str, str]:
    """Return the faults of a query, pointer → what would be right."""
    with pytest.raises(KafkaError) as refused:
        parse_query(_FETCH, query)
    assert refused.value.code == "invalid_request"
    return {fault["pointer"]: fault["detail"] for fault in refused.value.fields["errors"]}


def test_what_is_not_given_has_the_default_that_the_specification_states() -> None:
    assert parse_query(_FETCH, "offset=7") == {
        "offset": 7,
        "max_records": 500,
        "max_bytes": 1_048_576,
        "min_bytes": 1,
        "max_wait_ms": 500,
        "heartbeat_ms": 15_000,
        "encoding": "auto",
    }


def test_what_is_given_is_taken() -> None:
    query = "encoding=base64&max_bytes=1&max_records=100000&offset=9007199254740991"
    expected = {"offset": 9_007_199_254_740_991, "max_records": 100_000, "max_bytes": 1, "encoding": "base64"}
    assert parse_query(_FETCH, query) == expected | {"min_bytes": 1, "max_wait_ms": 500, "heartbeat_ms": 15_000}


def test_names_and_values_are_percent_decoded() -> None:
    assert parse_query(_FETCH, "%6Fffset=%37")["offset"] == 7


def test_an_operation_without_parameters_takes_an_empty_query() -> None:
    assert parse_query(_DISCOVER, "") == {}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("", "?offset"),
        ("max_records=1", "?offset"),
        ("offset", "?offset"),
        ("offset=", "?offset"),
        ("offset=x", "?offset"),
        ("offset=-1", "?offset"),
        ("offset=1.0", "?offset"),
        ("offset=1e3", "?offset"),
        ("offset=0x10", "?offset"),
        ("offset=+1", "?offset"),
        ("offset=%201", "?offset"),
        ("offset=1_000", "?offset"),
        ("offset=%D9%A3", "?offset"),
        ("offset=9007199254740992", "?offset"),
        ("offset=" + "9" * 10_000, "?offset"),
        ("offset=%ff", "?offset"),
        ("offset=0&offset=0", "?offset"),
        ("offset=0&max_records=0", "?max_records"),
        ("offset=0&max_records=100001", "?max_records"),
        ("offset=0&max_bytes=0", "?max_bytes"),
        ("offset=0&encoding=xml", "?encoding"),
        ("offset=0&encoding=AUTO", "?encoding"),
        ("offset=0&encoding=", "?encoding"),
        ("offset=0&wait_ms=1", "?wait_ms"),
        ("offset=0&topic=t", "?topic"),
        ("offset=0&Offset=0", "?Offset"),
    ],
    ids=lambda text: text[:40],
)
def test_a_query_parameter_that_is_missing_unknown_repeated_or_not_allowed_is_named(query: str, pointer: str) -> None:
    assert list(_query_faults(query)) == [pointer]


def test_all_faults_of_a_query_are_named_at_once() -> None:
    assert set(_query_faults("ofset=0&max_records=0")) == {"?ofset", "?offset", "?max_records"}


def test_a_misspelt_parameter_is_refused_with_the_right_spelling() -> None:
    assert _query_faults("offset=0&max_record=1") == {"?max_record": "unknown parameter; did you mean 'max_records'?"}


def test_an_operation_without_parameters_refuses_any() -> None:
    with pytest.raises(KafkaError) as refused:
        parse_query(_DISCOVER, "verbose=1")
    assert [fault["pointer"] for fault in refused.value.fields["errors"]] == ["?verbose"]


@pytest.mark.parametrize(
    ("segment", "topic"),
    [("orders", "orders"), ("a%2Fb", "a/b"), ("a%252Fb", "a%2Fb"), ("a+b", "a+b"), ("%C3%A9", "é"), ("%2e%2E", "..")],
)
def test_a_segment_is_decoded_once(segment: str, topic: str) -> None:
    assert parse_path(_FETCH, {"topic": segment, "partition": "0"}) == {"topic": topic, "partition": 0}


@pytest.mark.parametrize(
    ("topic", "partition", "pointer"),
    [
        ("t", "x", "?partition"),
        ("t", "-1", "?partition"),
        ("t", "2147483648", "?partition"),
        ("t", "", "?partition"),
        ("%ff", "0", "?topic"),
    ],
)
def test_a_faulty_segment_is_named_like_a_parameter(topic: str, partition: str, pointer: str) -> None:
    with pytest.raises(KafkaError) as refused:
        parse_path(_FETCH, {"topic": topic, "partition": partition})
    assert refused.value.code == "invalid_request"
    assert [fault["pointer"] for fault in refused.value.fields["errors"]] == [pointer]


@_many
@given(st.text(min_size=1), st.integers(0, 2**31 - 1))
def test_a_path_gives_back_what_it_was_made_of(topic: str, partition: int) -> None:
    values: Values = {"topic": topic, "partition": partition}
    path = format_path(_FETCH, values)
    assert path.isascii()
    assert find_route("GET", path).values == values


@_many
@given(
    st.integers(0, 2**53 - 1),
    st.integers(1, 100_000),
    st.integers(1, 2**53 - 1),
    st.sampled_from(["auto", "json", "string", "base64"]),
)
def test_a_query_gives_back_what_it_was_made_of(offset: int, max_records: int, max_bytes: int, encoding: str) -> None:
    values: Values = {"offset": offset, "max_records": max_records, "max_bytes": max_bytes, "encoding": encoding}
    defaults = {"min_bytes": 1, "max_wait_ms": 500, "heartbeat_ms": 15_000}
    assert parse_query(_FETCH, format_query(_FETCH, {**values, **defaults})) == {**values, **defaults}


def test_a_query_leaves_out_what_is_the_default() -> None:
    assert (
        format_query(_FETCH, {"offset": 0, "max_records": 500, "max_bytes": 5, "encoding": "auto"})
        == "offset=0&max_bytes=5"
    )
