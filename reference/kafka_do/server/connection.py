"""One connection: what a request may take to arrive, and what is answered to bytes that are none. (HTTP-009 to -018)

uvicorn's protocol parses requests and passes them to the application. Here is what it lacks: limits of size and time
for the arrival of a request, problem documents instead of plain text, and answers in their order also where a fault
follows a good request.

    IDLE ── first byte ──▶ HEAD ── end of the head ──▶ BODY ── last byte ──▶ IDLE

A timer runs only while a request is in HEAD or BODY, or while a new connection is silent. Most requests arrive in one
piece and start none. Of these the ones that `at_once` allows are answered before anything else is done.
"""

import asyncio
import enum
import functools
from collections.abc import Callable, Mapping
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from kafka_do.binding.fields import combine
from kafka_do.binding.http import REVISION_HEADER
from kafka_do.binding.problems import identified, problem_response
from kafka_do.core.errors import KafkaError
from kafka_do.server.at_once import answer_at_once, response_text
from kafka_do.server.faults import DROP
from kafka_do.server.request_ids import REQUEST_ID_HEADER, RequestIds
from kafka_do.server.streams import ABORT
from kafka_do.server.turn import DeferringTransport, Turn
from kafka_do.server.upgrades import body_framing, parser_behind_head
from kafka_do.spec import SPEC

__all__ = ["Connection"]

_LINGER_S = 1.0
_MUCH = 1 << 20  # bytes of a body
_LINE_OVERHEAD = len(b": \r\n")
_VERSIONS = ("1.1", "1.0")
_CLOSE = ((b"connection", b"close"),)


class _Stage(enum.Enum):
    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()


_IDLE, _HEAD, _BODY = _Stage  # a global is found faster than a member


