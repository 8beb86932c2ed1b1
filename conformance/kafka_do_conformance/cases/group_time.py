"""Groups over time, on a clock that jumps: silence, patience, and what a refused heartbeat does not do."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import BEATS, WireGroup, WireMember, fresh_id
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch, NotApplicable

_MOMENT_MS = 3_000  # what may pass by itself between two requests, on a machine that has much to do
_PATIENCE_MS = 60_000
_LONG_MS = 1_800_000


@server_case(
    title="A member that is silent for its session timeout is removed, and the others get what it had",
    requirements=["GROUP-032", "GROUP-028"],
    hint="Look at the clock when anybody asks, not only when the silent one comes back.",
)
def silent_member(server: ServerSession) -> None:
    """Let one of three members be silent, a moment less than its timeout, then longer."""
    topic = server.create_topic(6)
    group = WireGroup(server, {topic: 6})
    silent, one, other = group.join(), group.join(), group.join()
    group.settle()
    timeout_ms = _session_timeout_ms(silent)
    _let_pass(server, timeout_ms - _MOMENT_MS, one, other)
    _sizes(server, [2, 2], one, other)
    group.has_members(silent, one, other)
    epoch, owned = silent.epoch, silent.owned
    server.advance(_MOMENT_MS)
    group.has_members(one, other)
    silent.lose_all()
    silent.refused(404, "unknown_member", member_epoch=epoch, owned=owned)
    group.settle()
    _sizes(server, [3, 3], one, other)
    silent.join()
    group.settle()
    _sizes(server, [2, 2, 2], silent, one, other)


@server_case(
    title="When all are silent all are removed, and a wish for another timeout counts if it is told",
    requirements=["GROUP-032"],
    hint="Each member has its own timeout: the one that its answers tell.",
)
def everybody_is_silent(server: ServerSession) -> None:
    """Wish for different timeouts, and jump beyond the shorter one, then beyond the longer."""
    least, most = server.limit("min_session_timeout_ms"), server.limit("max_session_timeout_ms")
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one, other = group.join(session_timeout_ms=least), group.join(session_timeout_ms=most)
    group.settle()
    patience = {_session_timeout_ms(one): one, _session_timeout_ms(other): other}
    first = min(patience)
    server.advance(first)
    left = [member for timeout_ms, member in patience.items() if timeout_ms > first + _MOMENT_MS]
    if len(patience) > 1:
        group.has_members(*left)
    server.advance(max(patience))
    for member in (one, other):
        epoch, owned = member.epoch, member.owned
        member.lose_all()
        member.refused(404, "unknown_member", member_epoch=epoch, owned=owned)
    third, fourth = group.join(), group.join()
    group.settle()
    _sizes(server, [2, 2], third, fourth)


@server_case(
    title="Members whose heartbeats arrive stay, however long",
    requirements=["GROUP-033", "GROUP-032"],
    hint="Every heartbeat that is not refused begins the session anew, also one that changes nothing or joins again.",
)
def heard_members_stay(server: ServerSession) -> None:
    """Beat through many session timeouts, in each of the manners that a heartbeat can have."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one, other = group.join(), group.join(instance_id=fresh_id())
    group.settle()
    step_ms = _session_timeout_ms(one) - _MOMENT_MS
    for turn in range(3 * BEATS):
        server.advance(step_ms)
        one.confirm()
        if turn % 3:
            other.confirm()
        else:
            other.join()
        group.has_members(one, other)
    shares = one.shares
    for _ in range(BEATS):
        server.advance(step_ms)
        server.expect("a heartbeat", one.send(), {"status": 200, "json": {"member_epoch": one.epoch}})
        server.expect("a heartbeat", other.send(), {"status": 200, "json": {"member_epoch": other.epoch}})
    group.settle()
    if one.shares != shares:
        server.require("settle", [Mismatch("a share", f"{shares} as before", str(one.shares))])


