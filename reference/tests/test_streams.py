"""Live streams: on a clock that stands still with a reader made of two queues, then over sockets."""

import asyncio
import contextlib
import functools
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from kafka_do.binding.fields import preferred
from kafka_do.core.broker import DeleteTopic, Produce
from kafka_do.core.messages import CreateTopicRequest, ProduceRecord
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.server import streams
from kafka_do.server.app import App
from kafka_do.server.streams import ABORT, Reader, Stream, Streams
from kafka_do.spec import SPEC

Event = MutableMapping[str, Any]

_PATIENCE_S = 20
_LIMITS = {**SPEC.limits, "max_streams": 2}
_ASK = "offset=0&max_stream_ms=60000&heartbeat_ms=10000"
_LAZY = 1_000


class _Reader:
    """A reader of a stream of partition 0 of the topic `t`: what it was sent, and whether it takes more."""

    def __init__(self, app: App, query: str) -> None:
        self.sent: list[Event] = []
        self.aborted = 0
        self._takes = asyncio.Event()
        self._takes.set()
        self._has_left = asyncio.Event()
        self._asked = False
        scope = {
            "type": "http",
            "method": "GET",
            "path": "",
            "raw_path": b"/v1/topics/t/partitions/0/records",
            "query_string": query.encode(),
            "headers": [(b"accept", b"application/x-ndjson")],
            "extensions": {ABORT: {"abort": self._abort}},
        }
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.sent[0]["status"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines so far."""
        text = b"".join(event["body"] for event in self.sent[1:])
        return [json.loads(line) for line in text.splitlines()]

    @property
    def types(self) -> list[str]:
        """Their types."""
        return [line["type"] for line in self.lines]

    def stop(self) -> None:
        """Take nothing any more."""
        self._takes.clear()

    def go_on(self) -> None:
        """Take everything again."""
        self._takes.set()

    def leave(self) -> None:
        """Close the connection."""
        self._has_left.set()
        self._takes.set()

    def _abort(self) -> None:
        self.aborted += 1
        self.leave()

    async def _receive(self) -> Event:
        if self._asked:
            await self._has_left.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, event: Event) -> None:
        await self._takes.wait()
        if not self._has_left.is_set():
            self.sent.append(event)


class _Serving:
    """An application with streams, its engine with a topic `t`, and its clock."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_000_000)
        self.engine = MemoryEngine(version="9.9", limits=_LIMITS, clock=self.clock)
        self.streams = Streams(self.clock, _LIMITS)
        self.app = App(self.engine, _LIMITS, features=("core", "streams"), streams=self.streams)

    async def read(self, query: str = _ASK) -> _Reader:
        """Return a new reader whose stream has begun."""
        reader = _Reader(self.app, query)
        await settle()
        return reader

    async def append(self, *values: object) -> None:
        """Append records, and have everybody told."""
        records = [ProduceRecord(value=msgspec.Raw(json.dumps(value).encode()), partition=0) for value in values]
        await self.engine.produce(Produce("t", records))
        await settle()

    async def advance(self, ms: int) -> None:
        """Move the time, and let everything happen that is due."""
        self.clock.advance(ms)
        await settle()

    def is_idle(self) -> bool:
        """Whether nothing waits in the engine."""
        return not self.engine._waiting._waiting


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def _serving(check: Callable[[_Serving], Awaitable[None]]) -> None:
    async def run() -> None:
        serving = _Serving()
        await serving.engine.create_topic(CreateTopicRequest(topic="t"))
        await check(serving)
        await settle()
        assert serving.is_idle()
        await serving.advance(10_000)  # the sweep looks a last time
        assert len(asyncio.all_tasks()) <= 2, "the tasks of this function"

    asyncio.run(asyncio.wait_for(run(), _PATIENCE_S))


def test_a_stream_is_there_until_its_reader_leaves() -> None:
    async def check(serving: _Serving) -> None:
        reader = await serving.read()
        await serving.append(1)
        assert reader.types == ["heartbeat", "records"]
        assert not serving.is_idle()
        reader.leave()
        await settle()
        assert reader.task.done()
        assert reader.task.exception() is None

    _serving(check)


def test_a_reader_that_takes_nothing_is_not_read_for() -> None:
    async def check(serving: _Serving) -> None:
        reader = await serving.read()
        reader.stop()
        for value in range(5):
            await serving.append(value)
        assert reader.types == ["heartbeat"]
        reader.go_on()
        await settle()
        first, *rest = [line for line in reader.lines if line["type"] == "records"]
        assert (first["next_offset"], first["high_watermark"]) == (1, 1)  # it was on its way already
        assert [(line["next_offset"], line["high_watermark"]) for line in rest] == [(5, 5)]
        reader.leave()

    _serving(check)


def test_a_slow_reader_does_not_go_on_in_another_topic_of_the_name() -> None:
    async def check(serving: _Serving) -> None:
        reader = await serving.read()
        reader.stop()
        await serving.append(1)
        await serving.engine.delete_topic(DeleteTopic("t"))
        await serving.engine.create_topic(CreateTopicRequest(topic="t"))
        await serving.append("new", "newer")
        reader.go_on()
        await settle()
        assert reader.types == ["heartbeat", "records", "error", "end"]
        assert reader.lines[2]["error"]["code"] == "topic_not_found"

    _serving(check)


def test_a_reader_that_never_reads_is_cut_behind_its_end() -> None:
    async def check(serving: _Serving) -> None:
        reader = await serving.read()
        reader.stop()
        await serving.append(1)
        for _ in range(12):
            await serving.advance(5_000)
        assert (reader.aborted, reader.task.done()) == (0, False)
        await serving.advance(5_000)
        assert (reader.aborted, reader.task.done()) == (1, True)
        assert (await serving.read()).types == ["records"]
        serving.streams.drain()

    _serving(check)


def test_a_reader_that_was_slow_at_its_end_is_told_it() -> None:
    async def check(serving: _Serving) -> None:
        reader = await serving.read()
        reader.stop()
        await serving.append(1)
        await serving.advance(60_000)
        reader.go_on()
        await settle()
        assert reader.lines[-1] == {"type": "end", "reason": "time"}
        assert reader.task.done()

    _serving(check)


def test_a_long_silence_of_a_slow_reader_is_one_heartbeat() -> None:
    async def check(serving: _Serving) -> None:
        reader = await serving.read()
        reader.stop()
        await serving.advance(45_000)
        reader.go_on()
        await settle()
        assert reader.types == ["heartbeat", "heartbeat"]
        await serving.advance(9_999)
        assert len(reader.types) == 2
        await serving.advance(1)
        assert reader.types == ["heartbeat"] * 3
        reader.leave()

    _serving(check)


def test_a_server_that_stops_tells_every_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_GRACE_S", 0.03)

    async def check(serving: _Serving) -> None:
        reader, lazy = await serving.read(), await serving.read()
        lazy.stop()
        await serving.append(1)
        serving.streams.drain()
        serving.engine.drain()
        await asyncio.wait([reader.task, lazy.task], timeout=_PATIENCE_S)
        assert reader.types == ["heartbeat", "records", "end"]
        assert reader.lines[-1]["reason"] == "shutdown"
        assert (reader.aborted, lazy.aborted) == (0, 1)

    _serving(check)


def test_a_stream_that_begins_while_the_server_stops_ends_at_once() -> None:
    async def check(serving: _Serving) -> None:
        serving.streams.drain()
        serving.engine.drain()
        await serving.append(1)
        reader = await serving.read()
        assert reader.types == ["records", "end"]
        assert reader.lines[-1]["reason"] == "shutdown"

    _serving(check)


def test_a_stream_whose_key_is_not_valid_any_more_is_told_and_cut_if_it_is_deaf() -> None:
    async def check(serving: _Serving) -> None:
        valid = True
        opened = serving.streams.open

        async def open_with_key(asked: Any, form: Any, reader: Reader, **given: Any) -> Stream:
            return await opened(asked, form, reader._replace(is_valid=lambda: valid), **given)

        serving.streams.open = open_with_key  # type: ignore[method-assign]
        listening, deaf = await serving.read(), await serving.read()
        await serving.advance(5_000)
        deaf.stop()
        await serving.append(1)
        valid = False
        await serving.advance(5_000)
        assert listening.lines[-1] == {"type": "end", "reason": "key"}
        assert (listening.task.done(), deaf.task.done()) == (True, False)
        await serving.advance(5_000)
        assert (listening.aborted, deaf.aborted, deaf.task.done()) == (0, 1, True)

    _serving(check)


def test_streams_are_counted_as_long_as_they_are_open() -> None:
    async def check(serving: _Serving) -> None:
        first, second = await serving.read(), await serving.read()
        assert (await serving.read()).status == 429
        first.leave()
        await settle()
        third = await serving.read()
        assert third.status == 200
        assert (await serving.read("offset=9")).status == 429
        second.leave()
        await settle()
        for _ in range(3):
            assert (await serving.read("offset=9")).status == 416
        third.leave()

    _serving(check)


def test_a_stream_that_is_cancelled_from_outside_is_cancelled() -> None:
    async def check(serving: _Serving) -> None:
        reader = await serving.read()
        reader.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reader.task
        assert reader.task.cancelled()

    _serving(check)


def test_a_stream_is_interrupted_once_however_many_reasons_there_are() -> None:
    async def check(serving: _Serving) -> None:
        reader = await serving.read()
        serving.streams.drain()
        serving.streams.drain()
        reader.leave()
        await settle()
        assert reader.task.done()
        assert not reader.task.cancelled()

    _serving(check)


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        (b"a/b", "a/b"),
        (b"A/B;q=0.2", "a/b"),
        (b"c/d, a/b", "c/d"),
        (b"c/d;q=0.1, a/b;q=0.2", "a/b"),
        (b"application/json, a/b", "application/json"),
        (b"a/b, application/json", "a/b"),
        (b"a/b;q=0", ""),
        (b"a/b;q=much", ""),
        (b"*/*", ""),
        (b"a/*", ""),
        (b"", ""),
    ],
)
def test_the_best_of_the_names_in_accept_counts(accept: bytes, found: str) -> None:
    assert preferred(accept, ("a/b", "c/d")) == found


