"""Requests per second beside the peer and the floor: producing one record, producing batches, reading."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bodies import BATCH, batch, big_record
from benchmarks.contestants import ECHO, Entry, Ours, Peer
from benchmarks.report import Goal, Measurement, Ratio, ratio
from benchmarks.rounds import Effort, Outcome, compete

__all__ = ["Field", "produce_batch", "produce_one", "read"]

_MANY = 32
_FEW = 8


@dataclass(frozen=True)
class Field:
    """Everyone who competes: the first of `ours` is compared with all the others. `cache` is where peers are installed.

    Both are None where peers are left out.
    """

    ours: tuple[Ours, ...]
    peer: Peer | None
    cache: Path | None = None

    def peer_appends(self, body: str, connections: int) -> list[Entry]:
        """Return the peer's part where `body` is appended; nothing without a peer."""
        return [self.peer.append(body, connections=connections)] if self.peer else []

    def peer_reads(self, body: str, connections: int) -> list[Entry]:
        """Return the peer's part where `body` is read, likewise."""
        return [self.peer.read(body, connections=connections)] if self.peer else []


def produce_one(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Produce one record of 1 KiB per request."""
    record = big_record()
    entries = [ours.produce([record], connections=_MANY) for ours in field.ours]
    entries += [*field.peer_appends(record, _MANY), ECHO.post(record, connections=_MANY)]
    outcomes = compete(entries, effort)
    found = Measurement("produce-one", f"one record of 1 KiB, {_MANY} connections", [one.rates() for one in outcomes])
    for other in outcomes[1:]:
        found.ratios += _compared(outcomes[0], other, _goal(field, other, 1.0))
    yield _with_growth(found, outcomes)


def produce_batch(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Produce 1 000 records per request, with keys that never come twice, on one partition and over four."""
    records = batch()
    peer = field.peer_appends(f"[{','.join(records)}]", _FEW)
    goals = {1: 3.0, 4: 2.2}
    entries = [
        ours.produce(records, connections=_FEW, partitions=partitions) for partitions in goals for ours in field.ours
    ]
    bounded = [ours.produce_bounded(records, connections=_FEW) for ours in field.ours]
    outcomes = compete([*entries, *peer, *bounded], effort)
    competing = len(entries) + len(peer)
    title = f"{BATCH} records of 100 bytes with fresh keys, {_FEW} connections"
    found = Measurement("produce-batch", title, [one.rates() for one in outcomes])
    for first, goal in zip(range(0, len(entries), len(field.ours)), goals.values(), strict=True):
        layout = outcomes[first : first + len(field.ours)]
        for other in [*layout[1:], *outcomes[len(entries) : competing]]:
            found.ratios += _compared(layout[0], other, _goal(field, other, goal))
    yield _with_growth(found, outcomes)


def read(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Read 1 000 records per request: one batch as it came, and across the borders of batches."""
    records = batch(fresh="00000000")
    whole, middle = f"offset=0&max_records={BATCH}", f"offset={BATCH // 2}&max_records={BATCH}"
    tenths = [records[first : first + 10] for first in range(0, BATCH, 10)]
    entries = [ours.read([records], whole, connections=_FEW) for ours in field.ours]
    entries += field.peer_reads(f"[{','.join(records)}]", _FEW)
    compared = len(entries)
    entries += [ours.read([records] * 2, middle, connections=_FEW, name=", halves of 2 batches") for ours in field.ours]
    entries += [ours.read(tenths, whole, connections=_FEW, name=", 100 batches of 10") for ours in field.ours]
    outcomes = compete(entries, effort)
    found = Measurement("read", f"{BATCH} records in one fetch, {_FEW} connections", [one.rates() for one in outcomes])
    for other in outcomes[1:compared]:
        found.ratios += _compared(outcomes[0], other, _goal(field, other, 10.0))
    yield found


def _goal(field: Field, other: Outcome, value: float) -> Goal | None:
    """Return the goal where the other one is the peer; nothing was promised beside anyone else."""
    return Goal("≥", value) if field.peer and other.name == field.peer.name else None


def _compared(one: Outcome, other: Outcome, goal: Goal | None) -> list[Ratio]:
    """Compare by the clock, and by processor time, which says the same on a quiet machine and more on a busy one."""
    by_clock = ratio(one.rates(), other.rates(), goal)
    by_cpu = ratio(other.cpu(), one.cpu())
    return [by_clock, Ratio("  by processor time", by_cpu.value, by_cpu.paired)]


def _with_growth(found: Measurement, outcomes: list[Outcome]) -> Measurement:
    found.notes += [one.growth() for one in outcomes if one.held]
    return found
