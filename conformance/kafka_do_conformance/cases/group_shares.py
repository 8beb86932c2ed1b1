"""Who gets which partition, and when."""

import json
from typing import Any

from kafka_do.spec import data_root
from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_members import BEATS, WireGroup, WireMember, fresh_id
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch


@server_case(
    title="Whoever comes and goes, no partition is in two assignments, and soon each is in one",
    requirements=["GROUP-014", "GROUP-017"],
    hint="Keep for each partition the one member that it was given to, until that one has let go.",
)
def nobody_shares_a_partition(server: ServerSession) -> None:
    """Let members join, leave and change what they want, with heartbeats in between of some and of all."""
    one, other = server.create_topic(5), server.create_topic(3)
    group = WireGroup(server, {one: 5, other: 3})
    first, second = group.join(), group.join()
    _told_once(group)
    group.settle()
    third = group.join()
    _told_once(group)
    first.heartbeat()
    third.heartbeat()
    second.confirm()
    fourth = group.join(topics=[other])
    third.confirm()
    fourth.confirm()
    _told_once(group)
    first.confirm()
    second.leave()
    third.confirm()
    fourth.confirm()
    _told_once(group)
    group.settle()
    _told_once(group)
    third.topics = [one]
    third.confirm()
    group.join().confirm()
    _told_once(group)
    first.leave()
    group.settle()
    group.join()
    fourth.leave()
    third.leave()
    group.settle()
    _told_once(group)


