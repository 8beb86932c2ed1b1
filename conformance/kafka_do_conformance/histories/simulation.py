"""Clean histories: producers and members of a group at work on a broker that is correct, in an order from a seed.

Each process is a generator that stands still before and after the effect of a request; which one goes on is drawn.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, TypedDict

from kafka_do_conformance.histories.events import (
    Batch,
    Beat,
    ClockMoved,
    Committed,
    Event,
    Left,
    Outcome,
    Partition,
    Polled,
    Produced,
    Queried,
    Sought,
    Told,
)
from kafka_do_conformance.histories.simulated_broker import Refused, SimulatedBroker

__all__ = ["GROUP", "simulate"]

GROUP = "g"
_LOST = 0.15  # of all answers, and of all requests
_REFUSED = 0.05  # of all batches
_REBALANCE_MS = 6000
_TICK_MS = 1500
_POLL = 4
_HABITS = {"poll": 8, "beat": 6, "commit": 4, "leave": 1, "silence": 1, "stubborn": 1}

_Steps = Iterator[None]


class _Span(TypedDict):
    start: int
    end: int


_Note = Callable[[Outcome, Any, str, _Span], Event]


def simulate(seed: int, *, steps: int = 900, partitions: int = 3, members: int = 3, producers: int = 3) -> list[Event]:
    """Return the history of a run of so many steps, which ends with the reading of everything."""
    world = _World(random.Random(seed), partitions)  # noqa: S311
    names = [*(f"m{number}" for number in range(members))]
    running = [_Member(world, name).run() for name in names]
    running += [_produce(world, f"p{number}", idempotent=number % 3 != 2) for number in range(producers)]  # noqa: PLR2004
    running += [_pass_time(world)]
    for step in range(steps):
        if step == steps // 2:
            world.broker.grow()
        next(world.random.choice(running))
    world.give_up()
    world.read_everything()
    return sorted(world.history, key=lambda event: event.start)


class _World:
    """What the processes share."""

    def __init__(self, chooser: random.Random, partitions: int) -> None:
        self.random = chooser
        self.broker = SimulatedBroker(partitions)
        self.history: list[Event] = []
        self._now = 0
        self._under_way: dict[int, _Note] = {}

    def now(self) -> int:
        """Return the next reading of the counter."""
        self._now += 1
        return self._now

    def request(self, act: Callable[[], Any], note: _Note) -> _Steps:
        """Send a request whose answer, or which itself, may be lost, and note what came of it."""
        start = self.now()
        self._under_way[start] = note
        yield
        fate = self.random.random()
        outcome: Outcome = "ok"
        result: Any = None
        code = ""
        if fate >= _LOST:
            try:
                result = act()
            except Refused as refused:
                outcome, code = "refused", str(refused)
        yield
        if fate < 2 * _LOST:
            outcome, result, code = "unknown", None, ""
        del self._under_way[start]
        self.history.append(note(outcome, result, code, {"start": start, "end": self.now()}))

    def give_up(self) -> None:
        """Note what is still under way as something that will never be answered."""
        for start, note in self._under_way.items():
            self.history.append(note("unknown", None, "", {"start": start, "end": self.now()}))

    def read_everything(self) -> None:
        """Read every partition to its end, and every committed offset."""
        for partition, log in self.broker.logs.items():
            position = 0
            while position < len(log):
                position = self.poll("reader", "", partition, position, 2 * _POLL)
            self.query("reader", partition)

    def poll(self, process: str, group: str, partition: Partition, position: int, limit: int) -> int:
        """Read, note it, and return the next offset."""
        start = self.now()
        records = self.broker.read(partition, position, limit)
        after = position + len(records)
        self.history.append(
            Polled(
                process=process, start=start, end=self.now(), partition=partition, position=position,
                records=records, next_offset=after, group=group,
            )
        )  # fmt: skip
        return after

    def query(self, process: str, partition: Partition) -> int:
        """Ask for the committed offset, note it, and return it, or 0."""
        start = self.now()
        offset = self.broker.committed.get(partition)
        self.history.append(
            Queried(process=process, start=start, end=self.now(), group=GROUP, partition=partition, offset=offset)
        )
        return offset or 0


def _pass_time(world: _World) -> _Steps:
    while True:
        start = world.now()
        yield
        world.broker.advance(_TICK_MS)
        world.history.append(ClockMoved(process="clock", start=start, end=world.now(), ms=_TICK_MS))
        for _ in range(3):
            yield


def _produce(world: _World, name: str, *, idempotent: bool) -> _Steps:
    """Append batch after batch; with a sequence, each until it is acknowledged."""
    number = 0
    while True:
        partition = world.random.choice(world.broker.partitions)
        values = tuple(f"{name}-{number + index}" for index in range(world.random.randint(1, 3)))
        batch = Batch(name, 0, number) if idempotent else None
        number += len(values)

        request = _append(world, name, partition, values, batch)
        yield from world.request(*request)
        while batch is not None and getattr(world.history[-1], "outcome", "") == "unknown":
            yield from world.request(*request)


def _append(
    world: _World, name: str, partition: Partition, values: tuple[str, ...], batch: Batch | None
) -> tuple[Callable[[], tuple[int, ...]], _Note]:
    def act() -> tuple[int, ...]:
        if world.random.random() < _REFUSED:
            raise Refused("quota_exceeded")
        return world.broker.append(partition, values, batch)

    def note(outcome: Outcome, offsets: tuple[int, ...] | None, _: str, span: _Span) -> Produced:
        return Produced(
            process=name,
            partition=partition,
            values=values,
            batch=batch,
            outcome=outcome,
            offsets=offsets or (),
            **span,
        )

    return act, note


class _Member:
    """A consumer, one life of it after the other."""

    def __init__(self, world: _World, slot: str) -> None:
        self._world = world
        self._slot = slot
        self._lives = 0
        self._be_born()

    def _be_born(self) -> None:
        self._lives += 1
        self.name = f"{self._slot}.{self._lives}"
        self.epoch = 0
        self.positions: dict[Partition, int] = {}
        self.revoked: set[Partition] = set()
        self._stubborn = self._silent = 0

    def run(self) -> _Steps:
        """Do one thing after the other for ever."""
        yield from self._beat()
        while True:
            habit = self._world.random.choices(list(_HABITS), list(_HABITS.values()))[0]
            if habit == "leave":
                yield from self._leave()
            elif habit == "silence":
                self._silent = 12
            elif habit == "stubborn":
                self._stubborn = 12
            elif habit == "beat" and not self._silent:
                yield from self._beat()
            elif self.positions:
                partition = self._world.random.choice(sorted(self.positions))
                yield from self._poll(partition) if habit == "poll" else self._commit(partition)
            else:
                yield
            self._stubborn = max(0, self._stubborn - 1)
            self._silent = max(0, self._silent - 1)

    def _beat(self) -> _Steps:
        if not self._stubborn:
            for partition in self.revoked:
                self.positions.pop(partition, None)
        self.revoked &= set(self.positions)
        name, epoch, owned = self.name, self.epoch, frozenset(self.positions)
        answers: list[Beat] = []

        def note(outcome: Outcome, told: Told | None, code: str, span: _Span) -> Beat:
            beat = Beat(
                process=name, group=GROUP, member=name, epoch=epoch, owned=owned, rebalance_ms=_REBALANCE_MS,
                outcome=outcome, told=told, code=code, **span,
            )  # fmt: skip
            answers.append(beat)
            return beat

        yield from self._world.request(lambda: self._world.broker.heartbeat(name, epoch, owned, _REBALANCE_MS), note)
        self._take(answers[0])

    def _take(self, answer: Beat) -> None:
        if answer.outcome == "refused":
            self.epoch, self.positions, self.revoked = 0, {}, set()
        if answer.told is None:
            return
        self.epoch = answer.told.epoch
        self.revoked = set(self.positions) - answer.told.assignment
        for partition in sorted(answer.told.assignment - set(self.positions)):
            position = self._world.query(self.name, partition)
            span: _Span = {"start": self._world.now(), "end": self._world.now()}
            self._world.history.append(Sought(process=self.name, partition=partition, position=position, **span))
            self.positions[partition] = position

    def _leave(self) -> _Steps:
        name = self.name

        def note(outcome: Outcome, _: None, __: str, span: _Span) -> Left:
            return Left(process=name, group=GROUP, member=name, outcome=outcome, **span)

        if self.epoch:
            yield from self._world.request(lambda: self._world.broker.leave(name), note)
        self._be_born()
        yield from self._beat()

    def _poll(self, partition: Partition) -> _Steps:
        self.positions[partition] = self._world.poll(self.name, GROUP, partition, self.positions[partition], _POLL)
        yield

    def _commit(self, partition: Partition) -> _Steps:
        name, epoch, offset = self.name, self.epoch, self.positions[partition]

        def note(outcome: Outcome, _: None, code: str, span: _Span) -> Committed:
            return Committed(
                process=name, group=GROUP, member=name, epoch=epoch, partition=partition, offset=offset,
                outcome=outcome, code=code, **span,
            )  # fmt: skip

        yield from self._world.request(lambda: self._world.broker.commit(name, epoch, partition, offset), note)
