"""Pipelines on a real server: what they read, write and commit, in which order, and what they do on failures."""

import functools
import json
from typing import Any

from kafka_do_conformance.case import client_case
from kafka_do_conformance.peer import SeenRequest
from kafka_do_conformance.pipelines import Pipeline, Written, committed, repeat, require, topology, written
from kafka_do_conformance.producer_peer import problem
from kafka_do_conformance.relay import Relay
from kafka_do_conformance.session import ClientSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

_YEAR_2026 = 1_767_225_600_000
_MINUTE = 60_000
_PRODUCE = r"/v1/topics/{}/(partitions/\d+/)?records"
_PLUS = {"add": [{"get": ["value", "n"]}, 1]}
_ROUNDS = 40
_FORBIDDEN = problem(403, "forbidden")


def _copy(source: str, sink: str, **value: Any) -> dict[str, Any]:
    """Return a topology that copies a topic, with other values if that is told."""
    nodes = [{"operator": "source", "topic": source}, *([{"operator": "map", **value}] if value else [])]
    return topology(*nodes, {"operator": "to", "topic": sink})


def _numbers(first: int, behind: int, **members: Any) -> list[dict[str, Any]]:
    return [{"value": {"n": n}, "timestamp_ms": _YEAR_2026 + n, **members} for n in range(first, behind)]


def _filled(client: ClientSession, count: int = 10) -> tuple[str, str, str]:
    """Return the names of a topic with so many records, of an empty one and of a group."""
    source, sink = client.server.create_topic(1), client.server.create_topic(1)
    client.server.produce(source, _numbers(0, count))
    return source, sink, fresh_name()


@client_case(
    title="A pipeline reads all its topics from their beginning, as a member of its group that names range",
    requirements=["RUN-001"],
    hint="Every member subscribes the same topics, so that range brings the same partitions of all to one member.",
)
def pipeline_is_a_member(client: ClientSession) -> None:
    """Merge two topics, and look at the heartbeats and at what came out."""
    one, other = client.server.create_topic(2), client.server.create_topic(2)
    client.server.produce(one, _numbers(0, 4))
    client.server.produce(other, _numbers(4, 8))
    group = fresh_name()
    document = topology(
        {"operator": "source", "topic": one, "node": "one"},
        {"operator": "source", "topic": other, "node": "other"},
        {"operator": "merge", "from": ["one", "other"]},
        {"operator": "results"},
    )
    with Relay(client.server) as relay, Pipeline(client.adapter, relay.url, group, document) as running:
        found: list[int] = []
        repeat(lambda: _more(found, running, 8), "all records of both topics")
        require(client, "results", list(range(8)), sorted(found))
        bodies = [
            json.loads(request.body) for request in relay.seen() if f"/v1/groups/{group}/members/" in request.target
        ]
        told = {(tuple(sorted(body.get("topics", ()))), body.get("assignor")) for body in bodies if "topics" in body}
        require(client, "heartbeats", {(tuple(sorted((one, other))), "range")}, told)


def _more(found: list[int], running: Pipeline, enough: int) -> bool:
    found += [result["value"]["n"] for result in running.poll()["results"]]
    return len(found) >= enough


@client_case(
    title="Records are committed after everything that they gave was acknowledged",
    requirements=["RUN-002"],
    hint="Write, wait for the answers, commit; a pipeline that commits first loses what it had not written.",
)
def commit_behind_the_output(client: ClientSession) -> None:
    """Look at the order of requests; then have the server refuse what is written."""
    source, sink, group = _filled(client)
    with Relay(client.server) as relay:
        with Pipeline(client.adapter, relay.url, group, _copy(source, sink), max_poll_records=4) as running:
            running.run_until(lambda: committed(client.server, group, source, 1) == [10], "a commit of all records")
        before = 0
        for request in relay.seen():
            before += _records_to(request, sink)
            done = _offset(request)
            if done > before:
                words = f"{done} records were committed when {before} were written"
                client.server.require("the order", [Mismatch("commit", "no more than was written", words)])
        require(client, "what was written", list(range(10)), [one.value["n"] for one in written(client.server, sink)])
        client.server.produce(source, _numbers(10, 12))
        relay.plan("POST", _PRODUCE.format(sink), _FORBIDDEN, times=100)
        running = Pipeline(client.adapter, relay.url, group, _copy(source, sink))
        answer = running.answer()
        running.close()
        require(client, "the refusal", "forbidden", answer.get("error", {}).get("code"))
        require(client, "what is committed", [10], committed(client.server, group, source, 1))
    with Pipeline(client.adapter, client.server.wire.url, group, _copy(source, sink)) as again:
        again.run_until(lambda: committed(client.server, group, source, 1) == [12], "a commit of all records")
    require(client, "what was written", list(range(12)), [one.value["n"] for one in written(client.server, sink)])