@server_case(
    title="A partition is given to another only after its owner was told and has let go of it",
    requirements=["GROUP-015", "GROUP-014"],
    hint="Take it out of the owner's answer first; a heartbeat whose owned lists it keeps it from everybody.",
)
def handing_over(server: ServerSession) -> None:
    """Let a second member wait while the first has not been told, does not let go, lets go of some, lets go of all."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one = group.join()
    group.settle()
    other = group.join()
    for _ in range(BEATS):
        other.confirm()
    _has(server, other, 0)
    lost = one.hold()
    for _ in range(BEATS):
        one.heartbeat()
        other.confirm()
    _has(server, other, 0)
    if len(lost) != 2:  # noqa: PLR2004  half of four
        server.require("to give up", [Mismatch("partitions", "two of four", str(sorted(lost)))])
    kept = min(number for _, _, number in lost)
    (entry,) = one.assignment
    one.owned = [{**entry, "partitions": sorted([*entry["partitions"], kept])}]
    for _ in range(BEATS):
        one.heartbeat()
        other.confirm()
    if kept in other.shares.get(topic, []):
        server.require("one is still owned", [Mismatch("the other's share", f"without {kept}", str(other.shares))])
    group.settle()
    _has(server, one, 2)
    _has(server, other, 2)


@server_case(
    title="A partition that is listed in a second entry of the same topic is not given up",
    requirements=["GROUP-015"],
    hint="A topic that stands twice in owned counts once, with all the partitions named.",
)
def owned_in_two_entries(server: ServerSession) -> None:
    """Hold what has to be given up in an entry of its own, before and behind the others."""
    topic = server.create_topic(4)
    group = WireGroup(server, {topic: 4})
    one = group.join()
    group.settle()
    other = group.join()
    one.hold()
    (entry,) = one.owned
    apart = [{**entry, "partitions": [number]} for number in entry["partitions"]]
    for owned in (apart, apart[::-1], [*apart, *apart]):
        one.owned = owned
        one.heartbeat()
        other.confirm()
        _has(server, other, 0)
    group.settle()
    _has(server, other, 2)


@server_case(
    title="A member whose join was answered and that was silent since is told before others get its partitions",
    requirements=["GROUP-015"],
    hint="It may be reading since it was answered, although it has not listed anything yet.",
)
def handing_over_what_was_never_confirmed(server: ServerSession) -> None:
    """Join, be assigned everything, be silent; another joins and beats."""
    topic = server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    one = group.join()
    for _ in range(BEATS):
        if one.size:
            break
        one.heartbeat()
    _has(server, one, 2)
    other = group.join()
    for _ in range(BEATS):
        other.confirm()
    _has(server, other, 0)
    group.settle()
    _has(server, one, 1)
    _has(server, other, 1)


@server_case(
    title="As long as a member lists what it has to give up its epoch stays",
    requirements=["GROUP-016", "GROUP-015"],
    hint="The new epoch comes with the heartbeat that lets go, so that it can commit until then.",
)
def epoch_stays_while_giving_up(server: ServerSession) -> None:
    """Hold everything, then a part, while two others join and leave."""
    topic = server.create_topic(6)
    group = WireGroup(server, {topic: 6})
    one = group.join()
    group.settle()
    epoch = one.epoch
    group.join()
    one.hold()
    for change in (group.join, group.join, group.members[-1].leave, None):
        _epoch_is(server, one, epoch)
        if change is not None:
            change()
        one.heartbeat()
        for member in group.members[1:]:
            member.confirm()
    (held,) = one.owned
    taken = [number for number in held["partitions"] if number not in one.shares.get(topic, [])]
    one.owned = [{**held, "partitions": taken[:1]}]
    for _ in range(BEATS):
        one.heartbeat()
        _epoch_is(server, one, epoch)
        taken = [number for number in held["partitions"] if number not in one.shares.get(topic, [])]
    group.settle()
    _has(server, one, 2)


@server_case(
    title="After four heartbeats of each member every partition has an owner, whoever wants what",
    requirements=["GROUP-017", "GROUP-029"],
    hint="Whatever was given up has to be offered to whoever waits for it, at the latest in its next answer.",
)
def groups_settle(server: ServerSession) -> None:
    """Settle groups of one to five members, before and after each change."""
    counts = {server.create_topic(count): count for count in (1, 2, 5)}
    names = list(counts)
    wishes: tuple[list[str], ...] = (names, names[:1], names[1:], names[2:], names)
    group = WireGroup(server, counts)
    for wanted in wishes:
        group.join(topics=wanted)
        group.settle()
    for member in (group.members[0], group.members[2], group.members[3]):
        member.topics = names[:2]
        group.settle()
    for member in list(group.members[:-1]):
        member.leave()
        group.settle()
    group.join()
    group.join()
    group.settle()


@server_case(
    title="Listing what was not assigned grants nothing, takes nothing away, and is no fault",
    requirements=["GROUP-018", "GROUP-017"],
    hint="What owned lists matters only where the member has to give it up.",
)
def listing_what_is_not_ones_own(server: ServerSession) -> None:
    """List the other's partitions, those of other topics, and such as do not exist, before and after settling."""
    topic, foreign = server.create_topic(4), server.create_topic(2)
    group = WireGroup(server, {topic: 4, foreign: 2})
    one, other = group.join(topics=[topic]), group.join(topics=[topic])
    group.settle()
    shares = one.shares, other.shares
    ident, strange = server.topic_id(topic), server.topic_id(foreign)
    claims: tuple[list[dict[str, Any]], ...] = (
        [{"topic": topic, "topic_id": ident, "partitions": [0, 1, 2, 3]}],
        [{"topic": foreign, "topic_id": strange, "partitions": [0, 1]}],
        [{"topic": topic, "topic_id": strange, "partitions": [0, 1]}],
        [{"topic": topic, "topic_id": fresh_id(), "partitions": [0]}],
        [{"topic": fresh_name(), "topic_id": "x", "partitions": [0, 2_147_483_647]}],
        [{"topic": topic, "topic_id": ident, "partitions": [4, 100]}],
    )
    for claim in claims:
        same = {"member_epoch": one.epoch, "assignment": one.assignment}
        server.expect("list it", one.send(owned=claim), {"status": 200, "json": same})
        other.confirm()
        if (one.shares, other.shares) != shares:
            server.require("the other beats", [Mismatch("shares", str(shares), str((one.shares, other.shares)))])
    other.leave()
    third = group.join(topics=[topic])
    for _ in range(BEATS):
        third.confirm()
        one.send(owned=claims[0])
    group.settle()
    _has(server, third, 2)


