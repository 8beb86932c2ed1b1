"""Pipelines on a real server: which records meet, what is moved for that, and topics that do not fit together."""

import json
from typing import Any

from kafka_do_conformance.case import client_case
from kafka_do_conformance.pipelines import Pipeline, repeat, require, topology, written
from kafka_do_conformance.session import ClientSession, fresh_name
from kafka_do_conformance.verdict import Mismatch, Violation

_YEAR_2026 = 1_767_225_600_000
_FEW = 20
_WITHIN = {"before_ms": 0, "after_ms": 0}
_ROUNDS = 40


def _records(count: int, *, key: str | None = None, partitions: int = 1, side: str = "") -> list[dict[str, Any]]:
    """Return records with rising times, dealt to the partitions one after the other; customers are three."""
    return [
        {
            "key": f"k{n}" if key is None else key,
            "value": {"n": n, "customer": f"c{n % 3}", "side": side},
            "timestamp_ms": _YEAR_2026 + n,
            "partition": n % partitions,
        }
        for n in range(count)
    ]


def _join(left: str, right: str, **members: Any) -> dict[str, Any]:
    return topology(
        {"operator": "source", "topic": left, "node": "left"},
        {"operator": "source", "topic": right, "node": "right"},
        {"operator": "join", "type": "inner", "within": _WITHIN, "from": ["left", "right"], **members},
        {"operator": "results"},
    )


def _pairs(running: Pipeline, enough: int) -> list[tuple[int, int]]:
    """Return the numbers of the pairs that come, sorted; some more than enough if they do."""
    found: list[tuple[int, int]] = []
    for _ in range(_ROUNDS):
        results = running.poll()["results"]
        found += [(one["value"]["left"]["n"], one["value"]["right"]["n"]) for one in results]
        if len(found) >= enough and not results:
            break
    return sorted(found)


@client_case(
    title="A join of topics that were filled before takes their records in the order of their times",
    requirements=["RUN-011"],
    hint="Wait until each partition of the task has a record or was read to its end; then take the earliest.",
)
def join_takes_the_earliest(client: ClientSession) -> None:
    """Join two topics of which one is read before the other, with no grace."""
    left, right = client.server.create_topic(1), client.server.create_topic(1)
    for topic in (left, right):
        client.server.produce(topic, _records(_FEW, key="k"))
    with Pipeline(client.adapter, client.server.wire.url, None, _join(left, right), max_poll_records=7) as running:
        require(client, "pairs", [(n, n) for n in range(_FEW)], _pairs(running, _FEW))


@client_case(
    title="Records that have got another key are moved to its partition before they are counted",
    requirements=["RUN-012"],
    hint="Through a topic whose name is that of the group, that of the group_by, and repartition.",
)
def rekeyed_records_are_moved(client: ClientSession) -> None:
    """Count the records of customers, each of whom is in all three partitions, and look at the internal topic."""
    source, group = client.server.create_topic(3), fresh_name()
    client.server.produce(source, _records(30, partitions=3))
    with Pipeline(client.adapter, client.server.wire.url, group, _by_customer(source)) as running:
        latest: dict[str, int] = {}
        repeat(lambda: _count(latest, running) == 30, "thirty records counted")  # noqa: PLR2004
        require(client, "counts", {"c0": 10, "c1": 10, "c2": 10}, latest)
    moved = written(client.server, f"{group}-customers-repartition")
    places = {one.key: {other.partition for other in moved if other.key == one.key} for one in moved}
    require(client, "records moved", 30, len(moved))
    require(client, "partitions of a customer", {"c0": 1, "c1": 1, "c2": 1}, {k: len(v) for k, v in places.items()})


def _by_customer(*sources: str) -> dict[str, Any]:
    """Return a topology that counts the records of each customer."""
    read = [{"operator": "source", "topic": topic, "node": f"in-{n}"} for n, topic in enumerate(sources)]
    merged = [{"operator": "merge", "from": [node["node"] for node in read]}] if len(read) > 1 else []
    grouped = {"operator": "group_by", "key": {"get": ["value", "customer"]}, "node": "customers"}
    return topology(*read, *merged, grouped, {"operator": "count"}, {"operator": "results"})


def _count(latest: dict[str, int], running: Pipeline) -> int:
    latest.update((one["key"], one["value"]) for one in running.poll()["results"])
    return sum(latest.values())


