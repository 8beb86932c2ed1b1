"""Expressions: written in Python with operators, kept as data, compiled to functions of a scope.

    value["amount"] > 100          is  {"greater": [{"get": ["value", "amount"]}, 100]}

A scope is anything with an attribute for each name that an expression may use where it stands.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from kafka_do.streams.evaluating import BINARY, UNARY, VARIADIC, ExpressionError, at, boolean
from kafka_do.streams.record import Window

__all__ = [
    "PAIR",
    "RECORD",
    "Expression",
    "Scope",
    "aggregate",
    "compile_expression",
    "expression_faults",
    "item",
    "key",
    "left",
    "right",
    "timestamp_ms",
    "value",
    "window",
]

Scoped = Callable[[Any], Any]
Fault = tuple[str, str]

RECORD = ("key", "value", "timestamp_ms", "topic", "window")
PAIR = ("left", "right")
_NAMES = (*RECORD, "item", "aggregate", *PAIR)
_BUILT = ("get", "literal", "array", "object", "extend", "if", "coalesce", "and", "or")
_OPERATIONS = {*_BUILT, *UNARY, *BINARY, *VARIADIC}
_SCALARS = (str, int, float, bool, type(None))
_TWO, _THREE, _MOST, _LONGEST_PATH = 2, 3, 1000, 64


class Scope(msgspec.Struct, gc=False):
    """The names that expressions may use beside those of a record."""

    key: str | None = None
    value: Any = None
    timestamp_ms: int | None = None
    topic: str | None = None
    window: Window | None = None
    item: Any = None
    aggregate: Any = None
    left: Any = None
    right: Any = None


class Expression:
    """An expression under construction. Comparisons, `+ - * /`, `& | ~` and `[…]` make longer ones."""

    __slots__ = ("document",)
    __hash__ = None  # type: ignore[assignment]  # equality makes an expression and cannot tell two apart

    def __init__(self, document: Any) -> None:
        self.document = document

    def __bool__(self) -> bool:
        raise TypeError("an expression has no truth of its own; combine expressions with & | ~, not with and, or, not")

    def __getitem__(self, place: str | int) -> "Expression":
        match self.document:
            case {"get": [*path]}:
                return Expression({"get": [*path, place]})
            case _:
                return Expression({"at": [self.document, place]})

    def __iter__(self) -> Iterator["Expression"]:
        raise TypeError("an expression cannot be walked through; flat_map makes a record of each item")

    def __eq__(self, other: object) -> "Expression":  # type: ignore[override]
        return self._two("equal", other)

    def __ne__(self, other: object) -> "Expression":  # type: ignore[override]
        return self._two("not_equal", other)

    def __lt__(self, other: object) -> "Expression":
        return self._two("less", other)

    def __le__(self, other: object) -> "Expression":
        return self._two("at_most", other)

    def __gt__(self, other: object) -> "Expression":
        return self._two("greater", other)

    def __ge__(self, other: object) -> "Expression":
        return self._two("at_least", other)

    def __add__(self, other: object) -> "Expression":
        return self._two("add", other)

    def __sub__(self, other: object) -> "Expression":
        return self._two("subtract", other)

    def __mul__(self, other: object) -> "Expression":
        return self._two("multiply", other)

    def __truediv__(self, other: object) -> "Expression":
        return self._two("divide", other)

    def __and__(self, other: object) -> "Expression":
        return self._two("and", other)

    def __or__(self, other: object) -> "Expression":
        return self._two("or", other)

    def __invert__(self) -> "Expression":
        return Expression({"not": self.document})

    def __repr__(self) -> str:
        return f"Expression({self.document!r})"

    def extend(self, **members: object) -> "Expression":
        """Return the object with further members."""
        return Expression({"extend": [self.document, {name: document_of(value) for name, value in members.items()}]})

    def split(self, separator: object) -> "Expression":
        """Return the parts of a string."""
        return self._two("split", separator)

    def starts_with(self, start: object) -> "Expression":
        """Return whether a string begins so."""
        return self._two("starts_with", start)

    def contains(self, part: object) -> "Expression":
        """Return whether a string or an array has this in it."""
        return self._two("contains", part)

    def _two(self, operation: str, other: object) -> "Expression":
        return Expression({operation: [self.document, document_of(other)]})


def document_of(given: object) -> Any:
    """Return an expression as data: an Expression's own, a scalar as it is, anything else as a literal."""
    if isinstance(given, Expression):
        return given.document
    return given if isinstance(given, _SCALARS) else {"literal": given}


key = Expression({"get": ["key"]})
value = Expression({"get": ["value"]})
timestamp_ms = Expression({"get": ["timestamp_ms"]})
window = Expression({"get": ["window"]})
item = Expression({"get": ["item"]})
aggregate = Expression({"get": ["aggregate"]})
left = Expression({"get": ["left"]})
right = Expression({"get": ["right"]})


def expression_faults(document: Any, names: Sequence[str], pointer: str = "") -> Iterator[Fault]:
    """Yield what is no expression, each with its JSON pointer; `names` are those that are known here. (PROC-002)"""
    if isinstance(document, _SCALARS):
        return
    if not isinstance(document, dict) or len(document) != 1:
        yield pointer, "an expression is a string, a number, a boolean, null or an object with one operation"
        return
    [(operation, given)] = document.items()
    where = f"{pointer}/{_escaped(operation)}"
    if operation not in _OPERATIONS:
        yield where, f"there is no operation {operation!r}"
    elif operation == "get":
        yield from _get_faults(given, names, where)
    elif operation == "object":
        yield from _member_faults(given, names, where)
    elif operation == "extend":
        yield from _extend_faults(given, names, where)
    elif operation in UNARY:
        yield from expression_faults(given, names, where)
    elif operation != "literal":
        yield from _list_faults(operation, given, names, where)


