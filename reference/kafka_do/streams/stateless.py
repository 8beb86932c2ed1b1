"""Operators that look at one record and remember nothing. (OPERATOR-001 to OPERATOR-007)

Each is a function of a record that hands on what it makes of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import UNSET

from kafka_do.streams import nodes
from kafka_do.streams.evaluating import ExpressionError
from kafka_do.streams.formulas import condition_of_record, key_of, key_of_item, of_item, of_record
from kafka_do.streams.record import StreamRecord

__all__ = ["Receive", "branches", "filtering", "flat_mapping", "grouping", "mapping", "rekeying", "to_all"]

Receive = Callable[[StreamRecord], None]


def to_all(receivers: Sequence[Receive]) -> Receive:
    """Return what hands a record to several operators, in the order of their nodes. (PROC-004)"""
    if len(receivers) == 1:
        return receivers[0]

    def forward(record: StreamRecord) -> None:
        for receive in receivers:
            receive(record)

    return forward


def filtering(node: nodes.Filter, forward: Receive) -> Receive:
    """Return `filter`. (OPERATOR-001)"""
    passes = condition_of_record(node.where)

    def receive(record: StreamRecord) -> None:
        if passes(record):
            forward(record)

    return receive


def mapping(node: nodes.Map, forward: Receive) -> Receive:
    """Return `map`. (OPERATOR-002)"""
    make_key = _key_of if node.key is UNSET else key_of(node.key)
    make_value = _value_of if node.value is UNSET else of_record(node.value)

    def receive(record: StreamRecord) -> None:
        forward(_changed(record, make_key(record), make_value(record)))

    return receive


def flat_mapping(node: nodes.FlatMap, forward: Receive) -> Receive:
    """Return `flat_map`. (OPERATOR-004)"""
    each = of_record(node.each)
    make_key = None if node.key is UNSET else key_of_item(node.key)
    make_value = None if node.value is UNSET else of_item(node.value)

    def receive(record: StreamRecord) -> None:
        items = each(record)
        if items is None:
            return
        if not isinstance(items, list | tuple):
            raise ExpressionError(f"each: {items!r} is neither an array nor null")
        made = [
            (
                make_key(record, item) if make_key else record.key,
                make_value(record, item) if make_value else item,
            )
            for item in items
        ]
        for key, value in made:
            forward(_changed(record, key, value))

    return receive


def grouping(node: nodes.GroupBy, forward: Receive) -> Receive:
    """Return `group_by`. (OPERATOR-005)"""
    return forward if node.key is UNSET else rekeying(node.key, forward)


def rekeying(formula: Any, forward: Receive) -> Receive:
    """Return what gives each record another key."""
    make_key = key_of(formula)

    def receive(record: StreamRecord) -> None:
        forward(_changed(record, make_key(record), record.value))

    return receive


def branches(conditions: Sequence[Any], forwards: Sequence[Receive]) -> Receive:
    """Return `branch`: the first condition that holds decides, and those behind it are not asked. (OPERATOR-006)"""
    ways = [
        (None if condition is UNSET else condition_of_record(condition), forward)
        for condition, forward in zip(conditions, forwards, strict=True)
    ]

    def receive(record: StreamRecord) -> None:
        for takes, forward in ways:
            if takes is None or takes(record):
                forward(record)
                return

    return receive


def _changed(record: StreamRecord, key: str | None, value: Any) -> StreamRecord:
    """Return a record with the time and headers of another; a window belongs to its key, and goes with it."""
    window = record.window if key == record.key else None
    return StreamRecord(key, value, record.timestamp_ms, window, record.topic, record.headers)


def _key_of(record: StreamRecord) -> str | None:
    return record.key


def _value_of(record: StreamRecord) -> Any:
    return record.value
