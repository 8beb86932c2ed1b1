"""The assignor `range`: each topic is cut into ranges, one for each of its subscribers in their order.

Members that subscribe the same topics with the same number of partitions get the same numbers of each, which is what
joins need. Every topic begins with the first member again, so many small topics make the first members busy. What was
owned before does not matter.
"""

from collections.abc import Mapping, Sequence

from kafka_do.core.groups.partitions import Assignment, Partition, Subscriber, subscribers_by_topic

__all__ = ["assign_ranges"]


def assign_ranges(members: Sequence[Subscriber], partition_counts: Mapping[str, int]) -> Assignment:
    """Cut each topic into as many ranges as it has subscribers; the first ones are longer by one where it has to be."""
    shares: list[list[Partition]] = [[] for _ in members]
    for topic, places in subscribers_by_topic(members, partition_counts).items():
        count = partition_counts[topic]
        least, longer = divmod(count, len(places))
        end = 0
        for turn, place in enumerate(places[:count]):
            start, end = end, end + least + (turn < longer)
            shares[place] += [Partition(topic, number) for number in range(start, end)]
    return {member.member: frozenset(share) for member, share in zip(members, shares, strict=True)}
