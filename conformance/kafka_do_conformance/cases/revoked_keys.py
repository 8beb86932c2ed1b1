"""Keys that are taken back."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.limited_keys import BEGINNING
from kafka_do_conformance.live import EVENTS, LiveStream
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

_LATEST_MS = 15_000
_REFUSED: dict[str, Any] = {"status": 401, "problem": {"code": "unauthorized"}}


@server_case(
    title="A key that is taken back is refused 15 seconds later, and no other key is",
    requirements=["AUTH-009", "CONTROL-013"],
    needs=("scopes",),
    hint="Whoever remembers that a key was valid has to ask again before the fifteen seconds are over.",
)
def revoked_key_is_refused(server: ServerSession) -> None:
    """Use a key, take it back, let the time pass, use it and others, and restore it."""
    topic = _topic(server)
    reader = server.holding("reader")
    place = f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms=0"
    produced = {"records": [{"value": 1}]}
    reader.expect("a valid key", reader.send("GET", place), {"status": 200})
    with server.revoked(server.keys["reader"]):
        server.advance(_LATEST_MS)
        reader.expect("taken back", reader.send("GET", place), _REFUSED)
        writer = server.holding("writer")
        writer.expect(
            "another key", writer.send("POST", f"/v1/topics/{topic}/records", value=produced), {"status": 200}
        )
        server.expect("the suite's key", server.send("GET", place), {"status": 200})
    reader.expect("restored", reader.send("GET", place), {"status": 200})


@server_case(
    title="Live streams of a key that is taken back end, and no others do",
    requirements=["AUTH-009"],
    needs=("scopes", "streams"),
    hint="Ask now and then whether the key of an open stream is still valid, also while nothing is appended.",
)
def streams_of_a_revoked_key_end(server: ServerSession) -> None:
    """Open streams in both forms with the key and one with another, take the key back, and let the time pass."""
    topic = _topic(server)
    reader = server.holding("reader")
    target = f"/v1/topics/{topic}/partitions/0/records?offset=0&heartbeat_ms=30000"
    with (
        LiveStream(reader, target) as lines,
        LiveStream(reader, target, accept=EVENTS) as events,
        LiveStream(server, target) as other,
    ):
        for stream in (lines, other):
            stream.line("begin", {"type": "heartbeat"})
        events.event("begin", {"type": "heartbeat"})
        with server.revoked(server.keys["reader"]):
            server.advance(_LATEST_MS)
            lines.ends("key")
            events.event("its end", {"type": "end", "reason": "key"})
        server.produce(topic, [{"value": 1}])
        other.line("another key", {"type": "records", "next_offset": 1})


@server_case(
    title="A key that the server does not take cannot be taken back, and is not repeated",
    requirements=["CONTROL-014"],
    hint="Whoever tests with a misspelt key has to hear of it.",
)
def unknown_key_cannot_be_revoked(server: ServerSession) -> None:
    """Take back keys that there are not, and say it badly."""
    unknown = "this-is-a.wrong~key"
    for body in ({"key": unknown}, {"key": ""}, {}, {"key": None}, {"key": 1}):
        response = server.send("POST", "/v1/control/revocations", value=body)
        problem = {"code": "invalid_request", "errors": [{"pointer": "/key"}]}
        server.expect(f"take back {body}", response, {"status": 400, "problem": problem})
        if unknown in response.body.decode("utf-8", "replace"):
            server.require("look for the key", [Mismatch("answer", "no key in it", "the key stands in it")])


def _topic(server: ServerSession) -> str:
    topic = BEGINNING + fresh_name()
    server.create_topic(1, topic)
    return topic
