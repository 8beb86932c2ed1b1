"""What a history says about logs: who acknowledged what, and which values readers saw where."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from kafka_do_conformance.histories.events import Event, History, Partition, Polled, Produced

__all__ = ["Place", "acknowledged", "of_type", "places", "reads_past", "sent", "shown"]

E = TypeVar("E", bound=Event)


class Place(NamedTuple):
    """An offset of a partition."""

    partition: Partition
    offset: int


def of_type(history: History, kind: type[E]) -> Iterator[E]:
    """Yield the events of one kind."""
    return (event for event in history if isinstance(event, kind))


def sent(history: History) -> dict[str, list[Produced]]:
    """Return for each value the attempts to append it."""
    attempts: dict[str, list[Produced]] = defaultdict(list)
    for event in of_type(history, Produced):
        for value in event.values:
            attempts[value].append(event)
    return attempts


def acknowledged(history: History) -> Iterator[tuple[Place, str, Produced]]:
    """Yield each record that a producer was told is appended, with its place."""
    for event in of_type(history, Produced):
        for offset, value in zip(event.offsets, event.values, strict=False):
            yield Place(event.partition, offset), value, event


def shown(history: History) -> dict[Place, dict[str, Polled]]:
    """Return for each place the values that readers saw there, each with the first who did."""
    seen: dict[Place, dict[str, Polled]] = defaultdict(dict)
    for event in of_type(history, Polled):
        for offset, value in event.records:
            seen[Place(event.partition, offset)].setdefault(value, event)
    return seen


def places(history: History) -> dict[tuple[Partition, str], dict[int, Event]]:
    """Return for each value the offsets at which somebody was told or shown it, each with the first who was."""
    known: dict[tuple[Partition, str], dict[int, Event]] = defaultdict(dict)
    for place, value, event in acknowledged(history):
        known[place.partition, value].setdefault(place.offset, event)
    for place, values in shown(history).items():
        for value, poll in values.items():
            known[place.partition, value].setdefault(place.offset, poll)
    return known


def reads_past(poll: Polled, place: Place) -> bool:
    """Whether a poll has to show the record at a place, if there is one."""
    first = max(poll.position, poll.log_start_offset)
    return poll.partition == place.partition and first <= place.offset < poll.next_offset
