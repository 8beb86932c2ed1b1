"""Leaving a group, for good or for a time, and how long it waits for whoever is silent."""

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import BEATS, WireGroup, WireMember, fresh_id
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

_LARGEST = 2_147_483_647


@server_case(
    title="Who leaves is gone at once, and the others get what it had, also what it had to give up",
    requirements=["GROUP-029", "GROUP-017"],
    hint="204. Nobody waits for one who has left.",
)
def leaving_frees(server: ServerSession) -> None:
    """Leave with a share, while holding what has to be given up, before it was heard of, and as the last one."""
    topic = server.create_topic(6)
    group = WireGroup(server, {topic: 6})
    one, two, three = group.join(), group.join(), group.join()
    group.settle()
    three.leave()
    group.has_members(one, two)
    group.settle()
    _shares(server, one, two, [3, 3])
    two.leave()
    group.settle()
    four = group.join()
    one.hold()
    four.confirm()
    one.leave()
    group.has_members(four)
    four.confirm()
    group.settle()
    five = group.join()
    five.leave()
    group.settle()
    four.leave()
    six, seven = group.join(), group.join()
    group.settle()
    _shares(server, six, seven, [3, 3])


@server_case(
    title="Leaving again after a lost answer is unknown_member and disturbs nobody",
    requirements=["GROUP-030", "GROUP-029"],
    hint="A client takes it for success.",
)
def leaving_again(server: ServerSession) -> None:
    """Leave three times, and leave a group that has lost its last member."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one, two, three = group.join(), group.join(), group.join()
    group.settle()
    three.leave()
    for _ in range(2):
        _is_unknown(three)
        group.settle()
        _shares(server, one, two, [2, 2])
    one.leave()
    two.leave()
    for member in (one, two, three):
        _is_unknown(member)
    _is_unknown(WireGroup(server, {topic: 4}).member(one.ident))


@server_case(
    title="Whatever is wished for, the session timeout is within its limits, and heartbeats are due three times in it",
    requirements=["GROUP-031", "GROUP-059"],
    hint="Two heartbeats may be lost before a member is; a wish outside the limits gets what is nearest.",
)
def interval_and_timeout(server: ServerSession) -> None:
    """Wish for short and long session timeouts, in joins and later, and for none."""
    least, most = server.limit("min_session_timeout_ms"), server.limit("max_session_timeout_ms")
    topic = server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    group.join()
    for wish in (None, 1, 2, 100, least - 1, least, least + 1, 10_000, 45_000, most - 1, most, most + 1, _LARGEST):
        if wish is not None and not 1 <= wish <= _LARGEST:
            continue
        one = group.join(session_timeout_ms=wish)
        _has_possible_times(one, least, most)
        for other in (1, most, wish, None):
            one.session_timeout_ms = other
            one.confirm()
            _has_possible_times(one, least, most)
        one.leave()
    group.settle()


@server_case(
    title="An instance_id that a member has is refused to another",
    requirements=["GROUP-035"],
    hint="Two processes with one configuration; the second must not push out the first.",
)
def instance_id_in_use(server: ServerSession) -> None:
    """Join with a name that is in use, with names like it, and again when it is free."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    name = f"é{fresh_id()}"
    one, other = group.join(instance_id=name), group.join(instance_id=f"e\u0301{name[1:]}")
    group.settle()
    thief = group.member(instance_id=name)
    for _ in range(2):
        thief.refused(409, "unreleased_instance_id", says={"group": group.ident})
    group.member(instance_id=other.instance_id).refused(409, "unreleased_instance_id")
    group.settle()
    _shares(server, one, other, [2, 2])
    group.has_members(one, other)
    third = group.join(instance_id=name.upper())
    elsewhere = WireGroup(server, {topic: 4})
    elsewhere.join(instance_id=name)
    elsewhere.join()
    elsewhere.settle()
    one.join()
    group.settle()
    group.has_members(one, other, third)
    one.leave()
    thief.join()
    group.settle()
    group.has_members(other, third, thief)


@server_case(
    title="A static member leaves for a time, once or twice, and nobody gets what it has",
    requirements=["GROUP-036", "GROUP-041"],
    hint="Keep its assignment until its session ends; a retry of the DELETE is 204 again.",
)
def leaving_for_a_time(server: ServerSession) -> None:
    """Leave for a time, twice, and let the others beat on; let somebody join who could have a part of the share."""
    topic = server.create_topic(6)
    group = WireGroup(server, {topic: 6})
    names = fresh_id(), fresh_id()
    one, other, third = group.join(instance_id=f"{names[0]}/ü&"), group.join(instance_id=names[1]), group.join()
    group.settle()
    kept = one.assignment
    for _ in range(2):
        one.leave_for_a_time()
        for _ in range(BEATS):
            other.confirm()
            third.confirm()
        _shares(server, other, third, [2, 2])
    away = {"instance_id": one.instance_id, "member_epoch": None, "assignment": kept}
    there = {"member_epoch": {"$type": "integer", "$min": 1}}
    told = [
        {"member": member.ident, "assignment": member.assignment, **(away if member is one else there)}
        for member in sorted(group.members, key=lambda member: member.ident)
    ]
    group.describe(members=told)
    passing = group.join()
    for _ in range(BEATS):
        for member in (other, third, passing):
            member.confirm()
    described = {member["member"]: member["assignment"] for member in group.describe()["members"]}
    if described.get(one.ident) != kept:
        server.require("somebody joins", [Mismatch("the kept assignment", str(kept), str(described.get(one.ident)))])


