"""Limits: each server chooses its own and tells them, so the cases ask first."""

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import NotApplicable

_MOST_BYTES = 64 * 1024 * 1024
_MOST_RECORDS = 1_000_000
_MOST_ITEMS = 100_000


@server_case(
    title="A body longer than max_request_bytes is refused and has no effect",
    requirements=["CONV-009", "CONV-010"],
    hint="Count bytes as they arrive; do not believe Content-Length alone.",
)
def request_too_large(server: ServerSession) -> None:
    """Send a body that is one byte too long, and one that is as long as allowed."""
    limit = server.limits()["max_request_bytes"]
    if limit > _MOST_BYTES:
        raise NotApplicable(f"max_request_bytes is {limit}; the suite sends at most {_MOST_BYTES}")
    topic = server.create_topic(1)
    frame = b'{"records":[{"value":"' + b'"}]}'
    for length, expected in (
        (limit + 1, {"status": 413, "problem": {"code": "request_too_large", "max_request_bytes": limit}}),
        (3 * limit, {"status": 413, "problem": {"code": "request_too_large", "max_request_bytes": limit}}),
    ):
        body = frame[:-4] + b"x" * (length - len(frame)) + frame[-4:]
        response = server.send("POST", f"/v1/topics/{topic}/records", body=body)
        server.expect(f"a body of {length} bytes", response, expected)
    server.expect(
        "read what is there",
        server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms=0"),
        {"status": 200, "json": {"records": [], "high_watermark": 0}},
    )


@server_case(
    title="More records than max_records_per_request are refused",
    requirements=["PRODUCE-013"],
    hint="As many as the limit are taken, one more is not.",
)
def too_many_records(server: ServerSession) -> None:
    """Send as many records as allowed, and one more."""
    limit = server.limits()["max_records_per_request"]
    if limit > _MOST_RECORDS:
        raise NotApplicable(f"max_records_per_request is {limit}; the suite sends at most {_MOST_RECORDS}")
    topic = server.create_topic(1)
    response = server.send("POST", f"/v1/topics/{topic}/records", value={"records": [{"value": 0}] * (limit + 1)})
    pointed = {"code": "invalid_request", "errors": [{"pointer": "/records"}]}
    server.expect("one record too many", response, {"status": 400, "problem": pointed})
    response = server.send("POST", f"/v1/topics/{topic}/records", value={"records": [{"value": 0}] * limit})
    server.expect("as many as allowed", response, {"status": 200})


@server_case(
    title="More partitions than max_partitions_per_topic are refused",
    requirements=["TOPIC-007"],
    hint="A limit that is told has to hold, or one request takes all memory.",
)
def too_many_partitions(server: ServerSession) -> None:
    """Ask for one partition too many."""
    limit = server.limits()["max_partitions_per_topic"]
    name = fresh_name()
    response = server.send("POST", "/v1/topics", value={"topic": name, "partitions": min(limit + 1, 2**31 - 1)})
    problem = {"code": "invalid_partitions", "topic": name, "max_partitions_per_topic": limit}
    server.expect("one partition too many", response, {"status": 422, "problem": problem})
    server.create_topic(1, name)


@server_case(
    title="A JSON value nested deeper than max_json_depth is refused",
    requirements=["RECORD-007", "RECORD-014"],
    hint="Count brackets outside strings. As deep as the limit is taken; deeper bytes sent as text are read as text.",
)
def nested_too_deep(server: ServerSession) -> None:
    """Send values as deep as allowed, one level deeper, and a hundred thousand levels deep."""
    limit = server.limits()["max_json_depth"]
    topic = server.create_topic(1)
    for depth in (limit + 1, 100_000):
        response = server.send("POST", f"/v1/topics/{topic}/records", body=_produce(_nested(depth)))
        server.expect(f"depth {depth}", response, {"status": 400, "problem": {"code": "invalid_request"}})
    deepest = _nested(limit)
    server.expect(
        f"depth {limit}",
        server.send("POST", f"/v1/topics/{topic}/records", body=_produce(deepest)),
        {"status": 200, "json": {"results": [{"offset": 0}]}},
    )
    brackets = "[" * (2 * limit + 1)
    server.produce(topic, [{"value": _nested(limit + 1), "value_encoding": "string"}, {"value": brackets}])
    response = server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0")
    texts = [deepest, f'"{_nested(limit + 1)}"', f'"{brackets}"']
    server.expect("read them back", response, {"status": 200, "values": texts})


@server_case(
    title="More items than max_partitions_per_fetch are refused",
    requirements=["OFFSETS-006", "FETCH-016"],
    hint="As many as the limit are answered, one more is not.",
)
def too_many_items(server: ServerSession) -> None:
    """Ask about as many partitions as allowed, and one more."""
    limit = server.limits()["max_partitions_per_fetch"]
    if limit > _MOST_ITEMS:
        raise NotApplicable(f"max_partitions_per_fetch is {limit}; the suite asks about at most {_MOST_ITEMS}")
    item = {"topic": server.create_topic(1), "partition": 0, "at": "latest"}
    response = server.send("POST", "/v1/offsets", value={"partitions": [item] * (limit + 1)})
    pointed = {"code": "invalid_request", "errors": [{"pointer": "/partitions"}]}
    server.expect("one too many", response, {"status": 400, "problem": pointed})
    response = server.send("POST", "/v1/offsets", value={"partitions": [item] * limit})
    server.expect("as many as allowed", response, {"status": 200})
    position = {"topic": item["topic"], "partition": 0, "offset": 0}
    response = server.send("POST", "/v1/fetch", value={"partitions": [position] * (limit + 1), "max_wait_ms": 0})
    server.expect("one too many to fetch", response, {"status": 400, "problem": pointed})
    response = server.send("POST", "/v1/fetch", value={"partitions": [position] * limit, "max_wait_ms": 0})
    server.expect("as many as allowed to fetch", response, {"status": 200})


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def _produce(value: str) -> bytes:
    return f'{{"records":[{{"value":{value}}}]}}'.encode()
