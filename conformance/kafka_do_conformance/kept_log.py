"""A partition of which a case knows everything that was appended, so that it can tell what has to be left."""

from typing import Any

from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

__all__ = ["KeptLog"]

_MOMENT_MS = 3_000  # what may pass by itself between two requests, on a machine that has much to do
_MOST = 1000

Record = dict[str, Any]


class KeptLog:
    """Partition 1 of a topic with two partitions and these configs; `there` are its records as they were first read."""

    def __init__(self, server: ServerSession, **configs: str) -> None:
        self._server = server
        self.configs = {name.replace("_", "."): value for name, value in configs.items()}
        self.topic = fresh_name()
        created = {"topic": self.topic, "partitions": 2, "configs": self.configs}
        server.expect("create", server.send("POST", "/v1/topics", value=created), {"status": 201})
        self.there: list[Record] = []

    @property
    def end(self) -> int:
        """The offset of what is appended next."""
        return len(self.there)

    def append(self, *records: Record) -> None:
        """Append records as one batch, and read them."""
        base = self.end
        results = self._server.produce(self.topic, [{"partition": 1, **record} for record in records])
        offsets = [result["offset"] for result in results]
        wanted = list(range(base, base + len(records)))
        if offsets != wanted:
            self._server.require("append", [Mismatch("offsets", str(wanted), str(offsets))])
        found = self._fetch(base)["records"]
        if [record["offset"] for record in found] != wanted:
            self._server.require("read what was appended", [Mismatch("offsets", str(wanted), _offsets(found))])
        self.there += found

    def put(self, *pairs: tuple[str, Any]) -> None:
        """Append a record for each pair of key and value, all as one batch."""
        self.append(*({"key": key, "value": value} for key, value in pairs))

    def alter(self, **configs: str | None) -> None:
        """Set configs."""
        changes = {name.replace("_", "."): value for name, value in configs.items()}
        response = self._server.send("PATCH", f"/v1/topics/{self.topic}", value={"configs": changes})
        told = {name: value for name, value in changes.items() if value is not None}
        self._server.expect("set configs", response, {"status": 200, "json": {"configs": told}})

    def wait(self, ms: int) -> None:
        """Let time pass, and as much more as a server may take until it has removed what is to be removed."""
        self._server.advance(ms + _MOMENT_MS)
        self._server.advance(self._server.limit("retention_delay_ms") + _MOMENT_MS)

    def close_segment(self, **record: Any) -> None:
        """Let `segment.ms` pass and append a record, by default one with a key of its own: that closes a segment."""
        self._server.advance(int(self.configs["segment.ms"]) + _MOMENT_MS)
        self.append({"key": f"closes-{self.end}", "value": "a segment", **record})

    def compact(self) -> None:
        """Close the segment, and wait until it has to be compacted."""
        self.close_segment()
        self.wait(int(self.configs["max.compaction.lag.ms"]))

    def holds(self, step: str, left: list[int], start: int = 0) -> None:
        """Require that the log begins at `start` and has these records, each as it was, found from everywhere."""
        bounds = {"log_start_offset": start, "high_watermark": self.end}
        description = {"partitions": [{"partition": 0}, {"partition": 1, **bounds}]}
        response = self._server.send("GET", f"/v1/topics/{self.topic}")
        self._server.expect(f"{step}: describe", response, {"status": 200, "json": description})
        wanted = [self.there[offset] for offset in left]
        found = self._read_from(step, start)
        if found != wanted:
            told = Mismatch("the records from the beginning", _offsets(wanted), _offsets(found))
            same = _offsets(wanted) == _offsets(found)
            self._server.require(step, [Mismatch("the records", str(wanted), str(found)) if same else told])
        for offset in range(start, self.end):
            one = self._fetch(offset, "&max_records=1")
            behind = next((record for record in wanted if record["offset"] >= offset), None)
            if behind is not None and not one["records"] and one["next_offset"] > offset:
                one = self._fetch(one["next_offset"], "&max_records=1")  # an empty answer may lead over a gap
            if one["records"] != ([] if behind is None else [behind]):
                seen = f"{_offsets(one['records'])}, next_offset {one['next_offset']}"
                allowed = "no record" if behind is None else f"the record at {behind['offset']}"
                self._server.require(f"{step}: fetch at {offset}", [Mismatch("records", allowed, seen)])
        self.begins(step, start)

    def begins(self, step: str, start: int) -> None:
        """Require that nothing can be read below `start`, and that this is the earliest offset."""
        asked = {"partitions": [{"topic": self.topic, "partition": 1, "at": "earliest"}]}
        earliest = {"partitions": [{"offset": start, "timestamp_ms": None}]}
        response = self._server.send("POST", "/v1/offsets", value=asked)
        self._server.expect(f"{step}: the earliest offset", response, {"status": 200, "json": earliest})
        if start:
            problem = {"code": "offset_out_of_range", "log_start_offset": start, "high_watermark": self.end}
            place = f"/v1/topics/{self.topic}/partitions/1/records?offset={start - 1}&max_wait_ms=0"
            expected = {"status": 416, "problem": problem}
            self._server.expect(f"{step}: below the start", self._server.send("GET", place), expected)

    def _read_from(self, step: str, offset: int) -> list[Record]:
        found: list[Record] = []
        while True:
            answer = self._fetch(offset)
            found += answer["records"]
            if answer["next_offset"] >= self.end:
                return found
            if answer["next_offset"] <= offset:
                told = Mismatch("next_offset", f"above {offset}: the end is {self.end}", str(answer["next_offset"]))
                self._server.require(step, [told])
            offset = answer["next_offset"]

    def _fetch(self, offset: int, more: str = f"&max_records={_MOST}") -> dict[str, Any]:
        query = f"offset={offset}&max_wait_ms=0&max_bytes=52428800&encoding=base64{more}"
        return self._server.fetch(self.topic, 1, query)


def _offsets(records: list[Record]) -> str:
    return str([record.get("offset") for record in records])
