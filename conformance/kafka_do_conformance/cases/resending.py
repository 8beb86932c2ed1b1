"""What a client sends again by itself, and when: the peer says what comes of each try."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

from kafka_do_conformance.case import client_case
from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest
from kafka_do_conformance.producer_peer import problem
from kafka_do_conformance.session import JSON, ClientSession, fresh_name
from kafka_do_conformance.verdict import Exchange, Mismatch, Violation

_RETRIES = 3
_WAIT_MS = 150
_SECOND_MS = 1000
_WIRE_MS = 5  # what a clock may be coarse by
_RECORD: dict[str, Any] = {
    "key": None,
    "value": {"bytes": "MQ=="},
    "headers": [],
    "timestamp_ms": None,
    "partition": None,
}
_PLACED = ScriptedAnswer(
    200, (("Content-Type", JSON),), b'{"results":[{"partition":0,"offset":7,"timestamp_ms":1760000000000}]}'
)
_LATER = problem(429, "quota_exceeded", retriable=True, retry_after_ms=_WAIT_MS)


@client_case(
    title="What is put off with retry_after_ms is sent again after that time, not before",
    requirements=["ERROR-009"],
    hint="Wait for the longer of your own pause and what the server asks for. To send nothing again is right too.",
)
def wait_as_long_as_the_server_asks(client: ClientSession) -> None:
    """Put a produce off twice."""
    seen, answer = _produce(client, [_LATER, _LATER, _PLACED])
    gaps = [round((after.at_s - before.at_s) * 1000) for before, after in pairwise(seen)]
    early = [gap for gap in gaps if gap < _WAIT_MS - _WIRE_MS]
    _require("pause", seen, answer, [Mismatch("pause", f"{_WAIT_MS} ms or more", f"{early} ms")] if early else [])
    _require("report", seen, answer, _told(answer, len(seen), "quota_exceeded"))


@client_case(
    title="What is put off with the header Retry-After alone is sent again after that time, not before",
    requirements=["ERROR-010"],
    hint="A proxy knows no `retry_after_ms`. The header has seconds, or a time to be compared with `Date`.",
)
def wait_as_long_as_the_header_asks(client: ClientSession) -> None:
    """Put a produce off for a second, said in each of the two forms."""
    said = {
        "seconds": (("Retry-After", "1"),),
        "a time": (("Date", "Thu, 26 Nov 2026 12:00:00 GMT"), ("Retry-After", "Thu, 26 Nov 2026 12:00:01 GMT")),
    }
    for name, headers in said.items():
        plain = problem(503, "not_leader", retriable=True)
        later = replace(plain, headers=(*plain.headers, *headers))
        seen, answer = _produce(client, [later, _PLACED])
        gaps = [round((after.at_s - before.at_s) * 1000) for before, after in pairwise(seen)]
        early = [gap for gap in gaps if gap < _SECOND_MS - _WIRE_MS]
        _require(name, seen, answer, [Mismatch("pause", f"{_SECOND_MS} ms or more", f"{early} ms")] if early else [])
        _require(name, seen, answer, _told(answer, len(seen), "not_leader", enough=2))


@client_case(
    title="A plain produce whose effect is unknown is not sent again, however often that is allowed",
    requirements=["PRODUCE-017"],
    hint="Only `retriable` says that a second try cannot append twice. An answer that never came says nothing.",
)
def send_nothing_twice(client: ClientSession) -> None:
    """Lose a produce in several ways, and refuse one."""
    lost = {
        "dropped": ScriptedAnswer(fault="drop-before-answer"),
        "502 of a proxy": ScriptedAnswer(502, (("Content-Type", "text/html"),), b"<h1>Bad gateway</h1>"),
        "timeout": problem(504, "timeout", indeterminate=True),
        "topic_not_found": problem(404, "topic_not_found", topic="t"),
    }
    for name, answered in lost.items():
        seen, answer = _produce(client, [answered, _PLACED, _PLACED])
        twice = len(seen) != 1
        _require(name, seen, answer, [Mismatch("requests", "1", str(len(seen)))] if twice else [])
        reported = _error_of(answer)
        right = reported is not None and reported.get("indeterminate") == (name != "topic_not_found")
        _require(name, seen, answer, [] if right else [Mismatch("report", "the error, and what is known", str(answer))])


def _produce(client: ClientSession, plan: list[ScriptedAnswer]) -> tuple[list[SeenRequest], dict[str, Any]]:
    """Have one record sent to a peer that answers by plan; return what it saw, and what the adapter said."""
    left = list(plan)
    with Peer(answering=lambda _: left.pop(0) if left else _PLACED) as peer:
        answer = client.adapter.ask("produce", url=peer.url, topic=fresh_name(), retries=_RETRIES, records=[_RECORD])
        return peer.seen(), answer


def _error_of(answer: dict[str, Any]) -> dict[str, Any] | None:
    if "error" in answer:
        error: dict[str, Any] = answer["error"]
        return error
    results = answer.get("ok", {}).get("results", [{}])
    return results[0].get("error") if len(results) == 1 else None


def _told(answer: dict[str, Any], tries: int, code: str, *, enough: int = _RETRIES) -> list[Mismatch]:
    """Compare what is reported with what came of the last try: one of `enough` is appended."""
    if tries == enough:
        right = answer.get("ok", {}).get("results", [{}])[0].get("offset") == {"int64": "7"}
    else:
        right = (_error_of(answer) or {}).get("code") == code
    return [] if right else [Mismatch("report", "what came of the last try", json.dumps(answer))]


def _require(step: str, seen: list[SeenRequest], answer: dict[str, Any], found: list[Mismatch]) -> None:
    if found:
        shown = [Exchange(str(request), "") for request in seen]
        raise Violation(step, found, [*shown, Exchange("adapter produce", json.dumps(answer)[:1200])])
