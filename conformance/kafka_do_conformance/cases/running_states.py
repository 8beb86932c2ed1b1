"""Pipelines with state on a real server: what is kept, what is restored, and that no kill counts twice."""

import functools
import json
from collections.abc import Sequence
from typing import Any

from kafka_do_conformance.case import client_case
from kafka_do_conformance.peer import SeenRequest
from kafka_do_conformance.pipelines import Pipeline, Written, committed, repeat, require, topology, written
from kafka_do_conformance.relay import Relay
from kafka_do_conformance.session import ClientSession, ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

_YEAR_2026 = 1_767_225_600_000
_FEW = 12
_HALF = 6
_SESSION_MS = 60_000
_COMMIT = r"/v1/groups/[^/]+/offsets/commit"


def _numbers(first: int, behind: int) -> list[dict[str, Any]]:
    """Return records of two customers, who are their keys too."""
    return [
        {"key": f"c{n % 2}", "value": {"customer": f"c{n % 2}"}, "timestamp_ms": _YEAR_2026 + n}
        for n in range(first, behind)
    ]


def _count(source: str, sink: str, **members: Any) -> dict[str, Any]:
    grouped = {"operator": "group_by", **members}
    return topology(
        {"operator": "source", "topic": source}, grouped, {"operator": "count"}, {"operator": "to", "topic": sink}
    )


def _latest(server: ServerSession, sink: str) -> dict[str | None, Any]:
    return {one.key: one.value for one in written(server, sink)}


def _is_done(server: ServerSession, group: str, topic: str, partitions: int) -> bool:
    """Whether a group has committed everything in a topic."""
    ends = [len(server.read_all(topic, number)) for number in range(partitions)]
    return committed(server, group, topic, partitions) == ends


def _are_done(server: ServerSession, group: str, topics: Sequence[str], partitions: int) -> bool:
    return all(_is_done(server, group, topic, partitions) for topic in topics)


def _appended(request: SeenRequest, topic: str) -> list[dict[str, Any]]:
    """Return the records of a request that appends to a topic."""
    if request.method != "POST" or f"/v1/topics/{topic}/" not in request.target:
        return []
    records: list[dict[str, Any]] = json.loads(request.body)["records"]
    return records


@client_case(
    title="State and position are one batch, behind the output and before the commit",
    requirements=["RUN-017"],
    hint="State of one moment and a position of another count records twice, or not at all.",
)
def state_is_kept_before_the_commit(client: ClientSession) -> None:
    """Look at the order of what is appended and committed, and at the batches of the changelog."""
    server, group = client.server, fresh_name()
    source, sink = server.create_topic(1), server.create_topic(1)
    changelog = f"{group}-count-changelog"
    server.produce(source, _numbers(0, _FEW))
    with Relay(server) as relay:
        with Pipeline(client.adapter, relay.url, group, _count(source, sink), max_poll_records=5) as running:
            running.run_until(lambda: _is_done(server, group, source, 1), "a commit of all records")
        order = [kind for request in relay.seen() if (kind := _kind(request, sink, changelog))]
        took_over, *steps = order
        require(client, "before anything else", "state", took_over)
        found = [steps[place : place + 3] for place in range(0, len(steps), 3)]
        if len(found) < 3 or any(step != ["output", "state", "commit"] for step in found):  # noqa: PLR2004
            wanted = "output, state, commit, three times or more"
            server.require("the order", [Mismatch("requests", wanted, ", ".join(steps))])
        sizes = [len(_appended(request, changelog)) for request in relay.seen() if _appended(request, changelog)]
        if min(sizes[1:]) < 2:  # noqa: PLR2004
            server.require("the changelog", [Mismatch("records of a batch", "state and position", str(sizes))])
    if "retention" in server.features():
        described = server.send("GET", f"/v1/topics/{changelog}")
        configs = {"configs": {"cleanup.policy": "compact"}}
        server.expect("the changelog", described, {"status": 200, "json": configs})


def _kind(request: SeenRequest, sink: str, changelog: str) -> str:
    if request.method == "POST" and request.target.endswith("/offsets/commit"):
        return "commit"
    if _appended(request, changelog):
        return "state"
    return "output" if _appended(request, sink) else ""


