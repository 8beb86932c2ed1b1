"""The command line, run as a process of its own."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import kafka_do
from kafka_do import Client
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
        assert (
            '"features":["core","auto_create_topics","producers","groups","retention","streams","zstd","api_keys","scopes","quotas"]'
            in _get(host, port, "/v1")
        )


def test_a_server_tells_its_features_and_its_limit_of_time() -> None:
    with _serving("--cors-origin", "http://localhost:3000", "--max-request-ms", "1234") as (_, host, port):
        answer = _get(host, port, "/v1", "Origin: http://localhost:3000")
    assert '"features":["core","auto_create_topics","producers","groups","retention","streams","zstd","cors"]' in answer
    assert '"max_request_ms":1234' in answer
    assert "\r\naccess-control-allow-origin: http://localhost:3000\r\n" in answer


def test_a_server_lets_nobody_control_it_unless_it_is_told_to() -> None:
    listed = '"features":["core","auto_create_topics","producers","groups","retention","streams","zstd"'
    with _serving() as (_, host, port):
        assert f"{listed}]" in _get(host, port, "/v1")
        assert _get(host, port, "/v1/control/faults").startswith("HTTP/1.1 501 ")
    with _serving("--test-control", "--host", "localhost") as (_, host, port):
        assert f'{listed},"control"]' in _get(host, port, "/v1")
        assert _get(host, port, "/v1/control/faults").startswith("HTTP/1.1 200 ")


def test_a_server_offers_what_it_is_not_told_to_leave_out() -> None:
    for flags, features in (
        (["--auto-create-topics"], '["core","auto_create_topics","producers","groups","retention","streams","zstd"]'),
        (["--no-auto-create-topics"], '["core","producers","groups","retention","streams","zstd"]'),
        (["--no-auto-create-topics", "--without", "producers"], '["core","groups","retention","streams","zstd"]'),
    ):
        with _serving(*flags) as (_, host, port):
            assert f'"features":{features}' in _get(host, port, "/v1")


def test_a_server_looks_after_its_logs_while_nobody_asks_for_anything() -> None:
    with _serving("--retention-delay-ms", "20") as (_, host, port), Client(f"http://{host}:{port}") as client:
        assert '"retention_delay_ms":20' in _get(host, port, "/v1")
        client.admin().create_topic("t", configs={"retention.ms": "0"})
        client.producer("t").send(1)
        ends = time.monotonic() + _PATIENCE_S
        while '"log_start_offset":0' in (told := _get(host, port, "/v1/topics/t")) and time.monotonic() < ends:
            pass
    assert '"log_start_offset":1,"high_watermark":1' in told


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


def test_a_key_is_made_with_its_line_and_taken_by_a_server_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    made = _run(
        "key", "billing", "--scope", "consume", "--topic", "orders*", "--group", "a b,c", "--bytes-per-second", "90000"
    )
    key = made.stderr.rpartition(" ")[2].strip()
    assert made.returncode == 0
    assert len(key) >= 43
    assert re.fullmatch(
        r"billing sha256:[0-9a-f]{64} scopes=consume topics=orders\* groups=a%20b%2Cc bytes_per_second=90000\n",
        made.stdout,
    )
    file.write_text(made.stdout, "utf-8")
    with _serving("--api-key-file", str(file)) as (_, host, port):
        lists = _get(host, port, "/v1/topics", f"Authorization: Bearer {key}")
        assert lists[9:12] == "200"
        assert '"topics":[]' in lists
        assert _get(host, port, "/v1/topics/other", f"Authorization: Bearer {key}")[9:12] == "403"
        assert _get(host, port, "/v1/topics/orders-1", f"Authorization: Bearer {key}x")[9:12] == "401"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["billing", "--scope", "write"], "scopes= has one or more of produce, consume, admin"),
        (["bil ling", "--scope", "consume"], "a name has 1 to 64"),
        (["billing"], "Missing option '--scope'"),
        (["billing", "--scope", "consume", "--requests-per-second", "0"], "greater than or equal to 1"),
        (["billing", "--scope", "consume", "--requests-per-second", "9" * 20], "a whole number from 1 to"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(arguments: list[str], words: str) -> None:
    run = _run("key", *arguments)
    assert run.returncode != 0
    assert words in re.sub(r"[\s│]+", " ", run.stderr)
    assert run.stdout == ""


def _limit(host: str, port: int, name: str) -> int:
    found = re.search(rf'"{name}":([0-9]+)', _get(host, port, "/v1"))
    assert found is not None
    return int(found[1])


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "server.toml"
    file.write_text("auto_create_topics = false\nmax_request_ms = 20000\n[limits]\nmax_wait_ms = 3\n", "utf-8")
    monkeypatch.setenv("KAFKA_DO_SERVE_CONFIG", str(file))
    with _serving() as (_, host, port):
        assert "auto_create_topics" not in _get(host, port, "/v1")
        assert (_limit(host, port, "max_request_ms"), _limit(host, port, "max_wait_ms")) == (20000, 3)
    monkeypatch.setenv("KAFKA_DO_SERVE_MAX_REQUEST_MS", "25000")
    monkeypatch.setenv("KAFKA_DO_SERVE_LIMIT", "max_wait_ms=2")
    with _serving("--limit", "max_wait_ms=1", "--auto-create-topics") as (_, host, port):
        assert "auto_create_topics" in _get(host, port, "/v1")
        assert (_limit(host, port, "max_request_ms"), _limit(host, port, "max_wait_ms")) == (25000, 1)


def test_a_faulty_file_ends_the_command_with_a_message(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("prot = 8082\n", "utf-8")
    run = _run("serve", "--config", str(file))
    assert run.returncode == 2
    assert "did you mean 'port'?" in re.sub(r"[\s│]+", " ", run.stderr)


def test_a_server_that_drains_goes_on_and_says_that_it_is_not_ready() -> None:
    with _serving("--drain-ms", "600000", "--log-requests", "--log-format", "json") as (server, host, port):
        assert _get(host, port, "/readyz")[9:12] == "200"
        server.send_signal(signal.SIGTERM)
        ends = time.monotonic() + _PATIENCE_S
        while _get(host, port, "/readyz")[9:12] != "503":
            assert time.monotonic() < ends
        assert _get(host, port, "/v1")[9:12] == "200"
        assert _get(host, port, "/livez")[9:12] == "200"
        status, said = _stop(server, signal.SIGINT)
    assert status in (0, 130, -signal.SIGINT, -signal.SIGTERM)
    (line,) = [json.loads(line) for line in said.splitlines() if '"path"' in line]
    assert (line["path"], line["status"], line["operation"]) == ("/v1", 200, "discover")


def test_a_stream_ends_soon_after_its_key_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("one\ntwo\n", "utf-8")
    with _serving("--api-key-file", str(file), "--test-control") as (_, host, port):

        def ask(key: str, target: str, value: str) -> bytes:
            head = (
                f"POST {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(value)}\r\n"
            )
            with socket.create_connection((host, port)) as connection:
                return _exchange(connection, f"{head}Content-Type: application/json\r\n\r\n{value}".encode())

        assert ask("two", "/v1/topics", '{"topic":"t"}').startswith(b"HTTP/1.1 201")
        with socket.create_connection((host, port)) as stream:
            place = "GET /v1/topics/t/partitions/0/records?offset=0 HTTP/1.1\r\nHost: a\r\n"
            said = _exchange(
                stream, f"{place}Authorization: Bearer one\r\nAccept: application/x-ndjson\r\n\r\n".encode()
            )
            assert said.startswith(b"HTTP/1.1 200")
            other = tmp_path / "other"
            other.write_text("two\n", "utf-8")
            other.replace(file)
            for _ in range(3):  # 15 s of the server's time
                assert ask("two", "/v1/control/clock", '{"advance_ms":5000}').startswith(b"HTTP/1.1 200")
            while more := stream.recv(65_536):
                said += more
                if b'"end"' in said:
                    break
        assert b'"reason":"key"' in said
        assert ask("one", "/v1/topics", '{"topic":"u"}').startswith(b"HTTP/1.1 401")
