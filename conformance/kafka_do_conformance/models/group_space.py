"""The worlds of groups that are explored, and what is the same in them.

States that differ only in the names of seats and partitions are one state. Epochs are numbered anew in every state, so
an unbounded life has finitely many states.
"""

from typing import NamedTuple

from kafka_do_conformance.models.exploring import Explored, Space, World, explore
from kafka_do_conformance.models.group import Bounds, Rules, Seat, epochs_of
from kafka_do_conformance.models.group_promises import PROMISES, broken, is_settled
from kafka_do_conformance.models.group_world import is_quiet, steps

__all__ = ["FREEDOMS", "SMALL", "WORLDS", "GroupWorld", "explore_group"]

_ALL = frozenset(PROMISES)
_USUAL = _ALL - {"one reader"}
_FEW = _USUAL - {"one answer may be lost", "settles soon"}
_SERVED = _FEW - {"one reader among members"}

_STATIC_SEATS = 2


class GroupWorld(NamedTuple):
    """What is explored, under which rules, and what is promised there."""

    bounds: Bounds
    rules: Rules = Rules()
    promises: frozenset[str] = _USUAL


FREEDOMS = {
    "joining_again_keeps": "A member that joins again may count as one that has left before. (GROUP-007)",
    "gives_back_only_anew": "What a member was asked for and may keep after all may be its own again at once.",
}
"""Rules that a server may leave out: nothing that is promised hangs on them."""

SMALL = {
    "prompt": GroupWorld(Bounds(late=0)),
    "watched": GroupWorld(Bounds(late=0), Rules(clients_watch_the_clock=True), _ALL),
    "static": GroupWorld(Bounds(partitions=1, late=0, static=True)),
    "commits": GroupWorld(Bounds(partitions=1, late=0, commits=True)),
    "repeated": GroupWorld(Bounds(partitions=1, repeats=True), Rules(), _SERVED),
    "repeated, raising": GroupWorld(Bounds(partitions=1, repeats=True), Rules(getting_raises_epoch=True), _FEW),
}
"""Two clients. Only if the epoch goes up each time that something is given, a repetition can make no second reader."""

WORLDS = {
    **SMALL,
    "lossy": GroupWorld(Bounds()),
    "late": GroupWorld(Bounds(partitions=1, late=2), Rules(), _SERVED),
    "late, raising": GroupWorld(Bounds(partitions=1, late=2), Rules(getting_raises_epoch=True), _FEW),
    "late commits": GroupWorld(Bounds(partitions=1, repeats=True, commits=True), Rules(), _SERVED),
    "two partitions and commits": GroupWorld(Bounds(late=0, commits=True), Rules(), _FEW),
    "three and a static place": GroupWorld(Bounds(members=3, partitions=1, late=0, static=True), Rules(), _FEW),
    "three": GroupWorld(Bounds(members=3, partitions=3, late=0), Rules(), _FEW),
}


def explore_group(world: GroupWorld, *, most: int = 10_000_000) -> tuple[Explored, Space]:
    """Explore a world; raises Faulty for a promise that is broken in it."""
    bounds, rules, promises = world
    return explore(
        World(
            tuple(Seat(static=bounds.static and number < _STATIC_SEATS) for number in range(bounds.members)),
            lambda seats: steps(seats, bounds, rules),
            lambda seats: broken(seats, bounds, rules, promises),
            lambda seats: is_settled(seats, bounds.partitions),
            is_quiet,
            bounds.partitions,
            _relabelled,
            lambda seat: _plain(seat, bounds, promises),
        ),
        most=most,
    )


def _plain(seat: Seat, bounds: Bounds, promises: frozenset[str]) -> Seat:
    """Return a seat without what cannot matter any more, and with its epochs numbered from 1 in their order."""
    member = seat.member
    if member:
        asked = {seat.client.epoch, *(request.epoch for request in seat.sent)}
        since = member.since if bounds.commits else tuple(min(epoch, 1) for epoch in member.since)
        member = member._replace(previous=member.previous if member.previous in asked else 0, since=since)
    missed = seat.missed if "one answer may be lost" in promises else 0
    return _renumbered(seat._replace(member=member, missed=missed), bounds)


def _renumbered(seat: Seat, bounds: Bounds) -> Seat:
    member, answer, commit = seat.member, seat.answer, seat.commit
    if member and not bounds.commits:
        known = {0, *epochs_of(seat._replace(member=member._replace(since=())))}
    else:
        known = {0, *epochs_of(seat)}
    numbers = {epoch: rank for rank, epoch in enumerate(sorted(known))}
    return seat._replace(
        client=seat.client._replace(epoch=numbers[seat.client.epoch]),
        sent=tuple(request._replace(epoch=numbers[request.epoch]) for request in seat.sent),
        answer=answer and answer._replace(epoch=numbers[answer.epoch]),
        member=member
        and member._replace(
            epoch=numbers[member.epoch],
            previous=numbers[member.previous],
            since=tuple(numbers[epoch] for epoch in member.since) if bounds.commits else member.since,
        ),
        commit=commit and commit._replace(epoch=numbers[commit.epoch]),
    )


def _relabelled(seat: Seat, order: tuple[int, ...]) -> Seat:
    """Return a seat with its partitions renamed: what was `order[p]` is p."""
    member, answer, commit = seat.member, seat.answer, seat.commit

    def renamed(held: int) -> int:
        return sum(1 << p for p, old in enumerate(order) if held & 1 << old)

    return seat._replace(
        client=seat.client._replace(reads=renamed(seat.client.reads), told=renamed(seat.client.told)),
        sent=tuple(request._replace(owned=renamed(request.owned)) for request in seat.sent),
        answer=answer and answer._replace(assignment=renamed(answer.assignment)),
        member=member
        and member._replace(
            since=tuple(member.since[old] for old in order),
            giving_up=renamed(member.giving_up),
            target=renamed(member.target),
        ),
        commit=commit and commit._replace(partition=order.index(commit.partition)),
    )