def _get_faults(path: Any, names: Sequence[str], where: str) -> Iterator[Fault]:
    if not isinstance(path, list) or not 1 <= len(path) <= _LONGEST_PATH:
        yield where, "an array: a name, and then members and positions"
    elif path[0] not in _NAMES or path[0] not in names:
        yield f"{where}/0", f"one of {', '.join(names)}; {path[0]!r} is not known here"
    else:
        for index, step in enumerate(path[1:], start=1):
            fits = isinstance(step, str) or (isinstance(step, int) and not isinstance(step, bool) and step >= 0)
            if not fits:
                yield f"{where}/{index}", "the name of a member, or a position from 0"


def _list_faults(operation: str, given: Any, names: Sequence[str], where: str) -> Iterator[Fault]:
    least, most = (_TWO, _TWO) if operation in BINARY else (_THREE, _THREE) if operation == "if" else (1, _MOST)
    least = 0 if operation == "array" else least
    if not isinstance(given, list) or not least <= len(given) <= most:
        yield where, f"an array of {least if least == most else 'one or more'} expressions"
        return
    for index, one in enumerate(given):
        yield from expression_faults(one, names, f"{where}/{index}")


def _member_faults(given: Any, names: Sequence[str], where: str) -> Iterator[Fault]:
    if not isinstance(given, dict):
        yield where, "an object whose members are expressions"
        return
    for name, one in given.items():
        yield from expression_faults(one, names, f"{where}/{_escaped(name)}")


def _extend_faults(given: Any, names: Sequence[str], where: str) -> Iterator[Fault]:
    if not isinstance(given, list) or len(given) != _TWO:
        yield where, "an array of two: an expression, and an object whose members are expressions"
        return
    yield from expression_faults(given[0], names, f"{where}/0")
    yield from _member_faults(given[1], names, f"{where}/1")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def compile_expression(document: Any) -> Scoped:
    """Return a function of a scope for a document without faults."""
    if not isinstance(document, dict):
        return lambda _: document
    [(operation, given)] = document.items()
    if operation in _SPECIAL:
        return _SPECIAL[operation](given)
    if operation in UNARY:
        return _compile_unary(UNARY[operation], compile_expression(given))
    operands = [compile_expression(one) for one in given]
    if operation in BINARY:
        return _compile_binary(BINARY[operation], *operands)
    return _LAZY[operation](operands) if operation in _LAZY else _compile_variadic(VARIADIC[operation], operands)


def _compile_get(path: Sequence[str | int]) -> Scoped:
    root, *steps = path
    start: Scoped = _window_document if root == "window" else attrgetter(str(root))
    if not steps:
        return start
    if len(steps) == 1 and isinstance(name := steps[0], str):

        def get_member(scope: Any) -> Any:
            found = start(scope)
            return found.get(name) if isinstance(found, dict) else None

        return get_member

    def get(scope: Any) -> Any:
        found = start(scope)
        for step in steps:
            found = at(found, step)
        return found

    return get


def _window_document(scope: Any) -> Any:
    window: Window | None = scope.window
    return window and {"start_ms": window.start_ms, "end_ms": window.end_ms}


def _compile_literal(given: Any) -> Scoped:
    return lambda _: given


def _compile_object(members: Any) -> Scoped:
    compiled = [(name, compile_expression(one)) for name, one in members.items()]
    return lambda scope: {name: one(scope) for name, one in compiled}


def _compile_extend(given: Any) -> Scoped:
    base, members = compile_expression(given[0]), _compile_object(given[1])

    def extend(scope: Any) -> Any:
        found = base(scope)
        if not isinstance(found, dict):
            raise ExpressionError(f"extend: {found!r} is no object")
        return {**found, **members(scope)}

    return extend


def _compile_unary(apply: Callable[[Any], Any], operand: Scoped) -> Scoped:
    return lambda scope: apply(operand(scope))


def _compile_binary(apply: Callable[[Any, Any], Any], one: Scoped, other: Scoped) -> Scoped:
    return lambda scope: apply(one(scope), other(scope))


def _compile_variadic(apply: Callable[[Sequence[Any]], Any], operands: Sequence[Scoped]) -> Scoped:
    return lambda scope: apply([operand(scope) for operand in operands])


def _compile_if(operands: Sequence[Scoped]) -> Scoped:
    condition, yes, no = operands
    return lambda scope: yes(scope) if boolean("if", condition(scope)) else no(scope)


def _compile_coalesce(operands: Sequence[Scoped]) -> Scoped:
    return lambda scope: next((found for one in operands if (found := one(scope)) is not None), None)


def _compile_and(operands: Sequence[Scoped]) -> Scoped:
    return lambda scope: all(boolean("and", one(scope)) for one in operands)


def _compile_or(operands: Sequence[Scoped]) -> Scoped:
    return lambda scope: any(boolean("or", one(scope)) for one in operands)


def _compile_array(operands: Sequence[Scoped]) -> Scoped:
    return lambda scope: [one(scope) for one in operands]


_LAZY = {
    "if": _compile_if,
    "coalesce": _compile_coalesce,
    "and": _compile_and,
    "or": _compile_or,
    "array": _compile_array,
}
_SPECIAL = {
    "literal": _compile_literal,
    "get": _compile_get,
    "object": _compile_object,
    "extend": _compile_extend,
}