@client_case(
    title="An internal topic has as many partitions as the largest source, and one of another size is refused",
    requirements=["RUN-013"],
    hint="Create it before the member joins, so that every member sees it; keep its records, however old they are.",
)
def internal_topics(client: ClientSession) -> None:
    """Merge topics of two and of four partitions; then have a topic of the internal one's name with five."""
    server = client.server
    two, four, group = server.create_topic(2), server.create_topic(4), fresh_name()
    internal = f"{group}-customers-repartition"
    server.produce(two, _records(2))
    with Pipeline(client.adapter, server.wire.url, group, _by_customer(two, four)) as running:
        running.poll()
        described = server.send("GET", f"/v1/topics/{internal}")
        server.expect("the topic", described, {"status": 200, "json": {"partition_count": 4}})
        if "retention" in server.features():
            configs = described.json()["configs"]
            require(client, "its retention", "-1", configs.get("retention.ms"))
    other = fresh_name()
    server.create_topic(5, f"{other}-customers-repartition")
    _require_refusal(client, other, _by_customer(two, four), f"{other}-customers-repartition")


def _require_refusal(client: ClientSession, group: str, document: dict[str, Any], *names: str) -> None:
    """Have a pipeline refused with words that have these names, before its member joins."""
    running = Pipeline(client.adapter, client.server.wire.url, group, document)
    answer = running.answer()
    running.close()
    words = answer.get("refused", {}).get("message", "")
    if not words or any(name not in words for name in names):
        wanted = f"refused, with {', '.join(names)}"
        raise Violation("run the pipeline", [Mismatch("report", wanted, json.dumps(answer)[:400])])
    gone = client.server.send("GET", f"/v1/groups/{group}")
    client.server.expect("the group", gone, {"status": 404, "problem": {"code": "group_not_found"}})


@client_case(
    title="Topics with different numbers of partitions are not joined by the keys that they have",
    requirements=["RUN-014"],
    hint="The same key is in partitions of different numbers; say which topics, and how many each has.",
)
def unequal_partition_counts(client: ClientSession) -> None:
    """Join a topic of three partitions with one of two, and with one of three."""
    server = client.server
    three, two = server.create_topic(3), server.create_topic(2)
    _require_refusal(client, fresh_name(), _join(three, two), three, two, "3", "2")
    other = server.create_topic(3)
    for topic in (three, other):
        server.produce(topic, [{**one, "key": "k", "partition": 2} for one in _records(_FEW)])
    with Pipeline(client.adapter, server.wire.url, None, _join(three, other)) as running:
        require(client, "pairs", [(n, n) for n in range(_FEW)], _pairs(running, _FEW))


@client_case(
    title="A join by a condition sees the records of all partitions",
    requirements=["RUN-015"],
    hint="No partition decides who meets whom, so there can be one only: move what has more.",
)
def join_by_condition_in_one_partition(client: ClientSession) -> None:
    """Join topics of three and of two partitions by a member of their values."""
    left, right = client.server.create_topic(3), client.server.create_topic(2)
    for topic, partitions in ((left, 3), (right, 2)):
        client.server.produce(topic, _records(_FEW, partitions=partitions))
    where = {"equal": [{"get": ["left", "n"]}, {"get": ["right", "n"]}]}
    document = _join(left, right, on={"where": where}, within={"before_ms": _FEW, "after_ms": _FEW})
    with Pipeline(client.adapter, client.server.wire.url, None, document) as running:
        require(client, "pairs", [(n, n) for n in range(_FEW)], _pairs(running, _FEW))


@client_case(
    title="A pipeline stops when a topic that it reads is deleted, or deleted and made again",
    requirements=["RUN-016"],
    hint="Its place in the old topic is none in the new one; who waits for it to come back waits for ever.",
)
def topic_that_vanishes(client: ClientSession) -> None:
    """Delete topics under two running pipelines, and make one of them again."""
    both = [_started(client) for _ in range(2)]
    for source, _ in both:
        client.server.expect("delete", client.server.send("DELETE", f"/v1/topics/{source}"), {"status": 204})
    client.server.create_topic(1, both[1][0])
    codes = [_code(running) for _, running in both]
    for _, running in both:
        running.close()
    require(client, "the errors", ["topic_not_found", "topic_not_found"], codes)


def _started(client: ClientSession) -> tuple[str, Pipeline]:
    """Return a topic with records, and a pipeline that has read them, and another topic."""
    source, stays = client.server.create_topic(1), client.server.create_topic(1)
    document = topology(
        {"operator": "source", "topic": source, "node": "in"},
        {"operator": "source", "topic": stays, "node": "other"},
        {"operator": "merge", "from": ["in", "other"]},
        {"operator": "results"},
    )
    client.server.produce(source, _records(_FEW))
    session_ms = client.server.limit("min_session_timeout_ms")  # heartbeats, which tell of it, come sooner
    url = client.server.wire.url
    running = Pipeline(client.adapter, url, None, document, session_timeout_ms=session_ms)
    repeat(lambda: len(running.poll()["results"]) == _FEW, "all results")
    return source, running


def _code(running: Pipeline) -> str | None:
    for _ in range(_ROUNDS):
        answer = running.answer()
        if "error" in answer:
            code: str = answer["error"]["code"]
            return code
    return None
