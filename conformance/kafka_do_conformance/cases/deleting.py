"""Deleting records: where a log begins afterwards, and what is refused."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.kept_log import KeptLog
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.wire import Response

_LARGE = 30_000

Table = dict[int | str, tuple[int, int] | None]


def _delete(server: ServerSession, topic: str, *items: dict[str, Any], **more: Any) -> Response:
    return server.send("POST", f"/v1/topics/{topic}/delete_records", value={"partitions": list(items), **more})


def _before(server: ServerSession, log: KeptLog, offset: int) -> None:
    """Delete what is below an offset, and see what is left."""
    response = _delete(server, log.topic, {"partition": 1, "before_offset": offset})
    told = {"results": [{"topic": log.topic, "partition": 1, "log_start_offset": offset}]}
    server.expect(f"delete before {offset}", response, {"status": 200, "json": told})
    log.holds(f"behind {offset}", list(range(offset, log.end)), offset)


@server_case(
    title="Deleting records moves the beginning of a log, and nothing else",
    requirements=["RETAIN-005", "RETAIN-006", "RETAIN-014", "RETAIN-015", "FETCH-003", "FETCH-005"],
    hint="The record at before_offset stays. The next record gets the offset that it would have had.",
)
def deleted_records(server: ServerSession) -> None:
    """Delete a few, then one more, then all, and append between."""
    log = KeptLog(server)
    for number in range(6):
        log.put((f"key-{number % 2}", number))
    log.holds("before", [0, 1, 2, 3, 4, 5])
    _before(server, log, 1)
    _before(server, log, 4)
    log.put(("behind", 6), ("it", 7))
    _before(server, log, 7)
    _before(server, log, 8)
    log.put(("first", "again"))
    log.holds("one behind", [8], 8)
    response = _delete(server, log.topic, {"partition": 0, "at": "latest"}, {"partition": 1, "at": "latest"})
    begin = [{"partition": 0, "log_start_offset": 0}, {"partition": 1, "log_start_offset": 9}]
    server.expect("all there are", response, {"status": 200, "json": {"results": begin}})
    log.holds("none", [], 9)
    response = server.send("GET", f"/v1/topics/{log.topic}/partitions/1/records?offset=9&max_wait_ms=0")
    server.expect("the end can be read", response, {"status": 200, "json": {"records": [], "next_offset": 9}})


@server_case(
    title="Of a long log every beginning can be deleted, wherever its pieces end",
    requirements=["RETAIN-014", "RETAIN-006", "FETCH-002"],
    hint="Look where one batch, file or segment of your log ends and the next begins: no record more, none less.",
)
def beginnings_of_a_long_log(server: ServerSession) -> None:
    """Write batches that are large and small, and delete one record after the other."""
    log = KeptLog(server)
    for number in range(9):
        sizes = [_LARGE, 3] if number % 3 == 0 else [5, 2000, 7]
        log.append(*({"value": f"{number}-{size} ".ljust(size, "x")} for size in sizes))
    for offset in range(1, log.end + 1):
        _before(server, log, offset)


@server_case(
    title="What is at or below the beginning is deleted already",
    requirements=["RETAIN-016", "RETAIN-006"],
    hint="The log start offset never falls; a repetition is a success.",
)
def deleted_already(server: ServerSession) -> None:
    """Delete twice, then less than is gone, and nothing of an empty partition."""
    log = KeptLog(server)
    log.put(("a", 1), ("b", 2), ("c", 3))
    for offset in (2, 2, 1, 0):
        response = _delete(server, log.topic, {"partition": 1, "before_offset": offset})
        expected = {"status": 200, "json": {"results": [{"partition": 1, "log_start_offset": 2}]}}
        server.expect(f"before {offset}", response, expected)
        log.holds(f"before {offset}", [2], 2)
    for item in ({"before_offset": 0}, {"at": "latest"}):
        response = _delete(server, log.topic, {"partition": 0, **item})
        expected = {"status": 200, "json": {"results": [{"partition": 0, "log_start_offset": 0}]}}
        server.expect("of an empty partition", response, expected)


@server_case(
    title="Items that are refused carry their error, and the others are done",
    requirements=["RETAIN-015", "RETAIN-017", "RETAIN-018", "ERROR-004"],
    hint="Each partition on its own: 200 for all, 207 for some, the first error as a problem for none.",
)
def deletions_refused(server: ServerSession) -> None:
    """Delete where there is nothing, beside something that is there."""
    log = KeptLog(server)
    log.put(("a", 1), ("b", 2), ("c", 3))
    beyond = {"code": "offset_out_of_range", "log_start_offset": 0, "high_watermark": 3, "retriable": False}
    missing = {"code": "partition_not_found", "partition": 2, "partition_count": 2}
    first, third = {"partition": 1, "before_offset": 4}, {"partition": 2, "before_offset": 0}
    results = [{"partition": 1, "error": beyond}, {"partition": 2, "error": missing}]
    expected = {"status": 416, "problem": {**beyond, "results": results}}
    server.expect("none", _delete(server, log.topic, first, third), expected)
    expected = {"status": 404, "problem": {"code": "partition_not_found", "results": results[::-1]}}
    server.expect("none, the other way round", _delete(server, log.topic, third, first), expected)
    log.holds("none was done", [0, 1, 2])
    response = _delete(server, log.topic, third, {"partition": 1, "before_offset": 3}, {**first, "partition": 0})
    done = {"topic": log.topic, "partition": 1, "log_start_offset": 3, "error": {"$absent": True}}
    empty = {**beyond, "high_watermark": 0, "partition": 0}
    told = {"results": [results[1], done, {"partition": 0, "log_start_offset": {"$absent": True}, "error": empty}]}
    server.expect("some", response, {"status": 207, "json": told})
    log.holds("one was done", [], 3)


@server_case(
    title="From a topic that is only compacted no records are deleted",
    requirements=["RETAIN-019"],
    hint="Its readers rely on the last value of each key.",
)
def deletion_against_the_policy(server: ServerSession) -> None:
    """Delete under each policy."""
    log = KeptLog(server, cleanup_policy="compact")
    log.put(("a", 1), ("b", 2), ("c", 3))
    refused = {"code": "policy_violation", "results": [{"partition": 1, "error": {"code": "policy_violation"}}]}
    response = _delete(server, log.topic, {"partition": 1, "before_offset": 1})
    server.expect("compact", response, {"status": 422, "problem": refused})
    log.holds("compact", [0, 1, 2])
    for offset, policy in enumerate(("compact,delete", "delete,compact", "delete"), 1):
        log.alter(cleanup_policy=policy)
        _before(server, log, offset)


@server_case(
    title="Records are deleted from the topic that is meant",
    requirements=["RETAIN-020"],
    hint="Compare topic_id before anything is removed.",
)
def deletion_by_topic_id(server: ServerSession) -> None:
    """Delete with another topic's id, with the right one, and from a topic that does not exist."""
    log = KeptLog(server)
    log.put(("a", 1), ("b", 2))
    item = {"partition": 1, "before_offset": 1}
    gone = {"status": 404, "problem": {"code": "topic_not_found", "topic": log.topic}}
    wrong = server.topic_id(server.create_topic(1))
    server.expect("another id", _delete(server, log.topic, item, topic_id=wrong), gone)
    log.holds("another id", [0, 1])
    right = server.topic_id(log.topic)
    server.expect("its id", _delete(server, log.topic, item, topic_id=right), {"status": 200})
    log.holds("its id", [1], 1)
    missing = fresh_name()
    gone = {"status": 404, "problem": {"code": "topic_not_found", "topic": missing}}
    server.expect("no topic", _delete(server, missing, item), gone)
    server.expect("it was not made", server.send("GET", f"/v1/topics/{missing}"), gone)


