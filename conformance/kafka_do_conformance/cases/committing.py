"""Commits of members, of nobody, and for topics that come and go."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import WireGroup, WireMember, fresh_id, group_path
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import NotApplicable
from kafka_do_conformance.wire import Response

_PARTITIONS = 4
_FEW = 2
_MOST_BYTES = 1_000_000
_MOST_ITEMS = 10_000
_LONG_MS = 1_800_000


def _commit(
    group: WireGroup, topic: str, offsets: dict[int, int], member: WireMember | None = None, epoch: int | None = None
) -> Response:
    """Commit offsets by partition, as a member at its epoch or another, or without one."""
    items = [{"topic": topic, "partition": partition, "offset": offset} for partition, offset in offsets.items()]
    body: dict[str, Any] = {"offsets": items}
    if member is not None:
        body["member"] = {"id": member.ident, "epoch": member.epoch if epoch is None else epoch}
    return group.server.send("POST", f"{group.path}/offsets/commit", value=body)


def _expect_stored(group: WireGroup, response: Response, count: int) -> None:
    stored = {"results": [{"error": {"$absent": True}}] * count}
    group.server.expect("the commit is stored", response, {"status": 200, "json": stored})


def _expect_refused(group: WireGroup, response: Response, status: int, problem: dict[str, Any]) -> None:
    group.server.expect(f"the commit is {problem['code']}", response, {"status": status, "problem": problem})


def _expect_committed(group: WireGroup, topic: str, offsets: dict[int, int | None]) -> None:
    """Check what is committed for partitions."""
    asked = [{"topic": topic, "partition": partition} for partition in offsets]
    response = group.server.send("POST", f"{group.path}/offsets/query", value={"partitions": asked})
    told = [{"partition": partition, "committed_offset": offset} for partition, offset in offsets.items()]
    group.server.expect("what is committed", response, {"status": 200, "json": {"partitions": told}})


def _pair(server: ServerSession) -> tuple[WireGroup, str, WireMember, WireMember]:
    """Return a group of two members that have settled, and their topic."""
    topic = server.create_topic(_PARTITIONS)
    group = WireGroup(server, {topic: _PARTITIONS})
    one, other = group.join(), group.join()
    group.settle()
    return group, topic, one, other


@server_case(
    title="A member commits at its present epoch, whatever it owns",
    requirements=["COMMIT-008", "COMMIT-001"],
    hint="Compare the epoch only. A member that has to give a partition up still commits what it has read.",
)
def commit_as_a_member(server: ServerSession) -> None:
    """Commit what the member owns, what another owns, and what is to be given up."""
    topic = server.create_topic(_PARTITIONS)
    group = WireGroup(server, {topic: _PARTITIONS})
    one = group.join()
    group.settle()
    _expect_stored(group, _commit(group, topic, {0: 1, 3: 4}, one), 2)
    _expect_committed(group, topic, {0: 1, 3: 4, 1: None})
    group.join()
    lost = sorted(number for _, _, number in one.hold())
    _expect_stored(group, _commit(group, topic, dict.fromkeys(lost, 7), one), len(lost))
    group.settle()
    _expect_stored(group, _commit(group, topic, dict.fromkeys(range(_PARTITIONS), 9), one), _PARTITIONS)
    _expect_committed(group, topic, dict.fromkeys(range(_PARTITIONS), 9))


@server_case(
    title="A member commits also for topics that it does not want",
    requirements=["COMMIT-008"],
    hint="What a member owns or wants is not asked; its epoch is.",
)
def commit_of_what_was_never_assigned(server: ServerSession) -> None:
    """Commit a topic that no member wants, beside one that both want."""
    group, topic, one, _ = _pair(server)
    unwanted = server.create_topic(2)
    items = [{"topic": name, "partition": 1, "offset": 5} for name in (unwanted, topic)]
    body = {"member": {"id": one.ident, "epoch": one.epoch}, "offsets": items}
    _expect_stored(group, server.send("POST", f"{group.path}/offsets/commit", value=body), 2)
    _expect_committed(group, unwanted, {0: None, 1: 5})
    _expect_committed(group, topic, {0: None, 1: 5})


@server_case(
    title="A query without partitions tells what is committed, not what is assigned",
    requirements=["COMMIT-017"],
    hint="List the commits; the partitions of the members without one are in the description of the group.",
)
def query_of_a_group_with_members(server: ServerSession) -> None:
    """Commit two of four partitions as two members, and ask for everything."""
    group, topic, one, other = _pair(server)
    _expect_stored(group, _commit(group, topic, {3: 8}, one), 1)
    _expect_stored(group, _commit(group, topic, {1: 6}, other), 1)
    answer = server.send("POST", f"{group.path}/offsets/query", value={})
    told = [{"topic": topic, "partition": number, "committed_offset": offset} for number, offset in ((1, 6), (3, 8))]
    server.expect("every commit", answer, {"status": 200, "json": {"partitions": told}})


@server_case(
    title="A commit from the future is refused, item by item",
    requirements=["COMMIT-009", "COMMIT-003"],
    hint="rebalance_in_progress for each item: the client has to send a heartbeat first.",
)
def commit_of_a_higher_epoch(server: ServerSession) -> None:
    """Commit at the next epoch and at the last one that there is."""
    group, topic, one, other = _pair(server)
    for epoch in (one.epoch + 1, 2147483647):
        refused = {"code": "rebalance_in_progress", "retriable": False}
        results = [{"topic": topic, "partition": number, "error": refused} for number in (0, 1)]
        response = _commit(group, topic, {0: 5, 1: 5}, one, epoch)
        _expect_refused(group, response, 409, {"code": "rebalance_in_progress", "results": results})
    _expect_committed(group, topic, {0: None, 1: None})
    group.has_members(one, other)
    _expect_stored(group, _commit(group, topic, {0: 5}, one), 1)


@server_case(
    title="A commit of an older epoch does not reach a partition that has moved since",
    requirements=["COMMIT-010"],
    hint="Keep for each assigned partition the epoch at which the member got it; the rest is rebalance_in_progress.",
)
def commit_of_a_lower_epoch(server: ServerSession) -> None:
    """Let partitions go to another member and come to one, and commit them at the epoch before."""
    topic = server.create_topic(_PARTITIONS)
    group = WireGroup(server, {topic: _PARTITIONS})
    one = group.join()
    group.settle()
    before = one.epoch
    other = group.join()
    group.settle()
    moved = other.shares[topic]
    refused = {"code": "rebalance_in_progress"}
    response = _commit(group, topic, dict.fromkeys(moved, 3), one, before)
    _expect_refused(group, response, 409, {**refused, "results": [{"error": refused}] * len(moved)})
    joined = one.epoch
    other.leave()
    group.settle()
    response = _commit(group, topic, dict.fromkeys(moved, 3), one, joined)
    _expect_refused(group, response, 409, {**refused, "results": [{"error": refused}] * len(moved)})
    response = _commit(group, topic, {moved[0]: 3}, one, 0)
    _expect_refused(group, response, 409, refused)
    _expect_committed(group, topic, dict.fromkeys(range(_PARTITIONS), None))


@server_case(
    title="A commit of an older epoch may reach a partition that stayed all the time",
    requirements=["COMMIT-011", "COMMIT-010"],
    hint="Store it or refuse it with rebalance_in_progress; what is answered has to be what was done.",
)
def commit_of_a_lower_epoch_for_what_stayed(server: ServerSession) -> None:
    """Commit at the epoch before what the member has kept, together with what it has not."""
    topic = server.create_topic(_PARTITIONS)
    group = WireGroup(server, {topic: _PARTITIONS})
    one = group.join()
    group.settle()
    before = one.epoch
    other = group.join()
    group.settle()
    kept, moved = one.shares[topic][0], other.shares[topic][0]
    response = _commit(group, topic, {kept: 3, moved: 3}, one, before)
    refused = {"error": {"code": "rebalance_in_progress"}}
    stored = response.status == 207  # noqa: PLR2004  some were stored
    if stored:
        results = [{"partition": kept, "error": {"$absent": True}}, {"partition": moved, **refused}]
        server.expect("the commit", response, {"status": 207, "json": {"results": results}})
    else:
        problem = {"code": "rebalance_in_progress", "results": [refused, refused]}
        server.expect("the commit", response, {"status": 409, "problem": problem})
    _expect_committed(group, topic, {kept: 3 if stored else None, moved: None})


@server_case(
    title="Who is no member commits nothing",
    requirements=["COMMIT-012"],
    hint="unknown_member, also where the group does not exist; and a commit as a member makes no group.",
)
def commit_of_no_member(server: ServerSession) -> None:
    """Commit as a member that never was, that left, and of a group that there is not."""
    group, topic, one, other = _pair(server)
    stranger = group.member()
    refused = {"code": "unknown_member", "group": group.ident, "member": stranger.ident}
    _expect_refused(group, _commit(group, topic, {0: 3, 1: 3}, stranger, 1), 404, refused)
    epoch = other.epoch
    other.leave()
    _expect_refused(group, _commit(group, topic, {0: 3}, other, epoch), 404, {"code": "unknown_member"})
    _expect_committed(group, topic, {0: None, 1: None})
    group.has_members(one)
    nowhere = WireGroup(server, {topic: _PARTITIONS})
    _expect_refused(nowhere, _commit(nowhere, topic, {0: 3}, one), 404, {"code": "unknown_member"})
    nowhere.is_not_there()


@server_case(
    title="Who has left commits nothing, also when nobody else is there",
    requirements=["COMMIT-012"],
    hint="A group without members takes commits without a member; one that names a member which is gone is a zombie's.",
)
def commit_of_the_last_that_left(server: ServerSession) -> None:
    """Let both members leave, and commit as each of them and as one that never was."""
    group, topic, one, other = _pair(server)
    _expect_stored(group, _commit(group, topic, {0: 3, 1: 3}, one), 2)
    epochs = {member.ident: member.epoch for member in (one, other)}
    one.leave()
    other.leave()
    for member in (one, other):
        response = _commit(group, topic, {0: 9, 1: 9}, member, epochs[member.ident])
        _expect_refused(group, response, 404, {"code": "unknown_member"})
    _expect_refused(group, _commit(group, topic, {0: 9}, group.member(), 0), 404, {"code": "unknown_member"})
    _expect_committed(group, topic, {0: 3, 1: 3})
    group.has_members()


@server_case(
    title="A member whose session is over commits nothing, before anybody else has been heard",
    requirements=["COMMIT-012", "COMMIT-013"],
    hint="Look at the clock at a commit too, and not only at heartbeats.",
    needs=("control",),
)
def commit_after_the_session(server: ServerSession) -> None:
    """Let the sessions of both members end, commit as one of them, then without a member, then reset."""
    group, topic, one, other = _pair(server)
    timeouts_ms = [member.answer["session_timeout_ms"] for member in (one, other)]
    if None in timeouts_ms:
        raise NotApplicable("this server does not tell session timeouts")
    _expect_stored(group, _commit(group, topic, {0: 3}, one), 1)
    server.advance(max(timeouts_ms) + 1)
    for member in (one, other):
        _expect_refused(group, _commit(group, topic, {0: 9, 1: 9}, member), 404, {"code": "unknown_member"})
    _expect_stored(group, _commit(group, topic, {1: 4}), 1)
    _expect_committed(group, topic, {0: 3, 1: 4})


@server_case(
    title="What a reset has committed stays, however long nobody asks",
    requirements=["COMMIT-020"],
    hint="A group without members may be forgotten only as long as it has no commits.",
    needs=("control",),
)
def reset_of_an_idle_group(server: ServerSession) -> None:
    """Reset a group that never committed, let time pass, and go on with another group before asking."""
    group, topic, one, other = _pair(server)
    one.leave()
    other.leave()
    body = {"partitions": [{"topic": topic, "partition": number, "at": "earliest"} for number in (0, 1)]}
    answer = server.send("POST", f"{group.path}/offsets/reset", value=body)
    server.expect("reset", answer, {"status": 200, "json": {"results": [{"offset": 0}, {"offset": 0}]}})
    server.advance(_LONG_MS)
    busy = WireGroup(server, {topic: _PARTITIONS})
    _expect_stored(busy, _commit(busy, topic, {0: 1}), 1)
    _expect_committed(group, topic, {0: 0, 1: 0, 2: None})


@server_case(
    title="Without a member a commit is for groups that have none",
    requirements=["COMMIT-014", "COMMIT-013"],
    hint="group_not_empty while somebody is a member; afterwards the commit is stored.",
)
def commit_for_a_group_with_members(server: ServerSession) -> None:
    """Commit without a member while there are two, while there is one, and when both have left."""
    group, topic, one, other = _pair(server)
    refused = {"code": "group_not_empty", "group": group.ident}
    _expect_refused(group, _commit(group, topic, {0: 3, 1: 4}), 409, refused)
    one.leave()
    _expect_refused(group, _commit(group, topic, {0: 3, 1: 4}), 409, refused)
    _expect_committed(group, topic, {0: None, 1: None})
    _expect_stored(group, _commit(group, topic, {1: 2}, other), 1)
    other.leave()
    _expect_stored(group, _commit(group, topic, {0: 3}), 1)
    _expect_committed(group, topic, {0: 3, 1: 2})


@server_case(
    title="A group with members is not reset, and one that there is not is not made by it",
    requirements=["COMMIT-023"],
    hint="The members would go on reading where they are. A mistyped name must not become a group.",
)
def reset_needs_a_group_without_members(server: ServerSession) -> None:
    """Reset with members, after they left, and a group that does not exist."""
    group, topic, one, other = _pair(server)
    body = {"partitions": [{"topic": topic, "partition": number, "at": "earliest"} for number in (0, 1)]}
    place = f"{group.path}/offsets/reset"
    _expect_stored(group, _commit(group, topic, {0: 3, 1: 4}, one), 2)
    for asked in (body, {**body, "dry_run": True}):
        refused = {"code": "group_not_empty", "group": group.ident}
        server.expect("reset", server.send("POST", place, value=asked), {"status": 409, "problem": refused})
    _expect_committed(group, topic, {0: 3, 1: 4})
    one.leave()
    other.leave()
    done = {"results": [{"partition": 0, "offset": 0}, {"partition": 1, "offset": 0}]}
    server.expect("reset", server.send("POST", place, value=body), {"status": 200, "json": done})
    _expect_committed(group, topic, {0: 0, 1: 0})
    nowhere = WireGroup(server, {topic: _PARTITIONS})
    for asked in (body, {**body, "dry_run": True}):
        answer = server.send("POST", f"{nowhere.path}/offsets/reset", value=asked)
        server.expect("reset", answer, {"status": 404, "problem": {"code": "group_not_found", "group": nowhere.ident}})
    nowhere.is_not_there()


@server_case(
    title="With a topic its commits go, and a position in it is none in the next of its name",
    requirements=["COMMIT-007", "COMMIT-004", "FETCH-018"],
    hint="Tie commits and positions to topic_id, not to the name.",
)
def commits_go_with_their_topic(server: ServerSession) -> None:
    """Delete a topic, make it again, and ask for what was committed; use the old id."""
    topic, stays = server.create_topic(2), server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    described = server.expect("describe", server.send("GET", f"/v1/topics/{topic}"), {"status": 200})
    old = described["topic_id"]
    items = [{"topic": topic, "topic_id": old, "partition": number, "offset": 5} for number in (0, 1)]
    body = {"offsets": [*items, {"topic": stays, "partition": 0, "offset": 6}]}
    _expect_stored(group, server.send("POST", f"{group.path}/offsets/commit", value=body), 3)
    server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
    server.create_topic(2, topic)
    server.produce(topic, [{"value": 1, "partition": 0}])
    _expect_committed(group, topic, {0: None, 1: None})
    _expect_committed(group, stays, {0: 6})
    answer = server.send("POST", f"{group.path}/offsets/query", value={})
    server.expect("every commit", answer, {"status": 200, "json": {"partitions": [{"topic": stays, "partition": 0}]}})
    gone = {"code": "topic_not_found"}
    answer = server.send("POST", f"{group.path}/offsets/commit", value={"offsets": items})
    _expect_refused(group, answer, 404, {**gone, "results": [{"error": gone}] * 2})
    answer = server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0&topic_id={old}")
    server.expect("fetch with the old id", answer, {"status": 404, "problem": gone})
    new = server.expect("describe", server.send("GET", f"/v1/topics/{topic}"), {"status": 200})["topic_id"]
    answer = server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0&topic_id={new}")
    server.expect("fetch with the new id", answer, {"status": 200, "json": {"next_offset": 1}})
    positions = [{"topic": topic, "topic_id": ident, "partition": 0, "offset": 0} for ident in (old, new)]
    answer = server.send("POST", "/v1/fetch", value={"partitions": positions, "max_wait_ms": 0})
    told = [{"partition": 0, "error": gone}, {"partition": 0, "next_offset": 1, "error": {"$absent": True}}]
    server.expect("fetch with both ids", answer, {"status": 200, "json": {"partitions": told}})
    answer = server.send("POST", f"{group.path}/offsets/commit", value={"offsets": [{**items[0], "topic_id": new}]})
    _expect_stored(group, answer, 1)


@server_case(
    title="Metadata as long as the limit is stored, longer one refused with its item alone",
    requirements=["COMMIT-005"],
    hint="Count bytes of UTF-8; refuse rather than cut.",
)
def metadata_up_to_the_limit(server: ServerSession) -> None:
    """Commit metadata of the limit and of one byte more, in letters of one and of two bytes."""
    most = server.limit("max_offset_metadata_bytes")
    if most > _MOST_BYTES:
        raise NotApplicable(f"max_offset_metadata_bytes is {most}; the suite sends at most {_MOST_BYTES}")
    topic, group = server.create_topic(3), group_path(fresh_id())
    fits, wide, long = "m" * most, "é" * (most // 2), "é" * (most // 2) + "xx"
    items = [{"topic": topic, "partition": n, "offset": 1, "metadata": m} for n, m in enumerate((fits, long, wide))]
    answer = server.send("POST", f"{group}/offsets/commit", value={"offsets": items})
    too_large = {"code": "offset_metadata_too_large", "topic": topic, "partition": 1}
    results = [{"error": {"$absent": True}}, {"error": too_large}, {"error": {"$absent": True}}]
    server.expect("commit", answer, {"status": 207, "json": {"results": results}})
    asked = {"partitions": [{"topic": topic, "partition": number} for number in range(3)]}
    told = [{"metadata": fits}, {"committed_offset": None, "metadata": None}, {"metadata": wide}]
    answer = server.send("POST", f"{group}/offsets/query", value=asked)
    server.expect("query", answer, {"status": 200, "json": {"partitions": told}})


@server_case(
    title="The first error decides which problem it is when nothing is stored",
    requirements=["COMMIT-003"],
    hint="Neither the worst status nor the last: the first of the results in the request's order.",
)
def first_error_of_a_commit(server: ServerSession) -> None:
    """Commit metadata that is too long, and to a topic that there is not, in both orders."""
    most = server.limit("max_offset_metadata_bytes")
    if most > _MOST_BYTES:
        raise NotApplicable(f"max_offset_metadata_bytes is {most}; the suite sends at most {_MOST_BYTES}")
    topic, group = server.create_topic(2), WireGroup(server, {})
    long = {"topic": topic, "partition": 1, "offset": 1, "metadata": "m" * (most + 1)}
    lost = {"topic": fresh_id(), "partition": 0, "offset": 1}
    for items, status, codes in (
        ([long, lost], 413, ["offset_metadata_too_large", "topic_not_found"]),
        ([lost, long], 404, ["topic_not_found", "offset_metadata_too_large"]),
    ):
        results = [{"topic": item["topic"], "error": {"code": code}} for item, code in zip(items, codes, strict=True)]
        response = server.send("POST", f"{group.path}/offsets/commit", value={"offsets": items})
        _expect_refused(group, response, status, {"code": codes[0], "status": status, "results": results})
    _expect_committed(group, topic, {0: None, 1: None})


@server_case(
    title="As many items as the limit are committed and reset, more are refused",
    requirements=["COMMIT-006", "COMMIT-026"],
    hint="max_partitions_per_fetch is the most partitions of every request that asks about many.",
)
def items_up_to_the_limit(server: ServerSession) -> None:
    """Commit and reset the limit, most of it places that there are not, and one more, of which nothing is done."""
    most = server.limit("max_partitions_per_fetch")
    if not _FEW < most <= _MOST_ITEMS:
        raise NotApplicable(f"max_partitions_per_fetch is {most}; the suite needs {_FEW + 1} to {_MOST_ITEMS}")
    topic, group = server.create_topic(_FEW), WireGroup(server, {})
    places = [{"topic": topic, "partition": number} for number in range(most + 1)]
    missing = {"error": {"code": "partition_not_found"}}
    for operation, member, target in (("commit", "offsets", {"offset": 7}), ("reset", "partitions", {"offset": 0})):
        items = [{**place, **target} for place in places]
        path = f"{group.path}/offsets/{operation}"
        answer = server.send("POST", path, value={member: items})
        server.expect(f"{operation} too many", answer, {"status": 400, "problem": {"code": "invalid_request"}})
        answer = server.send("POST", path, value={member: items[:most]})
        done = {"error": {"$absent": True} if operation == "commit" else {"code": "not_attempted"}}
        results = [{**place, **(done if number < _FEW else missing)} for number, place in enumerate(places[:most])]
        if operation == "commit":
            server.expect(operation, answer, {"status": 207, "json": {"results": results}})
        else:
            server.expect(operation, answer, {"status": 404, "problem": {"results": results}})
    _expect_committed(group, topic, {0: 7, 1: 7})
