"""Anomalies of every kind, planted into histories that have none: what shows that the checker finds them."""

import dataclasses
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kafka_do_conformance.histories.claims import claims
from kafka_do_conformance.histories.events import (
    NEVER,
    Batch,
    Beat,
    Calm,
    Committed,
    Event,
    History,
    Polled,
    Produced,
    Queried,
    Told,
)
from kafka_do_conformance.histories.logs import acknowledged, of_type, sent

__all__ = ["PLANTS", "NoPlaceError", "plant"]

T = TypeVar("T")


class NoPlaceError(Exception):
    """The history has nothing that this anomaly could befall."""


def plant(kind: str, history: History, seed: int) -> list[Event]:
    """Return the history with one anomaly of a kind, at a place that the seed decides; raises NoPlaceError."""
    chooser = random.Random(seed)  # noqa: S311
    return PLANTS[kind](list(history), chooser)


def _lost_write(history: list[Event], chooser: random.Random) -> list[Event]:
    """Take one record out of every read."""
    value = _pick(chooser, [value for _, value, _ in acknowledged(history)])
    return [_without(event, value) for event in history]


def _duplicate(history: list[Event], chooser: random.Random) -> list[Event]:
    """Put a record at the end once more."""
    last = _pick(chooser, [poll for poll in of_type(history, Polled) if poll.process == "reader" and poll.records])
    end = max(poll.next_offset for poll in of_type(history, Polled) if poll.partition == last.partition)
    again = ((end, _pick(chooser, last.records)[1]),)
    at = _last(history)
    return [
        *history,
        dataclasses.replace(last, start=at + 1, end=at + 2, position=end, records=again, next_offset=end + 1),
    ]


def _reordering(history: list[Event], chooser: random.Random) -> list[Event]:
    """Give two batches of one producer, one sent when the other was done, each other's places."""
    done = [e for e in of_type(history, Produced) if e.outcome == "ok" and len(e.values) == 1]
    ours = [(a, b) for a in done for b in done if (a.process, a.partition) == (b.process, b.partition)]
    tries = sent(history)
    one, two = _pick(chooser, [(a, b) for a, b in ours if tries[b.values[0]][0].start > tries[a.values[0]][-1].end])
    swapped = {one.values[0]: two.values[0], two.values[0]: one.values[0]}
    offsets = {one.values: two.offsets, two.values: one.offsets}
    changed: list[Event] = []
    for event in history:
        if isinstance(event, Polled):
            records = tuple((offset, swapped.get(value, value)) for offset, value in event.records)
            changed.append(dataclasses.replace(event, records=records))
        elif isinstance(event, Produced) and event.offsets:
            changed.append(dataclasses.replace(event, offsets=offsets.get(event.values, event.offsets)))
        else:
            changed.append(event)
    return changed


def _phantom(history: list[Event], chooser: random.Random) -> list[Event]:
    """Put records at the end that were refused."""
    tries = sent(history)
    plain = [attempts[0] for attempts in tries.values() if len(attempts) == 1 and attempts[0].outcome != "ok"]
    refused = dataclasses.replace(_pick(chooser, plain), outcome="refused")
    history = [refused if isinstance(e, Produced) and e.values == refused.values else e for e in history]
    end = max((p.next_offset for p in of_type(history, Polled) if p.partition == refused.partition), default=0)
    records = tuple(enumerate(refused.values, end))
    at = _last(history)
    late = Polled(
        process="late", start=at + 1, end=at + 2, partition=refused.partition, position=end, records=records,
        next_offset=end + len(records),
    )  # fmt: skip
    return [*history, late]


def _inconsistent_offsets(history: list[Event], chooser: random.Random) -> list[Event]:
    """Let one read show another value than the others."""
    poll = _pick(chooser, [poll for poll in of_type(history, Polled) if poll.process != "reader" and poll.records])
    first, *others = poll.records
    return _replaced(history, poll, records=((first[0], "another"), *others))


def _unseen(history: list[Event], chooser: random.Random) -> list[Event]:
    """Acknowledge a record behind the end."""
    poll = _pick(chooser, list(of_type(history, Polled)))
    end = max(one.next_offset for one in of_type(history, Polled) if one.partition == poll.partition)
    start = _last(history) + 1
    return [
        *history,
        Produced(
            process="late", start=start, end=start + 1, partition=poll.partition, values=("late",), outcome="ok",
            offsets=(end,), batch=Batch("late", 0, 0),
        ),
    ]  # fmt: skip


def _poll_skip(history: list[Event], chooser: random.Random) -> list[Event]:
    """Let one read leave out a record that others show."""
    poll = _pick(chooser, [poll for poll in of_type(history, Polled) if poll.process != "reader" and poll.records])
    return _replaced(history, poll, records=poll.records[1:])


def _nonmonotonic_poll(history: list[Event], chooser: random.Random) -> list[Event]:
    """Give a consumer again what it had."""
    poll = _pick(chooser, [poll for poll in of_type(history, Polled) if poll.process == "reader" and poll.records])
    at = _last(history)
    return [*history, dataclasses.replace(poll, start=at + 1, end=at + 2)]


