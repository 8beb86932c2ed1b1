"""Epochs: how much of the group's history a member has taken part in."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import BEATS, WireGroup, WireMember, fresh_id
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch, NotApplicable
from kafka_do_conformance.wire import Response

_LARGEST = 2_147_483_647
_FENCED = (409, "fenced_member_epoch")


@server_case(
    title="An epoch from the future is fenced, and changes nothing",
    requirements=["GROUP-025"],
    hint="Two clients may be using one member id; believe neither.",
)
def epoch_from_the_future(server: ServerSession) -> None:
    """Send higher epochs beside the right one, owning what is assigned and nothing."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one, other = group.join(), group.join()
    group.settle()
    for epoch in (one.epoch + 1, one.epoch + 2, one.epoch + 1000, _LARGEST):
        for owned in (one.owned, []):
            one.refused(*_FENCED, says=_names(one), member_epoch=epoch, owned=owned)
        same = {"member_epoch": one.epoch, "assignment": one.assignment}
        server.expect("the right epoch", one.send(), {"status": 200, "json": same})
    group.settle()
    group.has_members(one, other)


@server_case(
    title="A heartbeat whose answer was lost is answered again",
    requirements=["GROUP-026"],
    hint="Remember the epoch before the present one; who sends it has not heard of the new one.",
)
def answer_was_lost(server: ServerSession) -> None:
    """Lose the answers that tell a new epoch: with more to own, after giving up, and with as much as before."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one, other = group.join(), group.join()
    group.settle()
    other.leave()
    _lose_answers(one)
    group.settle()
    third = group.join()
    one.hold()
    one.owned = one.assignment
    _lose_answers(one)
    third.topics = [topic, f"{topic}-too"]
    third.confirm()
    _lose_answers(one)
    group.settle()
    group.has_members(one, third)


@server_case(
    title="The answer to a lost heartbeat may be lost as well",
    requirements=["GROUP-026", "GROUP-017"],
    hint="Answering does not make the old epoch invalid; only a further change does.",
)
def many_answers_were_lost(server: ServerSession) -> None:
    """Send the same heartbeat many times while the others go on."""
    topic = server.create_topic(6)
    group = WireGroup(server, {topic: 6})
    one, two, three = group.join(), group.join(), group.join()
    group.settle()
    three.leave()
    told = {one.epoch}
    for _ in range(2 * BEATS):
        two.confirm()
        response = one.send()
        told.add(_answer(server, response)["member_epoch"])
        if len(told) > 2:  # noqa: PLR2004  now its own is no longer the one before
            break
    one.take(response)
    group.settle()
    if one.size != 3 or two.size != 3:  # noqa: PLR2004  six partitions, two members
        server.require("settle", [Mismatch("shares", "three each", f"{one.shares} and {two.shares}")])


@server_case(
    title="An epoch that is older than what a lost answer explains is fenced, each time",
    requirements=["GROUP-027"],
    hint="Only the epoch just before the present one may come again.",
)
def epoch_is_stale(server: ServerSession) -> None:
    """Go through three epochs, send the first with everything and with nothing, and go on with the last."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one, other = group.join(), group.join()
    group.settle()
    epochs = [one.epoch]
    for number in range(3):
        _change(one, other, number)
        group.settle()
        if one.epoch != epochs[-1]:
            epochs.append(one.epoch)
    if len(epochs) < 3:  # noqa: PLR2004  one that is neither the present nor the one before
        raise NotApplicable("this server has not changed the epoch of a member whose group has changed")
    for epoch in (*epochs[:-2], *(epoch for epoch in (1, epochs[-2] - 1) if epoch < epochs[-2])):
        for owned in (one.owned, [], one.owned):
            one.refused(*_FENCED, says=_names(one), member_epoch=epoch, owned=owned)
    same = {"member_epoch": one.epoch, "assignment": one.assignment}
    server.expect("the right epoch", one.send(), {"status": 200, "json": same})
    group.settle()
    group.has_members(one, other)


