"""What a number costs: idempotent producing beside plain producing, one batch to one partition."""

from collections.abc import Iterator

from benchmarks.bodies import batch, record
from benchmarks.report import Goal, Measurement, ratio
from benchmarks.rounds import Effort, compete
from benchmarks.throughput import Field

__all__ = ["idempotent"]

_MOST = Goal("≤", 1.15)


def idempotent(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Produce batches of one record and of 1 000 with and without a number, over one connection each."""
    for records in ([record(0)], batch()):
        for ours in field.ours:
            entries = [ours.produce_batches(records, numbered=numbered) for numbered in (True, False)]
            outcomes = compete(entries, effort)
            title = f"{len(records)} records of 100 bytes in one request to one partition, 1 connection"
            found = Measurement(
                "idempotent", title, [series for one in outcomes for series in (one.rates(), one.cpu())]
            )
            numbered, plain = outcomes
            found.ratios = [ratio(numbered.cpu(), plain.cpu(), _MOST)]
            yield found