@server_case(
    title="A deletion that is not clear is refused as a whole, with a pointer",
    requirements=["RETAIN-021", "CONV-006"],
    hint="A typo must never delete a log.",
)
def deletions_that_are_not_clear(server: ServerSession) -> None:
    """Send every kind of fault, beside an item that would be right."""
    log = KeptLog(server)
    log.put(("a", 1), ("b", 2))
    good = {"partition": 0, "before_offset": 0}
    for pointer, item in (
        ("/partitions/1", {"partition": 1}),
        ("/partitions/1", {"partition": 1, "before_offset": 1, "at": "latest"}),
        ("/partitions/1", good),
        ("/partitions/1/at", {"partition": 1, "at": "earliest"}),
        ("/partitions/1/before_offset", {"partition": 1, "before_offset": -1}),
        ("/partitions/1/before_offset", {"partition": 1, "before_offset": None}),
        ("/partitions/1/before_offset", {"partition": 1, "before_offset": 9007199254740992}),
        ("/partitions/1/before_offset", {"partition": 1, "before_offset": "1"}),
        ("/partitions/1/offset", {"partition": 1, "offset": 1}),
        ("/partitions/1/partition", {"partition": -1, "at": "latest"}),
        ("/partitions/1/partition", {"at": "latest"}),
    ):
        wanted = {"code": "invalid_request", "errors": {"$contains": [{"pointer": pointer}]}}
        response = _delete(server, log.topic, good, item)
        server.expect(str(item), response, {"status": 400, "problem": wanted})
    none = {"code": "invalid_request", "errors": [{"pointer": "/partitions"}]}
    server.expect("no item", _delete(server, log.topic), {"status": 400, "problem": none})
    most = server.limits()["max_partitions_per_fetch"]
    many = [{"partition": number, "at": "latest"} for number in range(most + 1)]
    server.expect("too many", _delete(server, log.topic, *many), {"status": 400, "problem": none})
    log.holds("nothing was deleted", [0, 1])
    server.expect("one that is right", _delete(server, log.topic, good), {"status": 200})


