"""Batches: how large they and their records may be, and that they are appended whole or not at all."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import NotApplicable

_RECORD_BYTES = 32
_HEADER_BYTES = 16
_MOST_BYTES = 16 * 1024 * 1024
_CONFIGURED = 1000

Record = dict[str, Any]


@server_case(
    title="A record as large as max_record_bytes is taken, one byte more is not, and its batch is not appended",
    requirements=["PRODUCE-018", "PRODUCE-019", "PRODUCE-009"],
    hint="The guilty record has message_too_large, the rest of its batch not_attempted; other partitions are appended.",
)
def record_too_large(server: ServerSession) -> None:
    """Send one record too large among others of its partition and of another one."""
    limits = server.limits()
    limit = limits["max_record_bytes"]
    if limit + 4 * _RECORD_BYTES > min(limits["max_request_bytes"] // 2, _MOST_BYTES):
        raise NotApplicable(f"max_record_bytes is {limit}, too large to be reached")
    topic = server.create_topic(2)
    path = f"/v1/topics/{topic}/records"
    large = _text(limit - _RECORD_BYTES + 1, partition=0)
    guilty = {"error": {"code": "message_too_large", "max_record_bytes": limit}}
    other = {"error": {"code": "not_attempted", "retriable": True, "indeterminate": False}}
    records = [{"value": 1, "partition": 0}, large, {"value": 2, "partition": 1}, {"value": 3, "partition": 0}]
    expected = {"results": [other, guilty, {"partition": 1, "offset": 0}, other]}
    server.expect("some", server.send("POST", path, value={"records": records}), {"status": 207, "json": expected})
    none = {"code": "message_too_large", "results": [other, guilty]}
    response = server.send("POST", path, value={"records": records[:2]})
    server.expect("none", response, {"status": 413, "problem": none})
    response = server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms=0")
    server.expect("nothing was appended", response, {"status": 200, "json": {"records": [], "high_watermark": 0}})
    exact = _text(limit - _RECORD_BYTES, partition=0)
    server.expect("as large as allowed", server.send("POST", path, value={"records": [exact]}), {"status": 200})


@server_case(
    title="A batch as large as max.message.bytes is taken, one byte more is not",
    requirements=["PRODUCE-020", "PRODUCE-018"],
    hint="Keys, values and headers, and 32 for each record and 16 for each header.",
)
def batch_too_large(server: ServerSession) -> None:
    """Send batches around the limit of a topic that has a small one."""
    topic = fresh_name()
    configs = {"max.message.bytes": str(_CONFIGURED)}
    response = server.send("POST", "/v1/topics", value={"topic": topic, "partitions": 2, "configs": configs})
    server.expect("create", response, {"status": 201})
    path = f"/v1/topics/{topic}/records"
    first = {**_text(400, partition=0), "key": "key", "headers": [{"key": "header", "value": "h"}]}
    rest = _CONFIGURED - 2 * _RECORD_BYTES - _HEADER_BYTES - len("key" + "header" + "h") - 400
    response = server.send("POST", path, value={"records": [first, _text(rest, partition=0)]})
    server.expect("as large as allowed", response, {"status": 200, "json": {"results": [{"offset": 0}, {"offset": 1}]}})
    refused = {"error": {"code": "message_too_large", "retriable": False, "indeterminate": False}}
    response = server.send("POST", path, value={"records": [first, _text(rest + 1, partition=0)]})
    problem = {"code": "message_too_large", "results": [refused, refused]}
    server.expect("one byte more", response, {"status": 413, "problem": problem})
    response = server.send("POST", path, value={"records": [first, _text(rest + 1, partition=1)]})
    expected = {"results": [{"partition": 0, "offset": 2}, {"partition": 1, "offset": 0}]}
    server.expect("in two partitions", response, {"status": 200, "json": expected})


@server_case(
    title="A batch larger than max_batch_bytes is refused",
    requirements=["PRODUCE-020"],
    hint="The server's own limit holds whatever the topic's config says.",
)
def batch_above_the_limit(server: ServerSession) -> None:
    """Send a batch of several records that is one byte too large, and one that is as large as allowed."""
    limits = server.limits()
    limit, count = limits["max_batch_bytes"], 4
    share, rest = divmod(limit, count)
    if limit + count * _RECORD_BYTES > min(limits["max_request_bytes"] // 2, _MOST_BYTES):
        raise NotApplicable(f"max_batch_bytes is {limit}, too large to be reached")
    if share + rest + 1 > limits["max_record_bytes"]:
        raise NotApplicable("max_record_bytes is too small for this case")
    topic = server.create_topic(1)
    for step, extra, expected in (
        ("one byte too large", 1, {"status": 413, "problem": {"code": "message_too_large", "max_batch_bytes": limit}}),
        ("as large as allowed", 0, {"status": 200}),
    ):
        records = [_text(share - _RECORD_BYTES) for _ in range(count - 1)]
        records.append(_text(share + rest + extra - _RECORD_BYTES))
        response = server.send("POST", f"/v1/topics/{topic}/records", value={"records": records})
        server.expect(step, response, expected)


def _text(length: int, **members: Any) -> Record:
    return {"value": "x" * length, "value_encoding": "string", **members}
