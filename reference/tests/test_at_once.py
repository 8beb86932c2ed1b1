"""What is answered at once is answered as by the plain way, and only a whole request that nothing stands before is."""

import asyncio
import json
import logging
import re
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from kafka_do.core.messages import CreateTopicRequest
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import AT_ONCE, MemoryEngine
from kafka_do.server.app import App
from kafka_do.server.at_once import answer_at_once
from kafka_do.server.authentication import Keys
from kafka_do.server.connection import Connection
from kafka_do.server.cors import Cors
from kafka_do.server.request_ids import RequestIds
from kafka_do.server.turn import Turn
from kafka_do.spec import SPEC

_PATIENCE_S = 10
_GOOD = b'{"records":[{"key":"a","value":1}]}'
_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_LIMITS = {**SPEC.limits, "max_request_bytes": 100}


class _Wire(asyncio.Transport):
    """A transport that keeps what is written and how often."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """Read on: nothing comes by itself."""

    def resume_reading(self) -> None:
        """Read on."""


class _Side:
    """A connection to a server of its own with one topic."""

    def __init__(self, *, keys: bool = False) -> None:
        self.engine = MemoryEngine(version="1", limits=_LIMITS, clock=ManualClock(5))
        with pytest.raises(StopIteration):
            self.engine.create_topic(CreateTopicRequest("t")).send(None)
        request_ids = RequestIds()
        app = App(
            self.engine,
            _LIMITS,
            keys=Keys(["secret"]) if keys else None,
            cors=Cors(["https://shop.example"]),
            request_ids=request_ids,
            at_once=AT_ONCE,
        )
        self.state = ServerState()
        self.connection = Connection(
            limits=_LIMITS,
            request_ids=request_ids,
            at_once=app.answers_at_once,
            turn=Turn(),
            config=uvicorn.Config(cast("Any", app), lifespan="off", access_log=False, server_header=False),
            server_state=self.state,
            app_state={},
        )
        self.wire = _Wire()
        self.connection.connection_made(self.wire)

    async def heard(self) -> bytes:
        """Return what is on the wire once all tasks are done, and end the connection."""
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.gather(*self.state.tasks)
            await asyncio.sleep(0)
        self.connection.connection_lost(None)
        return b"".join(self.wire.writes)


def _post(body: bytes = _GOOD, *fields: str, target: str = "/v1/topics/t/records", version: str = "1.1") -> bytes:
    named = {field.partition(":")[0] for field in fields}
    usual = ["Host: a", "X-Request-Id: mine", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines = [f"POST {target} HTTP/{version}", *(one for one in usual if one.partition(":")[0] not in named), *fields]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + body


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (_post(), 200),
        (_post(target="/v1/topics/t/partitions/0/records"), 200),
        (_post(target="/v1/topics/new/records"), 200),
        (_post(b'{"records":[{"value":1}],"acks":"none"}'), 202),
        (_post(b'{"records":[{"value":1,"partition":0},{"value":1,"partition":7}]}'), 207),
        (_post(b'{"records":[{"value":1,"partition":7}]}'), 404),
        (_post(b"nonsense"), 400),
        (_post(b""), 400),
        (_post(b'{"records":[]}'.ljust(200)), 413),
        (_post(_GOOD, "Content-Type: text/plain"), 415),
        (_post(_GOOD, "Content-Encoding: br"), 415),
        (_post(_GOOD, "Content-Encoding: gzip"), 400),
        (_post(_GOOD, "Accept: text/html"), 406),
        (_post(_GOOD, "Origin: https://shop.example"), 200),
        (_post(_GOOD, "Connection: close"), 200),
        (_post(_GOOD, version="1.0"), 200),
        (_post(_GOOD, target="/v1/topics/t/records?nothing=1"), 400),
        (_post(_GOOD, target="http://a/v1/topics/t/records"), 200),
        (_post(_GOOD, target="/v1/topics/%74/records"), 200),
        (_post(_GOOD, target="/v1/topics/%ff/records"), 400),
    ],
)
def test_a_request_in_one_piece_is_answered_like_one_in_two(request_text: bytes, status: int) -> None:
    async def both() -> None:
        one, two = _Side(), _Side()
        one.connection.data_received(request_text)
        two.connection.data_received(request_text[:-1])
        two.connection.data_received(request_text[-1:])
        answer = await one.heard()
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert answer == await two.heard()
        assert one.wire.closed == two.wire.closed

    asyncio.run(both())


@pytest.mark.parametrize("key", ["secret", "wrong"])
def test_keys_are_asked_for_at_once_too(key: str) -> None:
    async def both() -> None:
        one, two = _Side(keys=True), _Side(keys=True)
        text = _post(_GOOD, f"Authorization: Bearer {key}")
        one.connection.data_received(text)
        two.connection.data_received(text[:-1])
        two.connection.data_received(text[-1:])
        answer = await one.heard()
        assert answer.startswith(b"HTTP/1.1 200 " if key == "secret" else b"HTTP/1.1 401 ")
        assert answer == await two.heard()

    asyncio.run(both())


def test_what_arrives_together_is_answered_together_and_without_a_task() -> None:
    async def work() -> None:
        side = _Side()
        side.connection.data_received(_post() * 3)
        assert not side.state.tasks
        assert (await side.heard()).count(b"HTTP/1.1 200 ") == 3
        assert len(side.wire.writes) == 1

    asyncio.run(work())


def test_answers_keep_their_order_behind_one_that_is_not_at_once() -> None:
    async def work() -> None:
        side = _Side()
        slow = b"GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n"
        side.connection.data_received(_post() + slow + _post() + _post(b"nonsense") + b"nonsense\r\n\r\n")
        heard = await side.heard()
        assert _STATUS.findall(heard) == [b"200", b"200", b"200", b"400", b"400"]
        assert heard.index(b'"offset":0') < heard.index(b'"limits"') < heard.index(b'"offset":1')

    asyncio.run(work())


def test_nothing_is_done_behind_the_last_answer_of_a_connection() -> None:
    async def work() -> None:
        side = _Side()
        slow = b"POST /v1/topics HTTP/1.1\r\nContent-Length: 15\r\n\r\n" + b'{"topic":"new"}'
        side.connection.data_received(_post(_GOOD, "Connection: close") + _post() + slow + _post()[:-1])
        assert (await side.heard()).count(b"HTTP/1.1 ") == 1
        assert side.wire.closed
        (log,) = side.engine._topics["t"].logs
        assert log.high_watermark == 1
        assert list(side.engine._topics) == ["t"]

    asyncio.run(work())


def test_a_body_that_breaks_is_refused_and_nothing_written() -> None:
    async def work() -> None:
        side = _Side()
        chunked = _post(b"", "Content-Length: 0").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        side.connection.data_received(_post() + chunked + b"5\r\n{}\r\nno size\r\n")
        heard = await side.heard()
        assert _STATUS.findall(heard) == [b"200", b"400"]
        assert b'"instance":"/v1/topics/t/records"' in heard

    asyncio.run(work())


def test_an_operation_that_waits_all_the_same_is_a_fault_that_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    class Waiting(MemoryEngine):
        async def produce(self, request: Any) -> Any:
            await asyncio.sleep(0)

    app = App(Waiting(version="1", clock=ManualClock()))
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/topics/t/records",
        "raw_path": b"/v1/topics/t/records",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    with caplog.at_level(logging.ERROR, "kafka_do.server"):
        status, _, body = answer_at_once(app, scope, _GOOD)
    assert status == 500
    assert json.loads(body)["code"] == "internal"
    assert "was not to wait" in caplog.text
