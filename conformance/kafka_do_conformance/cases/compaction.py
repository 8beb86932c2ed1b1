"""Compaction: what is left of each key, what has to stay, and for how long tombstones do."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.kept_log import KeptLog
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_LONG_MS = 30 * 24 * _HOUR_MS
_LARGE = 9_000

_PROMPT = {"cleanup_policy": "compact", "segment_ms": "60000", "max_compaction_lag_ms": "120000"}


@server_case(
    title="Of each key the last record is left, as it was and where it was",
    requirements=["RETAIN-004", "RETAIN-022", "RETAIN-023", "RETAIN-025", "RETAIN-028", "FETCH-001"],
    hint="Compare keys by their bytes. Offsets stay; a fetch at a gap goes on behind it.",
)
def last_record_of_each_key(server: ServerSession) -> None:
    """Append keys again and again, text and bytes and the empty one, in one batch and in several."""
    log = KeptLog(server, **_PROMPT)
    log.put(("a", 1), ("b", 1), ("a", 2), ("c", 1))
    log.put(("b", 2))
    log.append({"key": "/w==", "key_encoding": "base64", "value": 1}, {"key": "/w==", "value": "the text /w=="})
    log.append(
        {"key": "c", "value": 2, "headers": [{"key": "h", "value": "1"}, {"key": "h", "value": None}]},
        {"key": "", "value": "empty", "timestamp_ms": 5},
        {"key": "YQ==", "key_encoding": "base64", "value": "3", "value_encoding": "string"},
        {"key": "/w==", "key_encoding": "base64", "value": 2},
    )
    log.put(("", "again"))
    log.holds("before", list(range(12)))
    log.compact()
    log.holds("compacted", [4, 6, 7, 9, 10, 11, 12])
    log.put(("b", 3), ("", "at last"))
    log.compact()
    log.holds("compacted again", [6, 7, 9, 10, 12, 13, 14, 15])
    log.compact()
    log.holds("and again", [6, 7, 9, 10, 12, 13, 14, 15, 16])


@server_case(
    title="A long log is compacted as a short one, and read over its gaps",
    requirements=["RETAIN-022", "RETAIN-025", "RETAIN-028", "FETCH-002", "FETCH-007"],
    hint="Gaps may be wider than a batch, a file or a segment. next_offset leads over them.",
)
def long_logs_are_compacted(server: ServerSession) -> None:
    """Append batches large and small of which most are replaced, and read in pieces."""
    log = KeptLog(server, **_PROMPT)
    for number in range(8):
        log.put(*((f"key-{part}", f"{number} ".ljust(_LARGE, "x")) for part in range(3)))
        log.put((f"own-{number}", number))
    log.put(*((f"key-{part}", number) for number in range(40) for part in range(3)))
    log.compact()
    wanted = [*range(3, 32, 4), 149, 150, 151, 152]
    log.holds("compacted", wanted)
    for most in (1, 2, 5):
        found: list[int] = []
        offset = 0
        while offset < log.end:
            answer = server.fetch(log.topic, 1, f"offset={offset}&max_records={most}&max_wait_ms=0")
            found += [record["offset"] for record in answer["records"]]
            if len(answer["records"]) > most or answer["next_offset"] <= offset:
                server.require("read on", [Mismatch("an answer", f"{most} records, and further", str(answer))])
            offset = answer["next_offset"]
        if found != wanted:
            server.require(f"{most} at once", [Mismatch("offsets", str(wanted), str(found))])


@server_case(
    title="What was just appended is not compacted, nor what is in the last segment",
    requirements=["RETAIN-024", "RETAIN-025"],
    hint="min.compaction.lag.ms counts from the append. The segment that takes records is left alone.",
)
def young_records_stay(server: ServerSession) -> None:
    """Wait for less than the lag, then for more; and let the last segment become old."""
    lags = {"min_compaction_lag_ms": str(_HOUR_MS), "max_compaction_lag_ms": str(_HOUR_MS)}
    log = KeptLog(server, **{**_PROMPT, **lags})
    log.put(("a", 1), ("a", 2))
    log.close_segment(key="a", value=3)
    log.wait(_MINUTE_MS)
    log.holds("within the lag", [0, 1, 2])
    log.wait(_HOUR_MS)
    log.holds("the closed segment is compacted", [1, 2])
    log.close_segment(key="a", value=None)
    log.wait(_HOUR_MS)
    log.holds("and the next", [2, 3])
    log.wait(_LONG_MS)
    log.holds("the last segment stays", [2, 3])


@server_case(
    title="A tombstone outlives what it deletes, by delete.retention.ms, and then goes",
    requirements=["RETAIN-022", "RETAIN-026", "RETAIN-027", "RETAIN-025"],
    hint="Count from the first compaction that meets the tombstone. An empty value is a value.",
)
def tombstones_go_late(server: ServerSession) -> None:
    """Delete a key, and look at its tombstone over time."""
    log = KeptLog(server, **_PROMPT, delete_retention_ms=str(_LONG_MS))
    log.put(("gone", 1), ("empty", 1), ("kept", 1))
    log.append({"key": "gone", "value": None}, {"key": "empty", "value": "", "value_encoding": "string"})
    log.put(("null", "null"))
    log.compact()
    log.holds("the tombstone is there", [2, 3, 4, 5, 6])
    log.compact()
    log.holds("a little later, too", [2, 3, 4, 5, 6, 7])
    log.wait(_LONG_MS - _HOUR_MS)
    log.compact()
    log.holds("before its time", [2, 3, 4, 5, 6, 7, 8])
    log.wait(_HOUR_MS)
    log.compact()
    log.holds("its time is over", [2, 4, 5, 6, 7, 8, 9])


@server_case(
    title="A tombstone that is replaced goes at once, and a key that comes back stays",
    requirements=["RETAIN-022", "RETAIN-025", "RETAIN-026"],
    hint="Only the last record of a key counts.",
)
def tombstones_are_replaced(server: ServerSession) -> None:
    """Delete, delete again, bring back; without any time for tombstones."""
    log = KeptLog(server, **_PROMPT, delete_retention_ms="0")
    log.put(("twice", 1), ("back", 1))
    log.append({"key": "twice", "value": None}, {"key": "back", "value": None})
    log.append({"key": "twice", "value": None})
    log.put(("back", 2))
    log.compact()
    log.compact()
    log.compact()
    log.holds("what is left", [5, 6, 7, 8])


@server_case(
    title="A record without a key is refused by a compacted topic, with its batch",
    requirements=["RETAIN-029", "PRODUCE-018"],
    hint="invalid_record for the guilty, not_attempted for the rest of the batch; other partitions are as ever.",
)
def records_without_a_key(server: ServerSession) -> None:
    """Produce in both forms, under each policy."""
    log = KeptLog(server, cleanup_policy="compact")
    log.put(("", "an empty key is one"))
    batch: list[dict[str, Any]] = [{"key": "a", "value": 1}, {"value": 2}, {"key": None, "value": 3}]
    codes = ["not_attempted", "invalid_record", "invalid_record"]
    refused = [{"error": {"code": code, "partition": 1, "topic": log.topic}} for code in codes]
    problem = {"code": "invalid_record", "topic": log.topic, "retriable": False, "results": refused}
    place = f"/v1/topics/{log.topic}"
    for policy in ("compact", "compact,delete"):
        log.alter(cleanup_policy=policy)
        response = server.send("POST", f"{place}/partitions/1/records", value={"records": batch})
        server.expect("one partition", response, {"status": 422, "problem": problem})
    spread = [{**record, "partition": 1} for record in batch]
    response = server.send("POST", f"{place}/records", value={"records": [*spread, {**spread[0], "partition": 0}]})
    told = {"results": [*refused, {"partition": 0, "offset": 0}]}
    server.expect("two partitions", response, {"status": 207, "json": told})
    plain = {"records": [{"value": 1}]}
    response = server.send("POST", f"{place}/records", value=plain)
    server.expect("nothing but a value", response, {"status": 422, "problem": {"code": "invalid_record"}})
    log.holds("nothing of that was appended", [0])
    log.alter(cleanup_policy="delete")
    log.append({"value": "without a key"})
    log.holds("delete", [0, 1])


@server_case(
    title="Records without a key that were there before go or stay",
    requirements=["RETAIN-030", "RETAIN-022"],
    hint="Kafka removes them.",
)
def records_without_a_key_from_before(server: ServerSession) -> None:
    """Compact a topic that was not to be compacted when they were appended."""
    log = KeptLog(server, **{**_PROMPT, "cleanup_policy": "delete", "retention_ms": "-1"})
    log.append({"value": "without"}, {"key": "a", "value": 1}, {"key": "a", "value": 2})
    log.alter(cleanup_policy="compact")
    log.compact()
    first = log.there[0]
    stays = server.fetch(log.topic, 1, "offset=0&max_records=1&encoding=base64")["records"] == [first]
    log.holds("compacted", [0, 2, 3] if stays else [2, 3])


@server_case(
    title="With both policies both are done",
    requirements=["RETAIN-031", "RETAIN-023", "RETAIN-009"],
    hint="Compaction leaves gaps and the beginning where it is; age and size move the beginning.",
)
def both_policies(server: ServerSession) -> None:
    """Compact, then let all become old, under each spelling."""
    for policy in ("compact,delete", "delete,compact"):
        log = KeptLog(server, **{**_PROMPT, "cleanup_policy": policy}, retention_ms=str(_HOUR_MS))
        log.put(("a", 1), ("a", 2), ("b", 1))
        log.compact()
        log.holds("compacted", [1, 2, 3])
        log.wait(_HOUR_MS)
        log.holds("too old", [], 4)


@server_case(
    title="Without compact in its policy a topic keeps every record",
    requirements=["RETAIN-022", "RETAIN-025"],
    hint="Look at cleanup.policy, also while a log is being compacted.",
)
def no_compaction_without_the_policy(server: ServerSession) -> None:
    """Wait under delete, then set compact."""
    log = KeptLog(server, **{**_PROMPT, "cleanup_policy": "delete"})
    log.put(("a", 1), ("a", 2))
    log.compact()
    log.holds("delete", [0, 1, 2])
    log.alter(cleanup_policy="compact")
    log.compact()
    log.holds("compact", [1, 2, 3])


@server_case(
    title="Times are looked up among the records that compaction has left",
    requirements=["RETAIN-007", "OFFSETS-002", "OFFSETS-003"],
    hint="The largest timestamp may be gone: look for the largest of those that are left.",
)
def times_behind_compaction(server: ServerSession) -> None:
    """Compact away the record with the largest timestamp."""
    log = KeptLog(server, **_PROMPT)
    keys = (("a", 900), ("b", 100), ("c", 300), ("b", 200), ("a", 250), ("d", 150))
    for key, time in keys:
        log.append({"key": key, "value": "x" * _LARGE, "timestamp_ms": time})
    log.close_segment(timestamp_ms=10)
    log.wait(2 * _MINUTE_MS)
    log.holds("compacted", [2, 3, 4, 5, 6])
    place: dict[str, Any] = {"topic": log.topic, "partition": 1}
    found = ((0, 2, 300), (300, 2, 300), (301, None, None), (900, None, None))
    asked = [*({**place, "timestamp_ms": time} for time, _, _ in found), {**place, "at": "max_timestamp"}]
    wanted = [{"offset": offset, "timestamp_ms": time} for _, offset, time in (*found, (0, 2, 300))]
    response = server.send("POST", "/v1/offsets", value={"partitions": asked})
    server.expect("ask for times", response, {"status": 200, "json": {"partitions": wanted}})
