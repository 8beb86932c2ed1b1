"""What a partition does with producers' batches: it keeps every batch and looks through all of them each time.

Nothing is remembered beside the log, so nothing can be out of step with it. (PRODUCER-004 to PRODUCER-014)
"""

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Batch", "PartitionModel", "Verdict"]

_NUMBERS = 2**31
_KEPT = 5


class Batch(NamedTuple):
    """A producer's batch; `tag` is what its records hold."""

    producer: str
    epoch: int
    base_sequence: int
    records: int
    tag: str = ""

    @property
    def numbers(self) -> tuple[int, int]:
        """The numbers of the first and the last record."""
        return self.base_sequence, (self.base_sequence + self.records - 1) % _NUMBERS


class Verdict(NamedTuple):
    """`appended` or `duplicate` with the offset of the first record, or the code of an error without one."""

    what: str
    base_offset: int | None = None


@dataclass
class PartitionModel:
    """A partition: the batches that were appended, each at its offset."""

    log: list[tuple[int, Batch]] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return sum(batch.records for _, batch in self.log)

    def receive(self, batch: Batch) -> Verdict:
        """Take a batch, or not, and say what became of it."""
        own = [(offset, other) for offset, other in self.log if other.producer == batch.producer]
        epoch = max((other.epoch for _, other in own), default=None)
        current = [(offset, other) for offset, other in own if other.epoch == epoch]
        if batch.epoch == epoch:
            for offset, other in current[-_KEPT:]:
                if other.numbers == batch.numbers:
                    return Verdict("duplicate", offset)
        if epoch is not None and batch.epoch < epoch:
            return Verdict("producer_fenced")
        if epoch is not None:
            following = (current[-1][1].numbers[1] + 1) % _NUMBERS if batch.epoch == epoch else 0
            if batch.base_sequence != following:
                return Verdict("out_of_order_sequence")
        self.log.append((self.end, batch))
        return Verdict("appended", self.log[-1][0])
