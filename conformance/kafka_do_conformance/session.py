"""What a case works with: a server under test, or a client under test and the peer that watches it."""

import contextlib
import json
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from kafka_do_conformance.adapter import Adapter
from kafka_do_conformance.matching import mismatches
from kafka_do_conformance.raw import RawConnection
from kafka_do_conformance.verdict import Exchange, Mismatch, Timeout, Violation
from kafka_do_conformance.wire import Response, Wire

__all__ = ["ClientSession", "ServerSession", "check_response"]

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
_CASE_S = 60
_CONTROL = "/v1/control/"
LIMITS = (
    "max_request_bytes",
    "max_header_bytes",
    "max_request_ms",
    "max_records_per_request",
    "max_record_bytes",
    "max_batch_bytes",
    "max_fetch_bytes",
    "max_wait_ms",
    "max_partitions_per_fetch",
    "max_json_depth",
    "max_partitions_per_topic",
    "producer_expiration_ms",
)


class _Record(msgspec.Struct):
    value: msgspec.Raw


class _Records(msgspec.Struct):
    records: list[_Record]


def fresh_name() -> str:
    """Return a topic name that nobody else uses."""
    return f"conformance-{uuid.uuid4().hex}"


class ServerSession:
    """A server under test, for one case, which ends within a minute. Every exchange is kept for the report.

    `api_key` is a key that it takes, sent with every request unless the case says otherwise, and `origin` one that its
    list of origins has; each is empty where there is none. `keys` are those that may not do everything, by name.
    `listed` are the features that it is known to list.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        api_key: str = "",
        keys: Mapping[str, str] | None = None,
        origin: str = "",
        listed: Collection[str] = (),
    ) -> None:
        self.wire = wire
        self.api_key = api_key
        self.keys = keys or {}
        self.origin = origin
        self.listed = listed
        self._ends = time.monotonic() + _CASE_S
        self._controls = False
        self.exchanges: list[Exchange] = []

    def send(
        self,
        method: str,
        target: str,
        *,
        value: Any = None,
        body: bytes | None = None,
        headers: tuple[tuple[str, str | None], ...] | None = None,
    ) -> Response:
        """Send a request; `value` becomes its JSON body, `body` is one as it stands, by default declared as JSON.

        A header whose value is None is left out.
        """
        self.begin(method, target, value=value, body=body, headers=headers)
        return self.answer()

    def begin(
        self,
        method: str,
        target: str,
        *,
        value: Any = None,
        body: bytes | None = None,
        headers: tuple[tuple[str, str | None], ...] | None = None,
    ) -> None:
        """Send a request as `send` does, without waiting for the answer."""
        if time.monotonic() > self._ends:
            raise Timeout(f"{method} {target}", [Mismatch("the case", f"ends within {_CASE_S} s", "it goes on and on")])
        if value is not None:
            body = json.dumps(value, separators=(",", ":")).encode()
        if headers is None:
            headers = () if body is None else (("Content-Type", JSON),)
        self._controls = self._controls or target.startswith(_CONTROL)
        self.wire.send(method, target, body=body, headers=self._with_key(headers))

    def answer(self) -> Response:
        """Return the answer to what was begun."""
        response = self.wire.receive()
        self.exchanges.append(response.exchange)
        return response

    def beside(self) -> "ServerSession":
        """Return a session with the same server over a connection of its own, for what happens at the same time."""
        wire = Wire(self.wire.url, self.wire.deadline_s)
        return self._another(wire, self.api_key)

    def holding(self, name: str) -> "ServerSession":
        """Return this session as whoever has the key of that name sees the server. (features `scopes`, `quotas`)"""
        other = self._another(self.wire, self.keys[name])
        other.exchanges = self.exchanges
        return other

    def _another(self, wire: Wire, api_key: str) -> "ServerSession":
        return ServerSession(wire, api_key=api_key, keys=self.keys, origin=self.origin, listed=self.listed)

    def connect(self) -> RawConnection:
        """Return a connection of its own, for bytes that are sent as they are; use it as a context manager."""
        return RawConnection(self.wire.address, self.wire.deadline_s, self.exchanges)

    def head(self, method: str, target: str, *lines: str, headers: tuple[tuple[str, str | None], ...] = ()) -> bytes:
        """Return the head of a request as bytes, with `lines` as they stand behind its own fields."""
        fields = [("Host", self.wire.host), *self._with_key(headers)]
        written = [
            f"{method} {self.wire.prefix}{target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields),
            *lines,
        ]
        return "".join(f"{line}\r\n" for line in [*written, ""]).encode("latin-1")

    def _with_key(self, headers: tuple[tuple[str, str | None], ...]) -> tuple[tuple[str, str], ...]:
        given = {name.lower() for name, _ in headers}
        key = () if "authorization" in given or not self.api_key else (("Authorization", f"Bearer {self.api_key}"),)
        return (*key, *((name, value) for name, value in headers if value is not None))

    def expect(self, step: str, response: Response, expected: dict[str, Any]) -> Any:
        """Check a response as a case's `response` describes it and return its JSON body; raises Violation."""
        self.require(step, list(check_response(expected, response)))
        return response.json() if response.body else None

    def require(self, step: str, found: list[Mismatch]) -> None:
        """Raise Violation if there are mismatches."""
        if found:
            raise Violation(step, found, self.exchanges[-4:])

    def features(self) -> list[str]:
        """Return the features that the server lists."""
        wanted = {"features": {"$contains": ["core"]}}
        answer = self.expect("discovery", self.send("GET", "/v1"), {"status": 200, "json": wanted})
        listed: list[str] = answer["features"]
        return listed

    def limits(self) -> dict[str, int]:
        """Return the limits that the server advertises; raises Violation if it advertises none."""
        response = self.send("GET", "/v1")
        limit = {"$type": "integer", "$min": 1}
        discovery = self.expect(
            "discovery", response, {"status": 200, "json": {"limits": dict.fromkeys(LIMITS, limit)}}
        )
        limits: dict[str, int] = discovery["limits"]
        return limits

    def limit(self, name: str) -> int:
        """Return one limit that comes with a feature; raises Violation if the server does not tell it."""
        limit = {"$type": "integer", "$min": 1}
        expected = {"status": 200, "json": {"limits": {name: limit}}}
        value: int = self.expect("discovery", self.send("GET", "/v1"), expected)["limits"][name]
        return value

    def topic_id(self, topic: str) -> str:
        """Return what tells a topic from another of its name."""
        expected = {"status": 200, "json": {"topic_id": {"$type": "string", "$pattern": "."}}}
        ident: str = self.expect("describe", self.send("GET", f"/v1/topics/{topic}"), expected)["topic_id"]
        return ident

    def create_topic(self, partitions: int, name: str | None = None) -> str:
        """Create a topic and return its name. It keeps its records however old their timestamps are. (RETAIN-009)"""
        topic = name or fresh_name()
        asked: dict[str, Any] = {"topic": topic, "partitions": partitions}
        if "retention" in self.listed:
            asked["configs"] = {"retention.ms": "-1"}
        response = self.send("POST", "/v1/topics", value=asked)
        created = {"topic": topic, "partition_count": partitions}
        self.expect("create the topic", response, {"status": 201, "json": created})
        return topic

    def produce(self, topic: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Produce records that are all to be appended and return the results."""
        response = self.send("POST", f"/v1/topics/{topic}/records", value={"records": records})
        place = {"partition": {"$type": "integer", "$min": 0}, "offset": {"$type": "integer", "$min": 0}}
        answer = self.expect("produce", response, {"status": 200, "json": {"results": [place] * len(records)}})
        results: list[dict[str, Any]] = answer["results"]
        return results

    def fetch(self, topic: str, partition: int, query: str) -> dict[str, Any]:
        """Read a partition once and return the answer."""
        response = self.send("GET", f"/v1/topics/{topic}/partitions/{partition}/records?{query}")
        wanted = {"records": {"$type": "array"}, "next_offset": {"$type": "integer", "$min": 0}}
        answer: dict[str, Any] = self.expect("fetch", response, {"status": 200, "json": wanted})
        return answer

    def read_all(self, topic: str, partition: int) -> list[dict[str, Any]]:
        """Read a partition to its end, in base64, and return the records."""
        records: list[dict[str, Any]] = []
        offset = 0
        while True:
            answer = self.fetch(topic, partition, f"offset={offset}&max_records=1000&encoding=base64&max_wait_ms=0")
            records += answer["records"]
            if answer["next_offset"] <= offset:
                return records
            offset = answer["next_offset"]

    def advance(self, ms: int) -> int:
        """Set the server's clock ahead and return the time that it shows then. (feature `control`)"""
        response = self.send("POST", f"{_CONTROL}clock", value={"advance_ms": ms})
        answer = self.expect("set the clock ahead", response, {"status": 200, "json": {"now_ms": {"$type": "integer"}}})
        now_ms: int = answer["now_ms"]
        return now_ms

    def now_ms(self) -> int:
        """Return what the server's time should be: the machine's, unless its clock has jumped ahead of that."""
        machine_ms = time.time_ns() // 1_000_000
        return max(machine_ms, self.advance(0)) if "control" in self.features() else machine_ms

    def pass_time(self, ms: int) -> None:
        """Have time go by on the server's clock, by waiting where it cannot be moved."""
        wanted = {"features": {"$contains": ["core"]}}
        listed = self.expect("discovery", self.send("GET", "/v1"), {"status": 200, "json": wanted})["features"]
        if "control" in listed:
            self.advance(ms)
        else:
            time.sleep(min(ms / 1000, _CASE_S))

    def inject(self, operation: str, fault: str, **members: Any) -> None:
        """Plant a fault in an operation; `members` are the others of the request. (feature `control`)"""
        planted = {"operation": operation, "fault": fault, **members}
        self.expect("plant a fault", self.send("POST", f"{_CONTROL}faults", value=planted), {"status": 204})

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are left. (feature `control`)"""
        response = self.send("GET", f"{_CONTROL}faults")
        answer = self.expect("list the faults", response, {"status": 200, "json": {"faults": {"$type": "array"}}})
        left: list[dict[str, Any]] = answer["faults"]
        return left

    def reset_faults(self) -> None:
        """Take back all faults. (feature `control`)"""
        self.expect("take back the faults", self.send("DELETE", f"{_CONTROL}faults"), {"status": 204})

    @contextlib.contextmanager
    def revoked(self, key: str) -> Iterator[None]:
        """Have a key taken back for a while. (feature `control`)"""
        told = {"key": key}
        self.expect("take back a key", self.send("POST", f"{_CONTROL}revocations", value=told), {"status": 204})
        try:
            yield
        finally:
            self.expect("restore the keys", self.send("DELETE", f"{_CONTROL}revocations"), {"status": 204})

    def leave(self) -> None:
        """Leave no fault behind for the next case; whether that worked is judged by cases of its own."""
        if self._controls:
            with contextlib.suppress(Violation):
                self.reset_faults()


class ClientSession:
    """A client under test, for one case that sends it to a real server, and the suite's own look at that server."""

    def __init__(self, adapter: Adapter, server: ServerSession) -> None:
        self.adapter = adapter
        self.server = server


def check_response(expected: dict[str, Any], response: Response) -> list[Mismatch]:
    """Return what of a response is not as a case's `response` describes it."""
    found: list[Mismatch] = []
    if response.status != expected["status"]:
        found.append(Mismatch("status", str(expected["status"]), str(response.status)))
    headers = {name.lower(): value for name, value in response.headers}
    for name, wanted in expected.get("headers", {}).items():
        found += mismatches({name.lower(): wanted}, headers, "header")
    for member, media_type in (("json", JSON), ("problem", PROBLEM_JSON)):
        if member in expected:
            declared = (response.header("Content-Type") or "").partition(";")[0].strip().lower()
            if declared != media_type:
                found.append(Mismatch("Content-Type", media_type, declared or "absent"))
            try:
                found += mismatches(expected[member], response.json(), "body")
            except ValueError as error:
                found.append(Mismatch("body", "JSON", str(error)))
    if "values" in expected:
        found += _check_values(expected["values"], response.body)
    return found


def _check_values(expected: list[str], body: bytes) -> list[Mismatch]:
    """Compare the JSON texts of the records' values, token for token."""
    try:
        seen = [bytes(record.value).decode() for record in msgspec.json.decode(body, type=_Records).records]
    except ValueError as error:
        return [Mismatch("records[].value", "records", str(error))]
    return [] if seen == expected else [Mismatch("records[].value", " and ".join(expected), " and ".join(seen))]
