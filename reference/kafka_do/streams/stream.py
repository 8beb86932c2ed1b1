"""Pipelines built in Python: lazy and immutable. Every method returns another stream, and nothing runs.

Where an expression may stand, a function may too: of the record, or of the values that the expression would know by
their names. A pipeline with functions runs, but cannot be told as data.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, Self, TypeVar

import msgspec
from msgspec import UNSET

from kafka_do.streams import nodes
from kafka_do.streams.expressions import Expression
from kafka_do.streams.nodes import Node
from kafka_do.streams.topology import Topology, check_topology
from kafka_do.streams.windows import WindowKind, Within

__all__ = ["GroupedStream", "Origin", "Pipeline", "Stream", "Table", "WindowedStream"]

Formula = Expression | Callable[..., Any] | str | int | float | bool | None
Emission = Literal["updates", "final"]


class Origin(msgspec.Struct, frozen=True, eq=False):
    """A node whose name and inputs are not settled yet: those come from where it stands in the whole."""

    node: Node
    inputs: "tuple[Origin, ...]" = ()
    branch: str | None = None


class Pipeline:
    """A pipeline with its ends: what `to` and `results` return."""

    def __init__(self, ends: Sequence[Origin]) -> None:
        self._ends = tuple(ends)

    def __or__(self, other: "Pipeline") -> Self:
        """Return a pipeline with the ends of both."""
        return self._with([*self._ends, *other._ends])

    def _with(self, ends: Sequence[Origin]) -> Self:
        """Return a pipeline like this one with other ends."""
        return type(self)(ends)

    def topology(self) -> Topology:
        """Return the whole as a topology; raises TopologyError where it cannot run. (PROC-003)"""
        made = Topology(1, tuple(_Numbering().nodes_of(self._ends)))
        check_topology(made)
        return made


P = TypeVar("P", bound=Pipeline)
"""What `to` and `results` return: a client's streams end in pipelines that the client can run."""


