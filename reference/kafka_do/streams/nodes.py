"""The operators of a pipeline, as data: one class for each, with the members that topology.schema.json gives it.

Where an expression may stand, a pipeline that was built in Python may have a function instead.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from kafka_do.streams.windows import WindowKind, Within

__all__ = [
    "Aggregate",
    "Branch",
    "Branches",
    "Count",
    "Filter",
    "FlatMap",
    "GroupBy",
    "Grouping",
    "Join",
    "JoinTable",
    "Map",
    "Merge",
    "Node",
    "Reduce",
    "Results",
    "Source",
    "Table",
    "Through",
    "To",
]

Name = Annotated[str, Meta(pattern="^[A-Za-z0-9._-]{1,100}$")]
TopicName = Annotated[str, Meta(pattern="^[A-Za-z0-9._-]{1,249}$")]
TwoInputs = Annotated[tuple[Name, ...], Meta(min_length=2, max_length=2)]
Emission = Literal["updates", "final"]
Formula = Any


class _Node(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, tag_field="operator"
):
    node: Name


class _OfOne(_Node, frozen=True, kw_only=True):
    inputs: Name = field(name="from")


class Source(_Node, frozen=True, kw_only=True, tag="source"):
    """The records of a topic."""

    topic: TopicName


class Table(_Node, frozen=True, kw_only=True, tag="table"):
    """A topic as a table. (JOIN-011)"""

    topic: TopicName


class Filter(_OfOne, frozen=True, kw_only=True, tag="filter"):
    """The records for which `where` is true. (OPERATOR-001)"""

    where: Formula


class Map(_OfOne, frozen=True, kw_only=True, tag="map"):
    """Each record with another key, value or both. (OPERATOR-002)"""

    key: Formula | UnsetType = UNSET
    value: Formula | UnsetType = UNSET


class FlatMap(_OfOne, frozen=True, kw_only=True, tag="flat_map"):
    """A record for each item of an array. (OPERATOR-004)"""

    each: Formula
    key: Formula | UnsetType = UNSET
    value: Formula | UnsetType = UNSET


class GroupBy(_OfOne, frozen=True, kw_only=True, tag="group_by"):
    """The records by a key. (OPERATOR-005)"""

    key: Formula | UnsetType = UNSET


class Grouping(_OfOne, frozen=True, kw_only=True):
    """What becomes of a group, or of each of its windows."""

    window: WindowKind | UnsetType = UNSET
    emit: Emission | UnsetType = UNSET


class Count(Grouping, frozen=True, kw_only=True, tag="count"):
    """How many records there are. (AGGREGATE-003)"""


class Reduce(Grouping, frozen=True, kw_only=True, tag="reduce"):
    """Values folded into the first. (AGGREGATE-004)"""

    fold: Formula = field(name="with")


class Aggregate(Grouping, frozen=True, kw_only=True, tag="aggregate"):
    """Records folded into an initial value. (AGGREGATE-005)"""

    initial: Any
    fold: Formula = field(name="with")
    merge: Formula | UnsetType = UNSET


class Join(_Node, frozen=True, kw_only=True, tag="join"):
    """Pairs of records of two streams. (JOIN-001)"""

    inputs: TwoInputs = field(name="from")
    type: Literal["inner", "left", "outer"]
    within: Within
    on: dict[str, Formula] | UnsetType = UNSET
    value: Formula | UnsetType = UNSET


class JoinTable(_Node, frozen=True, kw_only=True, tag="join_table"):
    """Records of a stream with what a table has for their keys. (JOIN-011)"""

    inputs: TwoInputs = field(name="from")
    type: Literal["inner", "left"]
    key: Formula | UnsetType = UNSET
    value: Formula | UnsetType = UNSET


class Branch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way that records can go; without `where` it takes every record."""

    name: Name = field(name="as")
    where: Formula | UnsetType = UNSET


class Branches(_OfOne, frozen=True, kw_only=True, tag="branch"):
    """Each record to the first branch that takes it. (OPERATOR-006)"""

    branches: Annotated[tuple[Branch, ...], Meta(min_length=1, max_length=1000)]


class Merge(_Node, frozen=True, kw_only=True, tag="merge"):
    """The records of several streams. (OPERATOR-007)"""

    inputs: Annotated[tuple[Name, ...], Meta(min_length=2, max_length=1000)] = field(name="from")


class Through(_OfOne, frozen=True, kw_only=True, tag="through"):
    """Records are written to a topic and go on. (OPERATOR-008)"""

    topic: TopicName


class To(_OfOne, frozen=True, kw_only=True, tag="to"):
    """Records are written to a topic. (OPERATOR-008)"""

    topic: TopicName


class Results(_OfOne, frozen=True, kw_only=True, tag="results"):
    """Records are handed to the program. (OPERATOR-008)"""


Node = (
    Source
    | Table
    | Filter
    | Map
    | FlatMap
    | GroupBy
    | Count
    | Reduce
    | Aggregate
    | Join
    | JoinTable
    | Branches
    | Merge
    | Through
    | To
    | Results
)
