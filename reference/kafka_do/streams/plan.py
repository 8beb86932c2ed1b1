"""How a topology runs on partitions: what has to be moved to the partition of its key, and what belongs together.

A stateful operator sees one partition of each of its sources, so all records of a key have to be there. Where an
operator has given records other keys they go through an internal topic first. (RUN-012 to RUN-015)
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from kafka_do.streams import nodes
from kafka_do.streams.nodes import Node
from kafka_do.streams.topology import Topology, inputs_of

__all__ = ["PartitioningError", "Plan", "Unit", "plan_of", "sources_of"]

_STATEFUL = (nodes.Count, nodes.Reduce, nodes.Aggregate, nodes.Join, nodes.JoinTable)


class PartitioningError(ValueError):
    """Topics that an operator takes together do not have the same number of partitions. (RUN-014)"""


class Unit(NamedTuple):
    """Sources whose records meet: partition n of each of them is one task, with its own state in `stores`."""

    topics: tuple[str, ...]
    partitions: int
    stores: tuple[str, ...]


class Plan(NamedTuple):
    """A topology as it runs: `internal` are the topics that it needs besides, each with its number of partitions.

    `named` has for a node that was put in the one that the user knows.
    """

    topology: Topology
    units: tuple[Unit, ...]
    internal: Mapping[str, int]
    named: Mapping[str, str]


def plan_of(topology: Topology, *, group: str, counts: Mapping[str, int]) -> Plan:
    """Return how a topology runs in a group; `counts` has the number of partitions of each topic that it reads.

    Raises PartitioningError.
    """
    planning = _Planning(group, counts)
    for node in topology.nodes:
        planning.add(node)
    return planning.plan()


def sources_of(topology: Topology) -> tuple[str, ...]:
    """Return the topics that a topology reads, in its order."""
    return tuple(node.topic for node in topology.nodes if isinstance(node, nodes.Source | nodes.Table))


class _Flow(NamedTuple):
    """The records that a node gives: from which topics, and whether they may lie apart from others of their key."""

    node: str
    topics: tuple[str, ...]
    is_rekeyed: bool = False


class _Planning:
    """A plan in the making; nodes are added in their order, each behind those from which it takes."""

    def __init__(self, group: str, counts: Mapping[str, int]) -> None:
        self._group = group
        self._counts = dict(counts)
        self._nodes: list[Node] = []
        self._flows: dict[str, _Flow] = {}
        self._internal: dict[str, int] = {}
        self._named: dict[str, str] = {}
        self._together: dict[str, str] = {}
        self._stores: dict[str, list[str]] = {}

    def plan(self) -> Plan:
        """Return what was planned."""
        units: dict[str, list[str]] = {}
        for topic in self._together:
            units.setdefault(self._root(topic), []).append(topic)
        return Plan(
            Topology(1, tuple(self._nodes)),
            tuple(
                Unit(
                    tuple(topics),
                    self._counts[topics[0]],
                    tuple(name for topic in topics for name in self._stores.get(topic, ())),
                )
                for topics in units.values()
            ),
            self._internal,
            self._named,
        )

    def add(self, node: Node) -> None:
        """Add a node, with what has to be put before it."""
        flows = [self._flows[name] for name in inputs_of(node)]
        match node:
            case nodes.Source() | nodes.Table():
                self._read(node)
            case nodes.GroupBy():
                self._group_by(node, flows[0])
            case nodes.Count() | nodes.Reduce() | nodes.Aggregate():
                self._keep(node, flows)
            case nodes.Join():
                self._join(node, *flows)
            case nodes.JoinTable():
                self._join_table(node, *flows)
            case _:
                has_keys = isinstance(node, nodes.Map | nodes.FlatMap) and node.key is not UNSET
                self._pass(node, flows, is_rekeyed=has_keys or any(flow.is_rekeyed for flow in flows))

    def _read(self, node: nodes.Source | nodes.Table) -> None:
        self._nodes.append(node)
        self._together[node.topic] = node.topic
        self._flows[node.node] = _Flow(node.node, (node.topic,))

    def _pass(self, node: Node, flows: Sequence[_Flow], *, is_rekeyed: bool) -> None:
        self._nodes.append(_taking(node, flows))
        topics = tuple(dict.fromkeys(topic for flow in flows for topic in flow.topics))
        self._flows[node.node] = _Flow(node.node, topics, is_rekeyed)
        for branch in node.branches if isinstance(node, nodes.Branches) else ():
            self._flows[branch.name] = _Flow(branch.name, topics, is_rekeyed)

    def _group_by(self, node: nodes.GroupBy, flow: _Flow) -> None:
        count = max(self._counts_of(flow))
        if count == 1 or (node.key is UNSET and not flow.is_rekeyed):
            self._pass(node, [flow], is_rekeyed=False)
        else:
            moved = self._move(node.node, node.node, node.key, flow, count)
            self._pass(msgspec.structs.replace(node, key=UNSET), [moved], is_rekeyed=False)

    def _join(self, node: nodes.Join, left: _Flow, right: _Flow) -> None:
        on: Mapping[str, Any] = {} if node.on is UNSET else node.on
        if "where" in on:
            sides = [self._to_one(node, side, flow) for side, flow in (("left", left), ("right", right))]
            self._keep(node, sides, is_rekeyed=True)
            return
        keys = on.get("left_key", UNSET), on.get("right_key", UNSET)
        if self._counts_of(left) | self._counts_of(right) == {1}:
            self._keep(node, [left, right], is_rekeyed=False)
            return
        apart = [key is not UNSET or flow.is_rekeyed for key, flow in zip(keys, (left, right), strict=True)]
        fixed = [flow for flow, is_apart in zip((left, right), apart, strict=True) if not is_apart]
        count = max(n for flow in fixed or (left, right) for n in self._counts_of(flow))
        sides = [
            self._move(f"{node.node}-{side}", node.node, key, flow, count) if is_apart else flow
            for side, key, flow, is_apart in zip(("left", "right"), keys, (left, right), apart, strict=True)
        ]
        self._keep(msgspec.structs.replace(node, on=UNSET), sides)

    def _to_one(self, node: nodes.Join, side: str, flow: _Flow) -> _Flow:
        """Bring a side into one partition, where each record can meet each of the other side. (RUN-015)"""
        if self._counts_of(flow) == {1}:
            return flow
        return self._move(f"{node.node}-{side}", node.node, UNSET, flow, 1)

    def _join_table(self, node: nodes.JoinTable, stream: _Flow, table: _Flow) -> None:
        (count,) = self._counts_of(table)
        is_apart = stream.is_rekeyed or node.key is not UNSET
        if is_apart and not self._counts_of(stream) == {count} == {1}:
            moved = self._move(f"{node.node}-left", node.node, node.key, stream, count)
            node, stream = msgspec.structs.replace(node, key=UNSET), moved
        self._keep(node, [stream, table])

    def _keep(self, node: Node, flows: Sequence[_Flow], *, is_rekeyed: bool = False) -> None:
        """Add a node with state: all its sources are of one unit."""
        topics = list(dict.fromkeys(topic for flow in flows for topic in flow.topics))
        if len({self._counts[topic] for topic in topics}) > 1:
            told = ", ".join(f"{topic} has {_partitions(self._counts[topic])}" for topic in topics)
            raise PartitioningError(
                f"{node.node}: {told}; records of one key meet only where all have the same number. Give a topic more"
                " partitions, or give the records new keys with map or group_by, which moves them"
            )
        for topic in topics[1:]:
            self._together[self._root(topic)] = self._root(topics[0])
        self._stores.setdefault(topics[0], []).append(node.node)
        self._pass(node, flows, is_rekeyed=is_rekeyed)

    def _move(self, name: str, told: str, key: Any, flow: _Flow, count: int) -> _Flow:
        """Send the records of a flow through an internal topic, under the keys that they get. (RUN-012)"""
        topic = f"{self._group}-{name}-repartition"
        origin = flow.node
        if key is not UNSET:
            self._put(nodes.Map(node=f"{name}/key", inputs=origin, key=key), told)
            origin = f"{name}/key"
        self._put(nodes.To(node=f"{name}/to", inputs=origin, topic=topic), told)
        source = nodes.Source(node=f"{name}/source", topic=topic)
        self._internal[topic] = self._counts[topic] = count
        self._named[source.node] = told
        self._read(source)
        return self._flows[source.node]

    def _put(self, node: Node, told: str) -> None:
        self._named[node.node] = told
        self._nodes.append(node)

    def _counts_of(self, flow: _Flow) -> set[int]:
        return {self._counts[topic] for topic in flow.topics}

    def _root(self, topic: str) -> str:
        while self._together[topic] != topic:
            topic = self._together[topic]
        return topic


def _taking(node: Node, flows: Iterable[_Flow]) -> Node:
    """Return a node that takes its records from these."""
    names = tuple(flow.node for flow in flows)
    if inputs_of(node) == names:
        return node
    inputs = names[0] if isinstance(getattr(node, "inputs"), str) else names  # noqa: B009
    return msgspec.structs.replace(node, inputs=inputs)


def _partitions(count: int) -> str:
    return f"{count} partition" if count == 1 else f"{count} partitions"
