"""Fetches that wait: for a record, or for the end of their time."""

import threading
import time

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch, Violation
from kafka_do_conformance.wire import Response

_SHORT_MS = 40
_LONG_MS = 8000
_EARLY_MS = 4000
_HEAD_START_S = 0.03


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
    waiting = _Waiting(server, target)
    waiting.join(_HEAD_START_S)
    server.produce(topic, [{"value": 1, "partition": 0}])
    server.produce(topic, [{"value": 2, "partition": 1}])
    response = waiting.response()
    expected = {"records": [{"offset": 0, "value": 2}], "next_offset": 1}
    server.expect("the fetch that waited", response, {"status": 200, "json": expected})
    took_ms = round((time.monotonic() - begun) * 1000)
    if took_ms > _EARLY_MS:
        server.require(
            "look at the clock", [Mismatch("the answer came after", f"less than {_EARLY_MS} ms", f"{took_ms} ms")]
        )


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
    took_ms = round((time.monotonic() - begun) * 1000)
    if took_ms > _EARLY_MS:
        server.require(
            "look at the clock", [Mismatch("the answer came after", f"less than {_EARLY_MS} ms", f"{took_ms} ms")]
        )


class _Waiting(threading.Thread):
    """A request that waits for its answer over a connection of its own."""

    def __init__(self, server: ServerSession, target: str) -> None:
        super().__init__(daemon=True)
        self._session = server.beside()
        self._target = target
        self._found: Response | Violation | None = None
        self.start()

    def run(self) -> None:
        """Send the request and keep what comes."""
        try:
            self._found = self._session.send("GET", self._target)
        except Violation as violation:
            self._found = violation
        finally:
            self._session.wire.close()

    def response(self) -> Response:
        """Return the answer; raises the Violation that came instead."""
        self.join(2 * self._session.wire.deadline_s)
        if isinstance(self._found, Response):
            return self._found
        raise self._found or Violation("wait", [Mismatch("answer", "one", "none")])


def _no_sooner(server: ServerSession, begun: float, wait_ms: int) -> None:
    took_ms = round((time.monotonic() - begun) * 1000)
    if took_ms < wait_ms - 1:
        server.require("look at the clock", [Mismatch("the answer came after", f"{wait_ms} ms", f"{took_ms} ms")])
