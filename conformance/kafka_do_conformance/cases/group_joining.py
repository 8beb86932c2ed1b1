"""Joining a group, and what every heartbeat says and is answered."""

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import BEATS, WireGroup, fresh_id
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch, NotApplicable

_MOST_TOPICS = 50_000
_MANY_TOPICS = 10_000
_MOST_MEMBERS = 1_000


@server_case(
    title="Who joins becomes a member, and the first one makes the group",
    requirements=["GROUP-004", "GROUP-041"],
    hint="Epoch 0 joins; the answer has an epoch above 0.",
)
def joining_makes_members(server: ServerSession) -> None:
    """Join a group that is new, then one that is there, and one that has commits only."""
    topic = server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    group.is_not_there()
    one = group.join()
    group.has_members(one)
    other = group.join()
    group.has_members(one, other)
    group.settle()
    committed = WireGroup(server, {topic: 2})
    offsets = [{"topic": topic, "partition": 1, "offset": 0}]
    response = server.send("POST", f"{committed.path}/offsets/commit", value={"offsets": offsets})
    server.expect("commit without a member", response, {"status": 200})
    committed.has_members()
    committed.has_members(committed.join())
    committed.has_members(*committed.members, committed.join())
    committed.settle()


@server_case(
    title="Every answer has the whole assignment, topics by name and partitions by number",
    requirements=["GROUP-005"],
    hint="Numbers are sorted as numbers. The answer is complete also where nothing has changed.",
)
def answers_are_complete(server: ServerSession) -> None:
    """Want three topics in disorder, one of them twice, and compare answer by answer with what there is."""
    base = fresh_name()
    names = [f"{base}-{end}" for end in ("c", "B", "a")]
    topics = {server.create_topic(count, name): count for name, count in zip(names, (12, 2, 1), strict=True)}
    ids = {name: server.topic_id(name) for name in names}
    group = WireGroup(server, topics)
    one = group.join(topics=[*names, names[0]])
    group.settle()
    every = [
        {"topic": f"{base}-B", "topic_id": ids[f"{base}-B"], "partitions": [0, 1]},
        {"topic": f"{base}-a", "topic_id": ids[f"{base}-a"], "partitions": [0]},
        {"topic": f"{base}-c", "topic_id": ids[f"{base}-c"], "partitions": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]},
    ]
    for owned in (one.owned, one.owned, [], one.owned[:1]):
        server.expect("again", one.send(owned=owned), {"status": 200, "json": {"assignment": every}})
    other = group.join()
    group.settle()
    for member in (one, other):
        answer = {"member_epoch": member.epoch, "assignment": member.assignment}
        for _ in range(BEATS):
            server.expect("again", member.send(), {"status": 200, "json": answer})
        for entry in member.assignment:
            if entry["topic_id"] != ids[entry["topic"]]:
                server.require("compare", [Mismatch("topic_id", ids[entry["topic"]], str(entry["topic_id"]))])


@server_case(
    title="A member that joins once more is there once, with its own epoch and assignment or as one that had left",
    requirements=["GROUP-007", "GROUP-017"],
    hint="A join whose answer was lost is sent again: no second member, no error, and the partitions are not lost.",
)
def joining_again(server: ServerSession) -> None:
    """Join twice before and after settling, and see that the group has each member once and everything an owner."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    lost = group.member()
    server.expect("a join whose answer is lost", lost.send(), {"status": 200})
    lost.join()
    other = group.join()
    server.expect("a join whose answer is lost", other.send(member_epoch=0, owned=[]), {"status": 200})
    other.join()
    group.has_members(lost, other)
    third = group.join()
    group.settle()
    third.leave()
    group.settle()
    for member in (lost, other):
        epoch, assignment = member.epoch, member.assignment
        member.join()
        if member.epoch < epoch or (member.epoch == epoch and member.assignment != assignment):
            kept = f"epoch {epoch} with {assignment}, or a later one"
            seen = f"epoch {member.epoch} with {member.assignment}"
            server.require("join again", [Mismatch("the answer", kept, seen)])
        group.has_members(lost, other)
        group.settle()
        if lost.size != 2 or other.size != 2:  # noqa: PLR2004  four partitions, two members
            server.require("settle", [Mismatch("shares", "two each", f"{lost.shares} and {other.shares}")])


@server_case(
    title="A member that has to give something up and joins again instead has given it up",
    requirements=["GROUP-007", "GROUP-015", "GROUP-017"],
    hint="Who joins owns nothing, so nobody waits for what it had.",
)
def joining_again_while_giving_up(server: ServerSession) -> None:
    """Let a member hold what it has to give up, then lose its memory."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one = group.join()
    group.settle()
    other = group.join()
    one.hold()
    one.join()
    group.has_members(one, other)
    group.settle()


