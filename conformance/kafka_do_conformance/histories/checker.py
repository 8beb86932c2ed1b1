"""The checker: one pure function for each anomaly, all of them over one history."""

from collections.abc import Callable, Iterator

from kafka_do_conformance.histories import groups, reads, records
from kafka_do_conformance.histories.anomaly import Anomaly
from kafka_do_conformance.histories.events import History

__all__ = ["CHECKS", "check"]

CHECKS: dict[str, Callable[[History], Iterator[Anomaly]]] = {
    "lost write": records.lost_write,
    "duplicate": records.duplicate,
    "reordering": records.reordering,
    "phantom": records.phantom,
    "inconsistent offsets": records.inconsistent_offsets,
    "unseen": records.unseen,
    "poll skip": reads.poll_skip,
    "nonmonotonic poll": reads.nonmonotonic_poll,
    "double ownership": groups.double_ownership,
    "ownerless": groups.ownerless,
    "commit past delivery": groups.commit_past_delivery,
    "phantom commit": groups.phantom_commit,
    "zombie commit": groups.zombie_commit,
    "backward commit": groups.backward_commit,
}


def check(history: History) -> list[Anomaly]:
    """Return every anomaly of a history that ends with the reading of every partition to its end."""
    in_order = sorted(history, key=lambda event: event.start)
    return [anomaly for find in CHECKS.values() for anomaly in find(in_order)]
