"""Keys: where they must not stand, and where a client must not send them."""

import json
import socket
from typing import Any

from kafka_do_conformance.case import client_case, server_case
from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest
from kafka_do_conformance.session import JSON, ClientSession, ServerSession, fresh_name
from kafka_do_conformance.verdict import Exchange, Mismatch, NotApplicable, Violation

_KEY = "conformance-key.0123456789~abcdef"
_APPENDED = {"results": [{"partition": 0, "offset": 7, "timestamp_ms": 1760000000000}]}
_EMPTY = {
    "topic": "t",
    "partition": 0,
    "records": [],
    "next_offset": 0,
    "high_watermark": 0,
    "log_start_offset": 0,
}
_RECORD: dict[str, Any] = {"key": None, "value": {"json": "1"}, "headers": [], "timestamp_ms": None, "partition": 0}


@server_case(
    title="A key is not repeated in an answer",
    requirements=["AUTH-004"],
    hint="Say that the key is not valid, not which one it was: answers stand in logs.",
)
def keys_are_not_repeated(server: ServerSession) -> None:
    """Send a wrong key in many places, and the valid one, and look for them in the answers."""
    topic = server.create_topic(1)
    wrong = "this-is-a.wrong~key"
    path = f"/v1/topics/{topic}"
    for key, target, expected in (
        (wrong, path, {"status": 401, "problem": {"code": "unauthorized"}}),
        (f"{wrong} {wrong}", path, {"status": 401, "problem": {"code": "unauthorized"}}),
        (server.api_key, "/v1/nothing-here", {"status": 404, "problem": {"code": "route_not_found"}}),
        (server.api_key, f"{path}?api_key={wrong}", {"status": 400, "problem": {"code": "invalid_request"}}),
        (server.api_key, path, {"status": 200}),
    ):
        response = server.send("GET", target, headers=(("Authorization", f"Bearer {key}"),))
        server.expect("ask", response, expected)
        said = " ".join(value for _, value in response.headers) + response.body.decode("utf-8", "replace")
        if wrong in said or server.api_key in said:
            server.require("look for the key", [Mismatch("answer", "no key in it", "the key stands in it")])


@client_case(
    title="A client sends its key with every request, in Authorization and nowhere else",
    requirements=["AUTH-006"],
    hint="Set the header where all requests are made; never put the key into a URL.",
)
def key_with_every_request(client: ClientSession) -> None:
    """Let the client produce and read with a key, and look at what the peer saw."""
    with Peer() as peer:
        for command, arguments, answer in (
            ("produce", {"records": [_RECORD]}, _APPENDED),
            ("read", {"partition": 0, "offset": {"int64": "0"}, "max_records": None}, _EMPTY),
        ):
            peer.script(_json(answer))
            reported = client.adapter.ask(command, url=peer.url, api_key=_KEY, topic=fresh_name(), **arguments)
            _require(command, _no_ok(reported), reported, peer)
            seen = list(peer.requests)
            _require(command, [] if peer.seen() else [Mismatch("requests on the wire", "1", "none")], reported, peer)
            for request in seen:
                _require(command, _misplaced(request), reported, peer)


@client_case(
    title="A client does not send a key over plain http to another machine",
    requirements=["AUTH-007"],
    hint="Refuse before a connection is made; 0.0.0.0 and names that only begin with localhost are no loopback.",
)
def key_over_plain_http(client: ClientSession) -> None:
    """Give the client a key and an address that is not loopback, though it leads to the peer."""
    with Peer() as peer:
        port = peer.url.rpartition(":")[2]
        _reach("0.0.0.0", int(port))  # noqa: S104  nothing listens there: it is a way to loopback without its name
        told = {"api_key": _KEY, "topic": fresh_name(), "records": [_RECORD]}
        peer.script(_json(_APPENDED))
        reported = client.adapter.ask("produce", url=f"http://0.0.0.0:{port}", **told)
        _require("another machine", [Mismatch("wire", "nothing", str(one)) for one in peer.requests], reported, peer)
        _require("another machine", _not_refused(reported), reported, peer)
        peer.script(_json(_APPENDED))
        reported = client.adapter.ask("produce", url=peer.url, **told)
        _require("loopback", _no_ok(reported), reported, peer)


@client_case(
    title="A client does not take its key to another origin",
    requirements=["AUTH-008"],
    hint="Do not follow redirects; another port is another origin.",
)
def key_across_a_redirect(client: ClientSession) -> None:
    """Redirect the client to another peer, which must not see the key."""
    with Peer() as first, Peer() as other:
        for status in (307, 308, 302):
            topic = fresh_name()
            location = f"{other.url}/v1/topics/{topic}/records"
            first.script(ScriptedAnswer(status, (("Location", location), ("Content-Type", "text/plain"))))
            other.script(_json(_APPENDED))
            reported = client.adapter.ask("produce", url=first.url, api_key=_KEY, topic=topic, records=[_RECORD])
            sent = first.seen()
            _require("the first peer", [] if sent else [Mismatch("requests on the wire", "1", "none")], reported, first)
            for request in sent:
                _require("the first peer", _misplaced(request), reported, first)
            carried = [Mismatch("wire", "no key", str(one)) for one in other.requests if _KEY in _everything(one)]
            _require("the other peer", carried, reported, other)


def _json(body: object) -> ScriptedAnswer:
    return ScriptedAnswer(200, (("Content-Type", JSON),), json.dumps(body).encode())


def _reach(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        raise NotApplicable(f"{host} does not lead to this machine, and no other address is safe to try") from None


def _misplaced(request: SeenRequest) -> list[Mismatch]:
    """Say whether a request has the key in its place and nowhere else."""
    scheme, _, key = (request.header("Authorization") or "absent").partition(" ")
    if scheme.lower() != "bearer" or key != _KEY:
        return [Mismatch("wire Authorization", f"Bearer {_KEY}", f"{scheme} {key}".strip())]
    times = _everything(request).count(_KEY)
    return [] if times == 1 else [Mismatch("wire", "the key once", f"{times} times")]


def _everything(request: SeenRequest) -> str:
    fields = " ".join(f"{name}: {value}" for name, value in request.headers)
    return f"{request.target} {fields} {request.body.decode('latin-1')}"


def _no_ok(reported: dict[str, object]) -> list[Mismatch]:
    return [] if "ok" in reported else [Mismatch("report", "ok", json.dumps(reported)[:400])]


def _not_refused(reported: dict[str, object]) -> list[Mismatch]:
    return [] if "refused" in reported else [Mismatch("report", "refused", json.dumps(reported)[:400])]


def _require(step: str, found: list[Mismatch], reported: dict[str, object], peer: Peer) -> None:
    if found:
        exchanges = [Exchange(str(request), "") for request in peer.requests]
        raise Violation(step, found, [*exchanges, Exchange("adapter", json.dumps(reported)[:1200])])
