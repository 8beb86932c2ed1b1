"""What one partition knows of producers: the machine of spec/machines/producer_sequence.yaml.

A producer numbers its records, and sends a batch again when no answer came. A partition keeps for each producer its
epoch, the number that comes next and its last batches. So it tells three things apart: what comes next, what was there
already, and what cannot be right because something is missing before it. Only a batch that is appended changes
anything: `look_up` is asked first, and `remember` told afterwards. (PRODUCER-004 to PRODUCER-016)
"""

from collections import deque
from typing import NamedTuple

from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import ProducerBatch
from kafka_do.spec import SPEC

__all__ = ["Sequences", "add_to_sequence"]

_KEPT_BATCHES = 5
_NUMBERS = SPEC.ranges["SequenceNumber"][1] + 1


def add_to_sequence(sequence: int, count: int) -> int:
    """Return the number that is `count` behind another one: behind the greatest comes 0."""
    return (sequence + count) % _NUMBERS


class _Kept(NamedTuple):
    """A batch that was appended."""

    first: int
    last: int
    base_offset: int


class _Active:
    """A producer that the partition knows."""

    __slots__ = ("appended_ms", "batches", "epoch")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.batches: deque[_Kept] = deque(maxlen=_KEPT_BATCHES)
        self.appended_ms = 0

    @property
    def next_sequence(self) -> int:
        return add_to_sequence(self.batches[-1].last, 1)


class Sequences:
    """The producers of one partition, those that appended last at the end."""

    __slots__ = ("_active",)

    def __init__(self) -> None:
        self._active: dict[str, _Active] = {}

    def look_up(self, batch: ProducerBatch, count: int) -> int | None:
        """Return the base offset of the batch that this one, of `count` records, repeats; None if it is to be appended.

        Raises KafkaError `producer_fenced` or `out_of_order_sequence`.
        """
        known = self._active.get(batch.id)
        if known is None:
            return None
        if batch.epoch == known.epoch:
            last = add_to_sequence(batch.base_sequence, count - 1)
            for kept in known.batches:
                if (kept.first, kept.last) == (batch.base_sequence, last):
                    return kept.base_offset
        if batch.epoch < known.epoch:
            raise KafkaError(
                "producer_fenced",
                f"the epoch {batch.epoch} is lower than the producer's, which is {known.epoch}",
                current_epoch=known.epoch,
            )
        following = 0 if batch.epoch > known.epoch else known.next_sequence
        if batch.base_sequence != following:
            raise KafkaError(
                "out_of_order_sequence",
                f"the sequence number {batch.base_sequence} is not the one that comes next, which is {following}",
                expected_sequence=following,
            )
        return None

    def remember(self, batch: ProducerBatch, count: int, *, base_offset: int, now_ms: int) -> None:
        """Remember a batch that was appended; `look_up` has to have let it pass."""
        known = self._active.pop(batch.id, None)
        if known is None or known.epoch != batch.epoch:
            known = _Active(batch.epoch)
        known.batches.append(_Kept(batch.base_sequence, add_to_sequence(batch.base_sequence, count - 1), base_offset))
        known.appended_ms = now_ms
        self._active[batch.id] = known

    def forget_idle(self, now_ms: int, after_ms: int) -> None:
        """Forget the producers for which nothing was appended for longer than `after_ms`. (PRODUCER-016)"""
        idle = []
        for ident, known in self._active.items():
            if now_ms - known.appended_ms <= after_ms:
                break
            idle.append(ident)
        for ident in idle:
            del self._active[ident]
