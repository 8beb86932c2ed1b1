"""Looking at groups: described, listed page by page, deleted."""

from typing import Any
from urllib.parse import quote

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import WireGroup, WireMember, fresh_id
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

_LARGEST_PAGE = 1000
_STATES = ("empty", "assigning", "reconciling", "stable")


@server_case(
    title="Describing a group tells its members in the order of their ids, and what they want and have",
    requirements=["GROUP-041", "GROUP-005"],
    hint="The assignment is what the newest answer to that member said.",
)
def describe_group(server: ServerSession) -> None:
    """Describe a group of static and other members with different topics, that joined in disorder."""
    base = fresh_name()
    one, other = (server.create_topic(count, f"{base}-{end}") for count, end in ((4, "B"), (2, "a")))
    group = WireGroup(server, {one: 4, other: 2})
    name = fresh_id()
    last = group.join(f"m-{name}")
    first = group.join(f"M-{name}", instance_id=name, topics=[other, one])
    middle = group.join(f"a-{name}", topics=[one])
    group.settle()
    told = [
        {
            "member": member.ident,
            "instance_id": instance_id,
            "member_epoch": member.epoch,
            "topics": topics,
            "assignment": member.assignment,
        }
        for member, instance_id, topics in (
            (first, name, [one, other]),
            (middle, None, [one]),
            (last, None, [one, other]),
        )
    ]
    group.describe(members=told, state={"$one_of": ["stable"]})
    first.leave()
    group.settle()
    told = [
        {"member": member.ident, "member_epoch": member.epoch, "assignment": member.assignment}
        for member in (middle, last)
    ]
    group.describe(members=told)


@server_case(
    title="Describing a group tells the lag of what is committed and of what its members want, and the sum",
    requirements=["GROUP-042"],
    hint="Also of topics with commits that nobody wants any more, and of wanted ones without a commit.",
)
def describe_lag(server: ServerSession) -> None:
    """Append to three topics, commit in two of them, want two of them."""
    base = sorted(fresh_id() for _ in range(3))
    old, wanted, fresh = (server.create_topic(2, name) for name in base)
    for topic, counts in ((old, (3, 0)), (wanted, (5, 2)), (fresh, (0, 4))):
        for partition, count in enumerate(counts):
            if count:
                server.produce(topic, [{"value": number, "partition": partition} for number in range(count)])
    group = WireGroup(server, {wanted: 2, fresh: 2})
    offsets = [
        {"topic": wanted, "partition": 1, "offset": 2},
        {"topic": wanted, "partition": 0, "offset": 1},
        {"topic": old, "partition": 0, "offset": 1, "metadata": "m"},
    ]
    response = server.send("POST", f"{group.path}/offsets/commit", value={"offsets": offsets})
    server.expect("commit without a member", response, {"status": 200})
    committed = [
        _lag(old, 0, 1, 3, 2, metadata="m"),
        _lag(wanted, 0, 1, 5, 4),
        _lag(wanted, 1, 2, 2, 0),
    ]
    group.describe(offsets=committed, total_lag=6)
    group.join(topics=[wanted])
    group.join(topics=[fresh, wanted])
    group.settle()
    uncommitted = [_lag(fresh, 0, None, 0, 0), _lag(fresh, 1, None, 4, 4)]
    group.describe(offsets=[*committed, *uncommitted], total_lag=10)
    server.produce(wanted, [{"value": 9, "partition": 1}])
    committed[2] = _lag(wanted, 1, 2, 3, 1)
    group.describe(offsets=[*committed, *uncommitted], total_lag=11)
    for member in list(group.members):
        member.leave()
    group.describe(offsets=committed, total_lag=7)


