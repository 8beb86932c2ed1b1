"""Who owned which partition from when to when, as far as it is certain.

A claim begins when an answer that assigns the partition has arrived. It ends when the member *sends* what may give it up:
a heartbeat that does not list it, or its leave. It also ends at the first moment at which the server may have removed the
member: its session timeout after the last heartbeat that was answered, or its rebalance timeout after the first heartbeat
whose answer, arrived or lost, may have taken the partition away.
Every claim lies within the time in which a correct server has the partition assigned to this member, whatever answers
were lost: so two claims of one partition that overlap are never a false alarm.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from kafka_do_conformance.histories.events import NEVER, Beat, ClockMoved, History, Left, Partition

__all__ = ["Claim", "claims"]


@dataclass
class Claim:
    """A member's certain ownership of a partition; `granted` is the heartbeat whose answer began it."""

    group: str
    member: str
    partition: Partition
    start: int
    granted: Beat
    end: int = NEVER
    unsure_since: int | None = None  # when the first heartbeat after the last answer with the partition was sent


def claims(history: History) -> list[Claim]:
    """Return all claims in the order in which they begin."""
    clock = [event for event in history if isinstance(event, ClockMoved)]
    signs: dict[tuple[str, str], list[Beat | Left]] = defaultdict(list)
    for event in history:
        if isinstance(event, Beat | Left):
            signs[event.group, event.member].append(event)
    found: list[Claim] = []
    for events in signs.values():
        found += _of_member(sorted(events, key=lambda event: event.start), clock)
    return sorted(found, key=lambda claim: claim.start)


def _of_member(events: list[Beat | Left], clock: list[ClockMoved]) -> Iterator[Claim]:
    """Yield the claims of one member."""
    held: dict[Partition, Claim] = {}
    session_ends = NEVER
    for event in events:
        listed = event.owned if isinstance(event, Beat) and event.outcome != "refused" else frozenset()
        for partition, claim in list(held.items()):
            claim.end = min(claim.end, session_ends)
            if partition not in listed or claim.end < event.start:
                claim.end = min(claim.end, event.start)
                yield held.pop(partition)
        if not isinstance(event, Beat) or event.outcome == "refused":
            continue
        for claim in held.values():
            if claim.unsure_since is None:
                claim.unsure_since = event.start
            claim.end = _passed(clock, claim.unsure_since, event.rebalance_ms)
        if event.told is not None:
            session_ends = _passed(clock, event.start, event.told.session_ms)
            for partition in event.told.assignment:
                claim = held.setdefault(partition, Claim(event.group, event.member, partition, event.end, event))
                claim.end, claim.unsure_since = NEVER, None
    for claim in held.values():
        claim.end = min(claim.end, session_ends)
        yield claim


def _passed(clock: list[ClockMoved], since: int, ms: int) -> int:
    """Return the moment from which on `ms` may have passed on the server's clock since another moment."""
    passed = 0
    for moved in clock:
        if moved.end > since:
            passed += moved.ms
            if passed >= ms:
                return moved.start
    return NEVER
