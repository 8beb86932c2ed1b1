"""Fetches that wait: for a record, or for the end of their time."""

import time

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch
from kafka_do_conformance.waiting import Waiting

_SHORT_MS = 40
_LONG_MS = 8000
_EARLY_MS = 4000


@server_case(
    title="A fetch that finds nothing waits for its time and then answers what is there",
    requirements=["FETCH-012"],
    hint="An empty answer before max_wait_ms is over makes clients ask all the time.",
)
def wait_for_nothing(server: ServerSession) -> None:
    """Fetch at the end with a short wait, in both forms, and look at the clock."""
    topic = server.create_topic(1)
    one = f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms={_SHORT_MS}"
    many = {"partitions": [{"topic": topic, "partition": 0, "offset": 0}], "max_wait_ms": _SHORT_MS}
    empty = {"topic": topic, "partition": 0, "records": [], "next_offset": 0}
    begun = time.monotonic()
    server.expect("one partition", server.send("GET", one), {"status": 200, "json": empty})
    _no_sooner(server, begun, _SHORT_MS)
    begun = time.monotonic()
    server.expect(
        "many", server.send("POST", "/v1/fetch", value=many), {"status": 200, "json": {"partitions": [empty]}}
    )
    _no_sooner(server, begun, _SHORT_MS)


@server_case(
    title="A fetch that waits is answered by the first append that it can answer",
    requirements=["FETCH-012"],
    hint="Wake the fetch when a record is appended to one of its partitions; do not look again and again.",
)
def wait_for_an_append(server: ServerSession) -> None:
    """Fetch at the end with a long wait, append meanwhile, and expect the answer long before the wait is over."""
    topic = server.create_topic(2)
    target = f"/v1/topics/{topic}/partitions/1/records?offset=0&max_wait_ms={_LONG_MS}"
    begun = time.monotonic()
    waiting = Waiting(server, target)
    server.produce(topic, [{"value": 1, "partition": 0}])
    server.produce(topic, [{"value": 2, "partition": 1}])
    response = waiting.response()
    expected = {"records": [{"offset": 0, "value": 2}], "next_offset": 1}
    server.expect("the fetch that waited", response, {"status": 200, "json": expected})
    _early(server, begun)


@server_case(
    title="A fetch of which an item has an error is answered at once",
    requirements=["FETCH-013"],
    hint="The reader has to act on the error; waiting for the other partitions only delays that.",
)
def error_does_not_wait(server: ServerSession) -> None:
    """Fetch an empty partition and one that does not exist, with a long wait."""
    topic = server.create_topic(1)
    positions = [{"topic": topic, "partition": number, "offset": 0} for number in (0, 1)]
    begun = time.monotonic()
    response = server.send("POST", "/v1/fetch", value={"partitions": positions, "max_wait_ms": _LONG_MS})
    expected = {"partitions": [{"records": []}, {"error": {"code": "partition_not_found"}}]}
    server.expect("fetch", response, {"status": 200, "json": expected})
    _early(server, begun)


@server_case(
    title="A fetch of many partitions is woken by an append to any of them",
    requirements=["FETCH-012", "FETCH-014"],
    hint="One waiter for all partitions of the request, and the answer has all of them.",
)
def wait_for_any_of_many(server: ServerSession) -> None:
    """Wait for three partitions of two topics and append to one of them, each in its turn."""
    for chosen in range(3):
        one, other = server.create_topic(2), server.create_topic(1)
        places = [{"topic": one, "partition": 0}, {"topic": one, "partition": 1}, {"topic": other, "partition": 0}]
        asked = {"partitions": [{**place, "offset": 0} for place in places], "max_wait_ms": _LONG_MS}
        begun = time.monotonic()
        waiting = Waiting(server, "/v1/fetch", asked)
        topic = str(places[chosen]["topic"])
        server.produce(topic, [{"value": 1, "partition": places[chosen]["partition"]}])
        found: list[list[dict[str, int]]] = [[], [], []]
        found[chosen].append({"offset": 0, "value": 1})
        expected = {"partitions": [{**place, "records": one} for place, one in zip(places, found, strict=True)]}
        server.expect("the fetch that waited", waiting.response(), {"status": 200, "json": expected})
        _early(server, begun)


