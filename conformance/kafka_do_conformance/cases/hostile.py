"""Bytes that are no proper request: floods, lies about lengths, requests that never finish."""

import gzip
import json
import time
from collections.abc import Iterable

from kafka_do_conformance.case import server_case
from kafka_do_conformance.raw import RawConnection
from kafka_do_conformance.session import ServerSession, check_response
from kafka_do_conformance.verdict import Mismatch, NotApplicable, Violation
from kafka_do_conformance.wire import Response

_MOST_BYTES = 64 * 1024 * 1024
_MUCH = 3 * 1024 * 1024  # so much of a body that no server keeps all of it from its application
_MOMENT_MS = 40  # a server may learn late that a connection is gone
_MOST_HEAD = 16 * 1024 * 1024
_MOST_WAIT_MS = 40_000
_MOST_WAIT_FOR_ADVICE_MS = 2_000  # what is only recommended is not worth half a minute
_LATE_S = 3.0
_DRIP_S = 0.04
_MALFORMED = 400
_ONE = b'{"records":[{"value":1}]}'


@server_case(
    title="A body that inflates to more than max_request_bytes is refused",
    requirements=["HTTP-006", "CONV-010"],
    hint="Stop inflating at the limit; never inflate the whole to measure it.",
)
def inflates_without_end(server: ServerSession) -> None:
    """Send a small body that inflates to one byte too many, and to a hundred times the limit."""
    limit = server.limits()["max_request_bytes"]
    if limit > _MOST_BYTES:
        raise NotApplicable(f"max_request_bytes is {limit}; the suite makes at most {_MOST_BYTES}")
    topic = server.create_topic(1)
    expected = {"status": 413, "problem": {"code": "request_too_large", "max_request_bytes": limit}}
    for name, length in (("one byte too many", limit + 1), ("five times the limit", 5 * limit)):
        body = gzip.compress(_ONE[:-1] + b" " * (length - len(_ONE)) + b"}", compresslevel=1)
        server.expect(name, _gzipped(server, topic, body), expected)
    whole = gzip.compress(_ONE[:-1] + b" " * (limit - len(_ONE)) + b"}", compresslevel=1)
    server.expect(
        "as much as allowed", _gzipped(server, topic, whole), {"status": 200, "json": {"results": [{"offset": 0}]}}
    )


@server_case(
    title="A body in chunks is bounded like any other",
    requirements=["HTTP-015", "CONV-010"],
    hint="Count the bytes of the chunks; there is no Content-Length to believe.",
)
def chunks_without_end(server: ServerSession) -> None:
    """Send a body in chunks that is a little too long, and one that is not."""
    limit = server.limits()["max_request_bytes"]
    if limit > _MOST_BYTES:
        raise NotApplicable(f"max_request_bytes is {limit}; the suite sends at most {_MOST_BYTES}")
    topic = server.create_topic(1)
    expected = {"status": 413, "problem": {"code": "request_too_large", "max_request_bytes": limit}}
    for step, body, wanted in (
        ("one byte too many", _ONE[:-1] + b" " * (limit + 1 - len(_ONE)) + b"}", expected),
        ("a short body", _ONE, {"status": 200, "json": {"results": [{"offset": 0}]}}),
    ):
        with server.connect() as connection:
            connection.send(_head(server, topic, "Transfer-Encoding: chunked"))
            for start in range(0, len(body), 65536):
                part = body[start : start + 65536]
                connection.send(b"%x\r\n%b\r\n" % (len(part), part))
            connection.send(b"0\r\n\r\n")
            server.require(step, _unlike(wanted, connection.answer()))


def _gzipped(server: ServerSession, topic: str, body: bytes) -> Response:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    return server.send("POST", f"/v1/topics/{topic}/records", body=body, headers=headers)


