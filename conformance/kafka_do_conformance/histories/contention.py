"""How hard a run was: a history without rebalances, lost answers and retries shows nothing."""

from collections import Counter, defaultdict
from dataclasses import dataclass, fields, replace

from kafka_do_conformance.histories.claims import Claim, claims
from kafka_do_conformance.histories.events import Beat, Committed, History, Left, Partition, Produced, Reset
from kafka_do_conformance.histories.logs import of_type

__all__ = ["MINIMUM", "MINIMUM_WITHOUT_CLOCK", "Contention", "contention"]

_FENCED = ("fenced_member_epoch", "fenced_instance_id", "unknown_member", "rebalance_in_progress", "producer_fenced")


_Request = Produced | Beat | Left | Committed | Reset


@dataclass(frozen=True)
class Contention:
    """Counts of what makes a run hard."""

    rebalances: int  # answers with another assignment than the member's last one
    lost_answers: int
    retries: int  # of a batch, a heartbeat or a leave after an answer that was lost
    fencings: int  # of members and producers
    fenced_commits: int
    partitions_moved: int  # from one member to another
    overlaps: int  # of requests with another one that changes the same partition or group

    def lacking(self, minimum: "Contention") -> list[str]:
        """Return what there was too little of."""
        pairs = [(field.name, getattr(self, field.name), getattr(minimum, field.name)) for field in fields(self)]
        return [f"{name.replace('_', ' ')}: {got} of {least}" for name, got, least in pairs if got < least]

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, field.name)} {field.name.replace('_', ' ')}" for field in fields(self))


MINIMUM = Contention(
    rebalances=12, lost_answers=50, retries=35, fencings=4, fenced_commits=1, partitions_moved=8, overlaps=120
)
MINIMUM_WITHOUT_CLOCK = replace(MINIMUM, fenced_commits=0)  # where nobody is removed for silence, few are


def contention(history: History) -> Contention:
    """Count."""
    requests = [event for event in history if isinstance(event, _Request)]
    return Contention(
        rebalances=_rebalances(history),
        lost_answers=sum(event.outcome == "unknown" for event in requests),
        retries=_retries(history),
        fencings=sum(getattr(event, "code", "") in _FENCED for event in requests),
        fenced_commits=sum(event.code in _FENCED for event in of_type(history, Committed)),
        partitions_moved=_moves(history),
        overlaps=_overlaps(requests),
    )


def _rebalances(history: History) -> int:
    last: dict[tuple[str, str], frozenset[Partition]] = {}
    changes = 0
    for beat in of_type(history, Beat):
        if beat.told is not None:
            who = (beat.group, beat.member)
            changes += last.get(who, frozenset()) != beat.told.assignment
            last[who] = beat.told.assignment
    return changes


def _retries(history: History) -> int:
    batches = Counter((e.partition, e.batch) for e in of_type(history, Produced) if e.batch is not None)
    signs: dict[tuple[str, str], list[Beat | Left]] = defaultdict(list)
    for event in history:
        if isinstance(event, Beat | Left):
            signs[event.group, event.member].append(event)
    again = sum(one.outcome == "unknown" for events in signs.values() for one in events[:-1])
    return again + sum(count - 1 for count in batches.values())


def _moves(history: History) -> int:
    owners: dict[tuple[str, Partition], Claim] = {}
    moved = 0
    for claim in claims(history):
        before = owners.get((claim.group, claim.partition))
        moved += before is not None and before.member != claim.member
        owners[claim.group, claim.partition] = claim
    return moved


def _overlaps(requests: list[_Request]) -> int:
    busy_until: dict[Partition | str, int] = {}
    count = 0
    for event in sorted(requests, key=lambda event: event.start):
        subject = event.partition if isinstance(event, Produced) else event.group
        busy = busy_until.get(subject, -1)
        count += event.start < busy
        busy_until[subject] = max(busy, event.end)
    return count
