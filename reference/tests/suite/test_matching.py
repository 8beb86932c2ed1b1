"""Expectations of cases: what each form allows, what it does not, and how a mismatch is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_do_conformance.matching import example_of, is_matcher, mismatches
from kafka_do_conformance.verdict import Mismatch

_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex("[a-z]{0,3}", fullmatch=True), inner),
    max_leaves=8,
)


def _allows(expected: Any, seen: Any) -> bool:
    return not list(mismatches(expected, seen))


@given(_json_values)
def test_every_plain_value_allows_itself(value: Any) -> None:
    assert _allows(value, value)


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        (1, 2),
        (1, 1.0),
        (1.0, 1),
        (1, True),
        (True, 1),
        (0, False),
        (False, 0),
        (1, "1"),
        ("", None),
        (None, 0),
        (None, {}),
        ([], {}),
        ({}, []),
        ({}, None),
        ("a", ["a"]),
        ("a", "A"),
    ],
)
def test_a_plain_value_allows_nothing_else(expected: Any, seen: Any) -> None:
    assert not _allows(expected, seen)


def test_values_are_compared_as_strictly_inside_objects_and_arrays() -> None:
    assert not _allows({"a": [1]}, {"a": [True]})
    assert not _allows({"a": [1]}, {"a": [1.0]})
    assert not _allows([{"a": 0}], [{"a": False}])


def test_an_object_allows_further_members() -> None:
    assert _allows({"a": 1}, {"a": 1, "b": 2})
    assert _allows({}, {"b": 2})
    assert _allows({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}})


def test_an_object_misses_each_member_that_is_absent_or_different() -> None:
    assert list(mismatches({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4})) == [
        Mismatch("a", "1", "absent"),
        Mismatch("c", "3", "4"),
    ]


@pytest.mark.parametrize(("expected", "seen"), [([], [1]), ([1], [1, 2]), ([1, 2], [1]), ([1, 2], [2, 1])])
def test_an_array_allows_neither_more_nor_fewer_items_nor_another_order(expected: Any, seen: Any) -> None:
    assert not _allows(expected, seen)


def test_null_is_not_absent() -> None:
    assert list(mismatches({"a": None}, {})) == [Mismatch("a", "null", "absent")]


@pytest.mark.parametrize(
    ("kind", "allowed", "refused"),
    [
        ("integer", [0, -1, 2**63], [True, False, 1.0, "1", None, [], {}]),
        ("string", ["", "1"], [1, None, ["a"], {}]),
        ("boolean", [True, False], [0, 1, "true", None]),
        ("array", [[], [1]], [{}, "a", None]),
        ("object", [{}, {"a": 1}], [[], "a", None]),
    ],
)
def test_a_type_allows_its_values_only(kind: str, allowed: list[Any], refused: list[Any]) -> None:
    assert all(_allows({"$type": kind}, value) for value in allowed)
    assert not any(_allows({"$type": kind}, value) for value in refused)


def test_a_type_does_not_allow_an_absent_member() -> None:
    assert list(mismatches({"a": {"$type": "integer"}}, {})) == [Mismatch("a", "integer", "absent")]


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-20, 20))
def test_a_range_includes_both_ends(low: int, high: int, seen: int) -> None:
    assert _allows({"$type": "integer", "$min": low, "$max": high}, seen) == (low <= seen <= high)
    assert _allows({"$type": "integer", "$min": low}, seen) == (low <= seen)
    assert _allows({"$type": "integer", "$max": high}, seen) == (seen <= high)


def test_a_pattern_is_found_anywhere_in_a_text() -> None:
    assert _allows({"$type": "string", "$pattern": "b"}, "abc")
    assert not _allows({"$type": "string", "$pattern": "^b"}, "abc")
    assert not _allows({"$type": "string", "$pattern": "."}, "")
    assert not _allows({"$type": "string", "$pattern": "1"}, 1)


def test_contains_wants_each_item_somewhere() -> None:
    wanted = {"$contains": ["a", {"n": {"$type": "integer"}}]}
    assert _allows(wanted, [{"n": 3, "m": 4}, "b", "a"])
    assert not _allows(wanted, ["a"])
    assert not _allows(wanted, [{"n": "3"}, "a"])
    assert not _allows({"$contains": ["a"]}, "a")
    assert not _allows({"$contains": ["a"]}, {"a": 1})
    assert not _allows({"$contains": ["a"]}, None)
    assert not _allows({"$contains": [1]}, [True])


def test_one_of_allows_each_alternative_and_nothing_else() -> None:
    wanted = {"$one_of": [1, {"a": {"$type": "string"}}]}
    assert _allows(wanted, 1)
    assert _allows(wanted, {"a": "x", "b": 0})
    assert not _allows(wanted, True)
    assert not _allows(wanted, {"a": 1})
    assert not _allows({"$one_of": []}, None)


def test_absent_allows_no_member_not_even_null() -> None:
    assert _allows({"a": {"$absent": True}}, {"b": 1})
    assert list(mismatches({"a": {"$absent": True}}, {"a": None})) == [Mismatch("a", "absent", "null")]


def test_only_an_object_whose_members_all_begin_with_a_dollar_is_a_matcher() -> None:
    assert is_matcher({"$type": "integer"})
    assert not is_matcher({})
    assert not is_matcher({"$type": "integer", "a": 1})
    assert not is_matcher(["$type"])
    assert not is_matcher("$type")


@pytest.mark.parametrize(
    ("expected", "seen", "place"),
    [
        (1, 2, "body"),
        ({"$type": "integer"}, "x", "body"),
        ([1], [], "body"),
        ({"a": 1}, {"a": 2}, "a"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b"),
        ({"a": [0, {"b": {"$type": "string"}}]}, {"a": [0, {"b": 1}]}, "a[1].b"),
        ([[1, 2]], [[1, 3]], "[0][1]"),
    ],
)
def test_a_mismatch_names_its_place(expected: Any, seen: Any, place: str) -> None:
    (found,) = mismatches(expected, seen)
    assert found.place == place


def test_a_place_begins_where_it_is_told_to() -> None:
    (found,) = mismatches({"a": [1]}, {"a": [2]}, "report")
    assert found.place == "report.a[0]"


@pytest.mark.parametrize(
    ("expected", "allowed"),
    [
        ("ü", '"ü"'),
        ({"$type": "integer", "$min": 0, "$max": 9}, "integer from 0 to 9"),
        ({"$type": "string", "$pattern": "^a"}, "string like ^a"),
        ({"$contains": ["a"]}, 'an array with ["a"]'),
        ({"$one_of": [1, None]}, "1 or null"),
        ({"$absent": True}, "absent"),
    ],
)
def test_a_mismatch_says_what_is_allowed_and_what_was_seen(expected: Any, allowed: str) -> None:
    (found,) = mismatches({"a": expected}, {"a": [False]})
    assert (found.allowed, found.seen) == (allowed, "[false]")


@pytest.mark.parametrize(
    ("expected", "example"),
    [
        (1, 1),
        (None, None),
        ({"$type": "integer", "$example": 5}, 5),
        ({"$contains": ["a"], "$example": ["a", "b"]}, ["a", "b"]),
        ({"$one_of": ["a", "b"]}, "a"),
        ({"$one_of": ["a", "b"], "$example": "b"}, "b"),
        ({"a": {"$type": "string", "$example": ""}, "b": {"$absent": True}, "c": [1]}, {"a": "", "c": [1]}),
        ([{"$type": "boolean", "$example": False}, []], [False, []]),
        ({"$type": "integer", "$example": None}, None),
    ],
)
def test_the_example_of_an_expectation_is_what_the_suite_answers(expected: Any, example: Any) -> None:
    assert example_of(expected) == example


def test_a_matcher_without_an_example_cannot_be_answered() -> None:
    with pytest.raises(ValueError, match=r"\$example"):
        example_of({"a": [{"$type": "integer"}]})


@given(_json_values)
def test_an_expectation_allows_its_own_example(value: Any) -> None:
    expected = {"a": value, "b": {"$one_of": [value, 1]}, "c": {"$absent": True}, "d": [value]}
    assert _allows(expected, example_of(expected))
