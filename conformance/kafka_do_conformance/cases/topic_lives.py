"""Topics over time: listed page by page, deleted and made again, stamped by the server."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

_TOLERANCE_MS = 60_000
_HOUR_MS = 3_600_000
_LARGEST_PAGE = 1000
_PAGES = 3


@server_case(
    title="Topics are listed in the order of their names, page by page, each once",
    requirements=["TOPIC-011", "TOPIC-012"],
    hint="A page has next_page_token exactly if there are more topics; the last page has none.",
)
def list_topics(server: ServerSession) -> None:
    """Create topics, list all in one size of page and then in a smaller one, and compare."""
    mine = sorted(server.create_topic(count) for count in (1, 2, 3))
    listed = _all_pages(server, _LARGEST_PAGE)
    again = _all_pages(server, max(1, len(listed) // _PAGES))
    for topics in (listed, again):
        names = [topic["topic"] for topic in topics]
        found = [topic for topic in topics if topic["topic"] in mine]
        if [topic["topic"] for topic in found] != mine:
            server.require("list", [Mismatch("topics", " and ".join(mine), str([topic["topic"] for topic in found]))])
        if names != sorted(set(names)):
            server.require("list", [Mismatch("topics", "each once, in the order of their names", str(names[:20]))])
        wrong = [t for t in found if t != server_view(server, t["topic"])]
        if wrong:
            server.require("list", [Mismatch("a topic", "as describing it tells", str(wrong[0]))])


@server_case(
    title="A page token that no answer gave is refused",
    requirements=["TOPIC-013"],
    hint="Tokens are opaque to clients, but yours to check.",
)
def foreign_page_token(server: ServerSession) -> None:
    """Send made-up tokens."""
    server.create_topic(1)
    for token in ("", "orders", "%FF", "AAAA"):
        response = server.send("GET", f"/v1/topics?page_token={token}")
        pointed = {"code": "invalid_request", "errors": [{"pointer": "?page_token"}]}
        server.expect(f"page_token={token}", response, {"status": 400, "problem": pointed})


@server_case(
    title="Deleting with another topic's id deletes nothing",
    requirements=["TOPIC-021"],
    hint="Compare ids before anything is removed.",
)
def delete_by_id(server: ServerSession) -> None:
    """Delete with a wrong id, then with the right one."""
    topic, other = server.create_topic(1), server.create_topic(1)
    right, wrong = (_describe(server, name)["topic_id"] for name in (topic, other))
    gone = {"status": 404, "problem": {"code": "topic_not_found", "topic": topic}}
    server.expect("with a wrong id", server.send("DELETE", f"/v1/topics/{topic}?topic_id={wrong}"), gone)
    server.expect("it is still there", server.send("GET", f"/v1/topics/{topic}"), {"status": 200})
    server.expect("with its id", server.send("DELETE", f"/v1/topics/{topic}?topic_id={right}"), {"status": 204})
    server.expect("it is gone", server.send("GET", f"/v1/topics/{topic}"), gone)


@server_case(
    title="A topic made again has another id, no records and begins at 0",
    requirements=["TOPIC-022"],
    hint="Throw the records away with the topic.",
)
def topic_made_again(server: ServerSession) -> None:
    """Fill, delete, create again, look."""
    topic = server.create_topic(1)
    server.produce(topic, [{"value": 1}, {"value": 2}])
    before = _describe(server, topic)["topic_id"]
    server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
    server.create_topic(1, topic)
    after = _describe(server, topic)["topic_id"]
    if after == before:
        server.require("compare", [Mismatch("topic_id", f"another than {before}", after)])
    response = server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms=0")
    empty = {"records": [], "next_offset": 0, "high_watermark": 0, "log_start_offset": 0}
    server.expect("read", response, {"status": 200, "json": empty})
    if server.produce(topic, [{"value": 3}])[0]["offset"] != 0:
        server.require("produce", [Mismatch("offset", "0", "another")])


@server_case(
    title="With LogAppendTime every record gets the server's time",
    requirements=["TOPIC-010"],
    hint="The result tells what is stored, not what was sent.",
)
def append_time(server: ServerSession) -> None:
    """Send records with times of their own to a topic that does not keep them."""
    topic = fresh_name()
    configs = {"message.timestamp.type": "LogAppendTime"}
    response = server.send("POST", "/v1/topics", value={"topic": topic, "partitions": 2, "configs": configs})
    server.expect("create", response, {"status": 201})
    now_ms = server.now_ms()
    near = {"timestamp_ms": {"$type": "integer", "$min": now_ms - _TOLERANCE_MS, "$max": now_ms + _TOLERANCE_MS}}
    stored: list[list[dict[str, int]]] = [[], []]
    for partitions in ((0, 0), (0, 1), (1, 1)):
        records = [{"value": number, "partition": number, "timestamp_ms": 5} for number in partitions]
        del records[1]["timestamp_ms"]
        response = server.send("POST", f"/v1/topics/{topic}/records", value={"records": records})
        answer = server.expect("produce", response, {"status": 200, "json": {"results": [near, near]}})
        for number, result in zip(partitions, answer["results"], strict=True):
            stored[number].append({"timestamp_ms": result["timestamp_ms"]})
    for number, times in enumerate(stored):
        response = server.send("GET", f"/v1/topics/{topic}/partitions/{number}/records?offset=0")
        server.expect("fetch", response, {"status": 200, "json": {"records": times}})


@server_case(
    title="A record of a time too far away is refused with its batch",
    requirements=["TOPIC-025", "TOPIC-026", "PRODUCE-018", "TOPIC-024"],
    hint="invalid_timestamp for the guilty, not_attempted for the rest of the batch. LogAppendTime knows no bounds.",
)
def bounds_of_times(server: ServerSession) -> None:
    """Send records from before and after the bounds, within them, and without times, under several bounds."""
    topic = server.create_topic(2)
    place = f"/v1/topics/{topic}"
    before, after = "message.timestamp.before.max.ms", "message.timestamp.after.max.ms"
    described = {"configs": {before: "9223372036854775807", after: "9223372036854775807"}}
    server.expect("defaults", server.send("GET", place), {"status": 200, "json": described})
    for name in (before, after):
        said = {"$type": "string", "$pattern": "0.*9223372036854775807"}
        problem = {"code": "invalid_config", "errors": [{"pointer": f"/configs/{name}", "detail": said}]}
        for value in ("-1", "9223372036854775808", "1.5"):
            response = server.send("PATCH", place, value={"configs": {name: value}})
            server.expect(f"{name}={value}", response, {"status": 422, "problem": problem})
    now_ms = server.now_ms()
    long_ago, early, late, far_ahead = (now_ms + hours * _HOUR_MS for hours in (-100, -2, 2, 100))
    bounds: tuple[tuple[int | None, int | None, list[int], list[int]], ...] = (
        (None, None, [0, long_ago, far_ahead, 2**53 - 1], []),
        (3, None, [early, far_ahead], [0, long_ago]),
        (1, None, [late, far_ahead], [early]),
        (None, 3, [0, late], [far_ahead, 2**53 - 1]),
        (None, 1, [long_ago], [late]),
        (3, 1, [early], [late, long_ago]),
        (1, 3, [late], [early, far_ahead]),
        (0, 0, [], [early, late]),
    )
    taken = 0
    for before_h, after_h, good, bad in bounds:
        hours = {before: before_h, after: after_h}
        changed = {name: None if number is None else str(number * _HOUR_MS) for name, number in hours.items()}
        server.expect("set", server.send("PATCH", place, value={"configs": changed}), {"status": 200})
        step = f"{before_h} h before and {after_h} h after"
        records: list[dict[str, Any]] = [{"value": 1, "partition": 1}]
        records += [{"value": time, "timestamp_ms": time, "partition": 1} for time in good]
        response = server.send("POST", f"{place}/records", value={"records": records})
        results = [{"offset": taken}, *({"timestamp_ms": time} for time in good)]
        server.expect(f"{step}: near enough", response, {"status": 200, "json": {"results": results}})
        taken += len(records)
        for time in bad:
            far = {"value": time, "timestamp_ms": time}
            problem = _refused_time(topic, 1, ["not_attempted", "invalid_timestamp"])
            response = server.send("POST", f"{place}/partitions/1/records", value={"records": [{"value": 1}, far]})
            server.expect(f"{step}: {time}", response, {"status": 422, "problem": problem})
            mixed = [{**far, "partition": 1}, {"value": 1, "partition": 0}, {"value": 1, "partition": 1}]
            response = server.send("POST", f"{place}/records", value={"records": mixed})
            codes = [problem["results"][1], {"partition": 0}, problem["results"][0]]
            server.expect(f"{step}: {time}, spread", response, {"status": 207, "json": {"results": codes}})
    configs = {"message.timestamp.type": "LogAppendTime"}
    server.expect("LogAppendTime", server.send("PATCH", place, value={"configs": configs}), {"status": 200})
    records = [{"value": 1, "partition": 1, "timestamp_ms": time} for time in (0, 2**53 - 1)]
    response = server.send("POST", f"{place}/records", value={"records": records})
    server.expect(
        "replaced", response, {"status": 200, "json": {"results": [{"offset": taken}, {"offset": taken + 1}]}}
    )


def _refused_time(topic: str, partition: int, codes: list[str]) -> dict[str, Any]:
    refused = [{"error": {"code": code, "partition": partition, "topic": topic}} for code in codes]
    return {"code": "invalid_timestamp", "topic": topic, "retriable": False, "results": refused}


def server_view(server: ServerSession, topic: str) -> dict[str, Any]:
    """Return a topic as a list of topics should tell it, from its description."""
    description = _describe(server, topic)
    return {name: description[name] for name in ("topic", "topic_id", "partition_count")}


def _describe(server: ServerSession, topic: str) -> dict[str, Any]:
    wanted = {"topic_id": {"$type": "string"}, "partition_count": {"$type": "integer"}}
    response = server.send("GET", f"/v1/topics/{topic}")
    description: dict[str, Any] = server.expect("describe", response, {"status": 200, "json": wanted})
    return description


def _all_pages(server: ServerSession, size: int) -> list[dict[str, Any]]:
    topics: list[dict[str, Any]] = []
    tokens: set[str] = set()
    query = f"page_size={size}"
    while True:
        response = server.send("GET", f"/v1/topics?{query}")
        page = server.expect("list", response, {"status": 200, "json": {"topics": {"$type": "array"}}})
        if not 1 <= len(page["topics"]) <= size:
            server.require("list", [Mismatch("topics of a page", f"1 to {size}", str(len(page["topics"])))])
        topics += page["topics"]
        if "next_page_token" not in page:
            return topics
        token = page["next_page_token"]
        if token in tokens:
            server.require("list", [Mismatch("next_page_token", "one that goes on", f"{token} again")])
        tokens.add(token)
        query = f"page_size={size}&page_token={token}"