@server_case(
    title="A topic that is wanted and not there is not created, and assigned once it is there",
    requirements=["GROUP-008", "GROUP-020"],
    hint="Keep the name; look whether the topic exists when heartbeats come.",
)
def wanting_what_is_not_there(server: ServerSession) -> None:
    """Want a topic and one that does not exist, beat on, then create it."""
    topic, missing = server.create_topic(2), fresh_name()
    group = WireGroup(server, {topic: 2})
    one, other = group.join(topics=[missing]), group.join(topics=[missing, topic])
    group.settle()
    gone = {"status": 404, "problem": {"code": "topic_not_found", "topic": missing}}
    server.expect("describe the topic", server.send("GET", f"/v1/topics/{missing}"), gone)
    if one.shares or other.shares != {topic: [0, 1]}:
        server.require("settle", [Mismatch("shares", f"{{}} and {{{topic}: [0, 1]}}", f"{one.shares} {other.shares}")])
    server.create_topic(2, missing)
    group.topics[missing] = 2
    group.settle()
    if not one.shares:
        server.require("settle", [Mismatch("shares", f"some of {missing}", f"{one.shares} and {other.shares}")])


@server_case(
    title="More topics than max_topics_per_subscription are refused",
    requirements=["GROUP-010"],
    hint="As many as the limit are taken, one more is not, nor are ten thousand more.",
)
def too_many_topics(server: ServerSession) -> None:
    """Want as many topics as allowed, and more."""
    limit = server.limit("max_topics_per_subscription")
    if limit > _MOST_TOPICS:
        raise NotApplicable(f"max_topics_per_subscription is {limit}; the suite wants at most {_MOST_TOPICS}")
    topic, base = server.create_topic(2), fresh_id()
    group = WireGroup(server, {topic: 2})
    pointed = {"errors": {"$contains": [{"pointer": "/topics"}]}}
    for count in (limit + 1, limit + _MANY_TOPICS):
        names = [topic, *(f"{base}-{number}" for number in range(count - 1))]
        group.member().refused(400, "invalid_request", says=pointed, topics=names)
    group.is_not_there()
    one = group.join(topics=[topic, *(f"{base}-{number}" for number in range(limit - 1))])
    other = group.join()
    one.refused(400, "invalid_request", says=pointed, topics=[*one.topics, f"{base}-too"])
    group.settle()
    group.has_members(one, other)


@server_case(
    title="A group with max_members_per_group members takes no more",
    requirements=["GROUP-011"],
    hint="Members that are there already are not refused, and a place that becomes free is taken.",
)
def too_many_members(server: ServerSession) -> None:
    """Fill a group, try one more, let one leave, try again."""
    limit = server.limit("max_members_per_group")
    if limit > _MOST_MEMBERS:
        raise NotApplicable(f"max_members_per_group is {limit}; the suite joins at most {_MOST_MEMBERS}")
    topic = server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    members = [group.member(f"{fresh_id()}-{number}") for number in range(limit)]
    for member in members:
        server.expect("join", member.send(), {"status": 200})
    surplus = group.member()
    surplus.refused(409, "group_full", says={"group": group.ident})
    server.expect("who is there joins again", members[0].send(), {"status": 200})
    server.expect("leave", members[-1].send_leave(), {"status": 204})
    server.expect("join", surplus.send(), {"status": 200})
    group.member().refused(409, "group_full", says={"group": group.ident})
    told = group.describe()["members"]
    if len(told) != limit:
        server.require("describe", [Mismatch("members", str(limit), str(len(told)))])
