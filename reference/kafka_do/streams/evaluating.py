"""What the operations of expressions do with JSON values. (EXPR-001 to EXPR-005)

Each raises ExpressionError where its operands do not fit: no operation guesses.
"""

import math
from collections.abc import Sequence
from typing import Any

from kafka_do.spec import SPEC

__all__ = ["BINARY", "UNARY", "VARIADIC", "ExpressionError"]

_EXACT = SPEC.ranges["TimestampMs"][1]
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER = {upper: lower for lower, upper in _UPPER.items()}


class ExpressionError(Exception):
    """An operation got a value that it is not for. (EXPR-002)"""


def is_number(value: Any) -> bool:
    """Whether a value is a number; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON value; numbers by what they are worth, 1 and 1.0 alike. (EXPR-003)"""
    if is_number(one) and is_number(other):
        return bool(one == other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and bool(one == other)


def _compared(operation: str, one: Any, other: Any) -> tuple[Any, Any]:
    if (is_number(one) and is_number(other)) or (isinstance(one, str) and isinstance(other, str)):
        return one, other
    raise ExpressionError(f"{operation}: only two numbers or two strings have an order, not {one!r} and {other!r}")


def _less(one: Any, other: Any) -> bool:
    one, other = _compared("less", one, other)
    return bool(one < other)


def _at_most(one: Any, other: Any) -> bool:
    one, other = _compared("at_most", one, other)
    return bool(one <= other)


def _number(operation: str, value: Any) -> Any:
    if not is_number(value):
        raise ExpressionError(f"{operation}: {value!r} is no number")
    return value


def _result(operation: str, value: Any) -> Any:
    """Refuse what JSON cannot say, and integers that not every language can. (EXPR-005)"""
    if isinstance(value, int):
        if abs(value) > _EXACT:
            raise ExpressionError(f"{operation}: {value} is beyond {_EXACT}")
    elif not math.isfinite(value):
        raise ExpressionError(f"{operation}: the result is not finite")
    return value


def _add(one: Any, other: Any) -> Any:
    return _result("add", _number("add", one) + _number("add", other))


def _subtract(one: Any, other: Any) -> Any:
    return _result("subtract", _number("subtract", one) - _number("subtract", other))


def _multiply(one: Any, other: Any) -> Any:
    return _result("multiply", _number("multiply", one) * _number("multiply", other))


def _divide(one: Any, other: Any) -> Any:
    if _number("divide", other) == 0:
        raise ExpressionError("divide: by zero")
    return _result("divide", _number("divide", one) / other)


def _least(values: Sequence[Any]) -> Any:
    return min(_number("least", value) for value in values)


def _greatest(values: Sequence[Any]) -> Any:
    return max(_number("greatest", value) for value in values)


def _string(operation: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ExpressionError(f"{operation}: {value!r} is no string")
    return value


def _concat(values: Sequence[Any]) -> str:
    return "".join(_string("concat", value) for value in values)


def text(value: Any) -> str:
    """Return what a string, an integer, a boolean or null looks like as text."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if is_number(value) and math.isfinite(value) and value == int(value):
        return str(int(value))
    raise ExpressionError(f"text: {value!r} is neither string, integer, boolean nor null")


def _upper(value: Any) -> str:
    return _string("upper", value).translate(_UPPER)


def _lower(value: Any) -> str:
    return _string("lower", value).translate(_LOWER)


def _starts_with(value: Any, start: Any) -> bool:
    return _string("starts_with", value).startswith(_string("starts_with", start))


def _contains(value: Any, part: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(equal(item, part) for item in value)
    return _string("contains", part) in _string("contains", value)


def _split(value: Any, separator: Any) -> list[str]:
    if not _string("split", separator):
        raise ExpressionError("split: the separator is empty")
    return _string("split", value).split(separator)


def at(value: Any, place: Any) -> Any:
    """Return a member of an object or an item of an array, null where there is none. (EXPR-001)"""
    if isinstance(value, dict) and isinstance(place, str):
        return value.get(place)
    if isinstance(value, list | tuple) and is_number(place) and 0 <= place < len(value) and place == int(place):
        return value[int(place)]
    return None


def _length(value: Any) -> int:
    if isinstance(value, str | list | tuple):
        return len(value)
    raise ExpressionError(f"length: {value!r} is neither a string nor an array")


def boolean(operation: str, value: Any) -> bool:
    """Return a boolean; nothing else is taken for one. (EXPR-002)"""
    if not isinstance(value, bool):
        raise ExpressionError(f"{operation}: {value!r} is neither true nor false")
    return value


UNARY = {
    "not": lambda value: not boolean("not", value),
    "text": text,
    "upper": _upper,
    "lower": _lower,
    "length": _length,
}
BINARY = {
    "equal": equal,
    "not_equal": lambda one, other: not equal(one, other),
    "less": _less,
    "at_most": _at_most,
    "greater": lambda one, other: _less(other, one),
    "at_least": lambda one, other: _at_most(other, one),
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "starts_with": _starts_with,
    "contains": _contains,
    "split": _split,
    "at": at,
}
VARIADIC = {"least": _least, "greatest": _greatest, "concat": _concat}
