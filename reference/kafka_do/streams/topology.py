"""A pipeline as data, read and written: `topology.schema.json`, and what it cannot say. (PROC-001 to PROC-003)"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from kafka_do.streams import nodes
from kafka_do.streams.expressions import PAIR, RECORD, Fault, expression_faults
from kafka_do.streams.nodes import Node
from kafka_do.streams.windows import Hopping, Session

__all__ = ["Topology", "TopologyError", "describe", "inputs_of", "read_topology"]

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`")
_STEP = re.compile(r"\.(?P<name>[a-z_]+)|\[(?P<index>[0-9]+)\]")
_MOST_NODES = 1000


class TopologyError(ValueError):
    """A document is no topology. `faults` has a (JSON pointer, what would be right) for each fault. (PROC-002)"""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{pointer or 'the document'}: {detail}" for pointer, detail in faults))
        self.faults = tuple(faults)


class Topology(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pipeline: its nodes, each behind those from which it takes records."""

    version: Literal[1]
    nodes: tuple[Node, ...]

    def document(self) -> dict[str, Any]:
        """Return the pipeline as data; raises TopologyError where it has a function of Python."""
        return describe(self)


def read_topology(document: Any) -> Topology:
    """Return the pipeline that a document describes; raises TopologyError. (PROC-001)"""
    try:
        topology = msgspec.convert(document, Topology)
    except msgspec.ValidationError as error:
        raise TopologyError([_form_fault(str(error))]) from None
    check_topology(topology)
    return topology


def describe(topology: Topology) -> dict[str, Any]:
    """Return a pipeline as data."""
    functions = [
        (f"{pointer}", "a function of Python, which no document can say; an expression is needed")
        for index, node in enumerate(topology.nodes)
        for pointer, formula, _ in formulas(node, f"/nodes/{index}")
        if callable(formula)
    ]
    if functions:
        raise TopologyError(functions)
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(topology))
    return document


def check_topology(topology: Topology) -> None:
    """Raise TopologyError for what a schema cannot say. (PROC-002, PROC-003)"""
    faults = [*_name_faults(topology), *_node_faults(topology)]
    if faults:
        raise TopologyError(faults)


def inputs_of(node: Node) -> tuple[str, ...]:
    """Return the names of the streams and tables that a node takes."""
    given = getattr(node, "inputs", ())
    return (given,) if isinstance(given, str) else tuple(given)


def _form_fault(message: str) -> Fault:
    """Return the pointer and the words of what msgspec says."""
    place = _PLACE.search(message)
    words = _PLACE.sub("", message)
    if place is None:
        return "", words
    steps = (step["name"] or step["index"] for step in _STEP.finditer(place["path"]))
    return "".join(f"/{step}" for step in steps), words


_KINDS = {nodes.Table: "table", nodes.GroupBy: "group", nodes.Branches: "branches"}
_SINKS = (nodes.To, nodes.Results)


def _name_faults(topology: Topology) -> Iterator[Fault]:
    """Yield names that stand twice, that are not known, or that mean something which an operator does not take."""
    if not 1 <= len(topology.nodes) <= _MOST_NODES:
        yield "/nodes", f"from 1 to {_MOST_NODES} nodes"
    known: dict[str, str] = {}
    reads: set[str] = set()
    results = 0
    for index, node in enumerate(topology.nodes):
        where = f"/nodes/{index}"
        yield from _input_faults(node, known, where)
        if node.node in known:
            yield f"{where}/node", f"{node.node!r} is the name of something else already"
        known[node.node] = "nothing" if isinstance(node, _SINKS) else _KINDS.get(type(node), "stream")
        if isinstance(node, nodes.Branches):
            for place, branch in enumerate(node.branches):
                if branch.name in known:
                    yield f"{where}/branches/{place}/as", f"{branch.name!r} is the name of something else already"
                known[branch.name] = "stream"
        if isinstance(node, nodes.Source | nodes.Table):
            if node.topic in reads:
                yield f"{where}/topic", f"{node.topic!r} is read by a node before; take that one's records"
            reads.add(node.topic)
        results += isinstance(node, nodes.Results)
        if results > 1:
            yield where, "one node hands records to the program"
            results = 1


