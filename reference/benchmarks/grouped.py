"""A program, `python grouped.py PARTITIONS MEMBERS`: what the assignors take for a group of that size.

It prints milliseconds of processor time as JSON, by what was assigned.
"""

import gc
import json
import random
import sys
import time
from collections.abc import Callable, Iterable

from kafka_do.core.groups.assignors import assign
from kafka_do.core.groups.partitions import Assignment, Subscriber

_SHARED = 100  # topics
_SEED = 7

Group = list[Subscriber]


def _group(members: int, wanted: Callable[[], Iterable[str]]) -> Group:
    return [Subscriber(f"member-{n:05}", None, frozenset(wanted()), frozenset()) for n in range(members)]


def _again(group: Group, assignment: Assignment) -> Group:
    """Return the group with what was assigned to it."""
    return [Subscriber(one.member, one.instance_id, one.topics, assignment[one.member]) for one in group]


def _timed(assignor: str, group: Group, counts: dict[str, int]) -> tuple[float, Assignment]:
    gc.collect()  # what was made before is not charged
    gc.freeze()
    begun = time.process_time()
    found = assign(assignor, group, counts)
    took = time.process_time() - begun
    if sum(map(len, found.values())) != sum(counts.values()):
        raise RuntimeError("not every partition was assigned")
    return took * 1000, found


def _topics(partitions: int, topics: int) -> dict[str, int]:
    return {f"topic-{n:05}": partitions // topics for n in range(topics)}


def _equal(partitions: int, members: int) -> dict[str, float]:
    counts = _topics(partitions, _SHARED)
    group = _group(members, lambda: counts)
    ranges, _ = _timed("range", group, counts)
    fresh, found = _timed("uniform", group, counts)
    joining = [*_again(group, found), Subscriber("new", None, frozenset(counts), frozenset())]
    joined, _ = _timed("uniform", joining, counts)
    return {"range": ranges, "uniform, new group": fresh, "uniform, a member joins": joined}


def _unequal(partitions: int, members: int, topics: int) -> float:
    """Let every member subscribe half of the topics, by chance."""
    chance = random.Random(_SEED)  # noqa: S311  the same group every time
    counts = _topics(partitions, topics)
    group = _group(members, lambda: chance.sample(sorted(counts), topics // 2))
    return _timed("uniform", group, counts)[0]


def main() -> None:
    """Print the times of one size; each size has a process of its own."""
    partitions, members = int(sys.argv[1]), int(sys.argv[2])
    unequal = {
        f"uniform, each half of {_SHARED} topics": _unequal(partitions, members, _SHARED),
        "uniform, each half of as many topics as partitions": _unequal(partitions, members, partitions),
    }
    print(json.dumps({**_equal(partitions, members), **unequal}))


if __name__ == "__main__":
    main()
