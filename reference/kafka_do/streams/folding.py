"""What an aggregation does with records, whatever its windows. (AGGREGATE-003 to AGGREGATE-006)"""

import copy
from collections.abc import Callable
from typing import Any

import msgspec

from kafka_do.streams import nodes
from kafka_do.streams.formulas import of_pair, of_record_and_aggregate, of_value_and_aggregate
from kafka_do.streams.record import StreamRecord

__all__ = ["Fold", "fold_of"]

_IMMUTABLE = (str, int, float, bool, type(None))


class Fold(msgspec.Struct, frozen=True):
    """The three steps. `takes_nulls`: a record without a value may count. (AGGREGATE-002)"""

    start: Callable[[StreamRecord], Any]
    add: Callable[[Any, StreamRecord], Any]
    merge: Callable[[Any, Any], Any]
    takes_nulls: bool


def fold_of(node: nodes.Grouping) -> Fold:
    """Return the steps of `count`, `reduce` or `aggregate`."""
    if isinstance(node, nodes.Reduce):
        reduce = of_value_and_aggregate(node.fold)
        return Fold(_value_of, lambda so_far, record: reduce(so_far, record.value), reduce, takes_nulls=False)
    if isinstance(node, nodes.Aggregate):
        add, initial = of_record_and_aggregate(node.fold), node.initial
        fresh = (lambda: initial) if isinstance(initial, _IMMUTABLE) else (lambda: copy.deepcopy(initial))
        merge = of_pair(node.merge) if callable(node.merge) or node.merge is not msgspec.UNSET else _no_merge
        return Fold(lambda record: add(fresh(), record), add, merge, takes_nulls=True)
    return Fold(_one, _one_more, _sum, takes_nulls=True)


def _value_of(record: StreamRecord) -> Any:
    return record.value


def _one(_: StreamRecord) -> int:
    return 1


def _one_more(so_far: int, _: StreamRecord) -> int:
    return so_far + 1


def _sum(one: int, other: int) -> int:
    return one + other


def _no_merge(_one: Any, _other: Any) -> Any:
    raise AssertionError("only sessions merge, and a topology of sessions without `merge` is refused")
