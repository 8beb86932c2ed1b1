"""Anomalies of groups: two owners or none, commits past delivery, or of zombies, committed offsets that go back."""

from collections import defaultdict
from collections.abc import Iterator

from kafka_do_conformance.histories.anomaly import Anomaly
from kafka_do_conformance.histories.claims import Claim, claims
from kafka_do_conformance.histories.events import (
    Beat,
    Calm,
    Committed,
    Event,
    History,
    Partition,
    Polled,
    Queried,
    Reset,
    Sought,
    partition_text,
)
from kafka_do_conformance.histories.logs import of_type

__all__ = [
    "backward_commit",
    "commit_past_delivery",
    "double_ownership",
    "ownerless",
    "phantom_commit",
    "zombie_commit",
]

_Subject = tuple[str, Partition]
_Sighting = Committed | Queried


def double_ownership(history: History) -> Iterator[Anomaly]:
    """Find two members that claim one partition at the same time; `claims` says what is certain enough for a claim."""
    latest: dict[_Subject, Claim] = {}
    for claim in claims(history):
        subject = (claim.group, claim.partition)
        before = latest.get(subject)
        if before is not None and before.member != claim.member and before.end > claim.start:
            says = f"{before.member} and {claim.member} own {partition_text(claim.partition)}"
            yield Anomaly("double ownership", says, (before.granted, claim.granted))
        if before is None or claim.end >= before.end:
            latest[subject] = claim


def ownerless(history: History) -> Iterator[Anomaly]:
    """Find a partition that belongs to nobody although its group had time enough to settle. (GROUP-017)"""
    latest: dict[tuple[str, str], Beat] = {}
    for event in history:
        if isinstance(event, Beat):
            latest[event.group, event.member] = event
        elif isinstance(event, Calm):
            beats = [latest[event.group, member] for member in event.members if (event.group, member) in latest]
            held = {partition for beat in beats if beat.told for partition in beat.told.assignment}
            if free := [partition_text(partition) for partition in event.partitions if partition not in held]:
                yield Anomaly("ownerless", f"{', '.join(free)} after all had settled", (*beats, event))


def commit_past_delivery(history: History) -> Iterator[Anomaly]:
    """Find a committed offset, accepted or told, above all that the group was ever delivered or reset to by then."""
    granted: dict[_Subject, list[tuple[int, int]]] = defaultdict(list)
    for poll in of_type(history, Polled):
        granted[poll.group, poll.partition].append((poll.start, max(poll.next_offset, poll.log_start_offset)))
    for event in _taken_back(history):
        granted[event.group, event.partition].append((event.start, event.offset))
    for told in _sightings(history):
        reached = max((o for at, o in granted[told.group, told.partition] if at < told.end), default=0)
        if told.offset is not None and told.offset > reached:
            says = f"{told.offset} in {partition_text(told.partition)}; delivered was {reached}"
            yield Anomaly("commit past delivery", says, (told,))


def zombie_commit(history: History) -> Iterator[Anomaly]:
    """Find a commit accepted after its partition went to another member, with no answer since that gave it back.

    "After" is certain: the other's heartbeat that was assigned the partition was sent when the committing member's
    last such one had been answered, and was itself answered before the commit was sent.
    """
    grants: dict[_Subject, list[Beat]] = defaultdict(list)
    for beat in of_type(history, Beat):
        for partition in beat.told.assignment if beat.told else ():
            grants[beat.group, partition].append(beat)
    for commit in of_type(history, Committed):
        if commit.outcome == "ok" and commit.member:
            before = [beat for beat in grants[commit.group, commit.partition] if beat.end < commit.start]
            mine = max((beat for beat in before if beat.member == commit.member), key=_end, default=None)
            since = -1 if mine is None else mine.end
            newer = next((beat for beat in before if beat.member != commit.member and beat.start > since), None)
            if newer is not None:
                says = f"{commit.member} committed {partition_text(commit.partition)} when {newer.member} had it"
                yield Anomaly("zombie commit", says, (*(() if mine is None else (mine,)), newer, commit))


def backward_commit(history: History) -> Iterator[Anomaly]:
    """Find a committed offset, accepted or told, below one accepted or told before, and nothing between took it back.

    That may be a reset, a commit without a member, or a member that sought back; for what a query tells, any lower
    commit, because that is judged for itself.
    """
    subjects: dict[_Subject, list[_Sighting]] = defaultdict(list)
    for event in _sightings(history):
        subjects[event.group, event.partition].append(event)
    resets = _taken_back(history)
    sent = [event for event in of_type(history, Committed) if event.outcome != "refused"]
    sought = [event for event in of_type(history, Sought) if event.back]
    for (group, partition), events in subjects.items():
        back: list[Event] = [
            *(event for event in resets if (event.group, event.partition) == (group, partition)),
            *(event for event in sought if event.partition == partition),
        ]
        lower = [event for event in sent if (event.group, event.partition) == (group, partition)]
        for later in events:
            told = isinstance(later, Queried)
            excuses = [*back, *(one for one in lower if told and one.offset <= _value(later))]
            higher = (one for one in events if one.end < later.start and _value(one) > _value(later))
            earlier = next((one for one in higher if not _between(one, later, excuses)), None)
            if earlier is not None:
                says = f"{partition_text(partition)} went from {earlier.offset} to {later.offset}"
                yield Anomaly("backward commit", says, (earlier, later))


def phantom_commit(history: History) -> Iterator[Anomaly]:
    """Find a committed offset that a query tells and that nobody had asked for by then, unless it was refused."""
    asked: dict[_Subject, list[Committed | Reset]] = defaultdict(list)
    for event in history:
        if isinstance(event, Committed | Reset) and event.outcome != "refused":
            asked[event.group, event.partition].append(event)
    for query in of_type(history, Queried):
        made = asked[query.group, query.partition]
        if query.offset is not None and not any(e.offset == query.offset and e.start < query.end for e in made):
            says = f"{query.offset} in {partition_text(query.partition)}, which nobody committed"
            yield Anomaly("phantom commit", says, (query,))


def _taken_back(history: History) -> list[Committed | Reset]:
    """Return what may set a committed offset to anything: resets, and commits without a member."""
    found = [e for e in history if isinstance(e, Reset) or (isinstance(e, Committed) and not e.member)]
    return [event for event in found if event.outcome != "refused"]


def _sightings(history: History) -> Iterator[_Sighting]:
    """Yield what tells committed offsets: accepted commits, and queries."""
    yield from (event for event in of_type(history, Committed) if event.outcome == "ok")
    yield from of_type(history, Queried)


def _between(earlier: Event, later: Event, excuses: list[Event]) -> bool:
    """Whether one of the excuses may have had its effect between two events."""
    return any(one.start < later.end and one.end > earlier.start for one in excuses)


def _value(event: _Sighting) -> int:
    return -1 if event.offset is None else event.offset


def _end(event: Beat) -> int:
    return event.end
