"""Walks through the model of groups that together make every transition: of a member, and of its group with it.

They are written down in group_walks.json, because finding them takes longer than walking; `write` does that anew.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kafka_do_conformance.models.group import Bounds, Rules, Seat, Seats
from kafka_do_conformance.models.group_space import GroupWorld, explore_group
from kafka_do_conformance.models.group_world import Event, steps

__all__ = ["WALKED", "Step", "Transition", "find_walks", "read_walks", "transitions", "write_walks"]

WALKED = {
    "pair": Bounds(late=0, topics_change=False),
    "trio with a static place": Bounds(members=3, late=0, static=True, topics_change=False),
}
_FILE = Path(__file__).with_name("group_walks.json")

_SERVED = frozenset({"one holder", "can settle"})
_UNSEEN = frozenset({"let go", "hear", "stop", "restart"})

Transition = tuple[str, ...]
"""A member's state, what happens, the answer, the member's new state, the states of the others, and of the group."""


class Step(NamedTuple):
    """What a client does, or what happens to it: the kind of an event, the client's number, the kind of its request."""

    kind: str
    client: int
    request: str = ""


def read_walks(name: str) -> list[list[Step]]:
    """Return the walks of a world as they are written down."""
    written = json.loads(_FILE.read_text("utf-8"))[name]
    return [[Step(*step) for step in walk] for walk in written]


def write_walks() -> None:
    """Find the walks anew and write them down."""
    found = {name: find_walks(bounds) for name, bounds in WALKED.items()}
    lines = (
        f'  "{name}": [\n' + ",\n".join(f"    {json.dumps(walk)}" for walk in found[name]) + "\n  ]" for name in found
    )
    _FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def find_walks(bounds: Bounds) -> list[list[Step]]:
    """Return a shortest way to each transition, without those that are the beginning of another one."""
    kept: list[list[Step]] = []
    for way in sorted(transitions(bounds).values(), key=len, reverse=True):
        walk = [Step(event.kind, event.seat, event.request.kind if event.request else "") for event in way]
        if not any(other[: len(walk)] == walk for other in kept):
            kept.append(walk)
    return kept


@cache
def transitions(bounds: Bounds) -> dict[Transition, list[Event]]:
    """Return every transition that the wire shows, with a shortest way that ends with it."""
    _, space = explore_group(GroupWorld(bounds, Rules(), _SERVED))
    nearest: dict[Transition, int] = {}
    for place in range(len(space.states)):
        for _, transition in _made(space.parts(place), bounds):  # type: ignore[arg-type]
            nearest.setdefault(transition, place)
    found = {}
    for transition, place in nearest.items():
        way, seats = space.go(place)
        found[transition] = [*way, next(event for event, made in _made(seats, bounds) if made == transition)]  # type: ignore[arg-type]
    return found


def _made(seats: Seats, bounds: Bounds) -> Iterator[tuple[Event, Transition]]:
    for event, after in steps(seats, bounds, Rules()):
        if event.kind not in _UNSEEN:
            said = event.request.kind if event.request else ""
            answer = event.answer.code if event.answer else ""
            others = sorted(_state(seat) for place, seat in enumerate(seats) if place != event.seat)
            before, behind = _state(seats[event.seat]), _state(after[event.seat])
            yield event, (before, event.kind, said, answer, behind, *others, _group_state(after))


def _state(seat: Seat) -> str:
    """Return a member's state in its table; of one that has to give something up, also whether it is being read."""
    member = seat.member
    if not member:
        return "absent"
    if member.away:
        return "away"
    if member.giving_up:
        return "revoking and reading" if member.giving_up & seat.client.reads else "revoking"
    return "waiting" if member.target & ~member.assigned and not member.behind else "stable"


def _group_state(seats: Seats) -> str:
    members = [seat.member for seat in seats if seat.member]
    if not members:
        return "empty"
    is_settled = all(member.assigned == member.target and not member.giving_up for member in members)
    return "stable" if is_settled else "reconciling"
