"""Retention: what age and size remove, on a clock that jumps, and the configs that say so."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.kept_log import KeptLog
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

_HOUR_MS = 3_600_000
_MOMENT_MS = 10_000
_LONG_MS = 30 * 24 * _HOUR_MS
_LARGE = 100_000
_LEAST, _MOST = 1_900_000, 3_300_000  # of two megabytes and a segment, as a server may count them

_INT64 = 9223372036854775807
_BOUNDS = {
    "retention.ms": (-1, _INT64),
    "retention.bytes": (-1, _INT64),
    "segment.ms": (1, _INT64),
    "segment.bytes": (1048576, 2147483647),
    "delete.retention.ms": (0, _INT64),
    "min.compaction.lag.ms": (0, _INT64),
    "max.compaction.lag.ms": (1, _INT64),
}
_NO_NUMBERS = ("9" * 40, "", "-", "1.5", "2e6", "0x1F4240", " 2000000", "2000000 ", "2_000_000", "+2000000", "٢٠٠٠٠٠٠")


@server_case(
    title="Configs take numbers within their bounds, and say which these are",
    requirements=["RETAIN-001", "TOPIC-024"],
    hint="Compare as integers of any length, before anything is stored; the bounds are Kafka's.",
)
def bounds_of_configs(server: ServerSession) -> None:
    """Set each config to its bounds, and beyond."""
    topic = server.create_topic(1)
    place = f"/v1/topics/{topic}"
    for name, (low, high) in _BOUNDS.items():
        for bound in (low, high):
            changed = {"configs": {name: str(bound)}}
            response = server.send("PATCH", place, value=changed)
            server.expect(f"{name}={bound}", response, {"status": 200, "json": changed})
        server.expect("unset", server.send("PATCH", place, value={"configs": {name: None}}), {"status": 200})
        said = {"$type": "string", "$pattern": f"{low}.*{high}"}
        wanted = {"code": "invalid_config", "errors": [{"pointer": f"/configs/{name}", "detail": said}]}
        for value in (str(low - 1), str(high + 1), *_NO_NUMBERS):
            response = server.send("PATCH", place, value={"configs": {name: value}})
            server.expect(f"{name}={value}", response, {"status": 422, "problem": wanted})


@server_case(
    title="The dirty ratio is a number from 0 to 1",
    requirements=["RETAIN-001", "TOPIC-024"],
    hint="Digits, with or without a point and more digits. No signs, no exponents, no words.",
)
def bounds_of_a_ratio(server: ServerSession) -> None:
    """Set the ratio to what it may be, and to what it may not."""
    place = f"/v1/topics/{server.create_topic(1)}"
    name = "min.cleanable.dirty.ratio"
    for value in ("0", "1", "0.0", "1.0", "0.25", "0.001"):
        changed = {"configs": {name: value}}
        server.expect(value, server.send("PATCH", place, value=changed), {"status": 200, "json": changed})
    said = {"$type": "string", "$pattern": "0.*1"}
    wanted = {"code": "invalid_config", "errors": [{"pointer": f"/configs/{name}", "detail": said}]}
    for value in (
        "1.001",
        "2",
        "-0.5",
        "-0",
        "+0.5",
        "",
        ".",
        "0,5",
        "5e-1",
        "nan",
        "inf",
        " 0.5",
        "0.5 ",
        "0_1",
        "\u0660",
    ):
        response = server.send("PATCH", place, value={"configs": {name: value}})
        server.expect(f"{name}={value}", response, {"status": 422, "problem": wanted})
    server.expect("nothing was set", server.send("GET", place), {"status": 200, "json": {"configs": {name: "0.001"}}})


@server_case(
    title="Every config that is wrong is pointed to, and none is set",
    requirements=["TOPIC-024", "RETAIN-001"],
    hint="Pointers are JSON pointers: ~ is ~0 and / is ~1 in a name.",
)
def all_wrong_configs(server: ServerSession) -> None:
    """Create and alter with several faults at once."""
    topic = server.create_topic(1)
    configs = {"retention.ms": "10", "retention.bytes": "-2", "a/b~c": "1", "cleanup.policy": "compact, delete"}
    pointers = ["/configs/retention.bytes", "/configs/a~1b~0c", "/configs/cleanup.policy"]
    wanted = {"code": "invalid_config", "errors": [{"pointer": pointer} for pointer in pointers]}
    for method, target, value in (
        ("PATCH", f"/v1/topics/{topic}", {"configs": configs}),
        ("POST", "/v1/topics", {"topic": fresh_name(), "configs": configs}),
    ):
        server.expect(method, server.send(method, target, value=value), {"status": 422, "problem": wanted})
    described = {"status": 200, "json": {"configs": {"retention.ms": "-1", "retention.bytes": "-1"}}}
    server.expect("nothing was set", server.send("GET", f"/v1/topics/{topic}"), described)


@server_case(
    title="Records go when they are older than retention.ms, and not before",
    requirements=["RETAIN-004", "RETAIN-008", "RETAIN-009", "RETAIN-006", "RETAIN-005"],
    hint="The age of a segment is that of its youngest record. The last segment goes, too, and leaves an empty log.",
)
def old_records_go(server: ServerSession) -> None:
    """Let an hour pass, but for a moment, then the moment; append to what is left."""
    log = KeptLog(server, retention_ms=str(_HOUR_MS))
    log.put(("a", 1), ("b", 2))
    log.put(("a", 3))
    server.advance(_HOUR_MS - _MOMENT_MS)
    log.holds("not old enough", [0, 1, 2])
    log.wait(_MOMENT_MS)
    log.holds("too old", [], 3)
    log.put(("a", 4))
    log.wait(0)
    log.holds("a new one", [3], 3)


@server_case(
    title="Segments go one after the other, each at its time",
    requirements=["RETAIN-009", "RETAIN-008"],
    hint="A segment that is closed is as old as the youngest of its records.",
)
def segments_go_at_their_time(server: ServerSession) -> None:
    """Append every hour to a log that keeps what was appended in the last three."""
    log = KeptLog(server, retention_ms=str(3 * _HOUR_MS), segment_ms=str(_HOUR_MS))
    for number in range(5):
        log.put(("a", number))
        log.holds(f"after {number} hours", list(range(max(0, number - 2), number + 1)), max(0, number - 2))
        log.wait(_HOUR_MS)
    log.put(("a", 5))
    log.wait(2 * _HOUR_MS)
    log.holds("two at once", [5], 5)


@server_case(
    title="A topic keeps its records a week, as long as they like with -1, and a config that is set counts at once",
    requirements=["RETAIN-001", "RETAIN-003", "RETAIN-008", "RETAIN-009"],
    hint="Look at the config when records are removed, not when they are appended.",
)
def retention_is_set_later(server: ServerSession) -> None:
    """Let six days pass, keep everything, and set a shorter time."""
    log = KeptLog(server)
    log.put(("a", 1), ("b", 2))
    log.wait(6 * 24 * _HOUR_MS)
    log.holds("six days", [0, 1])
    log.alter(retention_ms="-1")
    log.wait(_LONG_MS)
    log.holds("without an end", [0, 1])
    log.put(("c", 3))
    log.alter(retention_ms=str(2 * _LONG_MS))
    log.wait(0)
    log.holds("longer than that", [0, 1, 2])
    log.alter(retention_ms=None)
    log.wait(7 * 24 * _HOUR_MS)
    log.holds("a week", [], 3)


@server_case(
    title="The age of a record is that of its timestamp",
    requirements=["RETAIN-008", "RETAIN-009", "RETAIN-010"],
    hint="With CreateTime the producer's, with LogAppendTime the server's. The future holds all behind it.",
)
def age_is_that_of_the_timestamp(server: ServerSession) -> None:
    """Append old records, young ones, and one of the future."""
    now_ms = server.advance(0)
    old = {"key": "a", "value": 1, "timestamp_ms": now_ms - 2 * _HOUR_MS}
    hour = str(_HOUR_MS)
    kept = KeptLog(server, retention_ms=hour, message_timestamp_type="LogAppendTime")
    gone = KeptLog(server, retention_ms=hour, segment_ms="60000")
    held = KeptLog(server, retention_ms=hour, segment_ms="60000")
    held.append({"key": "a", "value": 0, "timestamp_ms": now_ms + 2 * _HOUR_MS})
    for log in (kept, gone, held):
        log.append(old, old)
    kept.wait(0)
    for log, left, start in ((kept, [0, 1], 0), (gone, [], 2), (held, [0, 1, 2], 0)):
        log.holds("old timestamps", left, start)
    for log in (gone, held):
        log.close_segment()
    gone.wait(_HOUR_MS)
    gone.holds("an hour later", [], 3)
    held.holds("still held", [0, 1, 2, 3])
    held.wait(2 * _HOUR_MS)
    held.holds("the future is over", [], 4)


@server_case(
    title="A log that is too large loses its oldest segments, and never more than retention.bytes allow",
    requirements=["RETAIN-011", "RETAIN-012", "RETAIN-010", "RETAIN-004"],
    hint="Remove the oldest segment as long as what is left without it is large enough.",
)
def large_logs_lose_segments(server: ServerSession) -> None:
    """Append six megabytes in small pieces to a log that keeps two, in segments of one at most."""
    log = KeptLog(server, retention_bytes="2097152", segment_bytes="1048576")
    for number in range(15):
        log.append(*({"value": f"{number}-{part} ".ljust(_LARGE, "x")} for part in range(4)))
    log.wait(0)
    start = _start(server, log)
    left = (log.end - start) * _LARGE
    if not _LEAST <= left <= _MOST:
        server.require("six megabytes", [Mismatch("bytes that are left", "about 2.1 to 3.1 million", str(left))])
    log.begins("six megabytes", start)
    log.wait(0)
    log.begins("later", start)
    log.alter(retention_bytes="-1")
    log.append(*({"value": "y" * _LARGE} for _ in range(4)))
    log.wait(0)
    log.begins("without an end", start)


@server_case(
    title="In a topic that is only compacted, age and size remove nothing",
    requirements=["RETAIN-013"],
    hint="Look at cleanup.policy before retention.ms and retention.bytes.",
)
def policy_without_delete(server: ServerSession) -> None:
    """Let everything become old and too much under one policy, then under the other."""
    log = KeptLog(server, cleanup_policy="compact", retention_ms="1000", retention_bytes="1")
    for number in range(3):
        log.append({"key": f"key-{number}", "value": "x" * _LARGE})
    log.wait(_HOUR_MS)
    log.holds("compact", [0, 1, 2])
    log.alter(cleanup_policy="delete")
    log.wait(0)
    log.holds("delete", [], 3)


def _start(server: ServerSession, log: KeptLog) -> int:
    place: dict[str, Any] = {"log_start_offset": {"$type": "integer", "$min": 0}, "high_watermark": log.end}
    response = server.send("GET", f"/v1/topics/{log.topic}")
    description = server.expect("describe", response, {"status": 200, "json": {"partitions": [{}, place]}})
    start: int = description["partitions"][1]["log_start_offset"]
    return start
