"""What callers of a consumer may do with its position, and what it commits by itself: the peer plays the group."""

from typing import Any

from kafka_do_conformance.case import client_case
from kafka_do_conformance.group_peer import Consumer, GroupPeer, Place, told
from kafka_do_conformance.peer import SeenRequest
from kafka_do_conformance.session import ClientSession
from kafka_do_conformance.verdict import Mismatch

_A_FEW = 4
_LONG_MS = 60_000


@client_case(
    title="After a seek the member reads on there, back or ahead, and hands out nothing that it read before",
    requirements=["GROUP-062"],
    hint="Drop what was fetched of that partition and not handed out; the other partitions go on.",
)
def read_on_after_a_seek(client: ClientSession) -> None:
    """Go back in one partition and ahead in the other."""
    with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
        consumer.poll_until(_everything, "all records")
        consumer.seek(group.topic, (0, 1))
        polled = consumer.poll_until(lambda polled: len(polled) >= 3, "three records again")  # noqa: PLR2004
        polled += _some_more(consumer)
        group.require("back", _differ(polled, [(0, 1), (0, 2), (0, 3)]))
        consumer.seek(group.topic, (1, 6))
        group.ends = [4, 8]
        polled = consumer.poll_until(lambda polled: len(polled) >= len(group.ends), "two records")
        polled += _some_more(consumer)
        group.require("ahead", _differ(polled, [(1, 6), (1, 7)]))


@client_case(
    title="A paused partition gives no records and stays the member's; resumed it goes on where it was",
    requirements=["GROUP-063"],
    hint="Leave it out of the fetches, not of `owned`; what was fetched before the pause must not get lost.",
)
def pause_and_resume(client: ClientSession) -> None:
    """Pause one of two partitions, append to both, and resume."""
    with GroupPeer([0, 1]) as group, _consumer(client, group) as consumer:
        consumer.poll_until(_everything, "all records")
        consumer.poll_until(lambda _: group.seen_heartbeats()[-1].numbers() == [0, 1], "a heartbeat that owns both")
        consumer.pause(group.topic, 0)
        seen = len(group.requests)
        group.ends = [6, 6]
        polled = consumer.poll_until(lambda polled: (1, 5) in polled, "the records of the other partition")
        polled += _some_more(consumer)
        group.require("paused", _differ(sorted(polled), [(1, 4), (1, 5)]))
        owned = {tuple(beat.numbers()) for beat in group.seen_heartbeats(after=seen)}
        group.require("paused, owned", _differ(owned, {(0, 1)}))
        consumer.resume(group.topic, 0)
        polled = consumer.poll_until(lambda polled: (0, 5) in polled, "the records of the partition that was paused")
        polled += _some_more(consumer)
        group.require("resumed", _differ(polled, [(0, 4), (0, 5)]))


@client_case(
    title="Where nothing is committed a time is the first record of that time or later, or the end",
    requirements=["GROUP-064"],
    hint="Look the time up in every partition without a commit; a null offset means the end, not the beginning.",
)
def begin_at_a_time(client: ClientSession) -> None:
    """Begin at the time of a record, and after all of them; one partition has a commit."""
    for ms, expected in (
        (1760000000002, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]),
        (1760000009999, [(0, 1), (0, 2), (0, 3)]),
    ):
        _begin(client, {"timestamp_ms": {"int64": str(ms)}}, expected)


@client_case(
    title="Where nothing is committed an offset is where the member begins, within the partition",
    requirements=["GROUP-065"],
    hint="It counts only where there is no commit. Beyond the end that is the end, for the records to come.",
)
def begin_at_an_offset(client: ClientSession) -> None:
    """Begin at an offset in the partition and at one behind it."""
    for offset, expected in (
        (2, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]),
        (99, [(0, 1), (0, 2), (0, 3)]),
    ):
        _begin(client, {"offset": told((0, offset))["offset"]}, expected)


@client_case(
    title="What the caller works on is not committed by itself, neither in the interval nor on closing",
    requirements=["COMMIT-032"],
    hint="Who asks for more has done with what was handed out; closing says nothing of the kind.",
)
def commit_only_what_was_gone_past(client: ClientSession) -> None:
    """Let many intervals pass while the caller works, let it come back, and close while it works again."""
    with GroupPeer([0, 1]) as group, _consumer(client, group, auto_commit=True, auto_commit_interval_ms=1) as consumer:
        consumer.poll_until(_everything, "all records")
        _have_heartbeats(client, group)
        group.require("while the caller works", _committed_beyond(group, {0: 0, 1: 0}))
        consumer.poll_until(lambda _: _commits(group).get(0) == 4, "a commit of partition 0")  # noqa: PLR2004
        group.ends = [6, 6]
        consumer.poll_until(bool, "new records")
        consumer.close()
        group.require("after closing", _committed_beyond(group, {0: 4, 1: 4}))


