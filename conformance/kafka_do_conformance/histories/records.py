"""Anomalies of records: lost, duplicate, reordered, phantom, inconsistent, unseen."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from kafka_do_conformance.histories.anomaly import Anomaly
from kafka_do_conformance.histories.events import Event, History, Partition, Polled, Produced, partition_text
from kafka_do_conformance.histories.logs import Place, acknowledged, of_type, places, reads_past, sent, shown

__all__ = ["duplicate", "inconsistent_offsets", "lost_write", "phantom", "reordering", "unseen"]


def lost_write(history: History) -> Iterator[Anomaly]:
    """Find an acknowledged record that nobody ever saw, although somebody read past its offset afterwards."""
    for place, value, event, later in _never_shown(history):
        if later is not None:
            says = f"{value} was acknowledged at {_text(place)}; a later read past it does not show it"
            yield Anomaly("lost write", says, (event, later))


def unseen(history: History) -> Iterator[Anomaly]:
    """Find an acknowledged record whose offset nobody ever reached, though all was read to the end."""
    for place, value, event, later in _never_shown(history):
        if later is None:
            last = [poll for poll in of_type(history, Polled) if poll.partition == place.partition][-1:]
            says = f"{value} was acknowledged at {_text(place)}; to the end of the run nobody came so far"
            yield Anomaly("unseen", says, (event, *last))


def duplicate(history: History) -> Iterator[Anomaly]:
    """Find a record at two offsets, or one offset acknowledged for two records.

    Every value is sent for one place only: plain requests once, others with the sequence that makes a retry harmless.
    """
    for (partition, value), offsets in places(history).items():
        if len(offsets) > 1:
            first, second = sorted(offsets)[:2]
            says = f"{value} is in {partition_text(partition)} at {first} and at {second}"
            yield Anomaly("duplicate", says, (offsets[first], offsets[second]))
    holders: dict[Place, tuple[str, Event]] = {}
    for place, value, event in acknowledged(history):
        other, before = holders.setdefault(place, (value, event))
        if other != value:
            yield Anomaly("duplicate", f"{_text(place)} was given to {other} and to {value}", (before, event))


def reordering(history: History) -> Iterator[Anomaly]:
    """Find two records of one producer in one partition, the second sent when the first was done, in wrong order."""
    known = places(history)
    streams: dict[tuple[str, Partition], list[tuple[int, int, int, Event]]] = defaultdict(list)
    for value, attempts in sent(history).items():
        first = attempts[0]
        for offset, witness in known.get((first.partition, value), {}).items():
            span = (min(one.start for one in attempts), max(one.end for one in attempts))
            streams[first.process, first.partition].append((*span, offset, witness))
        if len(first.values) > 1 and value == first.values[0]:
            yield from _batch_out_of_order(first, known)
    for (process, partition), records in streams.items():
        yield from _out_of_order(process, partition, records)


def phantom(history: History) -> Iterator[Anomaly]:
    """Find a record that nobody sent to this partition, or that was refused for sure."""
    attempts = sent(history)
    for place, values in shown(history).items():
        for value, poll in values.items():
            made = [one for one in attempts.get(value, ()) if one.partition == place.partition]
            if all(one.outcome == "refused" for one in made):
                says = f"{_text(place)} shows {value}, which was {'refused' if made else 'not sent there'}"
                yield Anomaly("phantom", says, (*made, poll))


def inconsistent_offsets(history: History) -> Iterator[Anomaly]:
    """Find an offset that shows two values to two reads."""
    for place, values in shown(history).items():
        if len(values) > 1:
            (one, first), (two, second) = list(values.items())[:2]
            yield Anomaly("inconsistent offsets", f"{_text(place)} shows {one} and {two}", (first, second))


def _never_shown(history: History) -> Iterator[tuple[Place, str, Produced, Polled | None]]:
    """Yield each acknowledged record that no read shows, with a read past it that began later, if there is one."""
    values = {(place.partition, value) for place, found in shown(history).items() for value in found}
    for place, value, event in acknowledged(history):
        if (place.partition, value) not in values:
            past = (p for p in of_type(history, Polled) if p.start > event.end and reads_past(p, place))
            yield place, value, event, next(past, None)


def _out_of_order(process: str, partition: Partition, records: list[tuple[int, int, int, Event]]) -> Iterator[Anomaly]:
    """Compare each record with the one of the highest offset among those that were done before it was sent."""
    done = sorted(records, key=lambda record: record[1])
    highest: tuple[int, int, int, Event] | None = None
    taken = 0
    for start, _, offset, witness in sorted(records, key=lambda record: record[0]):
        while taken < len(done) and done[taken][1] < start:
            if highest is None or done[taken][2] > highest[2]:
                highest = done[taken]
            taken += 1
        if highest is not None and highest[2] > offset:
            where = partition_text(partition)
            says = f"{process} was done with what is at {where}/{highest[2]} before it sent what is at {where}/{offset}"
            yield Anomaly("reordering", says, (highest[3], witness))


def _batch_out_of_order(event: Produced, known: dict[tuple[Partition, str], dict[int, Event]]) -> Iterator[Anomaly]:
    """Compare the records of one batch: they stand one behind the other."""
    found = [(value, known.get((event.partition, value), {})) for value in event.values]
    for (one, first), (two, second) in pairwise(found):
        if first and second and min(second) != min(first) + 1:
            says = f"{one} and {two} are of one batch, at {min(first)} and {min(second)}"
            yield Anomaly("reordering", says, (event, first[min(first)], second[min(second)]))


def _text(place: Place) -> str:
    return f"{partition_text(place.partition)}/{place.offset}"