@server_case(
    title="A group is described as well when a topic of its members has just been deleted or made again",
    requirements=["GROUP-041", "GROUP-042"],
    hint="What was assigned may be of a topic that is no more; nobody has to beat before it is told.",
)
def describe_after_deletion(server: ServerSession) -> None:
    """Delete one topic of two and describe at once, make it again and describe, settle and describe."""
    kept, topic = server.create_topic(2), server.create_topic(2)
    group = WireGroup(server, {kept: 2, topic: 2})
    group.join()
    group.join()
    group.settle()
    server.produce(kept, [{"value": 1, "partition": 1}])
    server.produce(topic, [{"value": number, "partition": 0} for number in range(3)])
    lags = [_lag(kept, 0, None, 0, 0), _lag(kept, 1, None, 1, 1)]
    for size in (0, 3):
        server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
        group.has_members(*group.members)
        group.describe(offsets=lags, total_lag=1)
        if size:
            server.create_topic(size, topic)
            group.topics[topic] = size
            anew = [_lag(topic, number, None, 0, 0) for number in range(size)]
            every = sorted((*lags, *anew), key=lambda lag: (lag["topic"], lag["partition"]))
            group.has_members(*group.members)
            group.describe(offsets=every, total_lag=1)
            group.settle()
            told = [
                {"member": member.ident, "assignment": member.assignment}
                for member in sorted(group.members, key=lambda member: member.ident)
            ]
            group.describe(offsets=every, total_lag=1, members=told)
        else:
            server.create_topic(2, topic)
            group.settle()


@server_case(
    title="A group is empty without members, stable when each has its share, and neither in between",
    requirements=["GROUP-043"],
    hint="Somebody who still lists what goes to another keeps the group from being stable.",
)
def states_of_a_group(server: ServerSession) -> None:
    """Follow a group with a commit from empty to stable, through a hand-over, and back."""
    topic, other = server.create_topic(4), server.create_topic(2)
    group = WireGroup(server, {topic: 4})
    offsets = [{"topic": topic, "partition": 0, "offset": 0}, {"topic": other, "partition": 1, "offset": 0}]
    response = server.send("POST", f"{group.path}/offsets/commit", value={"offsets": offsets})
    server.expect("commit without a member", response, {"status": 200})
    group.describe(state="empty", members=[])
    one = group.join()
    group.settle()
    group.describe(state="stable")
    two = group.join()
    one.hold()
    two.confirm()
    moving = {"$one_of": ["reconciling", "assigning"]}
    group.describe(state=moving)
    one.heartbeat()
    two.confirm()
    group.describe(state=moving)
    group.settle()
    group.describe(state="stable")
    two.leave()
    group.settle()
    group.describe(state="stable")
    surplus = [group.join() for _ in range(4)]
    group.settle()
    group.describe(state="stable")
    for member in (one, *surplus):
        member.leave()
    group.describe(state="empty", members=[])