@server_case(
    title="What a static member had to give up is free when it leaves for a time",
    requirements=["GROUP-060", "GROUP-036"],
    hint="Keep its assignment and release what was taken out of it: one who has left cannot confirm that.",
)
def leaving_for_a_time_gives_up(server: ServerSession) -> None:
    """Leave for a time while listing what has to be given up, and come back."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one = group.join(instance_id=fresh_id())
    group.settle()
    other = group.join()
    one.hold()
    kept = one.shares
    one.leave_for_a_time()
    one.owned = one.assignment
    for _ in range(BEATS):
        other.confirm()
    _shares(server, one, other, [2, 2])
    back = group.member(instance_id=one.instance_id)
    one.lose_all()
    back.join()
    if back.shares != kept:
        server.require("come back", [Mismatch("assignment", f"{kept} as before", str(back.shares))])
    group.settle()
    _shares(server, back, other, [2, 2])


@server_case(
    title="Who comes back with its instance_id gets the same partitions, and nothing moves",
    requirements=["GROUP-037", "GROUP-036"],
    hint="Under a new member id or the old one: the assignment is the instance's.",
)
def coming_back(server: ServerSession) -> None:
    """Leave for a time and come back, under new ids and the same, with both assignors."""
    topic = server.create_topic(7)
    for assignor in ("uniform", "range"):
        group = WireGroup(server, {topic: 7})
        name = fresh_id()
        one, other = group.join(f"m-{fresh_id()}", instance_id=name, assignor=assignor), group.join(assignor=assignor)
        group.join(assignor=assignor)
        group.settle()
        shares = {member: member.assignment for member in group.members}
        kept = one.assignment
        for ident in (f"z-{fresh_id()}", None, f"a-{fresh_id()}", None):
            one.leave_for_a_time()
            other.confirm()
            one.lose_all()
            one = group.join(ident or one.ident, instance_id=name, assignor=assignor)
            _has_kept(one, kept)
            for member in group.members:
                member.confirm()
                _has_kept(member, shares.get(member, kept))
            group.settle()
            for member in group.members:
                _has_kept(member, shares.get(member, kept))
            group.has_members(*group.members)


@server_case(
    title="A member whose place was taken by another is fenced",
    requirements=["GROUP-038", "GROUP-037"],
    hint="It must stop and not come back; the one that has taken over goes on.",
)
def place_was_taken(server: ServerSession) -> None:
    """Come back under another id, and let the first one go on as if it had not left."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    name = fresh_id()
    old, other = group.join(instance_id=name), group.join()
    group.settle()
    epoch, owned = old.epoch, old.owned
    old.leave_for_a_time()
    old.lose_all()
    new = group.join(instance_id=name)
    for _ in range(2):
        for said in (epoch, new.epoch, new.epoch + 1):
            old.refused(409, "fenced_instance_id", says={"group": group.ident}, member_epoch=said, owned=owned)
        fenced = {"status": 409, "problem": {"code": "fenced_instance_id", "group": group.ident}}
        server.expect("leave for a time again", old.send_leave(f"?temporary=true&instance_id={name}"), fenced)
        group.settle()
    _shares(server, new, other, [2, 2])
    group.has_members(new, other)


def _is_unknown(member: WireMember) -> None:
    problem = {"code": "unknown_member", "group": member.group.ident, "member": member.ident}
    member.group.server.expect("leave", member.send_leave(), {"status": 404, "problem": problem})


def _shares(server: ServerSession, one: WireMember, other: WireMember, sizes: list[int]) -> None:
    if [one.size, other.size] != sizes:
        seen = f"{one.shares} and {other.shares}"
        server.require("the answers", [Mismatch("shares", f"{sizes[0]} and {sizes[1]} partitions", seen)])


def _has_possible_times(member: WireMember, least: int, most: int) -> None:
    interval_ms, timeout_ms = member.answer["heartbeat_interval_ms"], member.answer["session_timeout_ms"]
    if timeout_ms is None:
        return
    if not least <= timeout_ms <= most:
        wanted = f"{least} to {most}, or null"
        member.group.server.require("the answer", [Mismatch("session_timeout_ms", wanted, str(timeout_ms))])
    if 3 * interval_ms > timeout_ms:
        wanted = f"at most a third of {timeout_ms}"
        member.group.server.require("the answer", [Mismatch("heartbeat_interval_ms", wanted, str(interval_ms))])


def _has_kept(member: WireMember, kept: list[dict[str, object]]) -> None:
    if member.assignment != kept:
        seen = str(member.assignment)
        member.group.server.require("the answer", [Mismatch("assignment", f"{kept} as before", seen)])
