"""Expressions and functions of Python alike, as what operators call.

A function of Python gets the record, or the values that the expression would know by their names.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from kafka_do.streams.evaluating import ExpressionError, boolean, is_number
from kafka_do.streams.expressions import Scope, compile_expression
from kafka_do.streams.record import StreamRecord

__all__ = [
    "condition_of_pair",
    "condition_of_record",
    "key_of",
    "key_of_item",
    "of_item",
    "of_pair",
    "of_record",
    "of_record_and_aggregate",
    "of_value_and_aggregate",
    "value_of_join",
]


def of_record(formula: Any) -> Callable[[StreamRecord], Any]:
    """Return a function of a record."""
    return formula if callable(formula) else compile_expression(formula)


def condition_of_record(formula: Any) -> Callable[[StreamRecord], bool]:
    """Return a condition on a record; only a boolean is an answer. (OPERATOR-001)"""
    judge = of_record(formula)
    return lambda record: boolean("where", judge(record))


def key_of(formula: Any) -> Callable[[StreamRecord], str | None]:
    """Return what makes a key of a record. (OPERATOR-003)"""
    make = of_record(formula)
    return lambda record: key_text(make(record))


def of_item(formula: Any) -> Callable[[StreamRecord, Any], Any]:
    """Return a function of a record and of one of the items that it is taken apart into."""
    if callable(formula):
        return formula  # type: ignore[no-any-return]
    make = compile_expression(formula)
    return lambda record, item: make(_scope_of(record, item=item))


def key_of_item(formula: Any) -> Callable[[StreamRecord, Any], str | None]:
    """Return what makes a key of a record and an item."""
    make = of_item(formula)
    return lambda record, item: key_text(make(record, item))


def of_record_and_aggregate(formula: Any) -> Callable[[Any, StreamRecord], Any]:
    """Return a function of the aggregate so far and a record."""
    if callable(formula):
        return formula  # type: ignore[no-any-return]
    make = compile_expression(formula)
    return lambda so_far, record: make(_scope_of(record, aggregate=so_far))


def of_value_and_aggregate(formula: Any) -> Callable[[Any, Any], Any]:
    """Return a function of the aggregate so far and a value."""
    if callable(formula):
        return formula  # type: ignore[no-any-return]
    make = compile_expression(formula)
    return lambda so_far, value: make(Scope(aggregate=so_far, value=value))


def of_pair(formula: Any) -> Callable[[Any, Any], Any]:
    """Return a function of a left and a right value."""
    if callable(formula):
        return formula  # type: ignore[no-any-return]
    make = compile_expression(formula)
    return lambda left, right: make(Scope(left=left, right=right))


def condition_of_pair(formula: Any) -> Callable[[Any, Any], bool]:
    """Return a condition on a left and a right value. (JOIN-010)"""
    judge = of_pair(formula)
    return lambda left, right: boolean("where", judge(left, right))


def value_of_join(formula: Any) -> Callable[[str | None, Any, Any], Any]:
    """Return what makes the value of a joined record of its key and both values. (JOIN-002)"""
    if formula is UNSET:
        return lambda _, left, right: {"left": left, "right": right}
    if callable(formula):
        return lambda _, left, right: formula(left, right)
    make = compile_expression(formula)
    return lambda key, left, right: make(Scope(key=key, left=left, right=right))


def key_text(value: Any) -> str | None:
    """Return a value as a key: a string, an integer in digits, or none. (OPERATOR-003)"""
    if value is None or isinstance(value, str):
        return value
    if is_number(value) and value == int(value):
        return str(int(value))
    raise ExpressionError(f"a key is a string, an integer or null, not {value!r}")


def _scope_of(record: StreamRecord, **besides: Any) -> Scope:
    names: Mapping[str, Any] = besides
    return Scope(record.key, record.value, record.timestamp_ms, record.topic, record.window, **names)