class _Numbering:
    """Names for nodes, each behind those from which it takes; what several take from is there once."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._nodes: list[Node] = []
        self._taken: set[str] = set()

    def nodes_of(self, ends: Sequence[Origin]) -> list[Node]:
        for end in ends:
            self._name_of(end)
        return self._nodes

    def _name_of(self, origin: Origin) -> str:
        if origin.branch is not None:
            self._name_of(origin.inputs[0])
            return f"{self._names[id(origin.inputs[0])]}-{origin.branch}"
        if id(origin) not in self._names:
            inputs = [self._name_of(one) for one in origin.inputs]
            self._names[id(origin)] = name = self._fresh(origin.node)
            self._nodes.append(_named(origin.node, name, inputs))
        return self._names[id(origin)]

    def _fresh(self, node: Node) -> str:
        """Return a name that says what the node is: its topic, or its operator and a number."""
        base = getattr(node, "topic", None) if isinstance(node, nodes.Source | nodes.Table) else None
        operator = str(node.__struct_config__.tag)
        name = base or operator
        number = 1
        while name in self._taken:
            number += 1
            name = f"{base or operator}-{number}"
        self._taken.add(name)
        return name


def _named(node: Node, name: str, inputs: Sequence[str]) -> Node:
    changes: dict[str, Any] = {"node": name}
    if inputs:
        changes["inputs"] = inputs[0] if isinstance(getattr(node, "inputs", None), str) else tuple(inputs)
    if isinstance(node, nodes.Branches):
        changes["branches"] = tuple(
            nodes.Branch(name=f"{name}-{branch.name}", where=branch.where) for branch in node.branches
        )
    return msgspec.structs.replace(node, **changes)


class Stream(Generic[P]):
    """The records of a topic, and what becomes of them."""

    _end: Callable[[Sequence[Origin]], P]

    def __init__(self: "Stream[Pipeline]", topic: str) -> None:
        self.origin = Origin(nodes.Source(node="", topic=topic))
        self._end = Pipeline

    @classmethod
    def ending(cls, topic: str, end: Callable[[Sequence[Origin]], P]) -> "Stream[P]":
        """Return the records of a topic, with pipelines that `end` makes."""
        return Stream.of(Origin(nodes.Source(node="", topic=topic)), end)

    def filter(self, where: Formula) -> "Stream[P]":
        """Return the records for which `where` is true. (OPERATOR-001)"""
        return self._then(nodes.Filter(node="", inputs="", where=_formula(where)))

    def map(self, value: Any = UNSET, *, key: Any = UNSET) -> "Stream[P]":
        """Return each record with another value, another key or both. (OPERATOR-002)"""
        return self._then(nodes.Map(node="", inputs="", key=_formula(key), value=_formula(value)))

    def flat_map(self, each: Formula, *, key: Any = UNSET, value: Any = UNSET) -> "Stream[P]":
        """Return a record for each item of an array. (OPERATOR-004)"""
        return self._then(
            nodes.FlatMap(node="", inputs="", each=_formula(each), key=_formula(key), value=_formula(value))
        )

    def group_by(self, key: Any = UNSET) -> "GroupedStream[P]":
        """Return the records by a key, without one by their own. (OPERATOR-005)"""
        return GroupedStream(_after(self.origin, nodes.GroupBy(node="", inputs="", key=_formula(key))), self._end)

    def window(self, window: WindowKind) -> "WindowedStream[P]":
        """Return the records in windows; `group_by` says of what. It is the same as windows of each group."""
        return WindowedStream(self, window)

    def join(
        self,
        other: "Stream[Any]",
        *,
        within: Within,
        on: Any = UNSET,
        type: Literal["inner", "left", "outer"] = "inner",  # noqa: A002  the word of the topology
        value: Any = UNSET,
    ) -> "Stream[P]":
        """Return pairs of records whose times are close. (JOIN-001)

        `on` is a pair of keys, (left, right), or a condition on both values; without it the records' keys agree.
        `value` makes the value of a pair; without it, it has `left` and `right`.
        """
        node = nodes.Join(node="", inputs=("", ""), type=type, within=within, on=_on(on), value=_formula(value))
        return self._of(Origin(node, (self.origin, other.origin)))

    def join_table(
        self,
        table: "Table",
        *,
        key: Any = UNSET,
        type: Literal["inner", "left"] = "inner",  # noqa: A002  the word of the topology
        value: Any = UNSET,
    ) -> "Stream[P]":
        """Return each record with what a table has for its key. (JOIN-011)"""
        node = nodes.JoinTable(node="", inputs=("", ""), type=type, key=_formula(key), value=_formula(value))
        return self._of(Origin(node, (self.origin, table.origin)))

    def branch(self, **conditions: Any) -> "Mapping[str, Stream[P]]":
        """Return a stream for each condition; a record goes to the first that it fulfils. (OPERATOR-006)

        True takes what the others leave, and has to be the last.
        """
        ways = tuple(
            nodes.Branch(name=name, where=UNSET if condition is True else _formula(condition))
            for name, condition in conditions.items()
        )
        origin = _after(self.origin, nodes.Branches(node="", inputs="", branches=ways))
        return {way.name: self._of(Origin(origin.node, (origin,), branch=way.name)) for way in ways}

    def merge(self, *others: "Stream[Any]") -> "Stream[P]":
        """Return the records of this and other streams. (OPERATOR-007)"""
        streams = (self, *others)
        node = nodes.Merge(node="", inputs=("",) * len(streams))
        return self._of(Origin(node, tuple(stream.origin for stream in streams)))

    def through(self, topic: str) -> "Stream[P]":
        """Return the records, which are written to a topic as well. (OPERATOR-008)"""
        return self._then(nodes.Through(node="", inputs="", topic=topic))

    def to(self, topic: str) -> P:
        """End in a topic. (OPERATOR-008)"""
        return self._end([_after(self.origin, nodes.To(node="", inputs="", topic=topic))])

    def results(self) -> P:
        """End in the program that runs it. (OPERATOR-008)"""
        return self._end([_after(self.origin, nodes.Results(node="", inputs=""))])

    @staticmethod
    def of(origin: Origin, end: Callable[[Sequence[Origin]], P]) -> "Stream[P]":
        """Return the stream with an origin, and with pipelines that `end` makes."""
        made: Stream[P] = Stream.__new__(Stream)
        made.origin = origin
        made._end = end
        return made

    def _of(self, origin: Origin) -> "Stream[P]":
        return Stream.of(origin, self._end)

    def _then(self, node: Node) -> "Stream[P]":
        return self._of(_after(self.origin, node))


class Table:
    """A topic as a table: the latest value of each key. (JOIN-011)"""

    def __init__(self, topic: str) -> None:
        self.origin = Origin(nodes.Table(node="", topic=topic))


class WindowedStream(Generic[P]):
    """Records in windows, before it is said of which groups."""

    def __init__(self, stream: Stream[P], window: WindowKind) -> None:
        self._stream = stream
        self._window = window

    def group_by(self, key: Any = UNSET) -> "GroupedStream[P]":
        """Return windows of each group."""
        return self._stream.group_by(key).window(self._window)


class GroupedStream(Generic[P]):
    """The records of each group, or of each window of a group."""

    def __init__(
        self,
        origin: Origin,
        end: Callable[[Sequence[Origin]], P],
        window: WindowKind | msgspec.UnsetType = UNSET,
    ) -> None:
        self.origin = origin
        self._end = end
        self._window = window

    def window(self, window: WindowKind) -> "GroupedStream[P]":
        """Return windows of each group."""
        return GroupedStream(self.origin, self._end, window)

    def count(self, *, emit: Any = UNSET) -> Stream[P]:
        """Return how many records there are. (AGGREGATE-003)"""
        return self._then(nodes.Count(node="", inputs="", window=self._window, emit=emit))

    def reduce(self, fold: Formula, *, emit: Any = UNSET) -> Stream[P]:
        """Return the values folded into the first. (AGGREGATE-004)

        A function gets the aggregate so far and the value.
        """
        return self._then(nodes.Reduce(node="", inputs="", fold=_formula(fold), window=self._window, emit=emit))

    def aggregate(self, initial: Any, fold: Formula, *, merge: Any = UNSET, emit: Any = UNSET) -> Stream[P]:
        """Return the records folded into an initial value; sessions need `merge` as well. (AGGREGATE-005)

        A function gets the aggregate so far and the record, one for `merge` both aggregates.
        """
        node = nodes.Aggregate(
            node="",
            inputs="",
            initial=initial,
            fold=_formula(fold),
            merge=_formula(merge),
            window=self._window,
            emit=emit,
        )
        return self._then(node)

    def _then(self, node: Node) -> Stream[P]:
        return Stream.of(_after(self.origin, node), self._end)


def _after(origin: Origin, node: Node) -> Origin:
    return Origin(node, (origin,))


def _formula(given: Any) -> Any:
    return given.document if isinstance(given, Expression) else given


def _on(given: Any) -> Any:
    if given is UNSET:
        return UNSET
    if isinstance(given, tuple):
        left, right = given
        return {"left_key": _formula(left), "right_key": _formula(right)}
    return {"where": _formula(given)}
