"""What assignors give out, and to whom."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

__all__ = ["Assignment", "Partition", "Subscriber", "owned_partitions", "subscribers_by_topic"]


class Partition(NamedTuple):
    """A partition of a topic; `topic` is whatever tells topics apart, such as a topic id."""

    topic: str
    number: int


Assignment = dict[str, frozenset[Partition]]
"""The partitions of each member, by member id."""


class Subscriber(msgspec.Struct, frozen=True):
    """A member as an assignor sees it: the topics that it wants and the partitions that were assigned to it before."""

    member: str
    instance_id: str | None
    topics: frozenset[str]
    current: frozenset[Partition]


def subscribers_by_topic(members: Sequence[Subscriber], partition_counts: Mapping[str, int]) -> dict[str, list[int]]:
    """Return for each topic that has partitions the places of its subscribers in `members`, ascending."""
    if len({member.topics for member in members}) == 1:  # a list for each topic would cost members times topics
        everyone = list(range(len(members)))
        return {topic: everyone for topic in members[0].topics if partition_counts.get(topic)}
    found: dict[str, list[int]] = {}
    for place, member in enumerate(members):
        for topic in member.topics:
            found.setdefault(topic, []).append(place)
    return {topic: places for topic, places in found.items() if partition_counts.get(topic)}


def owned_partitions(members: Sequence[Subscriber], partition_counts: Mapping[str, int]) -> list[list[Partition]]:
    """Return for each member what it owned and may keep, in order.

    A partition that does not exist any more or whose topic the member left is not kept. One that several members own
    stays with the first of them.
    """
    taken: set[Partition] = set()
    owned = []
    for member in members:
        kept = sorted(
            partition
            for partition in member.current
            if partition.topic in member.topics
            and 0 <= partition.number < partition_counts.get(partition.topic, 0)
            and partition not in taken
        )
        taken.update(kept)
        owned.append(kept)
    return owned
