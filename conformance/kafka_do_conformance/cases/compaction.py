"""Compaction: what is left of each key, what has to stay, and for how long tombstones do."""

import itertools
import threading
from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.kept_log import KeptLog
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch, Violation

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_LONG_MS = 30 * 24 * _HOUR_MS
_LARGE = 9_000
_JUMPS, _MOST_JUMPS, _BATCHES = 12, 400, 30

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
    title="A log is compacted when enough of it is dirty, and not before",
    requirements=["RETAIN-033", "RETAIN-034", "RETAIN-003"],
    hint="Compare bytes: those of closed segments that no compaction has met, with those of all closed segments.",
)
def dirty_share(server: ServerSession) -> None:
    """Make a little of a log dirty, then most of it, under several ratios."""
    log = KeptLog(server, cleanup_policy="compact", segment_ms="60000", min_cleanable_dirty_ratio="1")
    log.put(("a", 1), ("a", "large".ljust(_LARGE)), ("b", "large".ljust(_LARGE)))
    log.close_segment()
    log.wait(_LONG_MS)
    log.holds("all is dirty, which is not above 1", [0, 1, 2, 3])
    log.alter(min_cleanable_dirty_ratio="0.99")
    log.wait(0)
    log.holds("but above 0.99", [1, 2, 3])
    log.put(("c", 1), ("c", 2))
    log.close_segment()
    for ratio in ("0.99", None, "0.2"):
        log.alter(min_cleanable_dirty_ratio=ratio)
        log.wait(_LONG_MS)
        log.holds(f"a little is dirty, {ratio}", [1, 2, 3, 4, 5, 6])
    log.alter(min_cleanable_dirty_ratio="0")
    log.wait(0)
    log.holds("a little is above 0", [1, 2, 3, 5, 6])
    log.put(*(("d", f"{number}".ljust(_LARGE)) for number in range(5)))
    log.alter(min_cleanable_dirty_ratio=None)
    log.close_segment()
    log.wait(0)
    log.holds("most is dirty", [1, 2, 3, 5, 6, 11, 12])


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


@server_case(
    title="A batch of which compaction has removed records is still known",
    requirements=["RETAIN-032", "PRODUCER-006"],
    needs=("retention", "control"),
    hint="Answer the offsets that the records had; where one is gone its time may be null.",
)
def repetition_of_compacted_records(server: ServerSession) -> None:
    """Append a batch in which a key stands twice, compact, and send it again."""
    log = KeptLog(server, **_PROMPT)
    producer = server.expect("allocate", server.send("POST", "/v1/producers"), {"status": 201})
    place = f"/v1/topics/{log.topic}/partitions/1/records"
    records = [{"key": "a", "value": 1}, {"key": "b", "value": 2}, {"key": "a", "value": 3}]
    batch = {"records": records, "producer": {"id": producer["id"], "epoch": 0, "base_sequence": 0}}
    time = {"$one_of": [{"$type": "integer", "$min": 0}, None]}
    places = [{"partition": 1, "offset": offset, "timestamp_ms": time} for offset in range(3)]
    response = server.send("POST", place, value=batch)
    server.expect("append", response, {"status": 200, "json": {"results": places}})
    log.adopt(3)
    log.compact()
    log.holds("compacted", [1, 2, 3])
    response = server.send("POST", place, value=batch)
    server.expect("send it again", response, {"status": 200, "json": {"results": places}})
    log.holds("nothing was appended", [1, 2, 3])


@server_case(
    title="Who appends while a log is compacted loses nothing",
    requirements=["RETAIN-022", "RETAIN-023", "RETAIN-005"],
    needs=("control",),
    hint="What is appended meanwhile is behind what is rewritten: put it in its place without losing the rest.",
)
def appends_beside_compaction(server: ServerSession) -> None:
    """Append from several connections, each with keys of its own, while the clock jumps again and again."""
    log = KeptLog(server, **_PROMPT)
    last: dict[str, int] = {}
    over = threading.Event()
    writers = [_Writer(server.beside(), log.topic, f"{name}-", last, over) for name in "abc"]
    for jump in range(_MOST_JUMPS):
        server.advance(3 * _MINUTE_MS)
        server.advance(server.limit("retention_delay_ms"))
        if jump >= _JUMPS and all(writer.batches >= _BATCHES for writer in writers):
            break
    over.set()
    for writer in writers:
        writer.finish()
    found: dict[str, int] = {}
    offset = before = -1
    while (answer := server.fetch(log.topic, 1, f"offset={offset + 1}&max_wait_ms=0"))["next_offset"] > offset + 1:
        for record in answer["records"]:
            if record["offset"] <= before:
                server.require("read", [Mismatch("offsets", f"above {before}", str(record["offset"]))])
            before = record["offset"]
            found[record["key"]] = record["value"]
        offset = answer["next_offset"] - 1
    if found != last:
        wrong = {key: (value, found.get(key)) for key, value in last.items() if found.get(key) != value}
        server.require("read", [Mismatch("the last value of each key", "what was appended last", str(wrong)[:500])])


class _Writer(threading.Thread):
    """Appends to a few keys until it is over, and notes the last value of each."""

    def __init__(
        self, server: ServerSession, topic: str, prefix: str, last: dict[str, int], over: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self._server, self._topic, self._prefix, self._last, self._over = server, topic, prefix, last, over
        self._failed: Violation | None = None
        self.batches = 0
        self.start()

    def run(self) -> None:
        """Append batches of a few records."""
        try:
            for number in itertools.count():
                if self._over.is_set():
                    return
                self.batches = number
                keys = [f"{self._prefix}{(number + part) % 9}" for part in range(4)]
                self._server.produce(self._topic, [{"key": key, "value": number, "partition": 1} for key in keys])
                self._last.update(dict.fromkeys(keys, number))
        except Violation as violation:
            self._failed = violation
        finally:
            self._server.wire.close()

    def finish(self) -> None:
        """Wait until it has ended; raises Violation if an append failed."""
        self.join()
        if self._failed is not None:
            raise self._failed
