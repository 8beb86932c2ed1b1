"""A connection's own rules, over real sockets: sizes, times, order, and how it ends."""

import contextlib
import json
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_PATIENCE_S = 20
_MAX_REQUEST_MS = 400
_MAX_HEADER_BYTES = 65_536
_GET = b"GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n"


class _Server:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def memory_kib(self) -> int:
        """Return the most memory that the process has had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


@contextlib.contextmanager
def _serving(*options: str) -> Iterator[_Server]:
    command = [sys.executable, "-m", "kafka_do", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(3 * _PATIENCE_S, process.kill)
        guard.start()
        try:
            assert process.stdout is not None
            yield _Server(process, int(process.stdout.readline().rpartition(":")[2]))
        finally:
            guard.cancel()
            process.kill()


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    """Serve with little patience, and look at the end that nothing was written to standard error."""
    with _serving("--max-request-ms", str(_MAX_REQUEST_MS)) as serving:
        yield serving
        serving.process.send_signal(signal.SIGTERM)
        _, said = serving.process.communicate(timeout=_PATIENCE_S)
        assert said == ""


@contextlib.contextmanager
def _connected(server: _Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), _PATIENCE_S) as connection:
        yield connection


def _to_the_end(connection: socket.socket) -> bytes:
    """Return everything until the server closes the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def _hear(connection: socket.socket) -> int:
    """Return the status of the next answer, which is read to its end."""
    data = b""
    while True:
        data += connection.recv(65_536)
        with contextlib.suppress(ValueError, IndexError):
            ((status, _, _),) = _answers(data)
            return status


