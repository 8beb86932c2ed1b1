"""Producers at work: plain ones, and ones that number their records and send again what may not have arrived."""

from kafka_do_conformance.histories.calls import RETRIABLE, Append
from kafka_do_conformance.histories.events import Batch, Outcome, Partition, Produced
from kafka_do_conformance.histories.world import Steps, World

__all__ = ["Producer"]

_MOST = 3  # records in a batch
_REMEMBERED = 5  # batches of a producer in a partition (PRODUCER-006)
_REPEATS = 0.15  # after how many of its batches the network brings an old one once more
_LOSES_COUNT = 0.08  # after how many of its batches a producer begins anew, at a higher epoch


class Producer:
    """A producer; plain where it has no `ident`. Every value is sent for one place only."""

    def __init__(self, world: World, name: str, ident: str) -> None:
        self._world = world
        self._name = name
        self._chance = world.chance(name)
        self._ident = ident
        self._epoch = 0
        self._sequences: dict[Partition, int] = {}
        self._last: dict[Partition, list[Append]] = {}
        self._count = 0

    def run(self) -> Steps[None]:
        """Append batch after batch."""
        while not self._world.is_over:
            append = self._next(self._chance.choice(self._world.partitions))
            yield from self._until_done(append)
            if self._ident and self._chance.random() < _REPEATS:
                yield from self._send(self._chance.choice(self._last[append.partition]))
            if self._ident and self._chance.random() < _LOSES_COUNT:
                yield from self._begin_anew(append)

    def _next(self, partition: Partition) -> Append:
        size = self._chance.randint(1, _MOST)
        values = tuple(f"{self._name}-{self._count + index}" for index in range(size))
        self._count += size
        if not self._ident:
            return Append(partition, values, None)
        sequence = self._sequences.get(partition, 0)
        self._sequences[partition] = sequence + size
        append = Append(partition, values, Batch(self._ident, self._epoch, sequence))
        self._last[partition] = [*self._last.get(partition, []), append][-_REMEMBERED:]
        return append

    def _until_done(self, append: Append) -> Steps[None]:
        """Send a batch, with numbers until it is acknowledged."""
        done = yield from self._send(append)
        while self._ident and not done:
            done = yield from self._send(append)

    def _begin_anew(self, last: Append) -> Steps[None]:
        """Raise the epoch, use it, and then be the one who has not heard of it and sends its last batch again."""
        self._epoch += 1
        self._sequences, self._last = {}, {}
        yield from self._until_done(self._next(last.partition))
        yield from self._send(last)

    def _send(self, append: Append) -> Steps[bool]:
        """Send a batch once and say whether it is settled."""
        answer, span = yield from self._world.request(append, self._chance)
        outcome: Outcome = answer.outcome
        self._world.history.append(
            Produced(
                process=self._name, partition=append.partition, values=append.values, batch=append.batch,
                outcome=outcome, offsets=answer.result or (), code=answer.code, **span,
            )
        )  # fmt: skip
        return outcome == "ok" or (outcome == "refused" and answer.code not in RETRIABLE)
