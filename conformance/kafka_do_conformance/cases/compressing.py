"""Bodies that a client compresses: what it says of them, and that they are what they were."""

import json
import zlib
from typing import Any

import msgspec

from kafka_do_conformance.case import client_case
from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest
from kafka_do_conformance.session import JSON, ClientSession, fresh_name
from kafka_do_conformance.verdict import Exchange, Mismatch, Violation
from kafka_do_conformance.wire import shorten

_COUNT = 40
_RECORD: dict[str, Any] = {
    "key": None,
    "value": {"json": json.dumps("the same again, and again " * 40)},
    "headers": [],
    "timestamp_ms": None,
    "partition": None,
}
_PLACED = ScriptedAnswer(
    200,
    (("Content-Type", JSON),),
    json.dumps(
        {"results": [{"partition": 0, "offset": n, "timestamp_ms": 1760000000000} for n in range(_COUNT)]}
    ).encode(),
)


@client_case(
    title="A body that the client compresses is one gzip member, says so, and inflates to the same records",
    requirements=["HTTP-023"],
    hint="`Content-Encoding: gzip`, and nothing behind the member: neither zlib's own format nor raw deflate is gzip.",
)
def compressed_produce(client: ClientSession) -> None:
    """Have a large batch sent as it is and compressed, and compare."""
    plain, compressed = _produce(client), _produce(client, compression="gzip")
    coding = (compressed.header("Content-Encoding") or "absent").strip().lower()
    found = [Mismatch("Content-Encoding", "gzip", coding)] if coding != "gzip" else []
    body, fault = _inflated(compressed.body)
    if fault:
        found.append(Mismatch("body", "one gzip member", fault))
    elif msgspec.json.decode(body) != msgspec.json.decode(plain.body):
        found.append(Mismatch("inflated body", "what is sent without compression", body[:200].decode(errors="replace")))
    if found:
        raise Violation("compressed", found, [Exchange(str(plain), ""), Exchange(str(compressed), "")])


def _inflated(body: bytes) -> tuple[bytes, str]:
    """Return what a body inflates to, and what is wrong with it, if something is."""
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        inflated = stream.decompress(body)
    except zlib.error as error:
        return b"", f"{shorten(body)}: {error}"
    if not stream.eof:
        return inflated, "one whose end is missing"
    return inflated, f"{len(stream.unused_data)} bytes behind it" if stream.unused_data else ""


def _produce(client: ClientSession, **options: str) -> SeenRequest:
    """Have the batch sent, and return the request in which it came."""
    with Peer(answering=lambda _: _PLACED) as peer:
        answer = client.adapter.ask("produce", url=peer.url, topic=fresh_name(), records=[_RECORD] * _COUNT, **options)
        seen = peer.seen()
    if len(seen) != 1 or "ok" not in answer:
        told = f"{len(seen)} requests, and the adapter told {json.dumps(answer)[:300]}"
        raise Violation("produce", [Mismatch("requests", "one, whose answer is reported", told)])
    return seen[0]
