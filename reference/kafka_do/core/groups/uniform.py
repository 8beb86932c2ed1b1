"""The assignor `uniform`: shares as equal as subscriptions allow, and few moves.

Where all who subscribe anything subscribe the same, shares differ by one partition at most, and no assignment with such
shares leaves more partitions with their owners: a member keeps what it owned up to its share, and the larger shares go
first to those who owned that much. Where subscriptions differ, `levelling` finds the shares.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from kafka_do.core.groups.levelling import level_shares
from kafka_do.core.groups.partitions import (
    Assignment,
    Partition,
    Subscriber,
    owned_partitions,
    subscribers_by_topic,
)

__all__ = ["assign_uniformly"]


def assign_uniformly(members: Sequence[Subscriber], partition_counts: Mapping[str, int]) -> Assignment:
    """Give each member its share: what it owned as far as the share goes, then what is free."""
    subscribers = dict(sorted(subscribers_by_topic(members, partition_counts).items()))
    shares = owned_partitions(members, partition_counts)
    everyone = max(subscribers.values(), key=len, default=[])
    if all(places == everyone for places in subscribers.values()):
        topics = {topic: partition_counts[topic] for topic in subscribers}
        _share_evenly(shares, everyone, topics)
    else:
        level_shares(shares, subscribers, partition_counts)
    return {member.member: frozenset(share) for member, share in zip(members, shares, strict=True)}


def _share_evenly(shares: Sequence[list[Partition]], sharing: Sequence[int], topics: Mapping[str, int]) -> None:
    """Change the shares of those in `sharing` from what they owned to what they get of all partitions of `topics`."""
    sizes = _even_sizes({place: len(shares[place]) for place in sharing}, sum(topics.values()))
    for place, size in sizes.items():
        del shares[place][size:]
    free = _free_partitions(shares, topics)
    for place, size in sizes.items():
        shares[place] += islice(free, size - len(shares[place]))


def _even_sizes(owned: Mapping[int, int], count: int) -> dict[int, int]:
    """Return how many of `count` partitions each member gets; the larger shares go first to those who own so much."""
    if not owned:
        return {}
    least, larger = divmod(count, len(owned))
    first = sorted(owned, key=lambda place: owned[place] <= least)
    sizes = {place: least + (turn < larger) for turn, place in enumerate(first)}
    return {place: sizes[place] for place in owned}


def _free_partitions(shares: Iterable[Iterable[Partition]], topics: Mapping[str, int]) -> Iterable[Partition]:
    taken = {partition for share in shares for partition in share}
    every = (Partition(topic, number) for topic, count in topics.items() for number in range(count))
    return (partition for partition in every if partition not in taken)
