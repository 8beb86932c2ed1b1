"""Anomalies of one consumer's reads: skipped, and gone back."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from kafka_do_conformance.histories.anomaly import Anomaly
from kafka_do_conformance.histories.events import History, Partition, Polled, Sought, partition_text
from kafka_do_conformance.histories.logs import Place, shown

__all__ = ["nonmonotonic_poll", "poll_skip"]

_Moves = dict[tuple[str, Partition], list[Polled | Sought]]


def poll_skip(history: History) -> Iterator[Anomaly]:
    """Find an offset that a consumer passes over, within a poll or between two, where another read shows a record.

    Whoever seeks may pass over what it likes, and below the log start offset there is nothing to be seen.
    """
    seen = shown(history)
    for partition, passed, events in _stretches(history):
        for offset in passed:
            if others := seen.get(Place(partition, offset)):
                value, witness = next(iter(others.items()))
                says = f"{events[-1].process} passed over {value} at {partition_text(partition)}/{offset}"
                yield Anomaly("poll skip", says, (*events, witness))


def nonmonotonic_poll(history: History) -> Iterator[Anomaly]:
    """Find a consumer that reads again, or an earlier offset after a later one, without having sought."""
    for (process, partition), moves in _moves(history).items():
        where = f"{process} in {partition_text(partition)}"
        for move in moves:
            if isinstance(move, Polled):
                offsets = [move.position - 1, *(offset for offset, _ in move.records), move.next_offset]
                for one, two in pairwise(offsets):
                    if two <= one:
                        says = f"{where} asked from {move.position} and was given {two} after {one}"
                        yield Anomaly("nonmonotonic poll", says, (move,))
        for before, after in pairwise(moves):
            if isinstance(before, Polled) and isinstance(after, Polled) and after.position < before.next_offset:
                says = f"{where} had read to {before.next_offset} and read again from {after.position}"
                yield Anomaly("nonmonotonic poll", says, (before, after))


def _stretches(history: History) -> Iterator[tuple[Partition, Iterator[int], tuple[Polled, ...]]]:
    """Yield the offsets that consumers passed over, with the polls that did it."""
    for (_, partition), moves in _moves(history).items():
        for move in moves:
            if isinstance(move, Polled):
                given = {offset for offset, _ in move.records}
                first = max(move.position, move.log_start_offset)
                yield partition, (o for o in range(first, move.next_offset) if o not in given), (move,)
        for before, after in pairwise(moves):
            if isinstance(before, Polled) and isinstance(after, Polled):
                first = max(before.next_offset, after.log_start_offset)
                yield partition, iter(range(first, after.position)), (before, after)


def _moves(history: History) -> _Moves:
    """Return each consumer's polls and seeks of each partition, in their order."""
    moves: _Moves = defaultdict(list)
    for event in history:
        if isinstance(event, Polled | Sought):
            moves[event.process, event.partition].append(event)
    for found in moves.values():
        found.sort(key=lambda event: event.start)
    return moves