@client_case(
    title="What the caller has gone past is committed before a partition is let go, and before the member leaves",
    requirements=["COMMIT-033"],
    hint="Whoever gets the partition next begins at the commit: without one it would work on the records again.",
)
def commit_before_letting_go(client: ClientSession) -> None:
    """Take a partition away from a member whose interval is long, then close it."""
    options = {"auto_commit": True, "auto_commit_interval_ms": _LONG_MS}
    with GroupPeer([0, 1]) as group, _consumer(client, group, **options) as consumer:
        consumer.poll_until(_everything, "all records")
        consumer.poll_until(lambda _: group.seen_heartbeats()[-1].numbers() == [0, 1], "a heartbeat that owns both")
        group.shares = [[1]]
        consumer.poll_until(lambda _: group.seen_heartbeats()[-1].numbers() == [1], "a heartbeat that owns partition 1")
        order = [_kind(request.method, request.target) for request in group.requests]
        before = "commit" in order[: group.requests.index(_first_without_0(group))]
        group.require("taken away", [] if before else [Mismatch("before the heartbeat", "a commit", "none")])
        group.require("taken away", _differ(_commits(group).get(0), 4))
        group.ends = [4, 6]
        consumer.poll_until(lambda polled: (1, 5) in polled, "new records")
        consumer.poll()
        consumer.close()
        group.require("closed", _differ(_commits(group), {0: 4, 1: 6}))
        order = [_kind(request.method, request.target) for request in group.requests]
        late = "leave" in order and "commit" in order[order.index("leave") :]
        group.require("closed", [Mismatch("after leaving", "no commit", "a commit")] if late else [])


def _begin(client: ClientSession, start: dict[str, Any], expected: list[Place]) -> None:
    with GroupPeer([0, 1]) as group:
        group.committed = {0: 1}
        with _consumer(client, group, start=start) as consumer:
            polled = consumer.poll_until(
                lambda polled: len(polled) >= len(expected) and {place[0] for _, place in group.seen_reads()} == {0, 1},
                "reads of both partitions",
            )
            polled += _some_more(consumer)
            group.require("records", _differ(sorted(polled), expected))
            group.ends = [4, 5]
            group.require("a new record", _differ(consumer.poll_until(bool, "a new record"), [(1, 4)]))


def _consumer(client: ClientSession, group: GroupPeer, **options: Any) -> Consumer:
    return Consumer(client.adapter, group.url, group.group, group.topic, seen=group, **options)


def _everything(polled: list[Place]) -> bool:
    return len(polled) >= 8  # noqa: PLR2004  four records in each of two partitions


def _some_more(consumer: Consumer) -> list[Place]:
    return [place for _ in range(_A_FEW) for place in consumer.poll()]


def _have_heartbeats(client: ClientSession, group: GroupPeer) -> None:
    before = len(group.seen_heartbeats())
    group.wait(lambda: len(group.seen_heartbeats()) >= before + _A_FEW, client.adapter.deadline_s / 5)


def _commits(group: GroupPeer) -> dict[int, int]:
    """Return the newest commit of each partition."""
    return {one["partition"]: one["offset"] for body in group.seen_commits() for one in body.get("offsets", [])}


def _committed_beyond(group: GroupPeer, most: dict[int, int]) -> list[Mismatch]:
    committed = _commits(group)
    beyond = {number: offset for number, offset in committed.items() if offset > most[number]}
    return [Mismatch("committed", f"at most {most}", str(beyond))] if beyond else []


def _first_without_0(group: GroupPeer) -> SeenRequest:
    beats = group.seen_heartbeats()
    owned = next(n for n, beat in enumerate(beats) if 0 in beat.numbers())
    return next(beat.request for beat in beats[owned:] if 0 not in beat.numbers())


def _kind(method: str, target: str) -> str:
    return "leave" if method == "DELETE" else "commit" if target.endswith("/offsets/commit") else ""


def _differ(seen: object, allowed: object) -> list[Mismatch]:
    return [] if seen == allowed else [Mismatch("seen", str(allowed), str(seen))]
