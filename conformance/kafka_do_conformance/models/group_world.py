"""The worlds of the group model that are explored, and how fast a group settles in them."""

from collections.abc import Iterable
from itertools import permutations
from typing import NamedTuple

from kafka_do_conformance.models.exploring import Explored, Faulty, Space, World, explore
from kafka_do_conformance.models.group import (
    PROMISES,
    Bounds,
    Rules,
    Seats,
    begin,
    is_quiet,
    lets_zombies_commit,
    relabelled,
    renumbered,
    round_of,
    settled,
    steps,
    wrong,
)

__all__ = ["KAFKA", "STRICT", "WORLDS", "GroupWorld", "explore_group"]

STRICT = Rules()
# What a gateway to Kafka keeps: a late duplicate may confirm what its sender never gave up, and nobody watches the clock.
KAFKA = Rules(
    getting_raises_epoch=False,
    repeats_move_nothing=False,
    joining_again_moves_nothing=False,
    gives_back_only_anew=False,
    clients_watch_the_clock=False,
)
_ALL = frozenset(PROMISES)


class GroupWorld(NamedTuple):
    """What is explored, under which rules, and what is promised there."""

    bounds: Bounds
    rules: Rules = STRICT
    promises: frozenset[str] = _ALL


_KAFKA_KEEPS = frozenset({"one holder", "epochs go up", "no zombie commits", "can settle"})

WORLDS = {
    "pair": GroupWorld(Bounds()),
    "commits": GroupWorld(Bounds(partitions=1, commits=True)),
    "kafka": GroupWorld(Bounds(), KAFKA, _KAFKA_KEEPS),
}


def explore_group(world: GroupWorld, *, most: int = 10_000_000) -> tuple[Explored, Space]:
    """Explore a world; raises Faulty for a promise that is broken in it."""

    def fault(seats: Seats) -> str | None:
        broken = next((promise for promise in wrong(seats) if promise in world.promises), None)
        if broken is None and "no zombie commits" in world.promises and lets_zombies_commit(seats, world.rules):
            return "no zombie commits"
        return broken

    return explore(
        World(
            begin(world.bounds),
            lambda seats: steps(seats, world.bounds, world.rules),
            fault,
            settled,
            is_quiet,
            world.bounds.partitions,
            relabelled,
            renumbered,
        ),
        most=most,
    )
