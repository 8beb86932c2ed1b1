"""A tiny broker that is correct as far as histories can tell: logs, idempotent batches, one group, its own clock."""

from dataclasses import dataclass, field
from typing import Any

from kafka_do_conformance.histories.calls import (
    RETRIABLE,
    Advance,
    Answer,
    Append,
    Call,
    Commit,
    Fate,
    Grow,
    Heartbeat,
    Leave,
    Page,
    Query,
    Read,
)
from kafka_do_conformance.histories.events import Batch, Partition, Told

__all__ = ["SESSION_MS", "SimulatedBroker"]

SESSION_MS = 9000


class _Refused(Exception):  # noqa: N818  an answer, not a fault
    """A request was refused for sure; the text is the code."""


@dataclass
class _Member:
    epoch: int
    heard_ms: int
    instance_id: str
    is_away: bool = False
    rebalance_ms: int = 0
    before: int = 0  # the epoch that it had before
    assigned: dict[Partition, int] = field(default_factory=dict)  # and the epoch at which it was
    leaving: set[Partition] = field(default_factory=set)  # what it has to give up and still lists
    leaving_since_ms: int = 0


class SimulatedBroker:
    """Every request has its effect at once, when it acts."""

    group = "g"
    has_clock = True

    def __init__(self, partitions: int) -> None:
        self.partitions = [Partition("t", number) for number in range(partitions)]
        self._logs: dict[Partition, list[str]] = {partition: [] for partition in self.partitions}
        self._committed: dict[Partition, int] = {}
        self._batches: dict[tuple[Partition, Batch], tuple[int, ...]] = {}
        self._producer_epochs: dict[tuple[Partition, str], int] = {}
        self._producers = 0
        self._members: dict[str, _Member] = {}
        self._epoch = 0
        self._now_ms = 0

    def new_producer(self) -> str:
        """Return an id that no other producer has."""
        self._producers += 1
        return str(self._producers)

    def send(self, call: Call, fate: Fate) -> "_Pending":
        """Return a call that acts when it is told to."""
        return _Pending(self, call, fate)

    def act(self, call: Call) -> Any:  # noqa: PLR0911  one for each kind of call
        """Do what a call asks for and return the result; raises _Refused."""
        match call:
            case Append():
                return self._append(call)
            case Heartbeat():
                return self._heartbeat(call)
            case Leave():
                return self._leave(call)
            case Commit():
                return self._commit(call)
            case Read(partition, position, limit):
                records = tuple(enumerate(self._logs[partition]))[position : position + limit]
                return Page(records, position + len(records), 0)
            case Query(partition):
                return self._committed.get(partition)
            case Advance(ms):
                return self._advance(ms)
            case Grow(_):
                return self._grow()

    def _grow(self) -> Partition:
        self.partitions.append(Partition("t", len(self.partitions)))
        self._logs[self.partitions[-1]] = []
        self._epoch += 1
        return self.partitions[-1]

    def _append(self, call: Append) -> tuple[int, ...]:
        """Append a batch, once, unless a newer epoch is known."""
        partition, values, batch = call
        if batch is not None:
            known = self._producer_epochs.get((partition, batch.producer), 0)
            if batch.epoch < known:
                raise _Refused("producer_fenced")
            if (partition, batch) in self._batches:
                return self._batches[partition, batch]
            self._producer_epochs[partition, batch.producer] = batch.epoch
        log = self._logs[partition]
        offsets = tuple(range(len(log), len(log) + len(values)))
        log.extend(values)
        if batch is not None:
            self._batches[partition, batch] = offsets
        return offsets

    def _heartbeat(self, call: Heartbeat) -> Told:
        """Join, stay, let go, get."""
        member = self._members.get(call.member) if call.epoch else self._join(call)
        if member is None:
            raise _Refused("unknown_member")
        lost = call.epoch == member.before and call.owned <= set(member.assigned)
        if call.epoch and call.epoch != member.epoch and not lost:
            raise _Refused("fenced_member_epoch")
        member.heard_ms, member.rebalance_ms, member.is_away = self._now_ms, call.rebalance_ms, False
        self._reconcile(member, call.owned, self._target(call.member))
        return Told(member.epoch, frozenset(member.assigned), SESSION_MS)

    def _join(self, call: Heartbeat) -> _Member:
        """Return the member that joins: a new one, the one that it is, or the static one whose place it takes."""
        if call.member in self._members:
            return self._members[call.member]
        static = [name for name, member in self._members.items() if member.instance_id == call.instance_id != ""]
        for name in static:
            if not self._members[name].is_away:
                raise _Refused("unreleased_instance_id")
            self._members[call.member] = self._members.pop(name)
            return self._members[call.member]
        self._epoch += 1
        self._members[call.member] = _Member(epoch=0, heard_ms=self._now_ms, instance_id=call.instance_id)
        return self._members[call.member]

    def _leave(self, call: Leave) -> None:
        """Let a member go, for a time or for good."""
        member = self._members.get(call.member)
        if member is None:
            raise _Refused("unknown_member")
        if call.instance_id:
            member.is_away = True
        else:
            self._remove(call.member)

    def _remove(self, name: str) -> None:
        del self._members[name]
        self._epoch += 1

    def _commit(self, call: Commit) -> None:
        """Store an offset."""
        member = self._members.get(call.member)
        if member is None:
            raise _Refused("unknown_member")
        since = member.assigned.get(call.partition, call.epoch + 1)
        if call.epoch != member.epoch and not since <= call.epoch < member.epoch:
            raise _Refused("rebalance_in_progress")
        self._committed[call.partition] = call.offset

    def _advance(self, ms: int) -> int:
        """Let time pass, and remove who was silent or did not let go."""
        self._now_ms += ms
        for name, member in list(self._members.items()):
            silent = self._now_ms - member.heard_ms >= SESSION_MS
            slow = member.leaving and self._now_ms - member.leaving_since_ms >= member.rebalance_ms
            if silent or slow:
                self._remove(name)
        return 0

    def _target(self, name: str) -> set[Partition]:
        """Deal the partitions out in turn, to the static members first, who may come back under another name."""
        names = sorted(self._members, key=lambda name: (self._members[name].instance_id == "", name))
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


class _Pending:
    """A call and its fate."""

    def __init__(self, broker: SimulatedBroker, call: Call, fate: Fate) -> None:
        self._broker = broker
        self._call = call
        self._fate = fate
        self._answer = Answer("unknown")

    def act(self) -> None:
        """Act, unless the fate is against it."""
        if self._fate == "refused":
            self._answer = Answer("refused", None, RETRIABLE[0])
        elif self._fate != "lost request":
            try:
                self._answer = Answer("ok", self._broker.act(self._call))
            except _Refused as refused:
                self._answer = Answer("refused", None, str(refused))

    def answer(self) -> Answer:
        """Return the answer, unless it is lost."""
        return Answer("unknown") if self._fate == "lost answer" else self._answer
