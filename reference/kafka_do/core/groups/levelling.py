"""Shares where members subscribe different topics: partitions go downhill until nobody can give one to advantage.

What counts is how many partitions of each topic a member has, not which ones. So the work is done on numbers, and a
partition that goes away and comes back has not moved.

In the end shares are level: no partition can go from its owner to another subscriber of its topic that has two or more
fewer. Every step takes a partition from a member for one that has at least two fewer. That lowers the sum of the
squares of all shares by two or more, so the steps come to an end. Nothing moves where shares are level from the start.
"""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from itertools import islice

from kafka_do.core.groups.partitions import Partition

__all__ = ["level_shares"]

_Ranked = tuple[int, bool, int]
_Heap = list[_Ranked]


def level_shares(
    shares: Sequence[list[Partition]], subscribers: Mapping[str, Sequence[int]], partition_counts: Mapping[str, int]
) -> None:
    """Change `shares` from what members owned to what they get of all partitions of the topics in `subscribers`."""
    loads = [len(share) for share in shares]
    topics = {topic: _Topic(partition_counts[topic], places, loads) for topic, places in subscribers.items()}
    for place, share in enumerate(shares):
        for partition in share:
            topics[partition.topic].owned.setdefault(place, []).append(partition.number)
        share.clear()
    _settle(sorted(topics.values(), key=_Topic.scarcity))
    for name, topic in topics.items():
        for place, numbers in topic.shared_out().items():
            shares[place] += [Partition(name, number) for number in numbers]


def _settle(topics: Sequence["_Topic"]) -> None:
    for topic in topics:
        topic.fill()
    while sum(topic.level() for topic in topics):  # rather than `any`: every topic has its turn before the next round
        pass


class _Topic:
    """How the partitions of one topic are shared; `loads`, how many each member has of all topics, is common to all."""

    def __init__(self, count: int, subscribers: Sequence[int], loads: list[int]) -> None:
        self.count = count
        self.subscribers = subscribers
        self.loads = loads
        self.owned: dict[int, list[int]] = {}
        self._held: dict[int, int] = {}

    def scarcity(self) -> tuple[float, int]:
        """Order topics: first those that give their subscribers much, then those with few subscribers."""
        return -self.count / len(self.subscribers), len(self.subscribers)

    def fill(self) -> None:
        """Leave to members what they owned, and give what is free to whoever has least."""
        self._held = {place: len(numbers) for place, numbers in self.owned.items()}
        free = self.count - sum(self._held.values())
        emptiest = self._emptiest() if free else []
        for _ in range(free):
            self._give(emptiest)

    def level(self) -> bool:
        """Take from the fullest owner for the emptiest subscriber while they differ by two or more; say if they did."""
        if max(map(self.loads.__getitem__, self._held)) - min(map(self.loads.__getitem__, self.subscribers)) <= 1:
            return False  # most topics, most of the time: not worth the heaps
        # While there is anything to move, a giver is not the emptiest and a receiver not the fullest. So each is put
        # back into the heap that it was taken from, and what the other one says of it does not matter.
        fullest, emptiest = self._fullest(), self._emptiest()
        while fullest and -fullest[0][0] - emptiest[0][0] > 1:
            self._take(fullest)
            self._give(emptiest)
        return True

    def shared_out(self) -> dict[int, list[int]]:
        """Return the numbers of the partitions of each member: its own first, lower numbers first."""
        kept = {place: self.owned.get(place, [])[:held] for place, held in sorted(self._held.items())}
        taken = {number for numbers in kept.values() for number in numbers}
        free = (number for number in range(self.count) if number not in taken)
        return {place: [*numbers, *islice(free, self._held[place] - len(numbers))] for place, numbers in kept.items()}

    def _fullest(self) -> _Heap:
        heap = [self._as_giver(place) for place in self._held]
        heapify(heap)
        return heap

    def _emptiest(self) -> _Heap:
        heap = [self._as_receiver(place) for place in self.subscribers]
        heapify(heap)
        return heap

    def _as_giver(self, place: int) -> _Ranked:
        """Rank the fullest first; of equals, those first who have more than they owned."""
        return -self.loads[place], self._gain(place) <= 0, place

    def _as_receiver(self, place: int) -> _Ranked:
        """Rank the emptiest first; of equals, those first who have less than they owned."""
        return self.loads[place], self._gain(place) >= 0, place

    def _gain(self, place: int) -> int:
        return self._held.get(place, 0) - len(self.owned.get(place, ()))

    def _give(self, emptiest: _Heap) -> None:
        place = emptiest[0][-1]
        self.loads[place] += 1
        self._held[place] = self._held.get(place, 0) + 1
        heapreplace(emptiest, self._as_receiver(place))

    def _take(self, fullest: _Heap) -> None:
        place = fullest[0][-1]
        self.loads[place] -= 1
        self._held[place] -= 1
        if self._held[place]:
            heapreplace(fullest, self._as_giver(place))
        else:
            del self._held[place]
            heappop(fullest)