@server_case(
    title="A head that is too long is refused, and one of half the limit is taken",
    requirements=["HTTP-009"],
    hint="Count the bytes of request line and fields while they arrive, and stop reading above the limit.",
)
def heads_without_end(server: ServerSession) -> None:
    """Send one long field, many short ones, and a long request line."""
    limit = _limit_of_heads(server)
    topic = server.create_topic(1)
    with server.connect() as connection:
        connection.send(server.head("GET", f"/v1/topics/{topic}", "X-Long: " + "a" * (limit // 2 - 1024)))
        server.require("half the limit", _unlike({"status": 200}, connection.answer()))
    for step, head in _long_heads(server, topic, limit):
        with server.connect() as connection:
            connection.send(head)
            _refused(server, step, connection, 431)
    server.expect("the server goes on", server.send("GET", f"/v1/topics/{topic}"), {"status": 200})


@server_case(
    title="A head that is too long is answered with a problem, and the connection ends",
    requirements=["HTTP-010"],
    hint="Say what the limit is; then close, without a reset that would destroy the answer.",
)
def problem_for_a_long_head(server: ServerSession) -> None:
    """Send one long field and look at the answer."""
    limit = _limit_of_heads(server)
    topic = server.create_topic(1)
    problem = {"code": "request_headers_too_large", "max_header_bytes": limit}
    with server.connect() as connection:
        connection.send(server.head("GET", f"/v1/topics/{topic}", "X-Long: " + "a" * (2 * limit)))
        server.require("a long field", _unlike({"status": 431, "problem": problem}, connection.answer()))
        _ends(server, connection)


def _limit_of_heads(server: ServerSession) -> int:
    limit = server.limits()["max_header_bytes"]
    if limit > _MOST_HEAD:
        raise NotApplicable(f"max_header_bytes is {limit}; the suite sends at most {_MOST_HEAD}")
    return limit


def _long_heads(server: ServerSession, topic: str, limit: int) -> Iterable[tuple[str, bytes]]:
    target = f"/v1/topics/{topic}"
    yield "one long field", server.head("GET", target, "X-Long: " + "a" * (2 * limit))
    yield "many fields", server.head("GET", target, *(f"X-{number}: {'a' * 50}" for number in range(limit // 25)))
    yield "a long request line", server.head("GET", f"{target}?a={'b' * (2 * limit)}")
    yield "a field without end", server.head("GET", target, "X-Long: " + "a" * (8 * limit)).removesuffix(b"\r\n\r\n")


_NO_REQUESTS = (
    ("no HTTP at all", b"\x00\x01\x02 hello\r\n\r\n"),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("a NUL in a field", b"GET /v1 HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n"),
    ("a field without a name", b"GET /v1 HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
    ("a space before the colon", b"GET /v1 HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello"),
)
_UNCLEAR_LENGTHS = (
    ("a negative length", ("Content-Length: -25",), _ONE),
    ("a length that is no number", ("Content-Length: 2five",), _ONE),
    ("two lengths", ("Content-Length: 25", "Content-Length: 24"), _ONE),
    ("a length and chunks", ("Content-Length: 25", "Transfer-Encoding: chunked"), b"19\r\n" + _ONE + b"\r\n0\r\n\r\n"),
    ("a chunk of no size", ("Transfer-Encoding: chunked",), b"x\r\n" + _ONE + b"\r\n0\r\n\r\n"),
)


@server_case(
    title="Bytes that are no request, or one of unclear length, are refused and the connection ends",
    requirements=["HTTP-011", "CONV-010"],
    hint="Do not guess where a request ends: what a proxy in front guesses may be something else.",
)
def no_requests(server: ServerSession) -> None:
    """Send garbage and lies, look that each is refused and that nothing was appended."""
    topic = server.create_topic(1)
    requests = [*_NO_REQUESTS, *((name, _head(server, topic, *lines) + body) for name, lines, body in _UNCLEAR_LENGTHS)]
    for step, data in requests:
        with server.connect() as connection:
            connection.send(data)
            _refused(server, step, connection, _MALFORMED)
    _expect_nothing(server, topic)


@server_case(
    title="Bytes that are no request are answered with a problem document",
    requirements=["HTTP-012"],
    hint="A person who sees it in a log learns what was wrong.",
)
def problem_for_no_request(server: ServerSession) -> None:
    """Send garbage and lies, and look at the answers."""
    topic = server.create_topic(1)
    for step, data in (_NO_REQUESTS[0], ("two lengths", _head(server, topic, *_UNCLEAR_LENGTHS[2][1]) + _ONE)):
        with server.connect() as connection:
            connection.send(data)
            expected = {"status": _MALFORMED, "problem": {"code": "invalid_request", "errors": [{"pointer": ""}]}}
            server.require(step, _unlike(expected, connection.answer()))
            _ends(server, connection)


_PATHS = (
    "/v1/topics/..%2f..",
    "/v1/topics/%2e%2e",
    "/v1/topics/../../v1",
    "/v1/topics/%2e%2e%2ftopics",
    "/v1/topics/%00",
    "/v1/topics/%zz",
    "/v1/topics/%",
    "/v1/topics/%c0%af",
    "/v1/topics/%ff%fe",
    "/v1//topics",
    "//v1/topics",
    "/v1/topics//records",
    "/v1/topics/a%2Frecords",
    "/v1/topics/a\\b",
    "/v1/topics/a;b=c",
    "/v1/topics/a/partitions/-1/records?offset=0",
    "/v1/topics/a/partitions/99999999999999999999999/records?offset=0",
    "/v1/topics/" + "a" * 20_000,
)


@server_case(
    title="Paths that make no sense are refused",
    requirements=["HTTP-013"],
    hint="Split the path as it stands on the wire, then decode each segment, once; bad UTF-8 is the client's fault.",
)
def odd_paths(server: ServerSession) -> None:
    """Ask for what there is not, in many spellings."""
    topic = server.create_topic(1)
    for path in _PATHS:
        response = server.send("GET", path)
        found = (
            [] if response.status in range(400, 500) else [Mismatch("status", "from 400 to 499", str(response.status))]
        )
        server.require(path[:80], found)
    for path, named in (("/v1/topics/a%2Fb", "a/b"), ("/v1/topics/a%252Fb", "a%2Fb")):
        problem = {"code": "topic_not_found", "topic": named}
        server.expect(path, server.send("GET", path), {"status": 404, "problem": problem})
    escaped = "".join(f"%{ord(letter):02X}" for letter in topic)
    found_again = {"status": 200, "json": {"topic": topic}}
    server.expect("a path that makes sense", server.send("GET", f"/v1/topics/{escaped}"), found_again)


@server_case(
    title="Requests that were sent without waiting are answered in their order",
    requirements=["HTTP-014"],
    hint="An answer that is ready waits for those before it; so does the refusal of what cannot be read.",
)
def requests_in_a_row(server: ServerSession) -> None:
    """Send a slow request, a fast one and one that is none, in one piece."""
    topic = server.create_topic(1)
    slow = server.head("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms=50")
    append = _head(server, topic, f"Content-Length: {len(_ONE)}") + _ONE
    with server.connect() as connection:
        connection.send(slow + server.head("GET", f"/v1/topics/{topic}") + append + b"no request\r\n\r\n")
        server.require("the slow one", _unlike({"status": 200, "json": {"next_offset": 0}}, connection.answer()))
        server.require("the fast one", _unlike({"status": 200, "json": {"topic": topic}}, connection.answer()))
        appended = {"status": 200, "json": {"results": [{"offset": 0}]}}
        server.require("the append", _unlike(appended, connection.answer()))
        _refused(server, "the one that is none", connection, _MALFORMED)


@server_case(
    title="A request that is shorter than announced has no effect",
    requirements=["HTTP-018"],
    hint="Act on a request when its last byte is there.",
)
def requests_cut_short(server: ServerSession) -> None:
    """Announce more than is sent, and hang up."""
    topic = server.create_topic(1)
    records = json.dumps({"records": [{"value": number} for number in range(3)]}).encode()
    spaced = records + b" " * min(_MUCH, server.limits()["max_request_bytes"] - len(records) - 1)
    for line, body in (
        (f"Content-Length: {len(records) + 1}", records),
        ("Transfer-Encoding: chunked", b"%x\r\n%b\r\n" % (len(records), records)),
        (f"Content-Length: {len(spaced) + 1}", spaced),
    ):
        with server.connect() as connection:
            connection.send(_head(server, topic, line) + body)
            server.expect("meanwhile", server.send("GET", f"/v1/topics/{topic}"), {"status": 200})
    _expect_nothing(server, topic)
    _expect_first(server, topic)


@server_case(
    title="A request that does not finish is ended, and has no effect",
    requirements=["HTTP-016", "HTTP-018"],
    hint="Start a clock at the first byte of a request and stop it at its last; bytes between do not start it again.",
)
def requests_that_never_finish(server: ServerSession) -> None:
    """Send a part of a head and a part of a body, then a byte more now and then."""
    limit_ms = _limit_of_time(server, _MOST_WAIT_MS)
    topic = server.create_topic(1)
    head = server.head("GET", f"/v1/topics/{topic}", "X-Slow: a").removesuffix(b"\r\n\r\n")
    body = _head(server, topic, f"Content-Length: {len(_ONE) + 100_000}") + _ONE
    ends = time.monotonic() + limit_ms / 1000 + _LATE_S
    with server.connect() as half_head, server.connect() as half_body:
        half_head.send(head)
        half_body.send(body)
        for step, connection in (("half a head", half_head), ("half a body", half_body)):
            while not connection.has_news(_DRIP_S):
                if time.monotonic() > ends:
                    seen = f"takes more bytes after {limit_ms} ms and {_LATE_S:g} s"
                    raise Violation(step, [Mismatch("the server", "refuses or closes", seen)], server.exchanges[-2:])
                half_head.send(b"a")
                half_body.send(b" ")
            _refused(server, step, connection, 408)
    _expect_nothing(server, topic)
    _expect_first(server, topic)


@server_case(
    title="A request that does not finish is answered with a problem, and the connection ends",
    requirements=["HTTP-017"],
    hint="The client may send it again: say so, and say the limit.",
)
def problem_for_an_unfinished_request(server: ServerSession) -> None:
    """Send a part of a body and wait."""
    limit_ms = _limit_of_time(server, _MOST_WAIT_FOR_ADVICE_MS)
    topic = server.create_topic(1)
    problem = {"code": "request_timeout", "retriable": True, "max_request_ms": limit_ms}
    with server.connect() as connection:
        begun = time.monotonic()
        connection.send(_head(server, topic, f"Content-Length: {len(_ONE) + 1}") + _ONE)
        answer = connection.answer(within_s=limit_ms / 1000 + _LATE_S)
        server.require("half a body", _unlike({"status": 408, "problem": problem}, answer))
        took_ms = round((time.monotonic() - begun) * 1000)
        if took_ms < limit_ms - 1:
            server.require("look at the clock", [Mismatch("the answer came after", f"{limit_ms} ms", f"{took_ms} ms")])
        _ends(server, connection)


def _limit_of_time(server: ServerSession, most_ms: int) -> int:
    limit_ms = server.limits()["max_request_ms"]
    if limit_ms > most_ms:
        raise NotApplicable(f"max_request_ms is {limit_ms}; the suite waits for {most_ms} at most")
    return limit_ms


def _head(server: ServerSession, topic: str, *lines: str) -> bytes:
    """Return the head of a produce request with further lines."""
    return server.head("POST", f"/v1/topics/{topic}/records", "Content-Type: application/json", *lines)


def _unlike(expected: dict[str, object], answer: Response | None) -> list[Mismatch]:
    if answer is None:
        return [Mismatch("answer", f"status {expected['status']}", "the connection was closed")]
    return check_response(expected, answer)


def _refused(
    server: ServerSession, step: str, connection: RawConnection, status: int, *, within_s: float | None = None
) -> None:
    """Expect the status and the end of the connection, or its end without an answer."""
    answer = connection.answer(within_s=within_s)
    if answer is None:
        return
    if answer.status != status:
        server.require(step, [Mismatch("status", f"{status}, or no answer", str(answer.status))])
    _ends(server, connection)


def _ends(server: ServerSession, connection: RawConnection) -> None:
    if not connection.is_closed():
        raise Violation("after the refusal", [Mismatch("the connection", "ends", "stays open")], server.exchanges[-2:])


def _expect_first(server: ServerSession, topic: str) -> None:
    """Expect that the next record is the first."""
    response = server.send("POST", f"/v1/topics/{topic}/records", value={"records": [{"value": 1}]})
    server.expect("append", response, {"status": 200, "json": {"results": [{"offset": 0}]}})


def _expect_nothing(server: ServerSession, topic: str) -> None:
    """Expect that nothing is appended, a moment later neither, and that the server goes on."""
    response = server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms={_MOMENT_MS}")
    server.expect("read what is there", response, {"status": 200, "json": {"records": [], "high_watermark": 0}})
