"""The recording peer: what it keeps of a request, what it answers, and each fault that it commits."""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest

_PATIENCE_S = 10.0
_JSON = (("Content-Type", "application/json"),)


@contextlib.contextmanager
def _connected(peer: Peer) -> Iterator[socket.socket]:
    url = urlsplit(peer.url)
    assert url.hostname == "127.0.0.1"
    with socket.create_connection((url.hostname, url.port or 0), _PATIENCE_S) as connection:
        yield connection


def _ask(peer: Peer, method: str, target: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    url = urlsplit(peer.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=_PATIENCE_S)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers.items()), answer.read()
    finally:
        connection.close()


def _read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    read = b""
    while data := connection.recv(65_536):
        read += data
    return read


def test_a_request_is_kept_with_method_target_headers_in_their_spelling_and_the_bytes_of_its_body() -> None:
    request = (
        b"PATCH /v1/x%20y/?a=%2F&a HTTP/1.1\r\nhost: here\r\nX-cAsE: One\r\nx-case:  two \r\nX-Odd: \xfc\r\n"
        b"CONTENT-LENGTH: 4\r\nConnection: close\r\n\r\n\x00\xff{\n"
    )
    with Peer() as peer, _connected(peer) as connection:
        connection.sendall(request)
        _read_all(connection)
        (seen,) = peer.seen()
    assert (seen.method, seen.target, seen.body) == ("PATCH", "/v1/x%20y/?a=%2F&a", b"\x00\xff{\n")
    assert seen.headers == (
        ("host", "here"),
        ("X-cAsE", "One"),
        ("x-case", "two"),
        ("X-Odd", "ü"),
        ("CONTENT-LENGTH", "4"),
        ("Connection", "close"),
    )
    assert seen.header("X-CASE") == "One"
    assert seen.header("absent") is None
    assert str(seen).startswith("PATCH /v1/x%20y/?a=%2F&a ")


def test_a_body_that_comes_in_pieces_is_put_together() -> None:
    head = b"POST /v1/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Peer() as peer, _connected(peer) as connection:
        for piece in (head, b"2\r\nab\r\n", b"1\r\nc\r\n", b"0\r\n\r\n"):
            connection.sendall(piece)
        _read_all(connection)
        assert [request.body for request in peer.seen()] == [b"abc"]


def test_a_client_that_waits_before_it_sends_its_body_is_told_to_go_on() -> None:
    head = b"POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with Peer() as peer, _connected(peer) as connection:
        connection.sendall(head)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ab")
        _read_all(connection)
        assert [request.body for request in peer.seen()] == [b"ab"]