@contextlib.contextmanager
def _process(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-m", "kafka_do", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(4 * _PATIENCE_S, process.kill)
        guard.start()
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            guard.cancel()
            process.kill()


def _connect(url: str, *, reads_little: bool = False) -> socket.socket:
    """Ask for a stream of partition 0 of `t`, from its beginning."""
    connection = socket.socket()
    if reads_little:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(_PATIENCE_S)
    host, _, port = url.removeprefix("http://").partition(":")
    connection.connect((host, int(port)))
    head = b"GET /v1/topics/t/partitions/0/records?offset=0 HTTP/1.1\r\nHost: a\r\nAccept: application/x-ndjson\r\n\r\n"
    connection.sendall(head)
    return connection


def _fill(server: httpx.Client, count: int) -> None:
    """Create the topic `t` and append records of a hundred kilobytes."""
    server.post("/v1/topics", json={"topic": "t"}).raise_for_status()
    for _ in range(count):
        server.post("/v1/topics/t/records", json={"records": [{"value": "x" * 100_000}]}).raise_for_status()


def test_sigterm_ends_every_stream_and_then_the_process() -> None:
    with _process() as (process, url), httpx.Client(base_url=url) as server, contextlib.ExitStack() as opened:
        server.post("/v1/topics", json={"topic": "t"}).raise_for_status()
        connections = [opened.enter_context(_connect(url)) for _ in range(20)]
        for connection in connections:
            assert b'"type":"heartbeat"' in _until(connection, b"}\n")
        process.send_signal(signal.SIGTERM)
        for connection in connections:
            rest = b"".join(iter(functools.partial(connection.recv, 65_536), b""))
            assert b'{"type":"end","reason":"shutdown"}\n\r\n0\r\n\r\n' in rest
        _, said = process.communicate(timeout=_PATIENCE_S)
        assert (process.returncode, said) == (-signal.SIGTERM, "")


def test_sigterm_waits_for_no_reader_that_does_not_read() -> None:
    with _process() as (process, url), httpx.Client(base_url=url) as server, contextlib.ExitStack() as opened:
        _fill(server, 100)
        lazy = [opened.enter_context(_connect(url, reads_little=True)) for _ in range(3)]
        for connection in lazy:
            assert connection.recv(10) == b"HTTP/1.1 2"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=_PATIENCE_S)
        assert (process.returncode, said) == (-signal.SIGTERM, "")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is looked up in /proc")
