"""Who owned which partition from when to when, as far as it is certain.

A claim begins when an answer that assigns the partition has arrived. It ends when the member *sends* what may give it
up: a heartbeat that does not list it, or its leave. All claims of a member end at the first moment at which the server
may have removed it: its session timeout after the last heartbeat that was answered, or its rebalance timeout after the
first heartbeat since which it may have had something to give up. It has nothing to give up, for certain, when an answer
assigns all that its heartbeat listed, and the answer before it had arrived: one that was lost may have assigned what
the member has never heard of and still has to confirm that it does not own.
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


def claims(history: History) -> list[Claim]:
    """Return all claims in the order in which they begin."""
    clock = [event for event in history if isinstance(event, ClockMoved)]
    signs: dict[tuple[str, str], list[Beat | Left]] = defaultdict(list)
    for event in history:
        if isinstance(event, Beat | Left):
            signs[event.group, event.member].append(event)
    found: list[Claim] = []
    for events in signs.values():
        member = _Membership(clock)
        for event in sorted(events, key=lambda event: event.start):
            found += member.after(event)
        found += member.give_up(frozenset(), NEVER)
    return sorted(found, key=lambda claim: claim.start)


class _Membership:
    """What one member owns for certain, from one of its heartbeats to the next."""

    def __init__(self, clock: list[ClockMoved]) -> None:
        self._clock = clock
        self._held: dict[Partition, Claim] = {}
        self._has_heard_all = True
        self._gives_up_since: int | None = None
        self._session_ends = NEVER
        self._rebalance_ms = 0

    def after(self, event: Beat | Left) -> Iterator[Claim]:
        """Go on to the next heartbeat, or the leave, and yield the claims that end."""
        if not isinstance(event, Beat) or event.outcome == "refused":
            self._has_heard_all = False
            yield from self.give_up(frozenset(), event.start)
            return
        yield from self.give_up(event.owned, event.start)
        self._rebalance_ms = event.rebalance_ms
        if self._gives_up_since is None:
            self._gives_up_since = event.start
        has_heard_all, self._has_heard_all = self._has_heard_all, event.told is not None
        if event.told is not None:
            self._session_ends = _passed(self._clock, event.start, event.told.session_ms)
            if has_heard_all and event.owned <= event.told.assignment:
                self._gives_up_since = None
            for partition in event.told.assignment:
                if partition not in self._held:
                    self._held[partition] = Claim(event.group, event.member, partition, event.end, event)

    def give_up(self, listed: frozenset[Partition], now: int) -> Iterator[Claim]:
        """Yield the claims that have ended by now, with their end; `listed` is what the member goes on with."""
        since = self._gives_up_since
        slow = NEVER if since is None else _passed(self._clock, since, self._rebalance_ms)
        removed = min(self._session_ends, slow)
        for partition in list(self._held):
            if partition not in listed or removed < now:
                claim = self._held.pop(partition)
                claim.end = min(now, removed)
                if claim.end > claim.start:  # else the answer came so late that it may tell what was
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
