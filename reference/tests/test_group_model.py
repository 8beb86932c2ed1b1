"""The core does what the model of groups does, whatever arrives in whichever state the model can reach."""

from collections.abc import Iterator

import msgspec
import pytest

from kafka_do.core.errors import KafkaError
from kafka_do.core.groups.group import Group, TopicView
from kafka_do.core.groups.member import Member
from kafka_do.core.groups.partitions import Partition
from kafka_do.core.messages import HeartbeatRequest, TopicPartitions
from kafka_do.spec import SPEC
from kafka_do_conformance.models import group as model
from kafka_do_conformance.models.group import Answer, Bounds, Request, Rules, Seat, Seats
from kafka_do_conformance.models.group_space import GroupWorld, explore_group, renumbered

_TOPIC = "readings"
_INSTANCE = "instance"
_NOW_MS = 1_000
_LATER_MS = 1_000_000
_EPOCH = 100
_SERVED = frozenset({"one holder", "can settle"})

_WORLDS = {
    "two": Bounds(late=0),
    "static": Bounds(members=2, partitions=1, late=0, static=True),
}


@pytest.mark.parametrize("name", _WORLDS)
def test_the_core_answers_and_does_what_the_model_may(name: str) -> None:
    bounds = _WORLDS[name]
    _, space = explore_group(GroupWorld(bounds, Rules(), _SERVED))
    compared = 0
    for place in range(len(space.states)):
        seats: Seats = space.parts(place)  # type: ignore[assignment]
        for number in range(len(seats)):
            for request in _requests(seats[number], bounds.partitions):
                allowed = {
                    _seen(after, number, request, answer, bounds)
                    for after, answer in model.serve(seats, number, request, bounds, Rules())
                }
                assert _of_the_core(seats, number, request, bounds) in allowed, (seats, number, request)
                compared += 1
    assert compared > 1000


def _requests(seat: Seat, partitions: int) -> Iterator[Request]:
    """Yield what may arrive: what an honest client says, what it said before, and what others would say."""
    yield Request("heartbeat")
    yield Request("leave")
    if seat.static:
        yield Request("pause")
    epochs = {*model.epochs_of(seat), max(model.epochs_of(seat)) + 1} - {0}
    for epoch in epochs:
        for owned in {0, seat.client.reads, (1 << partitions) - 1}:
            yield Request("heartbeat", epoch, owned)


def _seen(seats: Seats, number: int, request: Request, answer: Answer, bounds: Bounds) -> tuple[object, ...]:
    """Return what is compared: the members, with the answer to the one who has sent, epochs by their order."""
    if request.kind != "heartbeat" and answer.code != model.OK:
        answer = Answer("refused")
    members = [
        Seat(member=_told(seat.member), answer=answer if place == number else (), sent=(request,) * (place == number))
        for place, seat in enumerate(seats)
    ]
    return tuple(renumbered(seat, bounds) for seat in members)


def _told(member: model.Member | tuple[()]) -> model.Member | tuple[()]:
    """Return a member without the times at which it was given what it has: only commits look at them."""
    return member and member._replace(since=tuple(min(epoch, 1) for epoch in member.since))


def _of_the_core(seats: Seats, number: int, request: Request, bounds: Bounds) -> tuple[object, ...]:
    group, shifts = _core(seats, bounds.partitions)
    shift = shifts[number]
    try:
        answer = _send(group, seats[number], number, request, shift)
    except KafkaError as error:
        answer = Answer(error.code)
    after = tuple(
        Seat(member=_member(group, _ident(place), bounds.partitions) if _ident(place) in group.members else ())
        for place in range(len(seats))
    )
    shifted = request._replace(epoch=request.epoch + shift) if request.epoch else request
    return _seen(after, number, shifted, answer, bounds)


def _core(seats: Seats, partitions: int) -> tuple[Group, list[int]]:
    """Return the core's group in a state of the model, and for each seat how much higher its epochs are."""
    view = TopicView(_TOPIC, partitions)
    group = Group("readers", find_topic=lambda _: view, limits={**SPEC.limits, "max_session_timeout_ms": _LATER_MS})
    group.epoch = _EPOCH
    shifts = []
    for place, seat in enumerate(seats):
        known = seat.member
        shifts.append(_EPOCH - (known.epoch + known.behind) if known else 0)
        if not known:
            continue
        ident, shift = _ident(place), shifts[-1]
        member = Member(
            ident=ident,
            wanted=frozenset({_TOPIC}),
            assignor=None,
            rebalance_timeout_ms=_LATER_MS,
            session_timeout_ms=_LATER_MS,
            session_ends_ms=_NOW_MS + _LATER_MS,
            instance_id=_INSTANCE if seat.static else None,
            epoch=known.epoch + shift,
            previous_epoch=known.previous and known.previous + shift,
            assigned=dict.fromkeys(_partitions(known.assigned), known.epoch + shift),
            revoking=_partitions(known.giving_up),
            revoking_ends_ms=_NOW_MS + _LATER_MS if known.giving_up else None,
            is_away=known.away,
        )
        group.members[ident] = member
        group._target[ident] = _partitions(known.target)
        group._holders.update(dict.fromkeys(member.held, ident))
        if seat.static:
            group._instances[_INSTANCE] = ident
    group.topics, group._names, group._topics_seen = {_TOPIC: view}, {_TOPIC: _TOPIC}, 0
    if not group.members:
        group.topics = {}
    return group, shifts


def _send(group: Group, seat: Seat, number: int, request: Request, shift: int) -> Answer:
    ident = _ident(number)
    if request.kind == "leave":
        group.leave(ident, _NOW_MS, 0)
        return Answer(model.OK)
    if request.kind == "pause":
        group.leave_for_a_time(ident, _INSTANCE, _NOW_MS, 0)
        return Answer(model.OK)
    owned = [partition.number for partition in sorted(_partitions(request.owned))]
    asked = HeartbeatRequest(
        member_epoch=request.epoch and request.epoch + shift,
        topics=[_TOPIC],
        owned=[TopicPartitions(_TOPIC, _TOPIC, owned)] if owned else [],
        rebalance_timeout_ms=_LATER_MS,
        instance_id=_INSTANCE if seat.static else msgspec.UNSET,
        session_timeout_ms=_LATER_MS,
    )
    member = group.heartbeat(ident, asked, _NOW_MS, 0)
    return Answer(model.OK, member.epoch, _number(member.assigned))


def _member(group: Group, ident: str, partitions: int) -> model.Member:
    member = group.members[ident]
    since = tuple(int(Partition(_TOPIC, number) in member.assigned) for number in range(partitions))
    return model.Member(
        epoch=member.epoch,
        previous=member.previous_epoch,
        since=since,
        giving_up=_number(member.revoking),
        target=_number(group._target[ident]),
        behind=member.epoch != group.epoch,
        away=member.is_away,
    )


def _ident(place: int) -> str:
    return "abc"[place]


def _partitions(held: int) -> frozenset[Partition]:
    return frozenset(Partition(_TOPIC, number) for number in model.numbers_of(held))


def _number(partitions: object) -> int:
    return sum(1 << partition.number for partition in partitions)  # type: ignore[attr-defined]