def test_a_thousand_readers_that_read_nothing_cost_little_and_stop_nobody() -> None:
    with _process() as (process, url), httpx.Client(base_url=url) as server, contextlib.ExitStack() as opened:
        _fill(server, 100)  # ten megabytes, which a thousand copies of would not fit
        before = _resident_mib(process.pid)
        lazy = [opened.enter_context(_connect(url, reads_little=True)) for _ in range(_LAZY)]
        for connection in lazy:
            assert connection.recv(10) == b"HTTP/1.1 2"
        found = server.get("/v1/topics/t/partitions/0/records?offset=99").json()
        assert found["next_offset"] == 100
        server.post("/v1/topics/t/records", json={"records": [{"value": 1}]}).raise_for_status()
        assert _resident_mib(process.pid) - before < 400  # 1 000 lines of 100 KB that are half sent, and as much again
        for connection in lazy[::2]:
            connection.close()
        with _connect(url) as reader:
            assert b'"type":"records"' in _until(reader, b"x" * 1_000)


def _until(connection: socket.socket, end: bytes) -> bytes:
    """Return what comes, up to and including the piece with `end`."""
    found = b""
    while end not in found:
        piece = connection.recv(65_536)
        assert piece, f"the connection ended behind {found[-200:]!r}"
        found += piece
    return found


def _resident_mib(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status").read_text("utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024
