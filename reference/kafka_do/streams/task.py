"""A topology at work: records in, records out, and what was left out counted. (PROC-004 to PROC-007)

A task is what one partition of every source needs; it has its own state and its own times, and does no I/O.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from kafka_do.streams import nodes
from kafka_do.streams.folding import fold_of
from kafka_do.streams.formulas import condition_of_pair, value_of_join
from kafka_do.streams.grouping import GroupAggregation
from kafka_do.streams.joining import StreamJoin
from kafka_do.streams.lookup import TableJoin
from kafka_do.streams.nodes import Node
from kafka_do.streams.panes import PaneAggregation
from kafka_do.streams.record import StreamRecord
from kafka_do.streams.sessions import SessionAggregation
from kafka_do.streams.sliding import SlidingAggregation
from kafka_do.streams.stateless import (
    Receive,
    branches,
    filtering,
    flat_mapping,
    grouping,
    mapping,
    rekeying,
    to_all,
)
from kafka_do.streams.topology import Topology, inputs_of
from kafka_do.streams.windows import Hopping, Session, Sliding, Tumbling

if TYPE_CHECKING:
    from kafka_do.streams.keeping import Stateful

__all__ = ["LeftOut", "ProcessingError", "Task"]


class ProcessingError(Exception):
    """An expression or a function failed on a record, which `node` had been given. (PROC-007)"""

    def __init__(self, node: str, record: StreamRecord, cause: Exception) -> None:
        super().__init__(
            f"{node}: {type(cause).__name__}: {cause}; key {record.key!r}, timestamp_ms {record.timestamp_ms},"
            f" topic {record.topic!r}"
        )
        self.node = node
        self.record = record


class LeftOut(NamedTuple):
    """How many records an operator left out. (PROC-006)

    `late` are those that belong to a window which is closed, `ignored` those without a key or value that is needed.
    """

    late: int
    ignored: int


class Task:
    """Every operator of a topology, connected. `emit` gets a sink's topic, None for `results`, and the record."""

    def __init__(self, topology: Topology, emit: Callable[[str | None, StreamRecord], None]) -> None:
        self._emit = emit
        self.stores: dict[str, Stateful] = {}
        """The operators with a state, by the names of their nodes."""
        self._sources: dict[str, Receive] = {}
        self._connect(topology)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it reads."""
        return tuple(self._sources)

    def process(self, topic: str, record: StreamRecord) -> None:
        """Take one record of a topic through the whole pipeline.

        Raises ProcessingError where an expression or function fails; the state may have taken part of the record then.
        """
        self._sources[topic](record)

    def left_out(self) -> dict[str, LeftOut]:
        """Return what each operator with a state has left out so far. (PROC-006)"""
        return {name: LeftOut(one.late, one.ignored) for name, one in self.stores.items()}

    def _connect(self, topology: Topology) -> None:
        """Make the operators from the last to the first, so that each knows where to hand its records."""
        waiting: dict[str, list[Receive]] = {}
        for node in reversed(topology.nodes):
            forwards = [to_all(waiting.get(name, [])) for name in _names_of(node)]
            receivers = self._operator(node, forwards)
            for name, receive in reversed([*zip(inputs_of(node), receivers, strict=True)]):
                waiting.setdefault(name, []).insert(0, receive)

    def _operator(self, node: Node, forwards: Sequence[Receive]) -> list[Receive]:
        """Return what takes records for a node, one for each of its inputs."""
        forward, made = forwards[0], []
        match node:
            case nodes.Source() | nodes.Table():
                self._sources[node.topic] = forward
            case nodes.To():
                made = [self._writing(node.topic)]
            case nodes.Results():
                made = [self._writing(None)]
            case nodes.Through():
                made = [to_all([self._writing(node.topic), forward])]
            case nodes.Merge():
                made = [forward] * len(node.inputs)
            case nodes.Branches():
                made = [branches([branch.where for branch in node.branches], forwards[1:])]
            case nodes.Count() | nodes.Reduce() | nodes.Aggregate():
                made = [self._aggregation(node, forward)]
            case nodes.Join():
                made = self._join(node, forward)
            case nodes.JoinTable():
                made = self._join_table(node, forward)
            case _:
                made = [_STATELESS[type(node)](node, forward)]
        return [receive if receive is forward else _told(node, receive) for receive in made]

    def _aggregation(self, node: nodes.Grouping, forward: Receive) -> Receive:
        fold, final = fold_of(node), node.emit == "final"
        made: Any = None
        match node.window:
            case Tumbling() | Hopping():
                made = PaneAggregation(node.window, fold, forward, final=final)
            case Sliding():
                made = SlidingAggregation(node.window, fold, forward, final=final)
            case Session():
                made = SessionAggregation(node.window, fold, forward, final=final)
            case _:
                made = GroupAggregation(fold, forward)
        self.stores[node.node] = made
        receive: Receive = made
        return receive

    def _join(self, node: nodes.Join, forward: Receive) -> list[Receive]:
        value_of = value_of_join(node.value)
        on = {} if node.on is UNSET else node.on
        condition = condition_of_pair(on["where"]) if "where" in on else None
        made = StreamJoin(node.type, node.within, value_of, forward, condition)
        self.stores[node.node] = made
        if "left_key" not in on:
            return [made.left, made.right]
        return [rekeying(on["left_key"], made.left), rekeying(on["right_key"], made.right)]

    def _join_table(self, node: nodes.JoinTable, forward: Receive) -> list[Receive]:
        made = TableJoin(node.type, value_of_join(node.value), forward)
        self.stores[node.node] = made
        return [made.left if node.key is UNSET else rekeying(node.key, made.left), made.right]

    def _writing(self, topic: str | None) -> Receive:
        emit = self._emit
        return lambda record: emit(topic, record)


_STATELESS: Mapping[type, Callable[[Any, Receive], Receive]] = {
    nodes.Filter: filtering,
    nodes.Map: mapping,
    nodes.FlatMap: flat_mapping,
    nodes.GroupBy: grouping,
}


def _names_of(node: Node) -> list[str]:
    """Return the names under which others take a node's records."""
    return [node.node, *(branch.name for branch in node.branches)] if isinstance(node, nodes.Branches) else [node.node]


def _told(node: Node, receive: Receive) -> Receive:
    """Have a failure say at which node and by which record it came. (PROC-007)"""

    def receive_and_tell(record: StreamRecord) -> None:
        try:
            receive(record)
        except ProcessingError:
            raise
        except Exception as error:
            raise ProcessingError(node.node, record, error) from error

    return receive_and_tell