@client_case(
    title="A pipeline that is run again goes on with its state, where that is, whatever the group has committed",
    requirements=["RUN-018"],
    hint="Read the changelog to its end, then read on at the position that it has.",
)
def state_is_restored(client: ClientSession) -> None:
    """Count in two runs, and set the group's offset back between them; then count something else in the group."""
    server, group = client.server, fresh_name()
    source, sink = server.create_topic(1), server.create_topic(1)
    for behind in (_HALF, _FEW):
        server.produce(source, _numbers(behind - _HALF, behind))
        with Pipeline(client.adapter, server.wire.url, group, _count(source, sink)) as running:
            running.run_until(lambda: _is_done(server, group, source, 1), "a commit of all records")
        require(client, "counts", {"c0": behind // 2, "c1": behind // 2}, _latest(server, sink))
        body = {"partitions": [{"topic": source, "partition": 0, "at": "earliest"}]}
        reset = server.send("POST", f"/v1/groups/{group}/offsets/reset", value=body)
        server.expect("set the offset back", reset, {"status": 200})
    other = _count(source, sink)
    other["nodes"][2]["window"] = {"type": "tumbling", "size_ms": 5}
    running = Pipeline(client.adapter, server.wire.url, group, other)
    words = running.answer().get("refused", {}).get("message", "")
    running.close()
    if "another group" not in words:
        server.require("other operators", [Mismatch("report", "refused, with advice", words or "not refused")])


@client_case(
    title="What a record did to a state is there once, at whatever moment the process is killed",
    requirements=["RUN-019"],
    hint="Moved records tell of what they are made; a batch has state and position; nothing else decides.",
)
def killed_between_any_two_requests(client: ClientSession) -> None:
    """Kill it behind each kind of request that changes something; the counts are those of a quiet run."""
    server = client.server
    for moved in (False, True):
        group, partitions = fresh_name(), 2 if moved else 1
        # before the internal topic in the order of names: with names at random what is read first would be too, and so
        # what the kills hit
        source, sink = server.create_topic(partitions, f"{group}-a-source"), server.create_topic(1)
        document = _count(source, sink, **({"key": {"get": ["value", "customer"]}} if moved else {}))
        last = f"{group}-group_by-repartition" if moved else source
        server.produce(source, _numbers(0, _FEW))
        is_done = functools.partial(_are_done, server, group, (source, last), partitions)
        for path, number in _kills(sink, f"{group}-count-changelog", last if moved else ""):
            with Relay(server) as relay:
                struck = relay.cut_behind("POST", path, number)
                running = Pipeline(client.adapter, relay.url, group, document, max_poll_records=4)
                running.run_until_killed(struck, is_done)
            server.advance(_SESSION_MS)
        with Pipeline(client.adapter, server.wire.url, group, document) as running:
            running.run_until(is_done, "a commit of all records")
        require(client, "counts", {"c0": _HALF, "c1": _HALF}, _latest(server, sink))


def _kills(sink: str, changelog: str, internal: str) -> list[tuple[str, int]]:
    """Return behind which requests to kill: paths, and the how many-th of them."""
    appends = {topic: rf"/v1/topics/{topic}/partitions/[0-9]+/records" for topic in (internal, sink, changelog)}
    moves = [(appends[internal], number) for number in (1, 1, 2)] if internal else []
    return [*moves, (appends[sink], 1), (appends[changelog], 2), (_COMMIT, 1), (appends[changelog], 1)]


@client_case(
    title="Who takes a task over writes under the id of who had it, with the next epoch, before it reads the state",
    requirements=["RUN-020"],
    hint="From then on the partition refuses what the other one still writes; what it wrote before is in the state.",
)
def taking_over_fences(client: ClientSession) -> None:
    """Run twice, and compare the first batch of the second run with those of the first."""
    server, group = client.server, fresh_name()
    source, sink = server.create_topic(1), server.create_topic(1)
    changelog = f"{group}-count-changelog"
    seen: list[list[dict[str, Any]]] = []
    for _ in range(2):
        server.produce(source, _numbers(0, _HALF))
        with Relay(server) as relay:
            with Pipeline(client.adapter, relay.url, group, _count(source, sink)) as running:
                running.run_until(lambda: _is_done(server, group, source, 1), "a commit of all records")
            numbers = [_producer(request, changelog) for request in relay.seen()]
            seen.append([producer for producer in numbers if producer])
            places = [place for place, producer in enumerate(numbers) if producer]
            later = [request for request in relay.seen()[places[0] :] if _reads(request, changelog)]
            if not later:
                server.require("the changelog", [Mismatch("reads", "one behind the first batch", "none")])
    first, second = seen[0][-1], seen[1][0]
    wanted = {"id": first["id"], "epoch": first["epoch"] + 1, "base_sequence": 0}
    require(client, "the first batch of the second run", wanted, second)


def _producer(request: SeenRequest, topic: str) -> dict[str, Any]:
    if not _appended(request, topic):
        return {}
    producer: dict[str, Any] = json.loads(request.body).get("producer", {})
    return producer


def _reads(request: SeenRequest, topic: str) -> bool:
    return request.method == "GET" and f"/v1/topics/{topic}/partitions/" in request.target


@client_case(
    title="What time has closed is deleted from the changelog",
    requirements=["RUN-021"],
    hint="Else the state of windows that nobody asks for any more grows for ever.",
)
def closed_windows_are_deleted(client: ClientSession) -> None:
    """Count in windows, go far ahead in time, and see what the changelog has of each key in the end."""
    server, group = client.server, fresh_name()
    source, sink = server.create_topic(1), server.create_topic(1)
    document = _count(source, sink)
    document["nodes"][2]["window"] = {"type": "tumbling", "size_ms": 5}
    server.produce(source, _numbers(0, _FEW))
    server.produce(source, [{"key": "c0", "value": 1, "timestamp_ms": 2 * _YEAR_2026}])
    with Pipeline(client.adapter, server.wire.url, group, document, max_poll_records=5) as running:
        running.run_until(lambda: _is_done(server, group, source, 1), "a commit of all records")
    kept: dict[str | None, Written] = {one.key: one for one in written(server, f"{group}-count-changelog")}
    windows = sum(one.value is not None for one in kept.values())
    if windows > 2:  # noqa: PLR2004  the last window, and the position
        server.require("the changelog", [Mismatch("what is left", "one window and a position", str(list(kept)))])
    repeat(lambda: len(_latest(server, sink)) == 7, "three windows of two customers, and the last one")  # noqa: PLR2004