def _double_ownership(history: list[Event], chooser: random.Random) -> list[Event]:
    """Assign to a newcomer what another member surely owns."""
    claim = _pick(chooser, [claim for claim in claims(history) if claim.end > claim.start + 2])
    told = Told(1, frozenset({claim.partition}), NEVER)
    return _inserted(
        history,
        claim.start,
        lambda start: Beat(
            process="thief", start=start, end=start + 1, group=claim.group, member="thief", epoch=0,
            owned=frozenset(), rebalance_ms=NEVER, outcome="ok", told=told,
        ),
    )  # fmt: skip


def _ownerless(history: list[Event], chooser: random.Random) -> list[Event]:
    """Let a partition that was dealt out in the end be nobody's."""
    (calm,) = of_type(history, Calm)
    last = {
        beat.member: beat for beat in of_type(history, Beat) if beat.member in calm.members and beat.end < calm.start
    }
    owners = [beat for beat in last.values() if beat.told is not None and beat.told.assignment]
    owner = _pick(chooser, owners)
    told = owner.told
    return _replaced(history, owner, told=told and told._replace(assignment=frozenset(sorted(told.assignment)[1:])))


def _commit_past_delivery(history: list[Event], chooser: random.Random) -> list[Event]:
    """Take a commit that is far ahead."""
    commit = _pick(chooser, [event for event in of_type(history, Committed) if event.outcome == "ok"])
    return _replaced(history, commit, offset=commit.offset + 10_000)


def _phantom_commit(history: list[Event], chooser: random.Random) -> list[Event]:
    """Let a query tell an offset that nobody committed, though it was delivered."""
    query = _pick(chooser, [event for event in of_type(history, Queried) if event.process == "reader" and event.offset])
    asked = {c.offset for c in of_type(history, Committed) if c.partition == query.partition and c.outcome != "refused"}
    free = [offset for offset in range(query.offset or 0) if offset not in asked]
    return _replaced(history, query, offset=_pick(chooser, free))


def _zombie_commit(history: list[Event], chooser: random.Random) -> list[Event]:
    """Take a member's commit for what has gone to another one."""
    beats = [beat for beat in of_type(history, Beat) if beat.told]
    pairs = [
        (mine, newer, partition)
        for mine in beats
        for newer in beats
        if newer.member != mine.member and newer.start > mine.end and mine.told and newer.told
        for partition in mine.told.assignment & newer.told.assignment
        if not any(
            beat.member == mine.member and beat.told and partition in beat.told.assignment and beat.end > newer.start
            for beat in beats
        )
    ]
    mine, newer, partition = _pick(chooser, pairs)
    return _inserted(
        history,
        newer.end,
        lambda start: Committed(
            process=mine.process, start=start, end=start + 1, group=mine.group, member=mine.member,
            epoch=mine.told.epoch if mine.told else 0, partition=partition, offset=0, outcome="ok",
        ),
    )  # fmt: skip


def _backward_commit(history: list[Event], chooser: random.Random) -> list[Event]:
    """Let a query at the end tell that nothing is committed, as it was at the beginning."""
    taken = {event.partition for event in of_type(history, Committed) if event.outcome == "ok"}
    queries = [e for e in of_type(history, Queried) if e.process == "reader" and e.partition in taken]
    return _replaced(history, _pick(chooser, queries), offset=None)


PLANTS: dict[str, Callable[[list[Event], random.Random], list[Event]]] = {
    "lost write": _lost_write,
    "duplicate": _duplicate,
    "reordering": _reordering,
    "phantom": _phantom,
    "inconsistent offsets": _inconsistent_offsets,
    "unseen": _unseen,
    "poll skip": _poll_skip,
    "nonmonotonic poll": _nonmonotonic_poll,
    "double ownership": _double_ownership,
    "ownerless": _ownerless,
    "commit past delivery": _commit_past_delivery,
    "phantom commit": _phantom_commit,
    "zombie commit": _zombie_commit,
    "backward commit": _backward_commit,
}


def _pick(chooser: random.Random, candidates: Sequence[T]) -> T:
    if not candidates:
        raise NoPlaceError
    return chooser.choice(candidates)


def _without(event: Event, value: str) -> Event:
    if not isinstance(event, Polled):
        return event
    return dataclasses.replace(event, records=tuple(record for record in event.records if record[1] != value))


def _replaced(history: list[Event], old: Event, **changes: Any) -> list[Event]:
    return [dataclasses.replace(event, **changes) if event is old else event for event in history]


def _inserted(history: list[Event], after: int, make: Callable[[int], Event]) -> list[Event]:
    """Return a history in which an event takes place right after one reading of the counter; later ones move by two."""
    moved = [
        dataclasses.replace(event, start=_later(event.start, after), end=_later(event.end, after)) for event in history
    ]
    return sorted([*moved, make(after + 1)], key=lambda event: event.start)


def _later(reading: int, after: int) -> int:
    return reading if reading <= after or reading == NEVER else reading + 2


def _last(history: list[Event]) -> int:
    return max(event.end for event in history if event.end != NEVER)
