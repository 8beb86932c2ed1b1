"""A run: producers and members of a group at work on a broker, time that passes, a topic that grows, the reckoning."""

from dataclasses import dataclass
from typing import Any

from kafka_do_conformance.histories.calls import Advance, Broker, Grow
from kafka_do_conformance.histories.consuming import Consumer, poll, query
from kafka_do_conformance.histories.events import Calm, ClockMoved, Event
from kafka_do_conformance.histories.producing import Producer
from kafka_do_conformance.histories.world import Steps, World, finish

__all__ = ["Load", "run"]

_BEATS = 4  # of each member, until every partition has an owner (GROUP-017)
_IDLE = 1  # steps of the clock, for each jump


@dataclass(frozen=True)
class Load:
    """How much is going on; every third producer is a plain one, every third consumer a static member."""

    steps: int = 1500
    producers: int = 3
    consumers: int = 5


def run(broker: Broker, seed: int, load: Load) -> list[Event]:
    """Return the history of a run of so many steps, which ends when everybody has settled and everything is read."""
    world = World(broker, seed)
    consumers = [Consumer(world, f"m{n}", f"i{n}" if n % 3 == 2 else "") for n in range(load.consumers)]  # noqa: PLR2004
    producers = [
        Producer(world, f"p{n}", "" if n % 3 == 2 else broker.new_producer())  # noqa: PLR2004
        for n in range(load.producers)
    ]
    running = [*(consumer.run() for consumer in consumers), *(producer.run() for producer in producers)]
    running.append(_pass_time(world))
    for step in range(load.steps):
        if step == load.steps // 2:
            running.append(_grow(world))
        _go_on(world, running)
    world.is_over = world.is_calm = True
    while running:
        _go_on(world, running)
    _settle(world, consumers)
    _read_everything(world)
    return sorted(world.history, key=lambda event: event.start)


def _go_on(world: World, running: list[Steps[None]]) -> None:
    """Let one of the processes make a step."""
    one = world.turns.choice(running)
    try:
        next(one)
    except StopIteration:
        running.remove(one)


def _pass_time(world: World) -> Steps[None]:
    while not world.is_over:
        yield from _advance(world, world.session_ms // 6)
        for _ in range(_IDLE):
            yield


def _advance(world: World, ms: int) -> Steps[None]:
    """Set the clock ahead, if there is one, and note that and what had passed by itself since it was set last."""
    ms = ms if world.broker.has_clock else 0
    answer, span = yield from world.ask(Advance(ms))
    if answer.result:
        since = max((e.end for e in world.history if isinstance(e, ClockMoved)), default=0)
        moved: dict[str, Any] = {"process": "time", "start": since, "end": span["end"]}
        world.history.append(ClockMoved(ms=answer.result, **moved))
    world.history.append(ClockMoved(process="clock", ms=ms, **span))


def _grow(world: World) -> Steps[None]:
    answer, _ = yield from world.ask(Grow(len(world.partitions)))
    world.partitions.append(answer.result)


def _settle(world: World, consumers: list[Consumer]) -> None:
    """Outlast those who are gone, let the others come to rest, and read and commit what there is."""
    for _ in range(_BEATS + 1):
        finish(_advance(world, world.session_ms // _BEATS))
        _beat(consumers)
    finish(_grow(world))
    for _ in range(_BEATS):
        _beat(consumers)
    names = tuple(consumer.name for consumer in consumers)
    group, partitions = world.broker.group, tuple(world.partitions)
    moment = world.now()
    calm = Calm(process="all", start=moment, end=world.now(), group=group, members=names, partitions=partitions)
    world.history.append(calm)
    for consumer in consumers:
        finish(consumer.catch_up())
    finish(_advance(world, 0))


def _beat(consumers: list[Consumer]) -> None:
    for consumer in consumers:
        finish(consumer.beat())


def _read_everything(world: World) -> None:
    """Read every partition to its end, and every committed offset."""
    for partition in world.partitions:
        position, after = -1, 0
        while after > position:
            position = after
            after = finish(poll(world, "reader", "", partition, position))
        finish(query(world, "reader", partition))
