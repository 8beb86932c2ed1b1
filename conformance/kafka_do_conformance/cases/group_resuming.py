"""A client's consumers and a member of the suite's own take turns on a real server."""

from typing import Any

from kafka_do_conformance.case import client_case
from kafka_do_conformance.group_peer import Consumer, Place
from kafka_do_conformance.session import ClientSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

_RECORDS = 3
_PARTITIONS = 2
_ALL = _RECORDS * _PARTITIONS


@client_case(
    title="Consumers and another member that take turns read every record once, each from the last one's commit",
    requirements=["GROUP-048", "GROUP-055", "GROUP-056", "COMMIT-027"],
    hint="Leave when closed, or the next one waits for the partitions; commit the next record to read, not the last.",
)
def take_turns_with_another_member(client: ClientSession) -> None:
    """Let the client read and commit, then the suite as a member, then the client again."""
    server, group = client.server, fresh_name()
    topic = server.create_topic(_PARTITIONS)
    _append(client, topic)
    with Consumer(client.adapter, server.wire.url, group, topic) as first:
        _require_round(client, first, 0)
        first.commit()
    _append(client, topic)
    member = f"/v1/groups/{group}/members/{fresh_name()}"
    epoch = _join(client, member, topic)
    found = [_committed(client, group, topic, number) for number in range(_PARTITIONS)]
    server.require("the client's commits", _differ(found, [_RECORDS] * _PARTITIONS))
    _commit(client, group, topic, {"id": member.rpartition("/")[2], "epoch": epoch})
    server.expect("leave", server.send("DELETE", member), {"status": 204})
    _append(client, topic)
    with Consumer(client.adapter, server.wire.url, group, topic) as second:
        _require_round(client, second, 2 * _RECORDS)


def _append(client: ClientSession, topic: str) -> None:
    """Append a round of records to each partition."""
    numbers = range(_PARTITIONS)
    client.server.produce(topic, [{"value": {"to": at}, "partition": at} for at in numbers for _ in range(_RECORDS)])


def _require_round(client: ClientSession, consumer: Consumer, first: int) -> None:
    """Poll a round, which begins at offset `first`, and check that it is all that there is."""
    polled = consumer.poll_until(lambda polled: len(polled) >= _ALL, f"{_ALL} records")
    polled += consumer.poll()
    wanted: list[Place] = [(at, first + one) for at in range(_PARTITIONS) for one in range(_RECORDS)]
    client.server.require("records", _differ(sorted(polled), wanted))


def _join(client: ClientSession, member: str, topic: str) -> int:
    """Join as the suite's member, which gets everything if the client has left, and return the epoch."""
    wanted = {"topics": [topic], "rebalance_timeout_ms": 60_000}
    response = client.server.send("PUT", member, value={**wanted, "member_epoch": 0, "owned": []})
    share = {"topic": topic, "partitions": list(range(_PARTITIONS))}
    answer = client.server.expect("join", response, {"status": 200, "json": {"assignment": [share]}})
    epoch: int = answer["member_epoch"]
    return epoch


def _committed(client: ClientSession, group: str, topic: str, number: int) -> Any:
    asked = {"partitions": [{"topic": topic, "partition": number}]}
    response = client.server.send("POST", f"/v1/groups/{group}/offsets/query", value=asked)
    answer = client.server.expect("query", response, {"status": 200, "json": {"partitions": [asked["partitions"][0]]}})
    return answer["partitions"][0]["committed_offset"]


def _commit(client: ClientSession, group: str, topic: str, member: dict[str, Any]) -> None:
    offsets = [{"topic": topic, "partition": at, "offset": 2 * _RECORDS} for at in range(_PARTITIONS)]
    response = client.server.send(
        "POST", f"/v1/groups/{group}/offsets/commit", value={"member": member, "offsets": offsets}
    )
    client.server.expect("commit", response, {"status": 200})


def _differ(seen: object, allowed: object) -> list[Mismatch]:
    return [] if seen == allowed else [Mismatch("seen", str(allowed), str(seen))]