@server_case(
    title="A refused heartbeat does not keep a member alive",
    requirements=["GROUP-013", "GROUP-032"],
    hint="Begin the session anew when the heartbeat is taken, not when it arrives.",
)
def refusals_do_not_keep_alive(server: ServerSession) -> None:
    """Send nothing but heartbeats that are refused, of each kind, for one session timeout."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    name = fresh_id()
    refusals: tuple[tuple[int, str, dict[str, Any]], ...] = (
        (409, "fenced_member_epoch", {"member_epoch": 2_147_483_647}),
        (400, "invalid_request", {"member_epoch": 0}),
        (422, "unsupported_assignor", {"assignor": "sticky"}),
        (422, "invalid_topic_name", {"topics": ["a/b"]}),
        (400, "invalid_request", {"rebalance_timeout_ms": 0}),
        (409, "unreleased_instance_id", {"member_epoch": 0, "owned": [], "instance_id": name}),
        (409, "fenced_instance_id", {"instance_id": name}),
    )
    other = group.join(instance_id=name)
    for status, code, changes in refusals:
        silent = group.join()
        group.settle()
        half_ms = (_session_timeout_ms(silent) - _MOMENT_MS) // 2
        for _ in range(2):
            _let_pass(server, half_ms, other)
            silent.refused(status, code, **changes)
        group.has_members(silent, other)
        server.advance(2 * _MOMENT_MS)
        group.has_members(other)
        silent.lose_all()


@server_case(
    title="A refused heartbeat changes neither what a member wants nor how it is assigned",
    requirements=["GROUP-013"],
    hint="Check everything before anything is changed.",
)
def refusals_change_nothing(server: ServerSession) -> None:
    """Refuse heartbeats that say much that is new, and compare the group before and after."""
    topic, foreign = server.create_topic(4), server.create_topic(2)
    group = WireGroup(server, {topic: 4, foreign: 2})
    one, other = group.join(topics=[topic], instance_id=fresh_id()), group.join(topics=[topic])
    group.settle()
    server.advance(0)
    before = group.describe(state="stable")
    news: dict[str, Any] = {"topics": [foreign], "owned": [], "rebalance_timeout_ms": 1}
    refusals: tuple[tuple[int, str, dict[str, Any]], ...] = (
        (409, "fenced_member_epoch", {"member_epoch": one.epoch + 1, "assignor": "range"}),
        (422, "unsupported_assignor", {"assignor": "sticky"}),
        (422, "invalid_topic_name", {"topics": [foreign, "a/b"], "assignor": "range"}),
        (400, "invalid_request", {"instance_id": "\n", "assignor": "range"}),
        (409, "unreleased_instance_id", {"member_epoch": 0, "instance_id": one.instance_id}),
        (409, "fenced_instance_id", {"instance_id": one.instance_id}),
    )
    for status, code, changes in refusals:
        member = other if "instance" in code else one
        member.refused(status, code, **{**news, **changes})
        after = group.describe(state="stable")
        if after != before:
            server.require("describe", [Mismatch("the group", str(before), str(after))])
    shares = one.shares, other.shares
    group.settle()
    if (one.shares, other.shares) != shares:
        server.require("settle", [Mismatch("shares", str(shares), str((one.shares, other.shares)))])


@server_case(
    title="Who does not let go is removed when its rebalance timeout is over, and only then the partition moves",
    requirements=["GROUP-034", "GROUP-015", "GROUP-028"],
    hint="Count from the first answer without the partition; heartbeats do not begin this anew.",
)
def never_lets_go(server: ServerSession) -> None:
    """Hold on with heartbeats until the time is over, while another waits."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    greedy = group.join(rebalance_timeout_ms=_PATIENCE_MS)
    group.settle()
    other = group.join()
    greedy.hold()
    step_ms = min(_session_timeout_ms(greedy) - _MOMENT_MS, _PATIENCE_MS // 5)
    passed_ms = 0
    while passed_ms + step_ms < _PATIENCE_MS - _MOMENT_MS:
        server.advance(step_ms)
        passed_ms += step_ms
        greedy.heartbeat()
        other.confirm()
        _sizes(server, [0], other)
    group.has_members(greedy, other)
    epoch, owned = greedy.epoch, greedy.owned
    server.advance(_PATIENCE_MS - passed_ms)
    greedy.lose_all()
    greedy.refused(404, "unknown_member", member_epoch=epoch, owned=owned)
    group.has_members(other)
    group.settle()
    _sizes(server, [4], other)
    greedy.join()
    group.settle()
    _sizes(server, [2, 2], greedy, other)


@server_case(
    title="A member that lets go in time is not removed, and has its whole time again when it next gives something up",
    requirements=["GROUP-034", "GROUP-033"],
    hint="The rebalance timeout ends with the heartbeat that lets go.",
)
def lets_go_in_time(server: ServerSession) -> None:
    """Let go late, twice, and stay for long after."""
    topic = server.create_topic(6)
    group = WireGroup(server, {topic: 6})
    one = group.join(rebalance_timeout_ms=_PATIENCE_MS)
    group.settle()
    for _ in range(2):
        group.join(rebalance_timeout_ms=_PATIENCE_MS)
        one.hold()
        _hold_for(server, group, one, _PATIENCE_MS - 2 * _MOMENT_MS)
        group.settle()
    everybody = list(group.members)
    step_ms = min(_session_timeout_ms(member) for member in everybody) - _MOMENT_MS
    for _ in range(2 + 2 * _PATIENCE_MS // step_ms):
        _let_pass(server, step_ms, *everybody)
    group.has_members(*everybody)
    group.settle()
    _sizes(server, [2, 2, 2], *everybody)


@server_case(
    title="Who has left for a time and does not come back within its session timeout is removed",
    requirements=["GROUP-040", "GROUP-036"],
    hint="Its partitions are kept until then, and free from then on.",
)
def does_not_come_back(server: ServerSession) -> None:
    """Leave for a time, come back just in time, leave again, and stay away."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    away, other = group.join(instance_id=fresh_id()), group.join()
    group.settle()
    kept, timeout_ms = away.assignment, _session_timeout_ms(away)
    away.leave_for_a_time()
    _let_pass(server, timeout_ms - 2 * _MOMENT_MS, other)
    _sizes(server, [2], other)
    away.lose_all()
    back = group.join(instance_id=away.instance_id)
    if back.assignment != kept:
        server.require("come back", [Mismatch("assignment", f"{kept} as before", str(back.assignment))])
    group.settle()
    back.leave_for_a_time()
    _let_pass(server, timeout_ms - _MOMENT_MS, other)
    _sizes(server, [2], other)
    group.has_members(back, other)
    server.advance(2 * _MOMENT_MS)
    back.lose_all()
    other.confirm()
    group.has_members(other)
    group.settle()
    _sizes(server, [4], other)
    third = group.join(instance_id=away.instance_id)
    group.settle()
    _sizes(server, [2, 2], other, third)


@server_case(
    title="A server that begins anew has no groups",
    requirements=["CONTROL-012", "GROUP-044"],
    hint="Groups go with the topics; what is made after has its topics anew.",
)
def reset_forgets_groups(server: ServerSession) -> None:
    """Reset a server that has a group with members and one with commits, and make them again."""
    topic = server.create_topic(2)
    group, committed = WireGroup(server, {topic: 2}), WireGroup(server, {topic: 2})
    group.join()
    group.join()
    group.settle()
    offsets = [{"topic": topic, "partition": 1, "offset": 5}]
    response = server.send("POST", f"{committed.path}/offsets/commit", value={"offsets": offsets})
    server.expect("commit without a member", response, {"status": 200})
    server.expect("reset", server.send("POST", "/v1/control/reset"), {"status": 204})
    group.is_not_there()
    committed.is_not_there()
    for member in list(group.members):
        member.refused(404, "unknown_member")
        member.lose_all()
    server.create_topic(2, topic)
    group.join()
    group.join()
    group.settle()


def _session_timeout_ms(member: WireMember) -> int:
    """Return the timeout that the newest answer told; a server that tells none cannot be judged."""
    timeout_ms: int | None = member.answer["session_timeout_ms"]
    if timeout_ms is None:
        raise NotApplicable("this server does not tell session timeouts")
    if timeout_ms <= 2 * _MOMENT_MS - 1:
        raise NotApplicable(f"a session timeout of {timeout_ms} ms is too short for a suite that needs {_MOMENT_MS} ms")
    return timeout_ms


def _let_pass(server: ServerSession, ms: int, *heard: WireMember) -> None:
    """Let time pass in steps in which those who are heard stay alive."""
    step_ms = min(_session_timeout_ms(member) for member in heard) // 2
    while ms > 0:
        server.advance(min(ms, step_ms))
        ms -= step_ms
        for member in heard:
            member.confirm()


def _hold_for(server: ServerSession, group: WireGroup, one: WireMember, ms: int) -> None:
    """Let time pass in which one member lets nothing go."""
    step_ms = min(_session_timeout_ms(member) for member in group.members) // 2
    while ms > 0:
        server.advance(min(ms, step_ms))
        ms -= step_ms
        one.heartbeat()
        for member in group.members:
            if member is not one:
                member.confirm()
    group.has_members(*group.members)


def _sizes(server: ServerSession, sizes: list[int], *members: WireMember) -> None:
    seen = [member.size for member in members]
    if seen != sizes:
        shares = " and ".join(str(member.shares) for member in members)
        server.require("the answers", [Mismatch("the sizes of the shares", str(sizes), shares)])