@server_case(
    title="Other topics in a heartbeat change what the member is assigned",
    requirements=["GROUP-019", "GROUP-017"],
    hint="Every heartbeat says everything; the subscription is not only read when joining.",
)
def changing_topics(server: ServerSession) -> None:
    """Let two members swap topics, take one topic more, and one less."""
    one, other = server.create_topic(2), server.create_topic(2)
    group = WireGroup(server, {one: 2, other: 2})
    first, second = group.join(topics=[one]), group.join(topics=[other])
    for wanted, wanted_too, share, share_too in (
        ([one], [other], {one: [0, 1]}, {other: [0, 1]}),
        ([other], [one], {other: [0, 1]}, {one: [0, 1]}),
        ([other, one], [one, fresh_name()], None, None),
        ([other], [one], {other: [0, 1]}, {one: [0, 1]}),
        ([fresh_name()], [other, one], {}, {one: [0, 1], other: [0, 1]}),
    ):
        first.topics, second.topics = wanted, wanted_too
        group.settle()
        if share is not None and (first.shares, second.shares) != (share, share_too):
            seen = f"{first.shares} and {second.shares}"
            server.require("settle", [Mismatch("shares", f"{share} and {share_too}", seen)])


@server_case(
    title="Partitions that a topic gets later are assigned",
    requirements=["GROUP-020", "GROUP-017"],
    hint="Look again at the topics of the group when one has changed; no member has to ask for it.",
)
def topic_grows(server: ServerSession) -> None:
    """Add partitions to a topic of two members."""
    topic = server.create_topic(2)
    group = WireGroup(server, {topic: 2})
    one, other = group.join(), group.join()
    group.settle()
    for count in (4, 6):
        server.expect("grow", server.send("PATCH", f"/v1/topics/{topic}", value={"partitions": count}), {"status": 200})
        group.topics[topic] = count
        group.settle()
        _has(server, one, count // 2)
        _has(server, other, count // 2)


@server_case(
    title="A deleted topic is no longer assigned, and one that is made again comes with its new id",
    requirements=["GROUP-020", "GROUP-005"],
    hint="A topic is its id, not its name.",
)
def topic_is_deleted(server: ServerSession) -> None:
    """Delete a topic, make it again after and before anybody has noticed, with as many and with more partitions."""
    topic, other = server.create_topic(2), server.create_topic(2)
    group = WireGroup(server, {topic: 2, other: 2})
    one, two = group.join(), group.join()
    group.settle()
    server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
    del group.topics[topic]
    group.settle()
    _has(server, one, 1)
    _has(server, two, 1)
    server.create_topic(2, topic)
    group.topics[topic] = 2
    group.settle()
    _has_id(server, group, topic)
    for count in (2, 3):
        server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
        server.create_topic(count, topic)
        group.topics[topic] = count
        group.settle()
        _has_id(server, group, topic)


@server_case(
    title="The assignor that most of those who name one name is used, and uniform where none is named by more",
    requirements=["GROUP-021", "GROUP-022", "GROUP-024"],
    hint="Count the members that name one; the others do not count. A tie is uniform.",
)
def assignor_is_voted_for(server: ServerSession) -> None:
    """Let two or three members name assignors, in different orders, and tell by the shares which is used."""
    first, second = server.create_topic(3), server.create_topic(3)
    by_range, even = [4, 2], [3, 3]
    names: tuple[str | None, ...]
    for names, sizes in (
        ((None, None), even),
        (("range", None), by_range),
        ((None, "range"), by_range),
        (("range", "range"), by_range),
        (("range", "uniform"), even),
        (("uniform", "range"), even),
        (("uniform", None), even),
    ):
        group = WireGroup(server, {first: 3, second: 3})
        for number, name in enumerate(names):
            group.join(f"{number}-{fresh_id()}", assignor=name)
        group.settle()
        _sizes(server, group, str(names), sizes)
    thirds, ranged = [2, 2, 2], [3, 3, 0]
    first, second, third = (server.create_topic(2) for _ in range(3))
    for names, sizes in (
        (("range", "uniform", "range"), ranged),
        (("uniform", "range", "range"), ranged),
        (("range", "uniform", "uniform"), thirds),
        (("range", None, None), ranged),
        (("range", "uniform", None), thirds),
    ):
        group = WireGroup(server, {first: 2, second: 2, third: 2})
        for number, name in enumerate(names):
            group.join(f"{number}-{fresh_id()}", assignor=name)
        group.settle()
        _sizes(server, group, str(names), sizes)


@server_case(
    title="A member that changes its mind, joins or leaves changes the assignor",
    requirements=["GROUP-021"],
    hint="Count again with every change; the wish of who has left does not count.",
)
def votes_change(server: ServerSession) -> None:
    """Change the wishes of two members, and let the one leave that had the majority."""
    first, second = server.create_topic(3), server.create_topic(3)
    group = WireGroup(server, {first: 3, second: 3})
    ends = fresh_id()
    one, other = group.join(f"1-{ends}"), group.join(f"2-{ends}")
    for wish, wish_too, sizes in (
        (None, None, [3, 3]),
        ("range", None, [4, 2]),
        ("range", "uniform", [3, 3]),
        ("range", "range", [4, 2]),
        (None, "range", [4, 2]),
        (None, None, [3, 3]),
        ("uniform", "range", [3, 3]),
    ):
        one.assignor, other.assignor = wish, wish_too
        group.settle()
        _sizes(server, group, f"{wish} and {wish_too}", sizes)
    third = group.join(f"3-{ends}", assignor="range")
    group.settle()
    _sizes(server, group, "two of three want range", [2, 2, 2])
    one.leave()
    group.settle()
    _sizes(server, group, "both want range", [4, 2])
    third.leave()
    one.join()
    group.settle()
    _sizes(server, group, "one each", [3, 3])


@server_case(
    title="uniform deals as evenly as can be to those who want the same",
    requirements=["GROUP-022", "GROUP-017"],
    hint="The numbers differ by one at most, over all topics together and not for each; a surplus member gets nothing.",
)
def uniform_is_even(server: ServerSession) -> None:
    """Settle groups of different sizes with one topic and with more, that join at once or one after the other."""
    for counts, members, sizes in (
        ((7,), 3, [3, 2, 2]),
        ((10,), 4, [3, 3, 2, 2]),
        ((2,), 3, [1, 1, 0]),
        ((12,), 5, [3, 3, 2, 2, 2]),
        ((1, 1, 1, 1), 2, [2, 2]),
        ((3, 3), 2, [3, 3]),
        ((3, 1, 2), 4, [2, 2, 1, 1]),
    ):
        topics = {server.create_topic(count): count for count in counts}
        for is_slow in (False, True):
            group = WireGroup(server, topics)
            for _ in range(members):
                group.join(assignor="uniform")
                if is_slow:
                    group.settle()
            group.settle()
            seen = sorted((member.size for member in group.members), reverse=True)
            if seen != sizes:
                server.require(f"{counts} and {members} members", [Mismatch("shares", str(sizes), str(seen))])


@server_case(
    title="uniform moves nothing between two members because a third joins or leaves",
    requirements=["GROUP-023", "GROUP-022"],
    hint="Start from what each has; take away only what goes to the new one, and add only what the other left.",
)
def uniform_is_sticky(server: ServerSession) -> None:
    """Let members join and leave one by one, in orders other than that of their ids, and compare the shares."""
    for counts, idents, leaving in (((7, 4), "mcxa", (2, 0, 1)), ((5,), "dcbea", (4, 2, 0)), ((9, 2), "abcd", (0, 0))):
        group = WireGroup(server, {server.create_topic(count): count for count in counts})
        for ident in idents:
            before = {member: member.places for member in group.members}
            group.join(f"{ident}-{fresh_id()}")
            group.settle()
            for member, had in before.items():
                if gained := member.places - had:
                    server.require(
                        "somebody joins", [Mismatch("a share", "a part of the one before", f"also {gained}")]
                    )
        for place in leaving:
            group.members[place].leave()
            before = {member: member.places for member in group.members}
            group.settle()
            for member, had in before.items():
                if moved := had - member.places:
                    server.require(
                        "somebody leaves", [Mismatch("a share", "all of the one before", f"without {moved}")]
                    )


@server_case(
    title="range deals as Kafka does",
    requirements=["GROUP-024", "GROUP-005"],
    hint="Per topic: static members by instance_id, then the others by member id, by UTF-16 units; the first get more.",
)
def range_vectors(server: ServerSession) -> None:
    """Settle a group for each row for `range` of the fixture, the members joining in the opposite order as well."""
    rows = json.loads((data_root() / "fixtures" / "assignors.json").read_text("utf-8"))["rows"]
    for row in (row for row in rows if row["assignor"] == "range"):
        names = {name: server.create_topic(count) for name, count in row["topics"].items()}
        counts = {names[name]: count for name, count in row["topics"].items()}
        expected = {
            ident: {names[name]: numbers for name, numbers in share.items()}
            for ident, share in row["assignment"].items()
        }
        members: list[tuple[str, dict[str, Any]]] = list(row["members"].items())
        members.sort(key=lambda member: "owned" not in member[1])
        for order in (members, members[::-1]):
            group = WireGroup(server, counts)
            for ident, member in order:
                wanted = [names.get(name, fresh_name()) for name in member["topics"]]
                group.join(ident, topics=wanted, instance_id=member.get("instance"), assignor="range").confirm()
            group.settle()
            for member_ in group.members:
                share = {name: numbers for name, numbers in expected[member_.ident].items() if numbers}
                if member_.shares != share:
                    seen = f"{member_.shares}, and {names}"
                    server.require(row["name"], [Mismatch(f"the share of {member_.ident!r}", str(share), seen)])


def _told_once(group: WireGroup) -> None:
    """Check that describing a group tells no partition twice."""
    told = [
        (entry["topic"], number)
        for member in group.describe()["members"]
        for entry in member["assignment"]
        for number in entry["partitions"]
    ]
    if len(told) != len(set(told)):
        group.server.require("describe", [Mismatch("members[].assignment", "no partition twice", str(sorted(told)))])


def _has(server: ServerSession, member: WireMember, size: int) -> None:
    if member.size != size:
        server.require("the answers", [Mismatch("a share", f"{size} partitions", str(member.shares))])


def _epoch_is(server: ServerSession, member: WireMember, epoch: int) -> None:
    if member.epoch != epoch:
        server.require("the answer", [Mismatch("member_epoch", f"{epoch} as before", str(member.epoch))])


def _sizes(server: ServerSession, group: WireGroup, wishes: str, sizes: list[int]) -> None:
    seen = [member.size for member in group.members]
    if seen != sizes:
        server.require(f"wishes: {wishes}", [Mismatch("the sizes of the shares", str(sizes), str(seen))])


def _has_id(server: ServerSession, group: WireGroup, topic: str) -> None:
    """Check that who is assigned a topic is told its present id."""
    ident = server.topic_id(topic)
    told = [entry["topic_id"] for member in group.members for entry in member.assignment if entry["topic"] == topic]
    if not told or set(told) != {ident}:
        server.require("the answers", [Mismatch("assignment[].topic_id", ident, str(told))])
