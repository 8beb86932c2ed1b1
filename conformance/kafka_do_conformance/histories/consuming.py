"""Consumers at work as members of a group: they join, read, commit, let go, leave, restart, fall silent and crash."""

from typing import TYPE_CHECKING

from kafka_do_conformance.histories.calls import RETRIABLE, Answer, Commit, Heartbeat, Leave, Query, Read
from kafka_do_conformance.histories.events import Beat, Committed, Left, Partition, Polled, Queried, Sought, Told
from kafka_do_conformance.histories.world import Span, Steps, World

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Consumer", "poll", "query"]

REBALANCE_MS = 6000
_LIMIT = 4
_FOR_A_WHILE = 16  # things that it does meanwhile
_HABITS = {"poll": 6, "beat": 6, "commit": 6, "leave": 1, "crash": 0.5, "silence": 1, "stubborn": 1}
_TAKE_TIME = ("crash", "silence", "stubborn")  # until the server notices


class Consumer:
    """A consumer, one life as a member after the other; `instance_id` is empty for who is not static."""

    def __init__(self, world: World, slot: str, instance_id: str) -> None:
        self._world = world
        self._slot = slot
        self._chance = world.chance(slot)
        self._instance_id = instance_id
        self._weights = {habit: w for habit, w in _HABITS.items() if world.broker.has_clock or habit not in _TAKE_TIME}
        self._lives = 0
        self._habits: dict[str, Callable[[], Steps[None]]] = {
            "poll": self._poll,
            "beat": self._beat_unless_silent,
            "commit": self._commit,
            "leave": self._leave,
            "crash": self._crash,
            "silence": self._fall_silent,
            "stubborn": self._hold_on,
        }
        self._be_born()

    def _be_born(self) -> None:
        self._lives += 1
        self.name = f"{self._slot}.{self._lives}"
        self._epoch = 0
        self._positions: dict[Partition, int] = {}
        self._revoked: set[Partition] = set()
        self._silent = self._stubborn = 0

    def run(self) -> Steps[None]:
        """Join, and do one thing after the other."""
        yield from self.beat()
        while not self._world.is_over:
            (habit,) = self._chance.choices(list(self._weights), list(self._weights.values()))
            yield from self._habits[habit]()
            self._silent = max(0, self._silent - 1)
            self._stubborn = max(0, self._stubborn - 1)

    def beat(self) -> Steps[None]:
        """Send a heartbeat, without what was taken away unless it is stubborn, and go on from the answer.

        It overtakes the commit of what is given up, which is late then.
        """
        late = []
        if not self._stubborn or self._world.is_calm:
            late = [self._commit_of(partition) for partition in sorted(self._revoked)]
            self._positions = {p: position for p, position in self._positions.items() if p not in self._revoked}
            self._revoked = set()
        call = Heartbeat(self.name, self._epoch, frozenset(self._positions), REBALANCE_MS, self._instance_id)
        answer, span = yield from self._world.request(call, self._chance)
        self._world.history.append(
            Beat(
                process=self.name, group=self._world.broker.group, member=self.name, epoch=call.epoch,
                owned=call.owned, rebalance_ms=REBALANCE_MS, outcome=answer.outcome, told=answer.result,
                code=answer.code, **span,
            )
        )  # fmt: skip
        yield from self._go_on(answer)
        for commit in late:
            if commit.epoch < self._epoch:  # with the present epoch it would be stored, whoever owns the partition
                yield from self._send_commit(commit)

    def catch_up(self) -> Steps[None]:
        """Read all that there is, and commit it."""
        for partition in self._owned():
            while (after := (yield from self._poll_from(partition))) > self._positions[partition]:
                self._positions[partition] = after
            yield from self._send_commit(self._commit_of(partition))

    def _go_on(self, answer: Answer) -> Steps[None]:
        if answer.outcome == "refused" and answer.code not in RETRIABLE:
            self._epoch, self._positions, self._revoked = 0, {}, set()
        told: Told | None = answer.result
        if told is None:
            return
        self._epoch = told.epoch
        self._world.session_ms = told.session_ms
        self._revoked = set(self._positions) - told.assignment
        for partition in sorted(told.assignment - set(self._positions)):
            position = (yield from query(self._world, self.name, partition)) or 0
            span: Span = {"start": self._world.now(), "end": self._world.now()}
            self._world.history.append(Sought(process=self.name, partition=partition, position=position, **span))
            self._positions[partition] = position

    def _owned(self) -> list[Partition]:
        return sorted(self._positions)

    def _poll(self) -> Steps[None]:
        if owned := self._owned():
            partition = self._chance.choice(owned)
            self._positions[partition] = yield from self._poll_from(partition)
        else:
            yield

    def _poll_from(self, partition: Partition) -> Steps[int]:
        group = self._world.broker.group
        return (yield from poll(self._world, self.name, group, partition, self._positions[partition]))

    def _commit(self) -> Steps[None]:
        if owned := self._owned():
            yield from self._send_commit(self._commit_of(self._chance.choice(owned)))
        else:
            yield

    def _commit_of(self, partition: Partition) -> Commit:
        return Commit(self.name, self._epoch, partition, self._positions[partition])

    def _send_commit(self, call: Commit) -> Steps[None]:
        """Commit, again while the answers are lost."""
        answer: Answer | None = None
        while answer is None or answer.outcome == "unknown":
            answer, span = yield from self._world.request(call, self._chance)
            self._world.history.append(
                Committed(
                    process=self.name, group=self._world.broker.group, member=self.name, epoch=call.epoch,
                    partition=call.partition, offset=call.offset, outcome=answer.outcome, code=answer.code, **span,
                )
            )  # fmt: skip

    def _beat_unless_silent(self) -> Steps[None]:
        if self._silent:
            yield
        else:
            yield from self.beat()

    def _fall_silent(self) -> Steps[None]:
        self._silent = _FOR_A_WHILE
        yield

    def _hold_on(self) -> Steps[None]:
        """Go on with what is taken away."""
        self._stubborn = _FOR_A_WHILE
        yield

    def _leave(self) -> Steps[None]:
        """Leave, a static one for a time, again while the answers are lost; and come back under another id."""
        call = Leave(self.name, self._instance_id)
        answer: Answer | None = None
        while answer is None or answer.outcome == "unknown":
            answer, span = yield from self._world.request(call, self._chance)
            self._world.history.append(
                Left(
                    process=self.name, group=self._world.broker.group, member=self.name, outcome=answer.outcome,
                    temporary=bool(self._instance_id), **span,
                )
            )  # fmt: skip
        yield from self._crash()

    def _crash(self) -> Steps[None]:
        """Forget everything, and come back under another id."""
        self._be_born()
        yield from self.beat()


def poll(world: World, process: str, group: str, partition: Partition, position: int) -> Steps[int]:
    """Read, note it, and return the next offset."""
    answer, span = yield from world.ask(Read(partition, position, _LIMIT))
    records, next_offset, log_start_offset = answer.result
    world.history.append(
        Polled(
            process=process, partition=partition, position=position, records=records, next_offset=next_offset,
            log_start_offset=log_start_offset, group=group, **span,
        )
    )  # fmt: skip
    return int(next_offset)


def query(world: World, process: str, partition: Partition) -> Steps[int | None]:
    """Ask for the committed offset, note it, and return it."""
    answer, span = yield from world.ask(Query(partition))
    offset: int | None = answer.result
    world.history.append(Queried(process=process, group=world.broker.group, partition=partition, offset=offset, **span))
    return offset
