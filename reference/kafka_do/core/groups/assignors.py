"""Server-side assignors: which member of a group reads which partition.

An assignor is a function of the members, what they owned, and how many partitions there are. The order in which members
are handed over does not matter, nor does chance.
"""

from collections.abc import Callable, Mapping, Sequence

from kafka_do.core.groups.partitions import Assignment, Subscriber
from kafka_do.core.groups.ranges import assign_ranges
from kafka_do.core.groups.uniform import assign_uniformly

__all__ = ["ASSIGNORS", "assign"]

_Assignor = Callable[[Sequence[Subscriber], Mapping[str, int]], Assignment]
_ASSIGNORS: dict[str, _Assignor] = {"range": assign_ranges, "uniform": assign_uniformly}

ASSIGNORS = tuple(_ASSIGNORS)
"""The names that a member may ask for."""


def assign(assignor: str, subscribers: Sequence[Subscriber], partition_counts: Mapping[str, int]) -> Assignment:
    """Return what each subscriber is to read, with an entry for every one, empty where nothing is left for it.

    `partition_counts` says how many partitions a topic has; a topic that is not in it contributes nothing. Each
    partition of a topic that somebody subscribes is in exactly one entry. Raises `ValueError` for an assignor that
    there is not.
    """
    chosen = _ASSIGNORS.get(assignor)
    if chosen is None:
        raise ValueError(f"there is no assignor {assignor!r}, only {' and '.join(ASSIGNORS)}")
    return chosen(sorted(subscribers, key=_rank), partition_counts)


def _rank(subscriber: Subscriber) -> tuple[bool, bytes, bytes]:
    """Order static members by instance id, then the others by member id."""
    instance_id = subscriber.instance_id
    named = subscriber.member if instance_id is None else instance_id
    return instance_id is None, _utf16(named), _utf16(subscriber.member)


def _utf16(text: str) -> bytes:
    """Return what sorts as Java sorts strings, which Kafka does: by UTF-16 units, so U+1F600 comes before U+FF21."""
    return text.encode("utf-16-be", "surrogatepass")