@server_case(
    title="What is not there, and an offset beyond the end, is answered at once however long a fetch may wait",
    requirements=["FETCH-005", "FETCH-006", "FETCH-013"],
    hint="A reader that has a wrong name or position must not find out after max_wait_ms.",
)
def refusals_do_not_wait(server: ServerSession) -> None:
    """Ask for an unknown topic, an unknown partition and a wrong offset in both forms, with a long wait."""
    topic, missing = server.create_topic(1), fresh_name()
    begun = time.monotonic()
    for name, partition, offset, status, code in (
        (missing, 0, 0, 404, "topic_not_found"),
        (topic, 1, 0, 404, "partition_not_found"),
        (topic, 0, 1, 416, "offset_out_of_range"),
    ):
        target = f"/v1/topics/{name}/partitions/{partition}/records?offset={offset}&max_wait_ms={_LONG_MS}"
        server.expect(code, server.send("GET", target), {"status": status, "problem": {"code": code}})
        asked = {"topic": name, "partition": partition, "offset": offset}
        response = server.send("POST", "/v1/fetch", value={"partitions": [asked], "max_wait_ms": _LONG_MS})
        server.expect(code, response, {"status": 200, "json": {"partitions": [{"error": {"code": code}}]}})
    _early(server, begun)
    gone = {"status": 404, "problem": {"code": "topic_not_found"}}
    server.expect("nothing was created", server.send("GET", f"/v1/topics/{missing}"), gone)


@server_case(
    title="A fetch that waits for a topic which is deleted is answered at once",
    requirements=["FETCH-017", "TOPIC-022"],
    hint="Deleting wakes whoever waits. A topic made again is another one: nobody goes on in it where they were.",
)
def topic_deleted_while_waiting(server: ServerSession) -> None:
    """Wait at the end of a topic in both forms, delete it, make it again, and look where it begins."""
    topic, other = server.create_topic(1), server.create_topic(1)
    server.produce(topic, [{"value": 1}, {"value": 2}])
    target = f"/v1/topics/{topic}/partitions/0/records?offset=2&max_wait_ms={_LONG_MS}"
    places = [{"topic": other, "partition": 0, "offset": 0}, {"topic": topic, "partition": 0, "offset": 2}]
    begun = time.monotonic()
    one, many = Waiting(server, target), Waiting(server, "/v1/fetch", {"partitions": places, "max_wait_ms": _LONG_MS})
    server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
    gone = {"code": "topic_not_found", "topic": topic}
    server.expect("the fetch that waited", one.response(), {"status": 404, "problem": gone})
    expected = {"partitions": [{"topic": other, "records": []}, {"topic": topic, "error": gone}]}
    server.expect("the other one", many.response(), {"status": 200, "json": expected})
    _early(server, begun)
    server.create_topic(1, topic)
    response = server.send("GET", target)
    server.expect("read on", response, {"status": 416, "problem": {"code": "offset_out_of_range", "high_watermark": 0}})
    begun = time.monotonic()
    waiting = Waiting(server, target.replace("offset=2", "offset=0"))
    server.produce(topic, [{"value": 3}])
    first = {"records": [{"offset": 0, "value": 3}], "next_offset": 1}
    server.expect("wait at the beginning", waiting.response(), {"status": 200, "json": first})
    _early(server, begun)


def _early(server: ServerSession, begun: float) -> None:
    took_ms = round((time.monotonic() - begun) * 1000)
    if took_ms > _EARLY_MS:
        server.require(
            "look at the clock", [Mismatch("the answer came after", f"less than {_EARLY_MS} ms", f"{took_ms} ms")]
        )


def _no_sooner(server: ServerSession, begun: float, wait_ms: int) -> None:
    took_ms = round((time.monotonic() - begun) * 1000)
    if took_ms < wait_ms - 1:
        server.require("look at the clock", [Mismatch("the answer came after", f"{wait_ms} ms", f"{took_ms} ms")])