@server_case(
    title="Times are looked up among the records that are left",
    requirements=["RETAIN-007", "OFFSETS-002", "OFFSETS-003", "OFFSETS-004"],
    hint="What was known of the times up to a place is not true any more when its beginning has gone.",
)
def times_without_the_beginning(server: ServerSession) -> None:
    """Delete the records with the largest timestamps, and ask for times."""
    log = KeptLog(server, retention_ms="-1")
    for size, times in ((2, [900, 700]), (_LARGE, [800]), (_LARGE, [100]), (2, [300, 200]), (_LARGE, [400])):
        log.append(*({"value": "x" * size, "timestamp_ms": time} for time in times))
    tables: list[tuple[int, Table]] = [
        (0, {100: (0, 900), 901: None, "max_timestamp": (0, 900)}),
        (1, {100: (1, 700), 701: (2, 800), 801: None, "max_timestamp": (2, 800)}),
        (3, {0: (3, 100), 101: (4, 300), 301: (6, 400), 401: None, "max_timestamp": (6, 400)}),
        (5, {0: (5, 200), 201: (6, 400), 401: None, "max_timestamp": (6, 400)}),
        (7, {0: None, "max_timestamp": None}),
    ]
    for start, table in tables:
        server.expect("delete", _delete(server, log.topic, {"partition": 1, "before_offset": start}), {"status": 200})
        _times(server, log, f"from {start}", table)


def _times(server: ServerSession, log: KeptLog, step: str, table: Table) -> None:
    """Require that asking for a time, or for a place, finds an offset and a time, or nothing."""
    place = {"topic": log.topic, "partition": 1}
    asked = [{**place, "at" if isinstance(what, str) else "timestamp_ms": what} for what in table]
    found = [found or (None, None) for found in table.values()]
    wanted = [{**place, "offset": offset, "timestamp_ms": time} for offset, time in found]
    response = server.send("POST", "/v1/offsets", value={"partitions": asked})
    server.expect(step, response, {"status": 200, "json": {"partitions": wanted}})


@server_case(
    title="A batch whose records were deleted is still known",
    requirements=["RETAIN-032", "PRODUCER-006"],
    needs=("retention",),
    hint="What a partition knows of producers does not depend on the records: answer the offsets that they had.",
)
def repetition_of_deleted_records(server: ServerSession) -> None:
    """Repeat batches of which all, some, and none of the records are left."""
    log = KeptLog(server)
    answer = server.expect("allocate", server.send("POST", "/v1/producers"), {"status": 201})
    place = f"/v1/topics/{log.topic}/partitions/1/records"
    batches = []
    for base in (0, 3, 6):
        records = [{"key": "k", "value": base + number} for number in range(3)]
        numbered = {"id": answer["id"], "epoch": 0, "base_sequence": base}
        batches.append({"records": records, "producer": numbered})
        response = server.send("POST", place, value=batches[-1])
        server.expect("append", response, {"status": 200, "json": {"results": [{"offset": base}, {}, {}]}})
    for start in (0, 4, 6, 9):
        server.expect("delete", _delete(server, log.topic, {"partition": 1, "before_offset": start}), {"status": 200})
        for base, batch in zip((0, 3, 6), batches, strict=True):
            time = {"$one_of": [{"$type": "integer", "$min": 0}, None]}
            places = [{"partition": 1, "offset": base + number, "timestamp_ms": time} for number in range(3)]
            response = server.send("POST", place, value=batch)
            expected = {"status": 200, "json": {"results": places}}
            server.expect(f"the batch at {base} again, from {start}", response, expected)
        bounds = {"partitions": [{}, {"log_start_offset": start, "high_watermark": 9}]}
        response = server.send("GET", f"/v1/topics/{log.topic}")
        server.expect("nothing was appended", response, {"status": 200, "json": bounds})
