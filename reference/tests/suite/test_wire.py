"""The suite's own HTTP client against real sockets: what it sends, what it keeps, and what becomes of a bad server."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from kafka_do_conformance.peer import Peer, ScriptedAnswer
from kafka_do_conformance.verdict import Crashed, Timeout
from kafka_do_conformance.wire import Response, Wire, shorten

_PATIENCE_S = 10.0
_DEADLINE_S = 0.3
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Talk = Callable[[socket.socket], None]


@dataclass
class _Server:
    """A server of raw sockets: each connection is given to the next talk, and closed after it."""

    talks: list[Talk]
    url: str = ""
    connections: int = 0
    closed: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def _serving(*talks: Talk) -> Iterator[_Server]:
    server = _Server(list(talks))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PATIENCE_S)
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            for talk in server.talks:
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    server.connections += 1
                    with connection:
                        connection.settimeout(_PATIENCE_S)
                        talk(connection)
                server.closed.set()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(_PATIENCE_S)
            assert not thread.is_alive()


@contextlib.contextmanager
def _wire(url: str, deadline_s: float = _PATIENCE_S) -> Iterator[Wire]:
    wire = Wire(url, deadline_s)
    try:
        yield wire
    finally:
        wire.close()


def _hear(connection: socket.socket) -> bytes:
    """Read one request that has no body, or a body that arrives with its head."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        data = connection.recv(65_536)
        if not data:
            break
        heard += data
    return heard


def _answer(*answers: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        for answer in answers:
            if not _hear(connection):
                return
            connection.sendall(answer)

    return talk


def _answer_and_wait(answer: bytes) -> Talk:
    """Answer and hold the connection until the other side closes it."""

    def talk(connection: socket.socket) -> None:
        _hear(connection)
        connection.sendall(answer)
        connection.recv(1)

    return talk


def test_a_request_arrives_byte_by_byte() -> None:
    with Peer(always=ScriptedAnswer()) as peer, _wire(peer.url + "/base/") as wire:
        headers = (("X-Two", "1"), ("x-two", "2"), ("Content-Type", "text/odd; q=1"))
        wire.exchange("PATCH", "/v1/a%20b?x=%2F&y", body=b"\x00\xff{", headers=headers)
        wire.exchange("GET", "/v1/bare")
    sent, bare = peer.requests
    assert (sent.method, sent.target, sent.body) == ("PATCH", "/base/v1/a%20b?x=%2F&y", b"\x00\xff{")
    named = [header for header in sent.headers if header[0] != "Host"]
    assert sorted(named) == sorted([*headers, ("Content-Length", "3")])
    assert [name for name, _ in bare.headers] == ["Host"]
    assert bare.body == b""


def test_an_empty_body_is_a_body_and_no_body_is_none() -> None:
    with Peer(always=ScriptedAnswer()) as peer, _wire(peer.url) as wire:
        wire.exchange("POST", "/v1", body=b"")
        wire.exchange("POST", "/v1")
    empty, none = peer.requests
    assert (empty.header("Content-Length"), none.header("Content-Length")) == ("0", None)


def test_a_response_is_kept_as_it_came() -> None:
    answer = b"HTTP/1.1 207 Odd\r\nX-A: 1\r\nx-a: 2\r\nContent-Type: a/b\r\nContent-Length: 3\r\n\r\n\xff{}"
    with _serving(_answer(answer)) as server, _wire(server.url) as wire:
        response = wire.exchange("POST", "/v1", body=b"[1]")
    assert (response.status, response.body) == (207, b"\xff{}")
    assert response.headers[:2] == (("X-A", "1"), ("x-a", "2"))
    assert response.header("X-a") == "1"
    assert response.header("absent") is None
    assert response.exchange.request == "POST /v1 [1]"
    assert response.exchange.response == "207 a/b \\xff{}"


def test_a_chunked_response_is_put_together() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\n \r\n0\r\n\r\n"
    with _serving(_answer(answer)) as server, _wire(server.url) as wire:
        assert wire.exchange("GET", "/v1").body == b"{} "


def test_a_provisional_response_is_passed_over() -> None:
    with _serving(_answer(b"HTTP/1.1 100 Continue\r\n\r\n" + _OK)) as server, _wire(server.url) as wire:
        assert wire.exchange("GET", "/v1").status == 200


def test_a_connection_is_kept() -> None:
    with _serving(_answer(_OK, _OK, _OK)) as server, _wire(server.url) as wire:
        assert [wire.exchange("GET", "/v1").body for _ in range(3)] == [b"ok"] * 3
    assert server.connections == 1


def test_a_connection_that_the_other_side_has_closed_is_opened_again() -> None:
    with _serving(_answer(_OK), _answer(_OK)) as server, _wire(server.url) as wire:
        assert wire.exchange("GET", "/v1").body == b"ok"
        assert server.closed.wait(_PATIENCE_S)
        assert wire.exchange("GET", "/v1").body == b"ok"
    assert server.connections == 2


def test_a_connection_that_the_other_side_wants_closed_is_not_used_again() -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    with _serving(_answer_and_wait(closing), _answer(_OK)) as server, _wire(server.url) as wire:
        assert wire.exchange("GET", "/v1").body == b"ok"
        assert wire.exchange("GET", "/v1").body == b"ok"
    assert server.connections == 2


def test_an_answer_to_a_request_that_was_refused_early_is_still_read() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
        # closed with most of the body unread, which resets the connection while the other side still sends

    with _serving(refuse) as server, _wire(server.url) as wire:
        assert wire.exchange("POST", "/v1", body=b"x" * 20_000_000).status == 413


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12"], ids=repr
)
def test_a_server_that_falls_silent_is_a_timeout_within_the_deadline(begun: bytes) -> None:
    with _serving(_answer_and_wait(begun)) as server, _wire(server.url, _DEADLINE_S) as wire:
        start = time.monotonic()
        with pytest.raises(Timeout) as found:
            wire.exchange("GET", "/v1/silent")
        took_s = time.monotonic() - start
    assert _DEADLINE_S * 0.9 <= took_s < _DEADLINE_S + 2
    assert found.value.step == "GET /v1/silent"
    assert [(one.allowed, one.seen) for one in found.value.mismatches] == [("one", "none within 0.3 s")]