def _is_committed(client: ClientSession, group: str, topic: str, offset: int) -> bool:
    return committed(client.server, group, topic, 1) == [offset]


def _records_to(request: SeenRequest, topic: str) -> int:
    if request.method == "POST" and f"/v1/topics/{topic}/" in request.target:
        return len(json.loads(request.body)["records"])
    return 0


def _offset(request: SeenRequest) -> int:
    if request.method == "POST" and request.target.endswith("/offsets/commit"):
        return max(int(one["offset"]) for one in json.loads(request.body)["offsets"])
    return 0


@client_case(
    title="What is written has key, value, headers and event time, and a window's result a key with its window",
    requirements=["RUN-003"],
    hint="The partition of a window's result is that of the key alone, so that all windows of a key stay in order.",
)
def written_records(client: ClientSession) -> None:
    """Copy records with everything they may have, and count others in windows, into three partitions."""
    source, sink, counts = client.server.create_topic(1), client.server.create_topic(3), client.server.create_topic(3)
    times = {f"k{n}": _YEAR_2026 + n * _MINUTE for n in range(6)}
    records = [
        {"key": key, "value": {"n": time}, "timestamp_ms": time, "headers": [{"key": "trace", "value": f"t-{key}"}]}
        for key, time in times.items()
    ]
    records[-1]["value"] = None
    client.server.produce(source, records)
    client.server.produce(sink, records)
    copied = {one.key: one for one in written(client.server, sink)}
    again = client.server.create_topic(3)
    with Pipeline(client.adapter, client.server.wire.url, fresh_name(), _copy(source, again)) as running:
        running.run_until(lambda: len(written(client.server, again)) == len(records), "six records")
    require(client, "what was written", copied, {one.key: one for one in written(client.server, again)})
    document = topology(
        {"operator": "source", "topic": source},
        {"operator": "group_by"},
        {"operator": "count", "window": {"type": "tumbling", "size_ms": _MINUTE}},
        {"operator": "to", "topic": counts},
    )
    with Pipeline(client.adapter, client.server.wire.url, fresh_name(), document) as running:
        running.run_until(lambda: len(written(client.server, counts)) == len(records), "six counts")
    wanted = {Written(copied[key].partition, f"{key}@{time}/{time + _MINUTE}", 1, time) for key, time in times.items()}
    require(client, "what was counted", sorted(wanted), sorted(written(client.server, counts)))


@client_case(
    title="A pipeline that is closed has written and committed what is done with",
    requirements=["RUN-004"],
    hint="Write, commit, and only then leave; what the program was handed last may be done with or not.",
)
def closed_in_good_order(client: ClientSession) -> None:
    """Take three results of ten records, which are written to a topic too, and close."""
    source, sink, group = _filled(client)
    document = topology(
        {"operator": "source", "topic": source},
        {"operator": "through", "topic": sink},
        {"operator": "results"},
    )
    running = Pipeline(client.adapter, client.server.wire.url, group, document)
    results: list[dict[str, Any]] = []
    repeat(lambda: _take(results, running, 3), "three results")
    running.close()
    require(client, "results", [0, 1, 2], [result["value"]["n"] for result in results])
    (done,) = committed(client.server, group, source, 1)
    if done not in (2, 3):
        client.server.require("close", [Mismatch("what is committed", "2 or 3", str(done))])
    numbers = [one.value["n"] for one in written(client.server, sink)]
    if len(numbers) < done or numbers != list(range(len(numbers))):
        client.server.require("close", [Mismatch("what is written", f"at least {done} records", str(numbers))])
    described = client.server.send("GET", f"/v1/groups/{group}")
    client.server.expect("the group", described, {"status": 200, "json": {"state": "empty"}})


def _take(results: list[dict[str, Any]], running: Pipeline, most: int) -> bool:
    if len(results) < most:
        results += running.poll(most=most - len(results))["results"]
    return len(results) >= most