def test_requests_are_kept_in_their_order_over_one_connection_and_several() -> None:
    with Peer() as peer:
        _ask(peer, "GET", "/v1/1")
        with _connected(peer) as connection:
            connection.sendall(
                b"GET /v1/2 HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            _read_all(connection)
        _ask(peer, "GET", "/v1/4")
        assert [request.target for request in peer.seen()] == ["/v1/1", "/v1/2", "/v1/3", "/v1/4"]


def test_the_scripted_answer_is_given_once_and_then_an_error_that_no_client_takes_for_the_protocol() -> None:
    with Peer() as peer:
        peer.script(ScriptedAnswer(207, (*_JSON, ("X-Odd", "1")), b'{"a":1}'))
        status, headers, body = _ask(peer, "GET", "/v1/a")
        assert (status, body, headers["X-Odd"], headers["Content-Type"]) == (207, b'{"a":1}', "1", "application/json")
        assert _ask(peer, "GET", "/v1/a")[0] == 500
        assert [request.target for request in peer.seen()] == ["/v1/a", "/v1/a"]


def test_a_new_script_forgets_the_old_answer_and_what_was_seen() -> None:
    with Peer() as peer:
        peer.script(ScriptedAnswer(201))
        peer.script(ScriptedAnswer(202))
        assert [_ask(peer, "GET", "/v1/a")[0] for _ in range(2)] == [202, 500]
        peer.script(ScriptedAnswer(203))
        assert peer.seen() == []


def test_discovery_is_answered_besides_the_script_and_not_among_what_was_seen() -> None:
    with Peer() as peer:
        peer.script(ScriptedAnswer(201))
        status, _, body = _ask(peer, "GET", "/v1")
        assert (status, json.loads(body)["revision"]) == (200, "1.0")
        assert _ask(peer, "GET", "/v1/a")[0] == 201
        assert [request.target for request in peer.seen()] == ["/v1/a"]
        assert [request.target for request in peer.requests] == ["/v1", "/v1/a"]


def test_a_peer_that_always_answers_the_same_does_so_to_discovery_too() -> None:
    with Peer(always=ScriptedAnswer(404, _JSON, b"no")) as peer:
        assert [_ask(peer, "GET", target)[0] for target in ("/v1", "/v1/a", "/v1")] == [404, 404, 404]


def test_a_connection_dropped_before_the_answer_gives_nothing_and_the_request_is_kept() -> None:
    with Peer() as peer:
        peer.script(ScriptedAnswer(body=b"never", fault="drop-before-answer"))
        with pytest.raises(http.client.RemoteDisconnected):
            _ask(peer, "POST", "/v1/a", b"sent")
        assert [request.body for request in peer.seen()] == [b"sent"]
        assert _ask(peer, "GET", "/v1/a")[0] == 500


def test_a_connection_dropped_in_the_answer_gives_the_head_and_half_of_the_body() -> None:
    with Peer() as peer, _connected(peer) as connection:
        peer.script(ScriptedAnswer(200, _JSON, b"0123456789", "drop-in-answer"))
        connection.sendall(b"GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = _read_all(connection).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"content-length: 10" in head.lower()
        assert body == b"01234"
        assert [request.target for request in peer.seen()] == ["/v1/a"]


def test_silence_gives_nothing_and_holds_the_connection() -> None:
    with Peer(always=ScriptedAnswer(fault="silence")) as peer, _connected(peer) as connection:
        connection.sendall(b"GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert [request.target for request in peer.seen()] == ["/v1/a"]


def test_what_is_no_http_is_dropped_and_the_peer_lives_on() -> None:
    with Peer() as peer:
        with _connected(peer) as connection:
            connection.sendall(b"\x00\x01 this is no HTTP\r\n\r\n")
            assert _read_all(connection) == b""
        peer.script(ScriptedAnswer(201))
        assert _ask(peer, "GET", "/v1/a")[0] == 201


def test_several_clients_are_served_at_the_same_time() -> None:
    with Peer(always=ScriptedAnswer(200)) as peer, _connected(peer) as idle:
        idle.sendall(b"GET /v1/half HTTP/1.1\r\n")
        statuses: list[int] = []
        threads = [threading.Thread(target=lambda: statuses.append(_ask(peer, "GET", "/v1/a")[0])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_PATIENCE_S)
        assert statuses == [200] * 8
        assert len(peer.seen()) == 8


def test_a_peer_that_has_ended_listens_no_more() -> None:
    with Peer() as peer:
        pass
    with pytest.raises(ConnectionRefusedError):
        _ask(peer, "GET", "/v1")


def test_a_rule_answers_every_request_by_what_it_asks() -> None:
    def rule(request: SeenRequest) -> ScriptedAnswer:
        return ScriptedAnswer(200 if request.method == "GET" else 404, _JSON, request.target.encode())

    with Peer() as peer:
        peer.follow(rule)
        answers = [
            _ask(peer, method, target)[::2] for method, target in (("GET", "/a"), ("DELETE", "/b"), ("GET", "/c"))
        ]
    assert answers == [(200, b"/a"), (404, b"/b"), (200, b"/c")]


def test_a_request_tells_how_many_of_its_kind_were_under_way_and_answered_ones_do_not_count() -> None:
    def rule(request: SeenRequest) -> ScriptedAnswer:
        return ScriptedAnswer(200, _JSON, b"{}", hold_s=0.04 if request.target == "/slow?1" else 0.0)

    with Peer() as peer:
        peer.follow(rule)
        first = threading.Thread(target=_ask, args=(peer, "PUT", "/slow?1"))
        first.start()
        assert peer.wait(lambda: len(peer.seen()) == 1, _PATIENCE_S)
        _ask(peer, "PUT", "/slow?2")
        _ask(peer, "GET", "/slow?3")
        _ask(peer, "PUT", "/other")
        first.join(_PATIENCE_S)
        _ask(peer, "PUT", "/slow?4")
        seen = {request.target: request.beside for request in peer.seen()}
    assert seen == {"/slow?1": 0, "/slow?2": 1, "/slow?3": 0, "/other": 0, "/slow?4": 0}


def test_waiting_ends_with_the_request_that_is_enough_and_otherwise_with_the_time() -> None:
    with Peer() as peer:
        peer.follow(lambda _: ScriptedAnswer(200, _JSON, b"{}"))
        asking = threading.Thread(target=_ask, args=(peer, "GET", "/a"))
        asking.start()
        assert peer.wait(lambda: len(peer.seen()) == 1, _PATIENCE_S)
        assert not peer.wait(lambda: len(peer.seen()) == 2, 0.01)
        asking.join(_PATIENCE_S)