def _input_faults(node: Node, known: Mapping[str, str], where: str) -> Iterator[Fault]:
    names = inputs_of(node)
    for place, name in enumerate(names):
        pointer = f"{where}/from" if isinstance(getattr(node, "inputs"), str) else f"{where}/from/{place}"  # noqa: B009
        wanted = _wanted(node, place)
        if name not in known:
            yield pointer, f"no node before this one is called {name!r}"
        elif known[name] != wanted:
            yield pointer, f"this takes a {wanted}; {name!r} is a {known[name]}"


def _wanted(node: Node, place: int) -> str:
    if isinstance(node, nodes.Grouping):
        return "group"
    return "table" if isinstance(node, nodes.JoinTable) and place == 1 else "stream"


def _node_faults(topology: Topology) -> Iterator[Fault]:
    for index, node in enumerate(topology.nodes):
        where = f"/nodes/{index}"
        if isinstance(node, nodes.Map) and node.key is UNSET and node.value is UNSET:
            yield where, "`key`, `value` or both"
        if isinstance(node, nodes.Grouping):
            yield from _grouping_faults(node, where)
        if isinstance(node, nodes.Branches):
            for place, branch in enumerate(node.branches[:-1]):
                if branch.where is UNSET:
                    yield f"{where}/branches/{place}", "only the last branch may have no `where`"
        if isinstance(node, nodes.Join):
            yield from _on_faults(node, where)
        for pointer, formula, names in formulas(node, where):
            if not callable(formula):
                yield from expression_faults(formula, names, pointer)


def _grouping_faults(node: nodes.Grouping, where: str) -> Iterator[Fault]:
    if node.emit is not UNSET and node.window is UNSET:
        yield f"{where}/emit", "only windows end, so without a `window` there is nothing to choose"
    if isinstance(node.window, Hopping) and node.window.advance_ms > node.window.size_ms:
        yield f"{where}/window/advance_ms", f"at most size_ms, which is {node.window.size_ms}"
    if isinstance(node, nodes.Aggregate) and (node.merge is UNSET) == isinstance(node.window, Session):
        yield f"{where}/merge", "sessions need it, because two can become one; nothing else has a use for it"


def _on_faults(node: nodes.Join, where: str) -> Iterator[Fault]:
    if node.on is not UNSET and set(node.on) not in ({"left_key", "right_key"}, {"where"}):
        yield f"{where}/on", "an object with `left_key` and `right_key`, or with `where`"


def formulas(node: Node, where: str) -> Iterator[tuple[str, Any, Sequence[str]]]:
    """Yield a node's expressions and functions, each with its pointer and the names that are known there."""
    for member, names in _FORMULAS.get(type(node), {}).items():
        attribute = "fold" if member == "with" else member
        if (formula := getattr(node, attribute)) is not UNSET:
            yield f"{where}/{member}", formula, names
    if isinstance(node, nodes.Branches):
        for place, branch in enumerate(node.branches):
            if branch.where is not UNSET:
                yield f"{where}/branches/{place}/where", branch.where, RECORD
    if isinstance(node, nodes.Join) and node.on is not UNSET:
        for member, formula in node.on.items():
            yield f"{where}/on/{member}", formula, PAIR if member == "where" else RECORD


_FORMULAS: dict[type, dict[str, Sequence[str]]] = {
    nodes.Filter: {"where": RECORD},
    nodes.Map: {"key": RECORD, "value": RECORD},
    nodes.FlatMap: {"each": RECORD, "key": (*RECORD, "item"), "value": (*RECORD, "item")},
    nodes.GroupBy: {"key": RECORD},
    nodes.Reduce: {"with": ("aggregate", "value")},
    nodes.Aggregate: {"with": ("aggregate", *RECORD), "merge": PAIR},
    nodes.Join: {"value": ("key", *PAIR)},
    nodes.JoinTable: {"key": RECORD, "value": ("key", *PAIR)},
}
