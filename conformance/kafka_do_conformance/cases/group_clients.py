"""What a member of a group sends, and what it makes of the answers: the recording peer plays the group."""

import json
from collections.abc import Callable, Iterable

from kafka_do_conformance.case import client_case
from kafka_do_conformance.group_peer import Consumer, GroupPeer, Heartbeat, Place, refusal
from kafka_do_conformance.peer import ScriptedAnswer
from kafka_do_conformance.session import ClientSession
from kafka_do_conformance.verdict import Mismatch

_DROP = ScriptedAnswer(fault="drop-before-answer")
_MADE_AGAIN = "22222222-0000-4000-8000-000000000000"
_A_WHILE_S = 0.04
_BEATS = 8


@client_case(
    title="Two consumers join with ids of their own, epoch 0 and nothing owned, and keep their ids",
    requirements=["GROUP-048"],
    hint="Make a UUID for each consumer, before its first heartbeat, and use it in the path of every one.",
)
def join_with_an_own_id(client: ClientSession) -> None:
    """Let two consumers join and go on, and compare their heartbeats."""
    with GroupPeer([0], [1]) as group, _consumer(client, group) as one, _consumer(client, group) as other:
        one.poll_until(lambda _: _has_said(group, [0]), "a heartbeat that owns the first share")
        other.poll_until(lambda _: _has_said(group, [1]), "a heartbeat that owns the second share")
        seen = group.seen_heartbeats()
        members = list(dict.fromkeys(beat.member for beat in seen))
        group.require(
            "ids", [] if len(members) == len(group.shares) else [Mismatch("member ids", "2", " and ".join(members))]
        )
        for member in members:
            first = next(beat for beat in seen if beat.member == member)
            group.require("join", _not_joining(first))
            body = json.loads(first.request.body)
            wanted = [] if body["topics"] == [group.topic] else [Mismatch("topics", group.topic, str(body["topics"]))]
            group.require("join", wanted)


@client_case(
    title="Each further heartbeat has the newest epoch and exactly what the member may be reading",
    requirements=["GROUP-049"],
    hint="`owned` is what the newest answer lists and what is not let go yet, not everything that ever was assigned.",
)
def heartbeats_say_what_is_owned(client: ClientSession) -> None:
    """Give a member more, then less, then more partitions, with an epoch each."""
    with GroupPeer([1]) as group, _consumer(client, group) as consumer:
        shares = [(1, [1]), (2, [0, 1]), (3, [0]), (7, [0, 1])]
        for epoch, share in shares:
            group.epoch, group.shares = epoch, [share]
            consumer.poll_until(_saying(group, share, epoch), f"epoch {epoch} owning {share}")
        allowed = [(0, []), *_steps(shares)]
        for beat in group.seen_heartbeats():
            said = beat.epoch, beat.numbers()
            unknown = [number for topic_id, number in beat.owned if topic_id != group.topic_id]
            if said not in allowed or unknown:
                allows = " or ".join(f"epoch {epoch} owning {share}" for epoch, share in allowed)
                group.require("heartbeat", [Mismatch("epoch and owned", allows, f"epoch {said[0]} owning {said[1]}")])


@client_case(
    title="Heartbeats go on while the caller works, in their interval and one after the other",
    requirements=["GROUP-050"],
    hint="They must not wait for the caller to poll; send the next one only when the last was answered or given up.",
)
def heartbeats_beside_work(client: ClientSession) -> None:
    """Leave a consumer alone after a poll, then let an answer take longer than several intervals."""
    with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
        consumer.poll_until(_everything, "all records")
        before = len(group.seen_heartbeats())
        if not group.wait(lambda: len(group.seen_heartbeats()) >= before + 5, client.adapter.deadline_s / 5):
            said = f"{len(group.seen_heartbeats()) - before} more"
            group.require("the caller works", [Mismatch("heartbeats", f"one each {group.interval_ms} ms", said)])
        group.heartbeats += [ScriptedAnswer(**{**vars(group.usual(_member(group))), "hold_s": _A_WHILE_S})] * 2
        before = len(group.seen_heartbeats())
        group.wait(lambda: len(group.seen_heartbeats()) >= before + 4, client.adapter.deadline_s)
        consumer.poll()
        for beat in group.seen_heartbeats():
            if beat.request.beside:
                group.require("a slow answer", [Mismatch("heartbeats under way", "1", str(beat.request.beside + 1))])