@server_case(
    title="Groups are listed in the order of their ids' bytes, page by page, each once",
    requirements=["GROUP-045"],
    hint="Bytes of UTF-8: capitals before small letters, U+FF21 before U+1F600.",
)
def list_groups(server: ServerSession) -> None:
    """Make groups with odd ids and list all in one size of page, in another and one by one; filter by state."""
    topic = server.create_topic(2)
    base = fresh_id()
    idents = [f"{base}-{end}" for end in ("/", "B", "a", "\u00e9", "\uff21", "\U0001f600")]
    sizes = (0, 2, 1, 0, 3, 1)
    groups = [WireGroup(server, {topic: 2}, ident) for ident in idents]
    for group, size in reversed(list(zip(groups, sizes, strict=True))):
        group.join()
        for _ in range(size):
            group.join()
        group.settle()
    moving = groups[0]
    offsets = [{"topic": topic, "partition": 1, "offset": 0}]
    empty = WireGroup(server, {topic: 2}, f"{base}-c")
    response = server.send("POST", f"{empty.path}/offsets/commit", value={"offsets": offsets})
    server.expect("commit without a member", response, {"status": 200})
    _join_and_hold(moving)
    expected = [
        {"group": idents[0], "type": "consumer", "state": "reconciling", "member_count": 2},
        {"group": idents[1], "type": "consumer", "state": "stable", "member_count": 3},
        {"group": idents[2], "type": "consumer", "state": "stable", "member_count": 2},
        {"group": f"{base}-c", "type": "consumer", "state": "empty", "member_count": 0},
        {"group": idents[3], "type": "consumer", "state": "stable", "member_count": 1},
        {"group": idents[4], "type": "consumer", "state": "stable", "member_count": 4},
        {"group": idents[5], "type": "consumer", "state": "stable", "member_count": 2},
    ]
    listed = _all_pages(server, _LARGEST_PAGE)
    moved = _mine(listed, base)[:1]
    if moved and moved[0].get("state") == "assigning":
        expected[0]["state"] = "assigning"
    for size in (_LARGEST_PAGE, max(1, len(listed) // 3), max(1, len(listed) - 1), max(1, len(listed) // 100)):
        listed = _all_pages(server, size)
        _check_list(server, f"pages of {size}", listed, base, expected)
    for state in _STATES:
        chosen = [entry for entry in expected if entry["state"] == state]
        for size in (_LARGEST_PAGE, max(1, len(listed) // 3)):
            listed = _all_pages(server, size, f"&state={state}")
            _check_list(server, f"state={state}, pages of {size}", listed, base, chosen)
            if strange := [entry for entry in listed if entry["state"] != state]:
                server.require(f"state={state}", [Mismatch("state", state, str(strange[0]))])


@server_case(
    title="A page token that no list of groups gave, and a state that there is not, are refused",
    requirements=["GROUP-045"],
    hint="As with topics: tokens are opaque to clients, but yours to check.",
)
def foreign_group_page_token(server: ServerSession) -> None:
    """Send made-up tokens, sizes and states."""
    topic = server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    group.join()
    group.join()
    for name, values in (
        ("page_token", ("", "billing", "%FF", "AAAA")),
        ("page_size", ("0", "-1", "1001", "x")),
        ("state", ("dead", "Stable", "", "stable%20")),
    ):
        for value in values:
            response = server.send("GET", f"/v1/groups?{name}={value}")
            pointed = {"code": "invalid_request", "errors": [{"pointer": f"?{name}"}]}
            server.expect(f"{name}={value}", response, {"status": 400, "problem": pointed})
    if not _mine(_all_pages(server, _LARGEST_PAGE), group.ident):
        server.require("list", [Mismatch("groups", f"{group.ident} among others", "it is missing")])


@server_case(
    title="A group without members is deleted with its commits",
    requirements=["GROUP-046", "GROUP-044"],
    hint="204, and afterwards as if it had never been.",
)
def delete_group(server: ServerSession) -> None:
    """Delete a group that never had members, and one whose members have left."""
    topic, other = server.create_topic(2), server.create_topic(2)
    offsets = [{"topic": topic, "partition": 1, "offset": 5}, {"topic": other, "partition": 0, "offset": 7}]
    for is_visited in (False, True):
        group, kept = WireGroup(server, {topic: 2, other: 2}), WireGroup(server, {topic: 2, other: 2})
        for each in (group, kept):
            response = server.send("POST", f"{each.path}/offsets/commit", value={"offsets": offsets})
            server.expect("commit without a member", response, {"status": 200})
        if is_visited:
            group.join()
            group.join()
            group.settle()
            for member in list(group.members):
                member.leave()
        server.expect("delete", server.send("DELETE", group.path), {"status": 204})
        group.is_not_there()
        gone = {"status": 404, "problem": {"code": "group_not_found", "group": group.ident}}
        server.expect("delete again", server.send("DELETE", group.path), gone)
        _committed(group, None)
        if _mine(_all_pages(server, _LARGEST_PAGE), group.ident):
            server.require("list", [Mismatch("groups", f"not {group.ident}", "it is there")])
        group.join()
        group.join()
        group.settle()
        _committed(group, None)
        _committed(kept, 5)


@server_case(
    title="A group with members is not deleted, also when they have left for a time",
    requirements=["GROUP-047"],
    hint="A member would go on reading where it is, and its commits would make a group of stale numbers.",
)
def delete_group_with_members(server: ServerSession) -> None:
    """Try to delete a group with two members, with one, and with one that will come back."""
    topic = server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    offsets = [{"topic": topic, "partition": 1, "offset": 5}]
    response = server.send("POST", f"{group.path}/offsets/commit", value={"offsets": offsets})
    server.expect("commit without a member", response, {"status": 200})
    one, other = group.join(instance_id=fresh_id()), group.join()
    group.settle()
    refused = {"status": 409, "problem": {"code": "group_not_empty", "group": group.ident}}
    server.expect("delete", server.send("DELETE", group.path), refused)
    group.has_members(one, other)
    group.settle()
    other.leave()
    server.expect("delete", server.send("DELETE", group.path), refused)
    one.leave_for_a_time()
    server.expect("delete", server.send("DELETE", group.path), refused)
    _committed(group, 5)
    one.join()
    group.settle()
    one.leave()
    server.expect("delete", server.send("DELETE", group.path), {"status": 204})


def _lag(
    topic: str, partition: int, committed: int | None, end: int, lag: int, *, metadata: str = ""
) -> dict[str, Any]:
    return {
        "topic": topic,
        "partition": partition,
        "committed_offset": committed,
        "metadata": None if committed is None else metadata,
        "log_start_offset": 0,
        "high_watermark": end,
        "lag": lag,
        "lag_from": "log_start" if committed is None else "committed",
    }


def _join_and_hold(group: WireGroup) -> WireMember:
    """Let somebody join a group whose one member does not let go."""
    joined = group.join()
    group.members[0].hold()
    return joined


def _committed(group: WireGroup, offset: int | None) -> None:
    """Check what the group has committed for partition 1 of its first topic."""
    place = {"topic": next(iter(group.topics)), "partition": 1}
    response = group.server.send("POST", f"{group.path}/offsets/query", value={"partitions": [place]})
    told = {"status": 200, "json": {"partitions": [{**place, "committed_offset": offset}]}}
    group.server.expect("query", response, told)


def _mine(listed: list[dict[str, Any]], base: str) -> list[dict[str, Any]]:
    return [entry for entry in listed if entry["group"].startswith(base)]


def _check_list(
    server: ServerSession, step: str, listed: list[dict[str, Any]], base: str, expected: list[dict[str, Any]]
) -> None:
    idents = [entry["group"].encode() for entry in listed]
    if idents != sorted(set(idents)):
        server.require(step, [Mismatch("groups", "each once, in the order of their ids' bytes", str(idents[:20]))])
    seen = [{name: entry.get(name) for name in ("group", "type", "state", "member_count")} for entry in listed]
    if _mine(seen, base) != expected:
        server.require(step, [Mismatch("groups", str(expected), str(_mine(seen, base)))])


def _all_pages(server: ServerSession, size: int, query: str = "") -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    tokens: set[str] = set()
    entry = {"group": {"$type": "string"}, "type": {"$type": "string"}, "state": {"$one_of": list(_STATES)}}
    target = f"/v1/groups?page_size={size}{query}"
    while True:
        response = server.send("GET", target)
        page = server.expect("list", response, {"status": 200, "json": {"groups": {"$type": "array"}}})["groups"]
        answer = server.expect("list", response, {"status": 200, "json": {"groups": [entry] * len(page)}})
        if len(page) > size or not (page or not groups):
            server.require("list", [Mismatch("groups of a page", f"1 to {size}", str(len(page)))])
        groups += page
        token = answer.get("next_page_token")
        if token is None:
            return groups
        if token in tokens:
            server.require("list", [Mismatch("next_page_token", "one that goes on", f"{token} again")])
        tokens.add(token)
        target = f"/v1/groups?page_size={size}{query}&page_token={quote(token, safe='')}"
