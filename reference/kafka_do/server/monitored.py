"""An application that is watched: what it answers is counted, and logged if wanted. Monitors are answered here."""

import logging
import time
from collections.abc import Awaitable, MutableMapping, Sequence
from typing import Any

import msgspec

from kafka_do.binding.fields import combine
from kafka_do.binding.http import HttpResponse
from kafka_do.binding.problems import problem_response
from kafka_do.core.errors import KafkaError
from kafka_do.server.app import KEY, OPERATION, RECEIVED, App, Scope, Send
from kafka_do.server.authentication import Keys
from kafka_do.server.bodies import Receive
from kafka_do.server.metrics import NO_OPERATION, Metrics
from kafka_do.server.monitoring import answer_monitor

__all__ = ["REQUESTS_LOG", "Monitored"]

REQUESTS_LOG = "kafka_do.server.requests"
_PROTOCOL = b"/v1"
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
        if not scope["raw_path"].startswith(_PROTOCOL) and (response := self._monitor(scope)) is not None:
            await _send(response, send)
            return
        watch = _Watch(send)
        begun = self._metrics.begin()
        try:
            await self._app(scope, receive, watch.send)
        finally:
            self._metrics.end()
        operation = scope.get(OPERATION, NO_OPERATION)
        if watch.status:
            received = scope.get(RECEIVED, 0)
            self._metrics.answered(operation, watch.status, begun, received, watch.sent, watch.code)
        if self._logs_requests:
            _write(scope, watch, operation, begun)

    def _monitor(self, scope: Scope) -> HttpResponse | None:
        path = scope["raw_path"]
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

    __slots__ = ("_send", "code", "headers", "sent", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.sent = 0
        self.status = 0
        self.code: str | None = None
        self.headers: Sequence[tuple[bytes, bytes]] = ()

    def send(self, event: _Event) -> Awaitable[None]:
        if event["type"] == "http.response.start":
            self.status = event["status"]
            self.headers = event["headers"]
        else:
            body = event.get("body", b"")
            if self.status >= _PROBLEMS and not self.sent:
                self.code = _PROBLEM.decode(body).code
            self.sent += len(body)
        return self._send(event)


def _write(scope: Scope, watch: _Watch, operation: str, begun: float) -> None:
    """Log a request: its path, but neither its query nor a header, where somebody may have put a key."""
    facts = {
        "method": scope["method"],
        "path": scope["raw_path"].decode("latin-1"),
        "operation": operation,
        "status": watch.status,
        "code": watch.code,
        "key": scope.get(KEY),
        "request_id": dict(watch.headers).get(b"x-request-id", b"").decode("latin-1"),
        "duration_ms": round((time.perf_counter() - begun) * 1000, 3),
        "received_bytes": scope.get(RECEIVED, 0),
        "sent_bytes": watch.sent,
    }
    _log.info("%s %s %d", facts["method"], facts["path"], watch.status, extra={"facts": facts})


async def _send(response: HttpResponse, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