@server_case(
    title="The epoch before is fenced with something owned that is not assigned any more",
    requirements=["GROUP-027"],
    hint="Who owns what others may have by now has missed more than one answer.",
)
def epoch_before_with_too_much(server: ServerSession) -> None:
    """Give up half, come to the next epoch, and go on as if nothing had happened."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one = group.join()
    group.settle()
    epoch, owned = one.epoch, one.owned
    other = group.join()
    one.hold()
    one.confirm()
    if one.epoch == epoch:
        raise NotApplicable("this server has not changed the epoch of a member that has given up partitions")
    one.refused(*_FENCED, says=_names(one), member_epoch=epoch, owned=owned)
    other.confirm()
    one.refused(*_FENCED, says=_names(one), member_epoch=epoch, owned=owned)
    one.join()
    group.settle()
    group.has_members(one, other)


@server_case(
    title="Epochs do not go down, also for one who joins again",
    requirements=["GROUP-058"],
    hint="Take the epoch from the group, whose own goes up with each change; a member's return is one.",
)
def epochs_do_not_go_down(server: ServerSession) -> None:
    """Join again while there is something to give up, after leaving, and after being fenced, beside a second member."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one = group.join()
    group.join().leave()
    group.settle()
    other = group.join()
    one.hold()
    one.join()
    group.settle()
    for _ in range(2):
        one.leave()
        group.settle()
        one.join()
        one.refused(*_FENCED, member_epoch=one.epoch + 1)
        one.join()
        group.settle()
    group.has_members(one, other)


@server_case(
    title="A member that was fenced joins again and is as good as ever",
    requirements=["GROUP-025", "GROUP-007"],
    hint="Fencing refuses one heartbeat; the member is still there, and epoch 0 brings it back.",
)
def fenced_and_back(server: ServerSession) -> None:
    """Be fenced, join with epoch 0, settle."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one, other = group.join(), group.join()
    group.settle()
    one.refused(*_FENCED, member_epoch=one.epoch + 1)
    one.join()
    group.has_members(one, other)
    group.settle()
    group.has_members(one, other)


@server_case(
    title="The epoch of one who has left, or of another group's member, is worth nothing",
    requirements=["GROUP-028", "GROUP-029"],
    hint="Look for the member before looking at the epoch.",
)
def epochs_of_strangers(server: ServerSession) -> None:
    """Send heartbeats of who has left, and of members to the other of two groups."""
    topic = server.create_topic(2)
    group, neighbours = WireGroup(server, {topic: 2}), WireGroup(server, {topic: 2})
    one, two, three = group.join(), group.join(), group.join()
    for _ in range(3):
        neighbours.join()
    group.settle()
    neighbours.settle()
    stranger = WireMember(neighbours, one.ident, [topic])
    stranger.epoch = one.epoch
    stranger.refused(404, "unknown_member", says={"group": neighbours.ident, "member": one.ident}, owned=one.owned)
    gone = two.epoch, two.owned
    two.leave()
    for epoch in (gone[0], 1, gone[0] + 1):
        two.refused(404, "unknown_member", says=_names(two), member_epoch=epoch, owned=gone[1])
    group.settle()
    group.has_members(one, three)
    for member in (one, three):
        member.leave()
    one.refused(404, "unknown_member", says=_names(one), member_epoch=1)


def _names(member: WireMember) -> dict[str, str]:
    return {"group": member.group.ident, "member": member.ident}


def _change(one: WireMember, other: WireMember, number: int) -> None:
    """Change the group in a manner that takes nothing away from `one`."""
    other.topics = [*one.topics, f"{one.topics[0]}-{fresh_id()}-{number}"]


def _lose_answers(member: WireMember) -> None:
    """Heartbeat until an answer tells a new epoch, lose that, and send the same thrice again; then go on from it."""
    server = member.group.server
    for _ in range(BEATS):
        response = member.send()
        lost = _answer(server, response)
        if lost["member_epoch"] != member.epoch:
            break
        member.take(response)
    else:
        raise NotApplicable("this server has not changed the epoch of a member whose group has changed")
    for _ in range(3):
        response = member.send()
        told = _answer(server, response)
        if told["member_epoch"] != lost["member_epoch"]:  # a further change, so the member is two behind
            break
        if missing := [entry for entry in lost["assignment"] if entry not in told["assignment"]]:
            server.require("the same again", [Mismatch("assignment", "all that was assigned", f"not {missing}")])
    member.take(response)


def _answer(server: ServerSession, response: Response) -> dict[str, Any]:
    wanted = {"member_epoch": {"$type": "integer", "$min": 1}, "assignment": {"$type": "array"}}
    answer: dict[str, Any] = server.expect(
        "a heartbeat whose answer is lost", response, {"status": 200, "json": wanted}
    )
    return answer