@client_case(
    title="A pipeline stops at a record on which it fails, and tells which one that is",
    requirements=["RUN-005"],
    hint="Topic, partition, offset and node; the records before it are committed, it is not.",
)
def stops_at_a_record(client: ClientSession) -> None:
    """Give it a record that cannot be mapped, in the middle."""
    source, sink, group = _filled(client, 5)
    client.server.produce(source, [{"value": {"n": "five"}, "timestamp_ms": _YEAR_2026}, *_numbers(6, 8)])
    document = _copy(source, sink, value=_PLUS)
    running = Pipeline(client.adapter, client.server.wire.url, group, document)
    failed = _failure(running)
    running.close()
    place = {"topic": source, "partition": 0, "offset": {"int64": "5"}, "node": "map"}
    require(client, "where it failed", place, failed)
    require(client, "what is committed", [5], committed(client.server, group, source, 1))
    require(client, "what is written", [1, 2, 3, 4, 5], [one.value for one in written(client.server, sink)])


def _failure(running: Pipeline) -> Any:
    for _ in range(_ROUNDS):
        if (failed := running.poll()["failed"]) is not None:
            return failed
    return None


@client_case(
    title="A record on which the pipeline fails is skipped, or written to the topic for dead letters, if it is told so",
    requirements=["RUN-006", "RUN-007"],
    hint="A dead letter has the bytes of the record, its headers, and behind them where it stood and what went wrong.",
)
def goes_on_behind_a_record(client: ClientSession) -> None:
    """Fail on one of three records, skipping it and putting it aside."""
    source = client.server.create_topic(1)
    bad = {"key": "k", "value": {"n": "one"}, "headers": [{"key": "trace", "value": "t"}], "timestamp_ms": _YEAR_2026}
    client.server.produce(source, [*_numbers(0, 1), bad, *_numbers(2, 3)])
    for options in ({"on_error": "skip"}, {"on_error": "dead_letter", "dead_letters": client.server.create_topic(1)}):
        sink, group = client.server.create_topic(1), fresh_name()
        document = _copy(source, sink, value=_PLUS)
        with Pipeline(client.adapter, client.server.wire.url, group, document, **options) as running:
            running.run_until(functools.partial(_is_committed, client, group, source, 3), "a commit of all records")
        require(client, "what is written", [1, 3], [one.value for one in written(client.server, sink)])
        letters = written(client.server, options["dead_letters"]) if "dead_letters" in options else []
        told = [(one.key, one.value, one.headers[:4], [name for name, _ in one.headers[4:]]) for one in letters]
        headers = (
            ("trace", "t"),
            ("original-topic", source),
            ("original-partition", "0"),
            ("original-offset", "1"),
        )
        wanted = [("k", {"n": "one"}, headers, ["error"])] if letters or "dead_letters" in options else []
        require(client, "the dead letters", wanted, told)


@client_case(
    title="A record whose value is neither JSON nor text, or whose key is no text, does not fit",
    requirements=["RUN-008"],
    hint="It is as if the pipeline had failed on it, without a node; text that is not JSON is a string.",
)
def records_that_do_not_fit(client: ClientSession) -> None:
    """Give it text, and bytes as a value and as a key."""
    for bytes_of in ("value", "key"):
        source, sink, group = client.server.create_topic(1), client.server.create_topic(1), fresh_name()
        text = {"value": "plain words", "value_encoding": "string", "timestamp_ms": _YEAR_2026}
        bad = {"value": 1, "timestamp_ms": _YEAR_2026, bytes_of: "//4=", f"{bytes_of}_encoding": "base64"}
        client.server.produce(source, [text, bad, *_numbers(2, 3)])
        running = Pipeline(client.adapter, client.server.wire.url, group, _copy(source, sink))
        failed = _failure(running)
        running.close()
        place = {"topic": source, "partition": 0, "offset": {"int64": "1"}, "node": None}
        require(client, f"bytes as {bytes_of}", place, failed)
        require(client, "what is written", ["plain words"], [one.value for one in written(client.server, sink)])
        with Pipeline(client.adapter, client.server.wire.url, group, _copy(source, sink), on_error="skip") as again:
            again.run_until(functools.partial(_is_committed, client, group, source, 3), "a commit")
        require(client, "what is written", {"n": 2}, written(client.server, sink)[-1].value)
