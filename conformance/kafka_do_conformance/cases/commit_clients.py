"""What a member commits, and what it makes of the answers: the recording peer plays the group."""

import json
from typing import Any

from kafka_do_conformance.case import client_case
from kafka_do_conformance.group_peer import Consumer, GroupPeer, Place, refusal
from kafka_do_conformance.peer import ScriptedAnswer, SeenRequest
from kafka_do_conformance.session import ClientSession
from kafka_do_conformance.verdict import Mismatch

_DROP = ScriptedAnswer(fault="drop-before-answer")
_NEW_EPOCH = 9
_TRIES = 3
_LONG_MS = 60_000


@client_case(
    title="A commit has the offset after the last record done with, the member's epoch, and only what it owns",
    requirements=["COMMIT-027"],
    hint="After the record with offset 3 that is 4. What the member has let go belongs to others.",
)
def commit_the_next_record(client: ClientSession) -> None:
    """Commit everything, one record, and what is left when a partition was taken away."""
    with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
        group.epoch = 6
        consumer.poll_until(_everything, "all records")
        consumer.poll_until(lambda _: group.seen_heartbeats()[-1].numbers() == [0, 1], "a heartbeat that owns both")
        consumer.commit(group.topic, (1, 1))
        _require_commit(group, 6, {1: 2})
        consumer.commit()
        _require_commit(group, 6, {0: 4, 1: 4})
        group.epoch, group.shares = 7, [[1]]
        consumer.poll_until(lambda _: group.seen_heartbeats()[-1].numbers() == [1], "a heartbeat that owns partition 1")
        group.ends = [5, 5]
        consumer.poll_until(bool, "a new record")
        consumer.commit()
        _require_commit(group, 7, {1: 5})


@client_case(
    title="After rebalance_in_progress a heartbeat goes first, then a new commit of what is still assigned",
    requirements=["COMMIT-028"],
    hint="The identical commit would be refused again: its epoch is not the member's any more.",
)
def commit_anew_after_a_heartbeat(client: ClientSession) -> None:
    """Refuse a commit because partitions have moved, whole and in part."""
    for partly in (False, True):
        with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
            consumer.poll_until(_everything, "all records")
            consumer.poll_until(lambda _: group.seen_heartbeats()[-1].numbers() == [0, 1], "a heartbeat that owns both")
            _have_no_heartbeats_by_themselves(consumer, group)
            group.ends = [5, 5]
            consumer.poll_until(lambda polled: len(polled) >= len(group.ends), "new records")
            seen = len(group.requests)
            group.epoch, group.shares = _NEW_EPOCH, [[1]]
            group.commits.append(_partly_stale(group) if partly else _stale(group))
            for _ in range(_TRIES):
                if consumer.try_commit():
                    break
            first, *others = group.seen_commits(after=seen)
            group.require("first commit", _differ(_offsets(first), {0: 5, 1: 5}))
            if not partly:
                _require_commit(group, _NEW_EPOCH, {1: 5})
            stale = [body for body in others if _offsets(body) != {1: 5} or body["member"]["epoch"] != _NEW_EPOCH]
            group.require("commits", [Mismatch("commit", "epoch 9, partition 1", json.dumps(stale))] if stale else [])
            sent = [_kind(request) for request in group.requests[seen:] if _kind(request)]
            hasty = sent[:2] == ["commit", "commit"]
            group.require("order", [Mismatch("after the refusal", "a heartbeat", "a commit")] if hasty else [])


@client_case(
    title="A commit whose answer is lost is sent again as it was, and there are never two under way",
    requirements=["COMMIT-029"],
    hint="It may have been stored or not; sent again it does no harm, as long as no other one is between.",
)
def send_a_commit_again(client: ClientSession) -> None:
    """Lose the answers of a commit in several ways."""
    moving = refusal(503, "group_coordinator", retriable=True)
    for lost in (_DROP, moving, ScriptedAnswer(fault="drop-in-answer", body=b"{}")):
        with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
            consumer.poll_until(_everything, "all records")
            group.commits += [lost, lost]
            consumer.commit()
            bodies = group.seen_commits()
            group.require("commits", _differ(bodies, bodies[:1] * 3))
            beside = [request for request in group.requests if "commit" in request.target and request.beside]
            group.require("commits", [Mismatch("under way", "1", "2")] if beside else [])


