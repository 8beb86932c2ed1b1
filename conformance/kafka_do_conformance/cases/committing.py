"""Commits of members, of nobody, and for topics that come and go."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import WireGroup, WireMember, fresh_id, group_path
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.wire import Response

_PARTITIONS = 4


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
    answer = server.send("POST", f"{nowhere.path}/offsets/reset", value=body)
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
    answer = server.send("POST", f"{group.path}/offsets/commit", value={"offsets": [{**items[0], "topic_id": new}]})
    _expect_stored(group, answer, 1)


@server_case(
    title="Metadata as long as the limit is stored, longer one refused with its item alone",
    requirements=["COMMIT-005"],
    hint="Count bytes of UTF-8; refuse rather than cut.",
)
def metadata_up_to_the_limit(server: ServerSession) -> None:
    """Commit metadata of the limit and of one byte more, in letters of one and of two bytes."""
    most = server.limits()["max_offset_metadata_bytes"]
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
    title="As many items as the limit are committed and reset, more are refused",
    requirements=["COMMIT-006", "COMMIT-026"],
    hint="max_partitions_per_fetch is the most partitions of every request that asks about many.",
)
def items_up_to_the_limit(server: ServerSession) -> None:
    """Commit and reset the limit and one more; what was refused changed nothing."""
    most = server.limits()["max_partitions_per_fetch"]
    topic, group = server.create_topic(most + 1), group_path(fresh_id())
    items = [{"topic": topic, "partition": number, "offset": 0} for number in range(most + 1)]
    for operation, member in (("commit", "offsets"), ("reset", "partitions")):
        place = f"{group}/offsets/{operation}"
        answer = server.send("POST", place, value={member: items[:most]})
        server.expect(operation, answer, {"status": 200, "json": {"results": [{"partition": n} for n in range(most)]}})
        answer = server.send("POST", place, value={member: items})
        server.expect(operation, answer, {"status": 400, "problem": {"code": "invalid_request"}})
    asked = {"partitions": [{"topic": topic, "partition": number} for number in (most - 1, most)]}
    told = [{"committed_offset": 0}, {"committed_offset": None}]
    answer = server.send("POST", f"{group}/offsets/query", value=asked)
    server.expect("query", answer, {"status": 200, "json": {"partitions": told}})
