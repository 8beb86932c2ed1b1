"""What happened in a concurrent run, as those saw it who took part.

`start` and `end` are readings of one counter that all processes share: the first before a request was sent, the second
after its answer was read, or after it was given up. No two readings are the same. A request has its effect, if it has
one, between the two; one that may still have it later has the end `NEVER`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = [
    "NEVER",
    "Batch",
    "Beat",
    "Calm",
    "ClockMoved",
    "Committed",
    "Event",
    "History",
    "Left",
    "Outcome",
    "Partition",
    "Polled",
    "Produced",
    "Queried",
    "Reset",
    "Sought",
    "Told",
    "partition_text",
]

NEVER = sys.maxsize
Outcome = Literal["ok", "refused", "unknown"]


class Partition(NamedTuple):
    """A partition of one topic and no later one of the same name."""

    topic_id: str
    number: int


class Batch(NamedTuple):
    """What makes a request of an idempotent producer the same as another one, beside its partition."""

    producer: str
    epoch: int
    sequence: int


class Told(NamedTuple):
    """What an answer to a heartbeat tells. Within `session_ms` the server removes nobody for silence."""

    epoch: int
    assignment: frozenset[Partition]
    session_ms: int


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that a process did. A process does one thing after the other."""

    process: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Produced(Event):
    """One attempt to append records to a partition; `values` are nobody else's. Without `batch` it is the only one."""

    partition: Partition
    values: tuple[str, ...]
    outcome: Outcome
    offsets: tuple[int, ...] = ()
    batch: Batch | None = None
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Polled(Event):
    """Records read from `position` on; `group` is the one that the consumer reads for, if any."""

    partition: Partition
    position: int
    records: tuple[tuple[int, str], ...]
    next_offset: int
    log_start_offset: int = 0
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Sought(Event):
    """A consumer chose where to read on: where its group had committed, or (`back`) where its user wished."""

    partition: Partition
    position: int
    back: bool = False


@dataclass(frozen=True, kw_only=True)
class Beat(Event):
    """A heartbeat; `told` if the answer came and was a success."""

    group: str
    member: str
    epoch: int
    owned: frozenset[Partition]
    rebalance_ms: int
    outcome: Outcome
    told: Told | None = None
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Left(Event):
    """A member left, for good or (`temporary`) for a time."""

    group: str
    member: str
    outcome: Outcome
    temporary: bool = False


@dataclass(frozen=True, kw_only=True)
class Committed(Event):
    """A commit for one partition, by a member or, where `member` is empty, for a group without any."""

    group: str
    member: str
    epoch: int
    partition: Partition
    offset: int
    outcome: Outcome
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Queried(Event):
    """The committed offset that a group was told to have, None for none."""

    group: str
    partition: Partition
    offset: int | None


@dataclass(frozen=True, kw_only=True)
class Reset(Event):
    """A reset of a group's committed offset."""

    group: str
    partition: Partition
    offset: int
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class ClockMoved(Event):
    """The server's clock went on by so many milliseconds."""

    ms: int


@dataclass(frozen=True, kw_only=True)
class Calm(Event):
    """Since nothing had changed any more, each member has sent four heartbeats and owned what the answers assigned."""

    group: str
    members: tuple[str, ...]
    partitions: tuple[Partition, ...]


History = Sequence[Event]


def partition_text(partition: Partition) -> str:
    """Return a partition as people read it; the beginning of its topic's id tells enough."""
    return f"{partition.topic_id:.8}/{partition.number}"
