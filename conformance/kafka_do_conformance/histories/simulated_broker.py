"""A tiny broker that is correct as far as histories can tell: logs, idempotent batches, one group, its own clock."""

from dataclasses import dataclass, field

from kafka_do_conformance.histories.events import Batch, Partition, Told

__all__ = ["SESSION_MS", "Refused", "SimulatedBroker"]

SESSION_MS = 9000


class Refused(Exception):  # noqa: N818  an answer, not a fault
    """A request was refused for sure; the text is the code."""


@dataclass
class _Member:
    epoch: int
    heard_ms: int
    rebalance_ms: int = 0
    before: int = 0  # the epoch that it had before
    assigned: dict[Partition, int] = field(default_factory=dict)  # and the epoch at which it was
    leaving: set[Partition] = field(default_factory=set)  # what it has to give up and still lists
    leaving_since_ms: int = 0


class SimulatedBroker:
    """Every method is one request; it has its effect at once."""

    def __init__(self, partitions: int) -> None:
        self.partitions = [Partition("t", number) for number in range(partitions)]
        self.logs: dict[Partition, list[str]] = {partition: [] for partition in self.partitions}
        self.committed: dict[Partition, int] = {}
        self._batches: dict[tuple[Partition, Batch], tuple[int, ...]] = {}
        self._members: dict[str, _Member] = {}
        self._epoch = 0
        self._now_ms = 0

    def grow(self) -> None:
        """Add a partition."""
        self.partitions.append(Partition("t", len(self.partitions)))
        self.logs[self.partitions[-1]] = []
        self._epoch += 1

    def append(self, partition: Partition, values: tuple[str, ...], batch: Batch | None) -> tuple[int, ...]:
        """Append a batch, once."""
        if batch is not None and (partition, batch) in self._batches:
            return self._batches[partition, batch]
        log = self.logs[partition]
        offsets = tuple(range(len(log), len(log) + len(values)))
        log.extend(values)
        if batch is not None:
            self._batches[partition, batch] = offsets
        return offsets

    def read(self, partition: Partition, position: int, limit: int) -> tuple[tuple[int, str], ...]:
        """Return records from a position on."""
        return tuple(enumerate(self.logs[partition]))[position : position + limit]

    def heartbeat(self, name: str, epoch: int, owned: frozenset[Partition], rebalance_ms: int) -> Told:
        """Join, stay, let go, get; raises Refused."""
        member = self._members.get(name)
        if member is None:
            if epoch:
                raise Refused("unknown_member")
            self._epoch += 1
            member = self._members[name] = _Member(epoch=0, heard_ms=self._now_ms)
        elif epoch and epoch != member.epoch and not (epoch == member.before and owned <= set(member.assigned)):
            raise Refused("fenced_member_epoch")
        member.heard_ms, member.rebalance_ms = self._now_ms, rebalance_ms
        self._reconcile(member, owned, self._target(name))
        return Told(member.epoch, frozenset(member.assigned), SESSION_MS)

    def leave(self, name: str) -> None:
        """Let a member go; raises Refused."""
        if self._members.pop(name, None) is None:
            raise Refused("unknown_member")
        self._epoch += 1

    def commit(self, name: str, epoch: int, partition: Partition, offset: int) -> None:
        """Store an offset; raises Refused."""
        member = self._members.get(name)
        if member is None:
            raise Refused("unknown_member")
        if epoch != member.epoch and not member.assigned.get(partition, epoch + 1) <= epoch < member.epoch:
            raise Refused("rebalance_in_progress")
        self.committed[partition] = offset

    def advance(self, ms: int) -> None:
        """Let time pass, and remove who was silent or did not let go."""
        self._now_ms += ms
        for name, member in list(self._members.items()):
            silent = self._now_ms - member.heard_ms >= SESSION_MS
            slow = member.leaving and self._now_ms - member.leaving_since_ms >= member.rebalance_ms
            if silent or slow:
                self.leave(name)

    def _target(self, name: str) -> set[Partition]:
        names = sorted(self._members)
        return {p for number, p in enumerate(self.partitions) if names[number % len(names)] == name}

    def _reconcile(self, member: _Member, owned: frozenset[Partition], target: set[Partition]) -> None:
        member.leaving &= owned
        going = set(member.assigned) - target
        if going and not member.leaving:
            member.leaving_since_ms = self._now_ms
        member.leaving |= going & owned
        for partition in going:
            del member.assigned[partition]
        if member.leaving:
            return
        if member.epoch != self._epoch:
            member.before, member.epoch = member.epoch, self._epoch
        taken = {p for one in self._members.values() for p in (*one.assigned, *one.leaving)}
        member.assigned |= dict.fromkeys(target - taken, member.epoch)