@client_case(
    title="A partition that is taken away is not read any more, and then not listed",
    requirements=["GROUP-051"],
    hint="Stop first, then say so in the next heartbeat; the other partitions are read on.",
)
def give_up_a_partition(client: ClientSession) -> None:
    """Take one of two partitions away and append to both."""
    with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
        consumer.poll_until(_everything, "all records")
        group.shares = [[1]]
        consumer.poll_until(lambda _: _newest(group) == [1], "a heartbeat that owns partition 1 only")
        seen = len(group.requests)
        group.ends = [6, 6]
        polled = consumer.poll_until(lambda polled: (1, 5) in polled, "the records of the other partition")
        taken = [place for place in polled if place[0] == 0]
        group.require("poll", [Mismatch("records of partition 0", "none", str(taken))] if taken else [])
        read = [place for _, place in group.seen_reads(after=seen) if place[0] == 0]
        group.require("poll", [Mismatch("reads of partition 0", "none", str(read))] if read else [])
        again = [beat.numbers() for beat in group.seen_heartbeats(after=seen) if beat.numbers() != [1]]
        group.require("heartbeats", [Mismatch("owned", "[1]", str(again))] if again else [])


@client_case(
    title="A fenced member gives up everything without a commit and joins again under its id",
    requirements=["GROUP-052"],
    hint="Drop partitions and positions, set the epoch to 0, keep the id; what was not committed is read again.",
)
def join_again_after_fencing(client: ClientSession) -> None:
    """Refuse a heartbeat of a member with uncommitted records, in both ways."""
    for refused in (refusal(404, "unknown_member", member="m"), refusal(409, "fenced_member_epoch", member="m")):
        with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
            group.committed = {1: 2}
            consumer.poll_until(_from_the_commit, "all records")
            consumer.poll_until(lambda _: _newest(group) == [0, 1], "a heartbeat that owns both")
            member, seen = _member(group), len(group.requests)
            group.heartbeats.append(refused)
            again = consumer.poll_until(_from_the_commit, "the records from the committed offsets on")
            group.require("records", _differ(sorted(again), [(0, 0), (0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]))
            beats = [beat for beat in group.seen_heartbeats(after=seen) if beat.epoch != group.epoch]
            group.require("join again", [] if beats else [Mismatch("member_epoch", "0 after the refusal", "never")])
            for beat in beats:
                group.require("join again", _not_joining(beat))
            others = {beat.member for beat in group.seen_heartbeats()} - {member}
            group.require("join again", [Mismatch("member id", member, str(others))] if others else [])
            commits = group.seen_commits()
            group.require("join again", [Mismatch("commits", "none", json.dumps(commits))] if commits else [])


@client_case(
    title="A heartbeat whose answer is lost or put off is sent again, a join under the same id",
    requirements=["GROUP-053"],
    hint="The answer may have been lost after the server acted: another id would leave a ghost in the group.",
)
def send_a_heartbeat_again(client: ClientSession) -> None:
    """Lose answers to joins and to later heartbeats."""
    moving = refusal(503, "group_coordinator", retriable=True)
    half = ScriptedAnswer(fault="drop-in-answer", body=b"{}")
    for lost in (_DROP, moving, half):
        with GroupPeer([0, 1]) as group:
            group.heartbeats += [lost, lost, None, None, lost]
            with _consumer(client, group) as consumer:
                consumer.poll_until(_everything, "all records")
                consumer.poll_until(
                    lambda _: len(group.seen_heartbeats()) >= _BEATS, "heartbeats after the lost answers"
                )
                beats = group.seen_heartbeats()
                members = {beat.member for beat in beats}
                group.require("ids", [] if len(members) == 1 else [Mismatch("member ids", "1", str(members))])
                for beat in beats[:3]:
                    group.require("join", _not_joining(beat))
                for beat in beats[4:]:
                    group.require("go on", _differ([beat.epoch, beat.numbers()], [group.epoch, [0, 1]]))


@client_case(
    title="A member whose instance_id another has taken over does not join again, and says so",
    requirements=["GROUP-054"],
    hint="Two processes with one instance_id would throw each other out for ever: stop and raise the error.",
)
def stop_after_fenced_instance_id(client: ClientSession) -> None:
    """Refuse a heartbeat of a static member."""
    with GroupPeer([0, 1]) as group, _consumer(client, group, instance_id="billing-1") as consumer:
        consumer.poll_until(lambda _: _newest(group) == [0, 1], "a heartbeat that owns both")
        instance = json.loads(group.seen_heartbeats()[-1].request.body).get("instance_id")
        group.require("heartbeat", _differ(instance, "billing-1"))
        fenced = refusal(409, "fenced_instance_id", instance_id="billing-1")
        group.heartbeats += [fenced] * 50
        reported = [consumer.failed_poll() for _ in range(8)]
        codes = {answer.get("error", {}).get("code") for answer in reported} - {None}
        group.require("report", _differ(codes, {"fenced_instance_id"}))
        group.wait(lambda: False, _A_WHILE_S)
        sent = 50 - len(group.heartbeats)
        group.require("heartbeats", _differ(sent, 1))


@client_case(
    title="A consumer that is closed leaves, also a group that has forgotten it, and opened anew it is another",
    requirements=["GROUP-055"],
    hint="DELETE the member once its heartbeat is answered; 404 unknown_member means that nothing is left to do.",
)
def leave_when_closed(client: ClientSession) -> None:
    """Close consumers, with each answer to leaving, and open another."""
    gone = refusal(404, "unknown_member", member="m")
    for leaves in ([], [gone], [_DROP, gone]):
        with GroupPeer([0, 1]) as group:
            group.leaves += leaves
            consumer = _consumer(client, group)
            consumer.poll_until(_everything, "all records")
            member = _member(group)
            consumer.close()
            left = group.seen_leaves()
            group.require("close", _differ(left, [member] * max(1, len(leaves))))
            group.wait(lambda: False, _A_WHILE_S)
            last = group.requests[-1]
            ended = [] if last.method == "DELETE" else [Mismatch("requests after leaving", "none", str(last))]
            group.require("close", ended)
            with _consumer(client, group) as other:
                other.poll_until(lambda _: _member(group) != member, "a heartbeat under another id")  # noqa: B023


@client_case(
    title="A member reads from the committed offset, and where there is none from where its caller said",
    requirements=["GROUP-056"],
    hint="Ask for the committed offsets of what was assigned; null is not 0 but the earliest or latest offset.",
)
def begin_at_the_committed_offset(client: ClientSession) -> None:
    """Let a member get a partition with a commit and one without, in both ways to start."""
    for start, expected in (
        ("earliest", [(0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)]),
        ("latest", [(0, 2), (0, 3)]),
    ):
        with GroupPeer([0, 1]) as group:
            group.committed = {0: 2}
            with _consumer(client, group, start=start) as consumer:
                polled = consumer.poll_until(
                    lambda polled: len(polled) >= len(expected) and {0, 1} <= _read(group),  # noqa: B023
                    "reads of both partitions",
                )
                group.require("records", _differ(sorted(polled), expected))
                group.ends = [4, 5]
                polled = consumer.poll_until(bool, "a new record")
                group.require("a new record", _differ(polled, [(1, 4)]))


@client_case(
    title="The positions in a topic are forgotten when another one has its name",
    requirements=["GROUP-057"],
    hint="Keep positions by topic_id and partition; offset 4 of the topic that is gone means nothing in the new one.",
)
def forget_positions_of_another_topic(client: ClientSession) -> None:
    """Make the topic again while a member reads it."""
    with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
        consumer.poll_until(_everything, "all records")
        group.topic_id = _MADE_AGAIN
        polled = consumer.poll_until(
            lambda polled: _everything(polled) and _owns(group, _MADE_AGAIN), "the new topic's records, and it owned"
        )
        group.require("records", _differ(sorted(polled), [(number, at) for number in (0, 1) for at in range(4)]))
        begun = dict(reversed([place for topic_id, place in group.seen_reads() if topic_id == _MADE_AGAIN]))
        group.require("reads", _differ(begun, {0: 0, 1: 0}) if begun else [])


def _everything(polled: list[Place]) -> bool:
    return len(polled) >= 8  # noqa: PLR2004  four records in each of two partitions


def _from_the_commit(polled: list[Place]) -> bool:
    return len(polled) >= 6  # noqa: PLR2004  four records of one partition, the last two of the other


def _consumer(client: ClientSession, group: GroupPeer, **options: object) -> Consumer:
    return Consumer(client.adapter, group.url, group.group, group.topic, seen=group, **options)


def _member(group: GroupPeer) -> str:
    """Return the id of the member that was heard of last."""
    return group.seen_heartbeats()[-1].member


def _newest(group: GroupPeer) -> list[int]:
    beats = group.seen_heartbeats()
    return beats[-1].numbers() if beats else []


def _owns(group: GroupPeer, topic_id: str) -> bool:
    return {(topic_id, 0), (topic_id, 1)} == group.seen_heartbeats()[-1].owned


def _saying(group: GroupPeer, share: list[int], epoch: int) -> Callable[[list[Place]], bool]:
    return lambda _: _has_said(group, share, epoch)


def _has_said(group: GroupPeer, share: list[int], epoch: int | None = None) -> bool:
    return any(beat.numbers() == share and (epoch is None or beat.epoch == epoch) for beat in group.seen_heartbeats())


def _read(group: GroupPeer) -> set[int]:
    return {number for _, (number, _) in group.seen_reads()}


def _steps(shares: list[tuple[int, list[int]]]) -> Iterable[tuple[int, list[int]]]:
    """Yield what may be said on the way: while something is let go, it is listed with the epoch of the new answer."""
    before: list[int] = []
    for epoch, share in shares:
        yield epoch, share
        yield epoch, sorted({*before, *share})
        yield epoch, sorted({*before} & {*share})
        before = share


def _not_joining(beat: Heartbeat) -> list[Mismatch]:
    found = [] if type(beat.epoch) is int and beat.epoch == 0 else [Mismatch("member_epoch", "0", str(beat.epoch))]
    return [*found, *([Mismatch("owned", "[]", str(beat.numbers()))] if beat.owned else [])]


def _differ(seen: object, allowed: object) -> list[Mismatch]:
    return [] if seen == allowed else [Mismatch("seen", str(allowed), str(seen))]
