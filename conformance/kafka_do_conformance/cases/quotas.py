"""How much a key may ask in a second."""

import time
from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.limited_keys import BEGINNING
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch
from kafka_do_conformance.wire import Response

_SECOND_MS = 1000
_REQUESTS = 5  # a second, of the key `metered`
_BYTES = 20_000  # a second, of the key `weighed`
_MOST_TRIES = 300
_MUCH = "a" * (3 * _BYTES)
_EXCEEDED: dict[str, Any] = {
    "status": 429,
    "headers": {"Retry-After": {"$type": "string", "$pattern": "^[1-9][0-9]*$"}},
    "problem": {
        "code": "quota_exceeded",
        "retriable": True,
        "indeterminate": False,
        "retry_after_ms": {"$type": "integer", "$min": 1},
    },
}


@server_case(
    title="Who has used up a quota of requests is refused, nothing is done, and waiting as told helps",
    requirements=["QUOTA-001", "QUOTA-003", "ERROR-005"],
    hint="Count before anything is done, and tell how long it takes until there is one more.",
)
def requests_are_counted(server: ServerSession) -> None:
    """Append until that is refused, look what was appended, wait as long as told, and append again."""
    topic = server.create_topic(1)
    metered = server.holding("metered")
    appended, refused = _until_refused(metered, topic)
    wait_ms = metered.expect("one too many", refused, _EXCEEDED)["retry_after_ms"]
    told = {"Retry-After": str(-(-wait_ms // _SECOND_MS))}
    metered.expect("the header says the same", refused, {"status": 429, "headers": told})
    _holds(server, topic, appended)
    server.pass_time(wait_ms)
    metered.expect("after waiting", _append(metered, topic), {"status": 200})
    _holds(server, topic, appended + 1)


@server_case(
    title="A key that was not used for a second has its whole quota at once, and not more after a longer time",
    requirements=["QUOTA-002", "QUOTA-001"],
    needs=("control",),
    hint="What is left over from one second is not added to the next for ever.",
)
def a_second_fills_the_quota(server: ServerSession) -> None:
    """Rest for a second and for an hour, and count how many requests are answered at once."""
    topic = server.create_topic(1)
    metered = server.holding("metered")
    for rest_ms in (_SECOND_MS, 3600 * _SECOND_MS):
        _until_refused(metered, topic)
        server.pass_time(rest_ms)
        begun = time.monotonic()
        answered, refused = _until_refused(metered, topic)
        took_s = time.monotonic() - begun
        metered.expect("one too many", refused, _EXCEEDED)
        most = _REQUESTS + int(took_s * _REQUESTS) + 1  # the clock goes on meanwhile
        if not _REQUESTS <= answered <= most:
            metered.require("after a rest", [Mismatch("answered at once", f"{_REQUESTS} to {most}", str(answered))])


@server_case(
    title="Bytes are counted in both directions; what is too much is answered, and delays the next request",
    requirements=["QUOTA-004", "QUOTA-001", "QUOTA-003"],
    hint="Else a record that is larger than a second's worth could never be sent.",
)
def bytes_are_owed(server: ServerSession) -> None:
    """Send and get three seconds' worth at once; each time the next request is refused and told to wait for long."""
    topic = server.create_topic(1)
    weighed = server.holding("weighed")
    fetch = f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms=0"
    for step in ("send much", "get much"):
        server.pass_time(_SECOND_MS)
        if step == "send much":
            response = weighed.send("POST", f"/v1/topics/{topic}/records", value={"records": [{"value": _MUCH}]})
            weighed.expect(step, response, {"status": 200, "json": {"results": [{"offset": 0}]}})
        else:
            answer = {"records": [{"offset": 0, "value": _MUCH}]}
            weighed.expect(step, weighed.send("GET", fetch), {"status": 200, "json": answer})
        refused = weighed.send("GET", f"/v1/topics/{topic}")
        wait_ms = weighed.expect(f"the request behind: {step}", refused, _EXCEEDED)["retry_after_ms"]
        if not _SECOND_MS // 2 <= wait_ms <= 3 * _SECOND_MS:
            wanted = f"{_SECOND_MS // 2} to {3 * _SECOND_MS}"
            weighed.require(f"the request behind: {step}", [Mismatch("retry_after_ms", wanted, str(wait_ms))])
        server.pass_time(wait_ms)
        described = {"status": 200, "json": {"partitions": [{"high_watermark": 1}]}}
        weighed.expect("after waiting", weighed.send("GET", f"/v1/topics/{topic}"), described)


@server_case(
    title="The quota of one key is not used up by others",
    requirements=["QUOTA-005", "QUOTA-001"],
    hint="Count for each key, and for nobody where there is none.",
)
def quotas_are_of_one_key(server: ServerSession) -> None:
    """Use up one key's quota and go on with others; send requests without a valid key and go on with that one."""
    topic = server.create_topic(1, BEGINNING + fresh_name())
    metered = server.holding("metered")
    _, refused = _until_refused(metered, topic)
    metered.expect("one too many", refused, _EXCEEDED)
    server.pass_time(_SECOND_MS)
    for number in range(2 * _REQUESTS):
        others = (server, server.holding("reader"))
        for other in others:
            other.expect("another key", other.send("GET", f"/v1/topics/{topic}"), {"status": 200})
        bad = server.send("GET", f"/v1/topics/{topic}", headers=(("Authorization", f"Bearer bad-{number}"),))
        server.expect("no valid key", bad, {"status": 401, "problem": {"code": "unauthorized"}})
    for _ in range(_REQUESTS):
        metered.expect("the key itself", metered.send("GET", f"/v1/topics/{topic}"), {"status": 200})


def _append(session: ServerSession, topic: str) -> Response:
    return session.send("POST", f"/v1/topics/{topic}/records", value={"records": [{"value": 1}]})


def _until_refused(session: ServerSession, topic: str) -> tuple[int, Response]:
    """Append until that is refused; return how often it was not, and the refusal."""
    for count in range(_MOST_TRIES):
        response = _append(session, topic)
        if response.status != 200:  # noqa: PLR2004  OK
            return count, response
    return _MOST_TRIES, response


def _holds(server: ServerSession, topic: str, count: int) -> None:
    described = {"status": 200, "json": {"partitions": [{"high_watermark": count}]}}
    server.expect("what was appended", server.send("GET", f"/v1/topics/{topic}"), described)