@client_case(
    title="A commit moves nobody: the member reads on where it is",
    requirements=["COMMIT-030"],
    hint="The position is where to read, the committed offset where another member would begin.",
)
def commit_is_no_seek(client: ClientSession) -> None:
    """Commit less than was read, and let the member read on."""
    with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
        consumer.poll_until(_everything, "all records")
        consumer.commit(group.topic, (0, 0))
        group.require("commit", _differ([_offsets(body) for body in group.seen_commits()], [{0: 1}]))
        seen = len(group.requests)
        group.ends = [6, 5]
        new = [(0, 4), (0, 5), (1, 4)]
        polled = consumer.poll_until(lambda polled: len(polled) >= len(new), "new records")
        group.require("poll", _differ(sorted(polled), new))
        begun = dict(reversed([place for _, place in group.seen_reads(after=seen)]))
        group.require("reads", _differ(begun, {0: 4, 1: 4}))


@client_case(
    title="An earlier record that is committed after a later one takes nothing back",
    requirements=["COMMIT-031"],
    hint="Records that are worked on at once end in any order; the furthest commit stands, and no lower one is sent.",
)
def commit_goes_forward(client: ClientSession) -> None:
    """Commit the third record of a partition, then the second, then one of the other partition."""
    with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
        consumer.poll_until(_everything, "all records")
        consumer.commit(group.topic, (1, 2))
        consumer.commit(group.topic, (1, 1))
        consumer.commit(group.topic, (0, 1))
        offsets = [_offsets(body) for body in group.seen_commits()]
        highest = [max(body.get(1, 0) for body in offsets[: place + 1]) for place in range(len(offsets))]
        back = [body for body, most in zip(offsets, highest, strict=True) if body.get(1, most) < most]
        group.require("commits", [Mismatch("commits", "{1: 3}, then nothing lower", str(offsets))] if back else [])
        group.require("commits", _differ([body for body in offsets if 0 in body], [{0: 2}]))
        group.require("commits", _differ(offsets[0], {1: 3}))


def _everything(polled: list[Place]) -> bool:
    return len(polled) >= 8  # noqa: PLR2004  four records in each of two partitions


def _have_no_heartbeats_by_themselves(consumer: Consumer, group: GroupPeer) -> None:
    """Let the next heartbeat be due in a minute, so that one which comes has a reason."""
    group.interval_ms = _LONG_MS
    seen = len(group.requests)
    consumer.poll_until(lambda _: bool(group.seen_heartbeats(after=seen)), "a heartbeat")


def _kind(request: SeenRequest) -> str:
    if request.method == "PUT":
        return "heartbeat"
    return "commit" if "/offsets/commit" in request.target else ""


def _consumer(client: ClientSession, group: GroupPeer) -> Consumer:
    return Consumer(client.adapter, group.url, group.group, group.topic, seen=group)


def _stale(group: GroupPeer) -> ScriptedAnswer:
    """Refuse a commit of both partitions."""
    results = [{"topic": group.topic, "partition": number, "error": _error(group, number)} for number in (0, 1)]
    return refusal(409, "rebalance_in_progress", current_epoch=_NEW_EPOCH, results=results)


def _partly_stale(group: GroupPeer) -> ScriptedAnswer:
    """Refuse the first partition of a commit of both, which has gone to another member."""
    results = [
        {"topic": group.topic, "partition": 0, "error": _error(group, 0)},
        {"topic": group.topic, "partition": 1},
    ]
    body = json.dumps({"results": results}).encode()
    return ScriptedAnswer(207, (("Content-Type", "application/json"),), body)


def _error(group: GroupPeer, number: int) -> dict[str, Any]:
    return {
        "code": "rebalance_in_progress",
        "detail": "the member has another epoch",
        "retriable": False,
        "indeterminate": False,
        "group": group.group,
        "topic": group.topic,
        "partition": number,
        "current_epoch": _NEW_EPOCH,
    }


def _offsets(body: dict[str, Any]) -> dict[int, int]:
    return {one["partition"]: one["offset"] for one in body.get("offsets", [])}


def _require_commit(group: GroupPeer, epoch: int, offsets: dict[int, int]) -> None:
    """Check the newest commit; an entry's topic and id are the peer's."""
    bodies = group.seen_commits()
    group.require("commit", [] if bodies else [Mismatch("commit", str(offsets), "none")])
    member = {"id": group.seen_heartbeats()[-1].member, "epoch": epoch}
    group.require("commit, member", _differ(bodies[-1].get("member"), member))
    group.require("commit, offsets", _differ(_offsets(bodies[-1]), offsets))
    whose = {(one["topic"], one.get("topic_id", group.topic_id)) for one in bodies[-1]["offsets"]}
    group.require("commit, topic", _differ(whose, {(group.topic, group.topic_id)}))


def _differ(seen: object, allowed: object) -> list[Mismatch]:
    return [] if seen == allowed else [Mismatch("seen", str(allowed), str(seen))]
