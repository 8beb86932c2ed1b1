"""An application that is watched: what it answers is counted, and logged if wanted. Monitors are answered here."""

import logging
import time
from collections.abc import MutableMapping
from typing import Any

import msgspec

from kafka_do.binding.fields import combine
from kafka_do.binding.http import HttpResponse
from kafka_do.binding.problems import problem_response
from kafka_do.binding.routes import find_route
from kafka_do.core.errors import KafkaError
from kafka_do.server.app import App, Scope, Send
from kafka_do.server.authentication import Keys
from kafka_do.server.bodies import Receive
from kafka_do.server.metrics import NO_OPERATION, Metrics
from kafka_do.server.monitoring import answer_monitor

__all__ = ["REQUESTS_LOG", "Monitored"]

REQUESTS_LOG = "kafka_do.server.requests"
_PROBLEMS = 400
_Event = MutableMapping[str, Any]


class _Problem(msgspec.Struct):
    code: str


_PROBLEM = msgspec.json.Decoder(_Problem)
_log = logging.getLogger(REQUESTS_LOG)


class Monitored:
    """`app`, and around it what those who run it need. With `logs_requests` each answer is a line in the log."""

    def __init__(self, app: App, metrics: Metrics, *, keys: Keys | None = None, logs_requests: bool = False) -> None:
        self._app = app
        self._metrics = metrics
        self._keys = keys
        self._logs_requests = logs_requests
        self.answers_at_once = app.answers_at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (response := self._monitor(scope)) is not None:
            await _send(response, send)
            return
        watch = _Watch(scope, receive, send)
        begun = self._metrics.begin()
        try:
            await self._app(scope, watch.receive, watch.send)
        finally:
            self._metrics.end()
        operation = _operation_of(scope)
        if watch.received:
            self._metrics.received(operation, watch.received)
        if watch.status:
            self._metrics.answered(operation, watch.status, begun=begun, sent=watch.sent, code=watch.code)
        if self._logs_requests:
            _write(scope, watch, operation, begun)

    def _monitor(self, scope: Scope) -> HttpResponse | None:
        path = scope["raw_path"]
        if path.startswith(b"/v1"):
            return None
        fields = combine(scope["headers"])
        try:
            return answer_monitor(
                scope["method"],
                path.decode("latin-1"),
                fields.get(b"authorization"),
                keys=self._keys,
                metrics=self._metrics,
            )
        except KafkaError as error:
            return problem_response(error)


class _Watch:
    """Sees what passes between a client and the application."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.received = 0
        self.sent = 0
        self.status = 0
        self.code: str | None = None
        self.request_id = ""

    async def receive(self) -> _Event:
        event = await self._receive()
        self.received += len(event.get("body", b""))
        return event

    async def send(self, event: _Event) -> None:
        if event["type"] == "http.response.start":
            self.status = event["status"]
            self.request_id = dict(event["headers"]).get(b"x-request-id", b"").decode("latin-1")
        else:
            body = event.get("body", b"")
            if self.status >= _PROBLEMS and not self.sent:
                self.code = _PROBLEM.decode(body).code
            self.sent += len(body)
        await self._send(event)


def _operation_of(scope: Scope) -> str:
    """Return the name of the operation that a request is for: of a few, whatever is sent."""
    try:
        return find_route(scope["method"], scope["raw_path"].decode("latin-1")).binding.name
    except KafkaError:
        return NO_OPERATION


def _write(scope: Scope, watch: _Watch, operation: str, begun: float) -> None:
    """Log a request: its path, but neither its query nor a header, where somebody may have put a key."""
    facts = {
        "method": scope["method"],
        "path": scope["raw_path"].decode("latin-1"),
        "operation": operation,
        "status": watch.status,
        "code": watch.code,
        "key": scope.get("kafka_do.key"),
        "request_id": watch.request_id,
        "duration_ms": round((time.perf_counter() - begun) * 1000, 3),
        "received_bytes": watch.received,
        "sent_bytes": watch.sent,
    }
    _log.info("%s %s %d", facts["method"], facts["path"], watch.status, extra={"facts": facts})


async def _send(response: HttpResponse, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
