"""Ids of groups, members and instances: what is one, and when two are the same."""

from typing import Any
from urllib.parse import quote

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import WireGroup, fresh_id, group_path
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

_ODD = (
    "a/b",
    "/",
    "a%2Fb",
    "%41",
    "a+b",
    " a ",
    "a?b=c&d#e;f",
    "...",
    ".a",
    "..a",
    "~",
    '"a\\b"',
    "null",
    "members",
    "-1",
    "Zähler",
    "顧客",
    "\u202eabc",
    "a\u200bb",
    "a\u0080b",
    "\ufeffa",
    "\u00a0",
    "\u3000\u2003",
    "\U0001f600",
)
_PAIRS = (
    ("é", "e\u0301"),
    ("A", "a"),
    ("ß", "ss"),
    ("\u212b", "\u00c5"),
    ("a/b", "a%2Fb"),
    ("a+b", "a b"),
    ("a", "a "),
    (" a", "a"),
    ("a", "a\u200b"),
    ("1", "\uff11"),
)
_LONGEST = 255
_WRONG = (
    ".",
    "..",
    " ",
    "  ",
    "\x00",
    "a\x00",
    "a\nb",
    "a\t",
    "\x1f",
    "a\x7fb",
    "a" * 256,
    "é" * 128,
    "\U0001f600" * 64,
    "a" * 4000,
)


@server_case(
    title="Every id of the right form is taken as a group's and comes back as it was",
    requirements=["GROUP-001"],
    hint="Split the path before decoding, decode once, and change nothing: no trimming, folding or normalising.",
)
def any_group_id(server: ServerSession) -> None:
    """Have two members in a group of each odd id, and describe it."""
    topic = server.create_topic(2)
    for odd in (*(f"{odd}{fresh_id()}" for odd in _ODD), *(f"{fresh_id()}{odd}" for odd in _ODD), *_longest()):
        group = WireGroup(server, {topic: 2}, odd)
        group.join()
        group.join()
        group.settle()
        group.has_members(*group.members)
        for member in list(group.members):
            member.leave()


@server_case(
    title="Every id of the right form is taken as a member's, and each is another member",
    requirements=["GROUP-001", "GROUP-004"],
    hint="Split the path before decoding, decode once, and change nothing: no trimming, folding or normalising.",
)
def any_member_id(server: ServerSession) -> None:
    """Have a group whose members have odd ids, each of which gets one partition, and let them leave one by one."""
    idents = [*_ODD, *_longest()]
    topic = server.create_topic(len(idents))
    group = WireGroup(server, {topic: len(idents)})
    for ident in idents:
        group.join(ident)
    group.settle()
    told = group.describe()
    said = {
        "members": {
            "$contains": [{"member": member.ident, "assignment": member.assignment} for member in group.members]
        }
    }
    server.expect("describe", server.send("GET", group.path), {"status": 200, "json": said})
    if len(told["members"]) != len(idents):
        server.require("describe", [Mismatch("members", f"{len(idents)} of them", str(len(told["members"])))])
    for member in list(group.members):
        member.leave()
        server.expect(
            "leave again",
            member.send_leave(),
            {"status": 404, "problem": {"code": "unknown_member", "member": member.ident}},
        )


@server_case(
    title="Ids that differ in one byte are of two groups and two members",
    requirements=["GROUP-001"],
    hint="Compare bytes: nothing is cut, folded, normalised or decoded twice.",
)
def ids_are_their_bytes(server: ServerSession) -> None:
    """Have two members in one group, and two groups, whose ids look alike or are alike in their first 254 bytes."""
    topic = server.create_topic(2)
    alike = "x" * (_LONGEST - 37)
    for one, other in (*_PAIRS, (f"{alike}1", f"{alike}2")):
        group = WireGroup(server, {topic: 2})
        first, second = group.join(f"{group.ident}{one}"[-_LONGEST:]), group.join(f"{group.ident}{other}"[-_LONGEST:])
        group.settle()
        if first.size != 1 or second.size != 1:
            server.require(
                "two members",
                [Mismatch(f"{one!r} and {other!r}", "one partition each", f"{first.shares} and {second.shares}")],
            )
        groups = [WireGroup(server, {topic: 2}, member.ident) for member in (first, second)]
        for each in groups:
            each.join()
            each.join()
        for each in groups:
            each.settle()
            each.has_members(*each.members)


@server_case(
    title="A group id of another form is refused by every operation",
    requirements=["GROUP-002"],
    hint="1 to 255 bytes of UTF-8, counted after decoding; no control characters, not spaces alone, neither . nor ..",
)
def wrong_group_ids(server: ServerSession) -> None:
    """Send every operation of groups to groups that cannot be."""
    topic = server.create_topic(2)
    heartbeat = {"member_epoch": 0, "topics": [topic], "owned": [], "rebalance_timeout_ms": 1000}
    place = {"topic": topic, "partition": 1}
    for wrong in _WRONG:
        path = group_path(wrong)
        refused = {"status": 422, "problem": {"code": "invalid_group_id", "group": wrong}}
        for method, target, value in (
            ("PUT", f"{path}/members/a", heartbeat),
            ("PUT", f"{path}/members/a", {**heartbeat, "member_epoch": 1}),
            ("DELETE", f"{path}/members/a", None),
            ("GET", path, None),
            ("DELETE", path, None),
            ("POST", f"{path}/offsets/commit", {"offsets": [{**place, "offset": 1}]}),
            ("POST", f"{path}/offsets/query", {}),
            ("POST", f"{path}/offsets/reset", {"partitions": [{**place, "at": "earliest"}]}),
        ):
            response = server.send(method, target, value=value)
            server.expect(f"{method} {target[:60]}", response, refused)
    group = WireGroup(server, {topic: 2})
    group.join()
    group.settle()


@server_case(
    title="A member id or instance_id of another form is refused, and the place is named",
    requirements=["GROUP-003"],
    hint="The same form as a group's, but invalid_request: ?member for the path, /instance_id for the body.",
)
def wrong_member_ids(server: ServerSession) -> None:
    """Join, go on and leave under ids that cannot be, beside two members that are."""
    topic = server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    one, other = group.join(instance_id=fresh_id()), group.join()
    group.settle()
    for wrong in _WRONG:
        named = _points_to("?member")
        strange = group.member(wrong)
        strange.refused(400, "invalid_request", says=named)
        strange.refused(400, "invalid_request", says=named, member_epoch=1)
        server.expect("leave", strange.send_leave(), {"status": 400, "problem": {"code": "invalid_request", **named}})
    for wrong in ("", *_WRONG, "a" * 1024 * 1024):
        named = _points_to("/instance_id")
        group.member().refused(400, "invalid_request", says=named, instance_id=wrong)
        one.refused(400, "invalid_request", says=named, instance_id=wrong)
    for wrong in ("", *_WRONG):
        response = one.send_leave(f"?temporary=true&instance_id={quote(wrong, safe='')}")
        refused = {"code": "invalid_request", **_points_to("?instance_id")}
        server.expect("leave for a time", response, {"status": 400, "problem": refused})
    group.settle()
    group.has_members(one, other)


def _longest() -> list[str]:
    """Return ids of 255 bytes, of one, two and four bytes a character."""
    fresh = fresh_id()
    left = _LONGEST - len(fresh)
    return [f"{fresh}{'x' * left}", f"{fresh}x{'é' * (left // 2)}", f"{fresh}xxx{chr(0x1F600) * (left // 4)}"]


def _points_to(pointer: str) -> dict[str, Any]:
    return {"errors": {"$contains": [{"pointer": pointer}]}}