class Connection(HttpToolsProtocol):
    """A connection that takes requests within `limits` and refuses what is none with a problem document.

    `at_once` says of a method and a path whether the application does not wait there. `turn` is shared by connections.
    The application may end it by the extension `ABORT`, and with `may_drop` close it instead of answering, by `DROP`.
    `count_refusal` is told the status and the code of what is answered here.
    """

    def __init__(
        self,
        *,
        limits: Mapping[str, int],
        request_ids: RequestIds,
        at_once: Callable[[str, str], bool],
        turn: Turn,
        may_drop: bool = False,
        count_refusal: Callable[[int, str], None] = lambda _status, _code: None,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self._at_once = at_once
        self._turn = turn
        self._held: list[bytes] | None = None  # the body so far of a request that the application has not been told of
        self._max_header_bytes = limits["max_header_bytes"]
        self._max_request_ms = limits["max_request_ms"]
        self._request_ids = request_ids
        self._may_drop = may_drop
        self._count_refusal = count_refusal
        self._stage = _IDLE
        self._piece = 0  # the bytes that are being parsed
        self._head_at_most = 0  # what the head that is arriving may have
        self._kept_at_most = 0  # what the parser may be keeping: pieces in which no part of a request began or ended
        self._moved = False  # a part of a request has begun or ended in the piece
        self._ahead = b""  # how long the body is of a request that asks for another protocol
        self._timer: asyncio.TimerHandle | None = None
        self._fault: KafkaError | None = None
        self._refusal: bytes | None = None

    # ---- what arrives

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, and wait for the first byte no longer than for the last one."""
        super().connection_made(DeferringTransport(transport, self._turn))  # type: ignore[arg-type]
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Parse what came; after a fault nothing is."""
        if self._refusal is not None:
            return
        self._unset_keepalive_if_required()
        self._piece = len(data)
        self._head_at_most += len(data)
        self._moved = False
        try:
            rest = data
            while rest:
                rest = self._parse(rest)
        except httptools.HttpParserError as error:
            self._refuse(self._fault or _no_request(_words(error)))
            return
        if self._held is not None:
            self._release()
        self._kept_at_most = 0 if self._moved else self._kept_at_most + len(data)
        if self._kept_at_most > self._max_header_bytes:
            self._refuse(self._head_too_large())
        elif self._stage is not _IDLE or not self._moved:
            self._start_timer()
        elif self._timer is not None:
            self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def _parse(self, data: bytes) -> bytes:
        """Parse bytes; return those behind a request that asks for another protocol, whose wish is not granted."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.parser, self._ahead = parser_behind_head(self, self._ahead), b""
            return data[upgrade.args[0] :]
        return b""

    # ---- what the parser finds

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._stage = _HEAD
        self._head_at_most = self._piece
        self._moved = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; a trailer could otherwise replace one."""
        if self._stage is not _HEAD:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Pass the request to the application, which reads the body itself."""
        if self._head_at_most > self._max_header_bytes and self._head_size() > self._max_header_bytes:
            self._fault = self._head_too_large()
            raise self._fault
        self._moved = True
        if self._may_be_held():
            self._held = []
        else:
            self._tell()
        self._stage = _BODY
        if self.parser.get_http_version() not in _VERSIONS:
            self._fault = _no_request("its version is none of 1.1 and 1.0")
            raise self._fault
        if self.parser.should_upgrade():
            self._ahead = body_framing(self.headers)

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body for the application, which is woken for much of it, and else when it is whole.

        uvicorn wakes it for each part and stops reading at 64 KiB: up to a tenth of the time of a batch of 130 KB.
        """
        self._moved = True
        if self._held is not None:
            self._held.append(body)
        elif len(self.cycle.body) + len(body) >= _MUCH:
            super().on_body(body)
        elif not self.cycle.response_complete:
            self.cycle.body += body

    def on_message_complete(self) -> None:
        """End a request, unless the parser only stops at a wish for another protocol."""
        if self._ahead:
            return
        self._stage = _IDLE
        self._moved = True
        if self._timer is not None:
            self._stop_timer()
        if self._held is None:
            super().on_message_complete()
        else:
            self._answer_held()

    # ---- what is answered at once

    def _may_be_held(self) -> bool:
        """Whether the application need not be told of a request before its piece is parsed.

        Behind the last answer of a connection it is told of none. A client that does not read its answers has to wait.
        """
        if self.transport.is_closing():
            return True
        if self.expect_100_continue or self.parser.should_upgrade() or self._owes() or self.flow.write_paused:
            return False
        method = self.parser.get_method().decode("ascii")
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope["method"] = method
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""
        return self.parser.get_http_version() == "1.1" and self._at_once(method, path)

    def _answer_held(self) -> None:
        """Answer a request that arrived in one piece."""
        held, self._held = self._held or [], None
        if self.transport.is_closing():
            return
        body = held[0] if len(held) == 1 else b"".join(held)
        status, fields, content = answer_at_once(self.app, self.scope, body)
        is_last = not self.parser.should_keep_alive()
        fields = [*self.server_state.default_headers, *fields, *(_CLOSE if is_last else ())]
        self.transport.write(response_text(status, fields, content))
        if is_last:
            self.transport.close()
        self.on_response_complete()

    def _release(self) -> None:
        """Tell the application of a request of which more is to come."""
        held, self._held = self._held or [], None
        if self.transport.is_closing():
            return
        self._tell()
        for part in held:
            self.on_body(part)

    def _tell(self) -> None:
        """Tell the application of a request."""
        super().on_headers_complete()
        extensions = self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        if self._may_drop:
            extensions[DROP] = {"close": functools.partial(self._drop, self.cycle)}

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + _LINE_OVERHEAD for name, value in self.headers)

    def _head_too_large(self) -> KafkaError:
        limit = self._max_header_bytes
        message = f"the head of the request is longer than max_header_bytes, which is {limit}"
        return KafkaError("request_headers_too_large", message, max_header_bytes=limit)

    # ---- time

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._max_request_ms / 1000, self._time_is_up)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _time_is_up(self) -> None:
        self._timer = None
        if self._stage is _IDLE:
            if not self._owes():
                self.transport.close()
        elif self.flow.read_paused:  # the rest waits for us, not we for it
            self._start_timer()
        else:
            limit = self._max_request_ms
            message = f"the request was not complete within max_request_ms, which is {limit}"
            self._refuse(KafkaError("request_timeout", message, max_request_ms=limit))

    # ---- faults

    def _refuse(self, error: KafkaError) -> None:
        """Answer an error, after the answers to earlier requests, and end the connection."""
        self._stop_timer()
        self._refusal = self._answer(error)
        if self._stage is _BODY and self._held is None and self._withdraw():
            self.transport.close()
        elif not self._owes():
            self._send_refusal()

    def _withdraw(self) -> bool:
        """Tell the application that the request will never be whole; return whether it was answered all the same."""
        cycle = self.cycle
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            return False
        cycle.disconnected = True
        cycle.message_event.set()
        return cycle.response_started

    def _drop(self, cycle: RequestResponseCycle) -> None:
        """Close the connection as if the answer to a request had been lost. (CONTROL-006, CONTROL-007)"""
        cycle.disconnected = True
        self._stop_timer()
        self.transport.close()

    def _owes(self) -> bool:
        """Whether the answer to an earlier request is not complete."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's annotation forgets the None
        return cycle is not None and not (cycle.response_complete or cycle.disconnected)

    def on_response_complete(self) -> None:
        """Go on to the next request, or to the fault that came behind the last one."""
        if self._refusal is not None and not self.pipeline:
            self._send_refusal()
            return
        super().on_response_complete()
        if self._timer is not None:  # the next request may have waited for us
            self._stop_timer()
            self._start_timer()

    def _send_refusal(self) -> None:
        """Answer and end our side; what is still sent is thrown away, so that it does not destroy the answer."""
        if self._refusal is None or self.transport.is_closing():
            return
        self.transport.write(self._refusal)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.close)

    def _answer(self, error: KafkaError) -> bytes:
        """Return a problem as it goes over the wire."""
        scope: Mapping[str, Any] = {} if self._stage is _IDLE else {**self.scope}
        request_id = self._request_ids.of(combine(scope.get("headers", ())).get(b"x-request-id"))
        instance = scope["raw_path"].decode("latin-1") if "raw_path" in scope else None
        response = identified(problem_response(error), request_id=request_id, instance=instance)
        self._count_refusal(response.status, error.code)
        fields = [
            *response.headers,
            (REVISION_HEADER, SPEC.revision),
            (REQUEST_ID_HEADER, request_id),
            ("Content-Length", str(len(response.body))),
            ("Connection", "close"),
        ]
        own = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields]
        return response_text(response.status, [*self.server_state.default_headers, *own], response.body)


def _words(error: httptools.HttpParserError) -> str:
    """Return what the parser found wrong; it does not say so of a target, which is parsed by the way."""
    return "its target is no path" if isinstance(error, httptools.HttpParserCallbackError) else str(error)


def _no_request(detail: str) -> KafkaError:
    message = f"this is no HTTP/1.1 request: {detail}"
    return KafkaError("invalid_request", message, errors=[{"pointer": "", "detail": message}])
