"""What is answered at once is answered as by the plain way, and only a whole request that nothing stands before is."""

import asyncio
import json
import logging
import re
from collections.abc import Sequence
from typing import Any, Literal, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from kafka_do.core.messages import CreateTopicRequest, PlantFaultRequest
from kafka_do.engines.clock import ManualClock, MovableClock
from kafka_do.engines.memory import AT_ONCE, AUTO_CREATE_TOPICS, GROUPS, MemoryEngine
from kafka_do.server.app import App
from kafka_do.server.at_once import answer_at_once
from kafka_do.server.authentication import Keys
from kafka_do.server.connection import Connection
from kafka_do.server.control import Control
from kafka_do.server.cors import Cors
from kafka_do.server.request_ids import RequestIds
from kafka_do.server.turn import Turn
from kafka_do.spec import SPEC

_PATIENCE_S = 10
_GOOD = b'{"records":[{"key":"a","value":1}]}'
_HEARTBEAT = b'{"member_epoch":0,"topics":["t"],"owned":[],"rebalance_timeout_ms":1000}'
_COMMIT = b'{"offsets":[{"topic":"t","partition":0,"offset":1}]}'
_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_FEATURES = ("core", AUTO_CREATE_TOPICS, GROUPS)
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

    def __init__(
        self, *, keys: bool = False, control: Control | None = None, features: Sequence[str] = _FEATURES
    ) -> None:
        self.engine = MemoryEngine(
            version="1", limits=_LIMITS, features=features, clock=ManualClock(5), new_id=lambda: "id"
        )
        with pytest.raises(StopIteration):
            self.engine.create_topic(CreateTopicRequest("t")).send(None)
        request_ids = RequestIds()
        app = App(
            self.engine,
            _LIMITS,
            features=features,
            control=control,
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
            may_drop=control is not None,
            config=uvicorn.Config(cast("Any", app), lifespan="off", access_log=False, server_header=False),
            server_state=self.state,
            app_state={},
        )
        self.wire = _Wire()
        self.connection.connection_made(self.wire)

    async def heard(self) -> bytes:
        """Return what is on the wire once all tasks are done, and end the connection."""
        async with asyncio.timeout(_PATIENCE_S):
            while self.state.tasks:
                await asyncio.gather(*self.state.tasks)
                await asyncio.sleep(0)  # since Python 3.12 a gathering of what is done does not give the others a turn
            await asyncio.sleep(0)
        self.connection.connection_lost(None)
        return b"".join(self.wire.writes)


def _post(
    body: bytes = _GOOD,
    *fields: str,
    method: str = "POST",
    target: str = "/v1/topics/t/records",
    version: str = "1.1",
) -> bytes:
    named = {field.partition(":")[0] for field in fields}
    usual = ["Host: a", "X-Request-Id: mine", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines = [
        f"{method} {target} HTTP/{version}",
        *(one for one in usual if one.partition(":")[0] not in named),
        *fields,
    ]
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
        (_post(_HEARTBEAT, method="PUT", target="/v1/groups/g/members/m"), 200),
        (_post(_HEARTBEAT, method="PUT", target="/v1/groups/g/members/."), 400),
        (_post(_COMMIT, target="/v1/groups/g/offsets/commit"), 200),
        (_post(_COMMIT.replace(b"1", b"-1"), target="/v1/groups/g/offsets/commit"), 400),
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


def test_an_operation_of_a_feature_that_the_server_lacks_is_refused_at_once_too() -> None:
    async def both() -> None:
        one, two = _Side(features=["core"]), _Side(features=["core"])
        text = _post(_HEARTBEAT, method="PUT", target="/v1/groups/g/members/m")
        one.connection.data_received(text)
        two.connection.data_received(text[:-1])
        two.connection.data_received(text[-1:])
        answer = await one.heard()
        assert answer.startswith(b"HTTP/1.1 501 ")
        assert answer == await two.heard()

    asyncio.run(both())


def _planted(fault: Literal["error", "delay", "drop_before", "drop_after"], **members: Any) -> Control:
    control = Control(MovableClock(), lambda: None, lambda: 1)
    with pytest.raises(StopIteration):
        control.plant_fault(PlantFaultRequest(operation="produce", fault=fault, **members)).send(None)
    return control


def test_a_fault_strikes_what_arrived_whole_and_what_comes_behind_its_last_is_answered_at_once() -> None:
    async def work() -> None:
        side = _Side(control=_planted("error", code="not_leader"))
        side.connection.data_received(_post())
        assert (await asyncio.wait_for(asyncio.gather(*side.state.tasks), _PATIENCE_S)) == [None]
        side.connection.data_received(_post())
        assert not side.state.tasks
        assert _STATUS.findall(await side.heard()) == [b"503", b"200"]

    asyncio.run(work())


@pytest.mark.parametrize(("fault", "appended"), [("drop_before", 0), ("drop_after", 1)])
def test_an_answer_can_be_lost_of_what_arrived_whole(
    fault: Literal["drop_before", "drop_after"], appended: int
) -> None:
    async def work() -> None:
        side = _Side(control=_planted(fault))
        side.connection.data_received(_post() + _post())
        assert await side.heard() == b""
        assert side.wire.closed
        (log,) = side.engine._topics["t"].logs
        assert log.high_watermark == appended

    asyncio.run(work())


def test_a_delay_holds_what_arrived_whole() -> None:
    async def work() -> None:
        side = _Side(control=_planted("delay", delay_ms=1))
        side.connection.data_received(_post())
        assert len(side.state.tasks) == 1
        assert _STATUS.findall(await side.heard()) == [b"200"]

    asyncio.run(work())


def test_a_client_that_reads_no_answers_is_not_read_further() -> None:
    async def work() -> None:
        side = _Side()
        side.connection.pause_writing()
        side.connection.data_received(_post() * 2)
        await asyncio.sleep(0)
        assert side.wire.writes == []
        side.connection.resume_writing()
        assert _STATUS.findall(await side.heard()) == [b"200", b"200"]

    asyncio.run(work())


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


def test_a_broker_that_fails_is_a_fault_that_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        side = _Side()
        side.engine._topics["t"].logs = None  # type: ignore[assignment]
        with caplog.at_level(logging.ERROR, "kafka_do.server"):
            side.connection.data_received(_post())
        assert _STATUS.findall(await side.heard()) == [b"500"]
        assert "POST /v1/topics/t/records failed" in caplog.text

    asyncio.run(work())


def test_an_operation_that_waits_all_the_same_is_a_fault_that_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    class Waiting(MemoryEngine):
        async def produce(self, request: Any) -> Any:
            await asyncio.sleep(0)

    app = App(Waiting(version="1", clock=ManualClock()))
    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": b"/v1/topics/t/records",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    with caplog.at_level(logging.ERROR, "kafka_do.server"):
        status, _, body = answer_at_once(app, scope, _GOOD)
    assert status == 500
    assert json.loads(body)["code"] == "internal"
    assert "was not to wait" in caplog.text
