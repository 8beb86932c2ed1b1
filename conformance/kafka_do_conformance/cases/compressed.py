"""Compressed bodies: zstd in requests, and answers as `Accept-Encoding` allows."""

import gzip
import zlib

import zstandard

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, check_response
from kafka_do_conformance.verdict import Mismatch, NotApplicable
from kafka_do_conformance.wire import Response

_ONE = b'{"records":[{"value":1}]}'
_MOST_BYTES = 64 * 1024 * 1024
_LONG = "abc " * 30_000
_CODINGS = ("gzip", "zstd")


@server_case(
    title="A body in zstd is what it inflates to, and a broken one is refused",
    requirements=["HTTP-019"],
    hint="One frame, from its first byte to its last; its size need not stand in it.",
)
def zstd_bodies(server: ServerSession) -> None:
    """Append with bodies in zstd, whole and broken, and count what was appended."""
    topic = server.create_topic(1)
    whole = zstandard.ZstdCompressor().compress(_ONE)
    stream = zstandard.ZstdCompressor().compressobj()
    without_size = stream.compress(_ONE) + stream.flush()
    appended = {"status": 200, "json": {"results": [{"partition": 0}]}}
    for step, body, coding in (
        ("a frame", whole, "zstd"),
        ("a frame without its size", without_size, "zstd"),
        ("the name in capitals", whole, "ZStd"),
    ):
        server.expect(step, _send(server, topic, body, coding), appended)
    broken = {"status": 400, "problem": {"code": "invalid_request", "errors": [{"pointer": ""}]}}
    for step, body in (
        ("plain", _ONE),
        ("gzip", gzip.compress(_ONE)),
        ("cut short", without_size[:-1]),
        ("a byte behind it", whole + b"x"),
        ("two frames", whole + whole),
    ):
        server.expect(step, _send(server, topic, body, "zstd"), broken)
    twice = _send(server, topic, whole, "zstd, zstd")
    server.expect("twice", twice, {"status": 415, "problem": {"code": "unsupported_content_encoding"}})
    described = {"status": 200, "json": {"partitions": [{"high_watermark": 3}]}}
    server.expect("what was appended", server.send("GET", f"/v1/topics/{topic}"), described)


@server_case(
    title="A zstd body that inflates to more than max_request_bytes is refused",
    requirements=["HTTP-020"],
    hint="Stop inflating at the limit, whatever size the frame says of itself.",
)
def zstd_without_end(server: ServerSession) -> None:
    """Send a small body that inflates to one byte too many, one to twenty times the limit, and one to the limit."""
    limit = server.limits()["max_request_bytes"]
    if limit > _MOST_BYTES:
        raise NotApplicable(f"max_request_bytes is {limit}; the suite makes at most {_MOST_BYTES}")
    topic = server.create_topic(1)
    refused = {"status": 413, "problem": {"code": "request_too_large", "max_request_bytes": limit}}
    for step, length, expected in (
        ("one byte too many", limit + 1, refused),
        ("twenty times the limit", 20 * limit, refused),
        ("as much as allowed", limit, {"status": 200, "json": {"results": [{"offset": 0}]}}),
    ):
        server.expect(step, _send(server, topic, _padded(length), "zstd"), expected)


@server_case(
    title="A compressed answer inflates to what it would be without, and caches are told",
    requirements=["HTTP-021", "HTTP-008"],
    hint="Compress the whole body; Vary names Accept-Encoding.",
)
def compressed_answers(server: ServerSession) -> None:
    """Read a long record with every Accept-Encoding, and compare."""
    topic = server.create_topic(1)
    server.produce(topic, [{"value": _LONG}])
    plain = _read(server, topic, None)
    server.expect("plain", plain, {"status": 200, "json": {"records": [{"offset": 0, "value": _LONG}]}})
    server.require("plain", _unlike(plain, plain.body, ("",)))
    for accept, allowed in (
        ("gzip", ("", "gzip")),
        ("gzip;q=0.5, zstd;q=0", ("", "gzip")),
        ("gzip, zstd", ("", "gzip", "zstd")),
        ("zstd", ("", "zstd")),
        ("gzip;q=0, zstd;q=0", ("",)),
        ("identity", ("",)),
    ):
        response = _read(server, topic, accept)
        server.require(accept, check_response({"status": 200}, response))
        server.require(accept, _unlike(response, plain.body, allowed))


@server_case(
    title="A long answer is compressed for those who can read it",
    requirements=["HTTP-022"],
    hint="Text of records becomes a fraction of its length.",
)
def long_answers_are_compressed(server: ServerSession) -> None:
    """Read a long record and look whether the answer is compressed, in each coding that the server offers."""
    topic = server.create_topic(1)
    server.produce(topic, [{"value": _LONG}])
    wanted = {"features": {"$contains": ["core"]}}
    listed = server.expect("discovery", server.send("GET", "/v1"), {"status": 200, "json": wanted})["features"]
    for coding in _CODINGS if "zstd" in listed else _CODINGS[:1]:
        expected = {"status": 200, "headers": {"Content-Encoding": coding}}
        server.require(coding, check_response(expected, _read(server, topic, coding)))


def _send(server: ServerSession, topic: str, body: bytes, coding: str) -> Response:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", coding))
    return server.send("POST", f"/v1/topics/{topic}/records", body=body, headers=headers)


def _padded(length: int) -> bytes:
    """Return a body that inflates to so many bytes, most of them spaces, whose frame does not tell so."""
    stream = zstandard.ZstdCompressor(level=1).compressobj()
    parts = [stream.compress(_ONE[:-1])]
    left = length - len(_ONE)
    while left:
        parts.append(stream.compress(b" " * min(left, 1 << 20)))
        left -= min(left, 1 << 20)
    return b"".join([*parts, stream.compress(b"}"), stream.flush()])


def _read(server: ServerSession, topic: str, accept: str | None) -> Response:
    target = f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms=0"
    return server.send("GET", target, headers=(("Accept-Encoding", accept),))


def _unlike(response: Response, plain: bytes, allowed: tuple[str, ...]) -> list[Mismatch]:
    """Return what is wrong with an answer that should be `plain`, in one of the codings that are allowed."""
    coding = (response.header("Content-Encoding") or "").lower()
    if coding not in allowed:
        return [Mismatch("Content-Encoding", " or ".join(one or "none" for one in allowed), coding)]
    if not coding:
        return [] if response.body == plain else [Mismatch("the body", "as without Accept-Encoding", "another")]
    vary = ", ".join(value for name, value in response.headers if name.lower() == "vary").lower()
    found = [] if "accept-encoding" in vary or vary == "*" else [Mismatch("Vary", "with Accept-Encoding", vary)]
    try:
        inflated = _inflated(coding, response.body)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        return [*found, Mismatch("the body", coding, str(error))]
    return found if inflated == plain else [*found, Mismatch("the body, inflated", "as without", "another")]


def _inflated(coding: str, body: bytes) -> bytes:
    if coding == "gzip":
        return gzip.decompress(body)
    stream = zstandard.ZstdDecompressor().decompressobj()
    inflated = stream.decompress(body)
    if not stream.eof:
        raise EOFError("the frame is cut short")
    return inflated