def _answers(data: bytes) -> list[tuple[int, dict[str, str], Any]]:
    """Split whole responses: status, headers, document; raises ValueError."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            raise ValueError(f"{length - len(rest)} bytes of the body are missing")
        found.append((int(line.split()[1]), headers, json.loads(rest[:length] or b"null")))
        data = rest[length:]
    return found


def _refusal(server: _Server, *parts: bytes) -> tuple[int, dict[str, str], Any]:
    """Send bytes and return the one answer, after which the connection has to end."""
    with _connected(server) as connection:
        for part in parts:
            connection.sendall(part)
        (answer,) = _answers(_to_the_end(connection))
    return answer


def _post(*lines: str) -> bytes:
    head = ["POST /v1/topics HTTP/1.1", "Host: a", "Content-Type: application/json", *lines]
    return "".join(f"{line}\r\n" for line in [*head, ""]).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /v1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1 HTTP/3.0\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\nno field\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\nA: b\x00c\r\n\r\n",
        b"GET /v1/\xff HTTP/1.1\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET v1 HTTP/1.1\r\nHost: a\r\n\r\n",
        _post("Content-Length: -1"),
        _post("Content-Length: 1e3"),
        _post("Content-Length: 99999999999999999999999"),
        _post("Content-Length: 2", "Content-Length: 3") + b"{}",
        _post("Content-Length: 2", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
        _post("Transfer-Encoding: chunked") + b"no size\r\n",
        _post("Transfer-Encoding: gzip") + b"{}",
    ],
)
def test_what_is_no_request_is_answered_with_a_problem_and_the_connection_ends(server: _Server, data: bytes) -> None:
    status, headers, problem = _refusal(server, data)
    assert (status, headers["content-type"], headers["connection"]) == (400, "application/problem+json", "close")
    assert headers["kafka-do-revision"] == "1.0"
    assert (problem["code"], problem["request_id"]) == ("invalid_request", headers["x-request-id"])
    assert [fault["pointer"] for fault in problem["errors"]] == [""]


@pytest.mark.parametrize(
    "data",
    [
        b"GET /v1 HTTP/1.1\r\nA: " + b"a" * 2 * _MAX_HEADER_BYTES + b"\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
        b"GET /v1 HTTP/1.1\r\n" + b"".join(b"A%d: %b\r\n" % (n, b"b" * 50) for n in range(3_000)) + b"\r\n",
        b"GET /v1?" + b"a" * 2 * _MAX_HEADER_BYTES + b" HTTP/1.1\r\n\r\n",
        _post("Transfer-Encoding: chunked") + b"0\r\nA: " + b"a" * 10 * _MAX_HEADER_BYTES,
        _post("Transfer-Encoding: chunked") + b"1;" + b"a" * 10 * _MAX_HEADER_BYTES,
    ],
    ids=["field", "fields", "long-fields", "request-line", "trailer", "chunk-extension"],
)
def test_a_head_that_is_too_long_is_refused_and_so_is_a_trailer(server: _Server, data: bytes) -> None:
    status, _, problem = _refusal(server, data)
    assert (status, problem["code"]) == (431, "request_headers_too_large")
    assert problem["max_header_bytes"] == _MAX_HEADER_BYTES


def test_a_head_may_be_as_long_as_the_limit_in_however_many_pieces(server: _Server) -> None:
    frame = b"GET /v1 HTTP/1.1\r\nA: \r\nConnection: close\r\n\r\n"
    head = frame.replace(b"A: ", b"A: " + b"a" * (_MAX_HEADER_BYTES - len(frame)))
    for size in (len(head), 40_000, 9_000):
        with _connected(server) as connection:
            for start in range(0, len(head), size):
                connection.sendall(head[start : start + size])
            assert [answer[0] for answer in _answers(_to_the_end(connection))] == [200]


def test_a_head_behind_a_long_body_is_not_counted_with_it(server: _Server) -> None:
    body = b'{"topic":"a/b"}'.ljust(200_000)
    first = _post(f"Content-Length: {len(body)}") + body
    with _connected(server) as connection:
        connection.sendall(first * 2 + first[:-1])
        connection.sendall(first[-1:] + _GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert [answer[0] for answer in _answers(_to_the_end(connection))] == [422, 422, 422, 200]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_flood_takes_no_memory() -> None:
    with _serving() as server:
        before = server.memory_kib()
        for begin in (b"GET /v1 HTTP/1.1\r\nA: ", _post("Transfer-Encoding: chunked") + b"0\r\nA: "):
            with _connected(server) as connection, contextlib.suppress(OSError):
                connection.sendall(begin)
                for _ in range(40):
                    connection.sendall(b"a" * 1_000_000)
        assert server.memory_kib() - before < 8 * 1024


@pytest.mark.parametrize(
    ("data", "instance"),
    [
        (b"G", None),
        (b"GET /v1 HTTP/1.1\r\nHost: a\r\n", None),
        (_post("Content-Length: 3") + b"{}", "/v1/topics"),
        (_post("Transfer-Encoding: chunked") + b"2\r\n{}\r\n", "/v1/topics"),
        (_post("Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n", "/v1/topics"),
    ],
)
def test_a_request_that_does_not_finish_is_answered_and_ends(
    server: _Server, data: bytes, instance: str | None
) -> None:
    begun = time.monotonic()
    status, headers, problem = _refusal(server, data)
    assert time.monotonic() - begun >= _MAX_REQUEST_MS / 1000 - 0.01
    assert (status, headers["connection"]) == (408, "close")
    assert (problem["code"], problem["retriable"], problem["max_request_ms"]) == (
        "request_timeout",
        True,
        _MAX_REQUEST_MS,
    )
    assert problem.get("instance") == instance


def test_a_refusal_has_the_id_that_its_request_brought(server: _Server) -> None:
    _, headers, problem = _refusal(server, _post("X-Request-Id: mine", "Content-Length: 3") + b"{}")
    assert (headers["x-request-id"], problem["request_id"]) == ("mine", "mine")


@pytest.mark.parametrize("data", [b"", b"\r\n"])
def test_a_connection_on_which_nothing_is_said_is_closed_without_a_word(server: _Server, data: bytes) -> None:
    with _connected(server) as connection:
        connection.sendall(data)
        assert _to_the_end(connection) == b""


def test_a_connection_that_was_used_stays_open_longer_than_a_request_may_take(server: _Server) -> None:
    with _connected(server) as connection:
        connection.sendall(_GET)
        assert _hear(connection) == 200
        assert select.select([connection], [], [], 2 * _MAX_REQUEST_MS / 1000)[0] == []
        connection.sendall(_GET)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_request_that_the_server_does_not_read_meanwhile_is_not_late(server: _Server) -> None:
    _create(server, "slow")
    wait_ms = 2 * _MAX_REQUEST_MS
    slow = (
        f"GET /v1/topics/slow/partitions/0/records?offset=0&max_wait_ms={wait_ms} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    )
    body = b'{"topic":"a"}'.ljust(2_000_000)
    with _connected(server) as connection:
        connection.sendall(slow + _GET + _post(f"Content-Length: {len(body)}", "Connection: close") + body)
        assert [answer[0] for answer in _answers(_to_the_end(connection))] == [200, 200, 201]


def test_an_early_answer_is_not_followed_by_another(server: _Server) -> None:
    with _connected(server) as connection:
        connection.sendall(b"POST /v1/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{")
        assert [answer[0] for answer in _answers(_to_the_end(connection))] == [404]


def test_an_announced_body_that_is_too_long_is_refused_before_it_is_sent(server: _Server) -> None:
    with _connected(server) as connection:
        connection.sendall(_post("Expect: 100-continue", "Content-Length: 99999999"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_trailer_is_no_field_of_the_head(server: _Server) -> None:
    head = _post("Transfer-Encoding: chunked").replace(b"Content-Type: application/json\r\n", b"")
    with _connected(server) as connection:
        connection.sendall(head + b"2\r\n{}\r\n0\r\nContent-Type: application/json\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 415 ")


@pytest.mark.parametrize("wish", [b"Upgrade: h2c\r\nConnection: Upgrade", b"Upgrade: websocket\r\nConnection: upgrade"])
def test_the_wish_for_another_protocol_is_passed_over(server: _Server, wish: bytes) -> None:
    request = _GET.replace(b"\r\n\r\n", b"\r\n" + wish + b"\r\n\r\n")
    post = _post("Content-Length: 15", wish.decode(), "Connection: close") + b'{"topic":"a/b"}'
    with _connected(server) as connection:
        connection.sendall(request * 50 + post)
        assert [answer[0] for answer in _answers(_to_the_end(connection))] == [200] * 50 + [422]


def test_head_is_a_method_that_no_path_has_and_its_answer_has_no_body(server: _Server) -> None:
    last = _GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with _connected(server) as connection:
        connection.sendall(b"HEAD /v1 HTTP/1.1\r\nHost: a\r\n\r\n" + last)
        head, _, rest = _to_the_end(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert [answer[0] for answer in _answers(rest)] == [200]


def test_a_whole_target_is_taken_for_its_path(server: _Server) -> None:
    with _connected(server) as connection:
        connection.sendall(_GET.replace(b"/v1", b"http://a/v1"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_sigterm_has_waiting_and_half_sent_requests_answered() -> None:
    with _serving() as server:
        _create(server, "t")
        waiting_for = b"GET /v1/topics/t/partitions/0/records?offset=0&max_wait_ms=30000 HTTP/1.1\r\nHost: a\r\n\r\n"
        with _connected(server) as waiting, _connected(server) as half, _connected(server) as idle:
            idle.sendall(_GET)
            _hear(idle)
            waiting.sendall(waiting_for)
            half.sendall(_post("Expect: 100-continue", "Content-Length: 15"))
            assert half.recv(65_536).startswith(b"HTTP/1.1 100 ")
            server.process.send_signal(signal.SIGTERM)
            ((status, _, answer),) = _answers(_to_the_end(waiting))
            assert (status, answer["records"]) == (200, [])
            assert _to_the_end(idle) == b""
            half.sendall(b'{"topic":"new"}')
            ((status, _, answer),) = _answers(_to_the_end(half))
            assert (status, answer["topic"]) == (201, "new")
        _, said = server.process.communicate(timeout=_PATIENCE_S)
        assert said == ""
        assert server.process.returncode in (0, -signal.SIGTERM)


def _create(server: _Server, topic: str) -> None:
    body = json.dumps({"topic": topic}).encode()
    with _connected(server) as connection:
        connection.sendall(_post(f"Content-Length: {len(body)}", "Connection: close") + body)
        assert [answer[0] for answer in _answers(_to_the_end(connection))] == [201]


def test_what_is_refused_is_counted_and_so_is_what_is_open() -> None:
    with _serving() as serving:
        for data in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nLong: %s\r\n\r\n" % (b"x" * _MAX_HEADER_BYTES)):
            with _connected(serving) as connection:
                connection.sendall(data)
                _to_the_end(connection)
        with _connected(serving), _connected(serving) as asking:
            asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            told = _to_the_end(asking).decode().splitlines()
    assert 'kafka_do_http_requests_total{operation="none",status="400"} 1' in told
    assert 'kafka_do_http_requests_total{operation="none",status="431"} 1' in told
    assert 'kafka_do_http_errors_total{code="request_headers_too_large"} 1' in told
    assert "kafka_do_http_connections 2" in told
    assert "kafka_do_streams 0" in told
    assert [int(line.split()[1]) for line in told if line.startswith("kafka_do_tasks ")] > [1]
