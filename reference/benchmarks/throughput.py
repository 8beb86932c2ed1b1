"""Requests per second beside the peer and the floor: producing one record, producing batches, reading."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.bodies import BATCH, batch, big_record
from benchmarks.contestants import ECHO, Entry, Ours, Peer
from benchmarks.report import Goal, Measurement, Ratio, Series, ratio
from benchmarks.rounds import Effort, Outcome, compete

__all__ = ["Field", "produce_batch", "produce_one", "read"]

_MANY = 32
_FEW = 8


@dataclass(frozen=True)
class Field:
    """Everyone who competes: the first of `ours` is measured against the peer, the others are shown beside it."""

    ours: tuple[Ours, ...]
    peer: Peer | None


def produce_one(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Produce one record of 1 KiB per request."""
    record = big_record()
    entries = [ours.produce([record], connections=_MANY) for ours in field.ours]
    floor = ECHO.post(record, connections=_MANY)
    peers = [field.peer.append(record, connections=_MANY)] if field.peer else []
    outcomes = compete([*entries, *peers, floor], effort)
    found = Measurement("produce-one", f"one record of 1 KiB, {_MANY} connections", [one.rates() for one in outcomes])
    found.ratios = _against(found.series, peers, Goal("≥", 1.0)) + _against(found.series, [floor], None)
    yield _with_growth(found, outcomes)


def produce_batch(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Produce 1 000 records per request, with keys that never come twice, on one partition and over four."""
    records = batch()
    peers = [field.peer.append(f"[{','.join(records)}]", connections=_FEW)] if field.peer else []
    layouts = ((1, Goal("≥", 3.0)), (4, Goal("≥", 2.2)))
    entries = [
        ours.produce(records, connections=_FEW, partitions=partitions)
        for partitions, _ in layouts
        for ours in field.ours
    ]
    outcomes = compete([*entries, *peers], effort)
    title = f"{BATCH} records of 100 bytes with fresh keys, {_FEW} connections"
    found = Measurement("produce-batch", title, [one.rates() for one in outcomes])
    for place, (_, goal) in enumerate(layouts):
        first = place * len(field.ours)
        found.ratios += _against(found.series[first:], peers, goal)
    yield _with_growth(found, outcomes)


def read(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Read 1 000 records per request: one batch as it came, and across the borders of batches."""
    records = batch(fresh="00000000")
    whole, middle = f"offset=0&max_records={BATCH}", f"offset={BATCH // 2}&max_records={BATCH}"
    tenths = [records[first : first + 10] for first in range(0, BATCH, 10)]
    entries = [ours.read([records], whole, connections=_FEW) for ours in field.ours]
    entries += [ours.read([records] * 2, middle, connections=_FEW, name=", halves of 2 batches") for ours in field.ours]
    entries += [ours.read(tenths, whole, connections=_FEW, name=", 100 batches of 10") for ours in field.ours]
    peers = [field.peer.read(f"[{','.join(records)}]", connections=_FEW)] if field.peer else []
    outcomes = compete([*entries, *peers], effort)
    found = Measurement("read", f"{BATCH} records in one fetch, {_FEW} connections", [one.rates() for one in outcomes])
    found.ratios = _against(found.series, peers, Goal("≥", 10.0))
    yield found


def _against(series: list[Series], others: list[Entry], goal: Goal | None) -> list[Ratio]:
    """Compare the first series with those of `others`."""
    return [ratio(series[0], one, goal) for entry in others for one in series if one.name == entry.name]


def _with_growth(found: Measurement, outcomes: list[Outcome]) -> Measurement:
    found.notes += [one.growth() for one in outcomes if one.held]
    return found