def test_a_server_that_trickles_its_answer_is_a_timeout_too() -> None:
    gone = threading.Event()

    def trickle(connection: socket.socket) -> None:
        _hear(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            if gone.wait(_DEADLINE_S / 6):
                return

    with _serving(trickle) as server, _wire(server.url, _DEADLINE_S) as wire:
        start = time.monotonic()
        with pytest.raises(Timeout):
            wire.exchange("GET", "/v1")
        gone.set()
    assert time.monotonic() - start < _DEADLINE_S + 2


def test_a_server_that_does_not_read_is_a_timeout_too() -> None:
    over = threading.Event()

    def ignore(_: socket.socket) -> None:
        over.wait(_PATIENCE_S)

    with _serving(ignore) as server, _wire(server.url, _DEADLINE_S) as wire:
        with pytest.raises(Timeout):
            wire.exchange("POST", "/v1", body=b"x" * 50_000_000)
        over.set()


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n12",
        b"this is no HTTP\r\n\r\n",
        b"\x00" * 100_000,
    ],
    ids=lambda begun: repr(begun[:60]),
)
def test_a_server_that_drops_the_connection_or_speaks_no_http_has_crashed(begun: bytes) -> None:
    with _serving(_answer(begun)) as server, _wire(server.url) as wire, pytest.raises(Crashed) as found:
        wire.exchange("GET", "/v1/gone")
    assert found.value.step == "GET /v1/gone"
    assert [one.allowed for one in found.value.mismatches] == ["an HTTP response"]
    assert [one.request for one in found.value.exchanges] == ["GET /v1/gone"]


def test_a_server_that_is_not_there_has_crashed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with _wire(url) as wire, pytest.raises(Crashed, match="refused"):
        wire.exchange("GET", "/v1")


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12"], ids=["nothing", "half"])
def test_after_a_crash_the_next_exchange_has_a_new_connection(first: bytes) -> None:
    with _serving(_answer(first), _answer(_OK)) as server, _wire(server.url) as wire:
        with pytest.raises(Crashed):
            wire.exchange("GET", "/v1")
        assert wire.exchange("GET", "/v1").body == b"ok"


def test_after_a_timeout_a_late_answer_is_not_taken_for_the_next_one() -> None:
    with _serving(_answer_and_wait(b""), _answer(_OK)) as server, _wire(server.url, _DEADLINE_S) as wire:
        with pytest.raises(Timeout):
            wire.exchange("GET", "/v1")
        assert wire.exchange("GET", "/v1").body == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "127.0.0.1:1", "http://", "ftp://x"])
def test_a_url_that_is_not_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http://host:port"):
        Wire(url, _DEADLINE_S)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 200_000], ids=["empty", "cut", "bytes", "nested"])
def test_a_body_that_is_not_json_is_a_value_error(body: bytes) -> None:
    with Peer(always=ScriptedAnswer(body=body)) as peer, _wire(peer.url) as wire:
        response: Response = wire.exchange("GET", "/v1")
    with pytest.raises(ValueError):  # noqa: PT011  the words are the decoder's
        response.json()


def test_long_bodies_are_shown_short_and_odd_bytes_readable() -> None:
    assert shorten(b"abc") == "abc"
    assert shorten("ü".encode()) == "ü"
    assert shorten(b"\xff\x00") == "\\xff\x00"
    assert shorten(b"abcdef", 6) == "abcdef"
    assert shorten(b"abcdefg", 6) == "abcdef… (7 bytes)"
