"""The command line, run as a process of its own."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import kafka_do
from kafka_do.spec import SPEC

_COMMAND = [sys.executable, "-m", "kafka_do"]
_PATIENCE_S = 30
_STOPPING_S = 5


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=_PATIENCE_S)


@contextlib.contextmanager
def _serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """Serve on a free port; yield the process, and the host and port that it tells."""
    command = [*_COMMAND, "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        guard = threading.Timer(_PATIENCE_S, server.kill)
        guard.start()
        try:
            assert server.stdout is not None
            url = urlsplit(server.stdout.readline().strip())
            assert url.scheme == "http"
            assert url.hostname is not None
            assert url.port is not None
            yield server, url.hostname, url.port
        finally:
            guard.cancel()
            server.kill()


def _stop(server: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send a signal and return the exit status and what the process said on its error stream."""
    server.send_signal(number)
    _, said = server.communicate(timeout=_STOPPING_S)
    return server.returncode, said


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    connection.settimeout(_PATIENCE_S)
    connection.sendall(request)
    return connection.recv(65_536)


def test_version_tells_the_versions_of_the_library_and_of_the_protocol() -> None:
    run = _run("--version")
    expected = f"kafka-do {kafka_do.__version__}, protocol revision {SPEC.revision}\n"
    assert (run.returncode, run.stdout, run.stderr) == (0, expected, "")


def test_help_names_the_commands() -> None:
    run = _run("--help")
    assert run.returncode == 0
    assert "serve" in run.stdout
    assert "conformance" in run.stdout


@pytest.mark.parametrize("arguments", [["serve", "--port", "70000"], ["serve", "--prot", "1"], ["sevre"]])
def test_a_command_line_that_makes_no_sense_is_refused_without_a_traceback(arguments: list[str]) -> None:
    run = _run(*arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr
    assert "Traceback" not in run.stderr


def test_a_port_in_use_is_told_in_one_line_and_ends_with_status_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = _run("serve", "--port", str(port))
    assert (run.returncode, run.stdout) == (1, "")
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"kafka-do serve: cannot listen on 127.0.0.1:{port}: ")


def test_a_server_listens_on_the_loopback_interface_when_it_tells_its_url() -> None:
    with _serving() as (_, host, port):
        assert host == "127.0.0.1"
        with socket.create_connection((host, port), _PATIENCE_S) as connection:
            assert _exchange(connection, b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_sigterm_ends_a_server_soon_and_without_a_traceback() -> None:
    with _serving() as (server, host, port):
        with socket.create_connection((host, port), _PATIENCE_S) as idle:
            assert _exchange(idle, b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n")
            status, said = _stop(server, signal.SIGTERM)
        assert status in (0, -signal.SIGTERM)
        assert "Traceback" not in said


def test_sigint_ends_a_server_soon_and_without_a_traceback() -> None:
    with _serving() as (server, host, port):
        with socket.create_connection((host, port), _PATIENCE_S) as idle:
            assert _exchange(idle, b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n")
        status, said = _stop(server, signal.SIGINT)
        assert status in (0, 130, -signal.SIGINT)
        assert "Traceback" not in said


def test_sigterm_ends_a_server_soon_although_a_client_never_finishes_its_request() -> None:
    fields = b"Host: x\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
    with _serving() as (server, host, port), socket.create_connection((host, port), _PATIENCE_S) as slow:
        assert _exchange(slow, b"POST /v1/topics HTTP/1.1\r\n" + fields + b"\r\n").startswith(b"HTTP/1.1 100 ")
        status, said = _stop(server, signal.SIGTERM)
        assert status in (0, -signal.SIGTERM)
        assert "Traceback" not in said


def _get(host: str, port: int, path: str, *lines: str) -> str:
    head = "".join(f"{line}\r\n" for line in [f"GET {path} HTTP/1.1", "Host: x", *lines, "Connection: close", ""])
    with socket.create_connection((host, port), _PATIENCE_S) as connection:
        connection.sendall(head.encode())
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()


def test_keys_come_from_the_command_line_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("\nin-a-file\n  and-another  \n", "utf-8")
    with _serving("--api-key", "one", "--api-key", "two", "--api-key-file", str(file)) as (_, host, port):
        answers = [
            _get(host, port, "/v1/topics", f"Authorization: Bearer {key}")[9:12]
            for key in ("one", "two", "in-a-file", "and-another", "three")
        ]
        assert answers == ["200"] * 4 + ["401"]
        assert '"features":["core","auto_create_topics","producers","groups","retention","streams","api_keys"]' in _get(
            host, port, "/v1"
        )


def test_a_server_tells_its_features_and_its_limit_of_time() -> None:
    with _serving("--cors-origin", "http://localhost:3000", "--max-request-ms", "1234") as (_, host, port):
        answer = _get(host, port, "/v1", "Origin: http://localhost:3000")
    assert '"features":["core","auto_create_topics","producers","groups","retention","streams","cors"]' in answer
    assert '"max_request_ms":1234' in answer
    assert "\r\naccess-control-allow-origin: http://localhost:3000\r\n" in answer


def test_a_server_lets_nobody_control_it_unless_it_is_told_to() -> None:
    listed = '"features":["core","auto_create_topics","producers","groups","retention","streams"'
    with _serving() as (_, host, port):
        assert f"{listed}]" in _get(host, port, "/v1")
        assert _get(host, port, "/v1/control/faults").startswith("HTTP/1.1 501 ")
    with _serving("--test-control", "--host", "localhost") as (_, host, port):
        assert f'{listed},"control"]' in _get(host, port, "/v1")
        assert _get(host, port, "/v1/control/faults").startswith("HTTP/1.1 200 ")


def test_a_server_offers_what_it_is_not_told_to_leave_out() -> None:
    for flags, features in (
        (["--auto-create-topics"], '["core","auto_create_topics","producers","groups","retention","streams"]'),
        (["--no-auto-create-topics"], '["core","producers","groups","retention","streams"]'),
        (["--no-auto-create-topics", "--without", "producers"], '["core","groups","retention","streams"]'),
    ):
        with _serving(*flags) as (_, host, port):
            assert f'"features":{features}' in _get(host, port, "/v1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--without", "core"], "core is none of producers"),
        (["--api-key", "secret word"], "key 1 has to be made of letters"),
        (["--cors-origin", "*"], "is no origin"),
        (["--cors-origin", "https://shop.example/path"], "is no origin"),
        (["--api-key-file", "/nowhere/at/all"], "does not exist"),
        (["--max-request-ms", "0"], "greater than or equal to 1"),
        (["--test-control", "--host", "0.0.0.0"], "--host has to be loopback"),  # noqa: S104
        (["--test-control", "--host", "::"], "--host has to be loopback"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_and_no_key_is_shown(arguments: list[str], words: str) -> None:
    run = _run("serve", *arguments)
    said = " ".join(run.stderr.replace("│", " ").split())
    assert (run.returncode, run.stdout) == (2, "")
    assert words in said
    assert "secret" not in said
    assert "Traceback" not in said


def test_a_file_without_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("\n", "utf-8")
    run = _run("serve", "--api-key-file", str(tmp_path / "keys"))
    assert run.returncode == 2
    assert "there is no key" in run.stderr
