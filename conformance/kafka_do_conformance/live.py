"""A live stream as it comes, line by line, over a connection of its own."""

import json
import socket
import time
from typing import Any, Self

import h11

from kafka_do_conformance.matching import mismatches
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Crashed, Exchange, Mismatch, Timeout, Violation
from kafka_do_conformance.wire import Response, shorten

__all__ = ["EVENTS", "LINES", "LiveStream"]

LINES = "application/x-ndjson"
EVENTS = "text/event-stream"
_JSON = "application/json"
_CHUNK = 65536
_SMALL = 4096
_MOMENT_S = 0.05


class LiveStream:
    """A request for a stream, sent when this is made; its lines are read when they are asked for.

    `reads_little` makes the connection hold little of what is not read. Use it as a context manager.
    """

    def __init__(
        self,
        server: ServerSession,
        target: str,
        *,
        value: Any = None,
        accept: str = LINES,
        headers: tuple[tuple[str, str], ...] = (),
        reads_little: bool = False,
    ) -> None:
        self._server = server
        self._deadline_s = server.wire.deadline_s
        body = b"" if value is None else json.dumps(value).encode()
        declared = (("Content-Type", _JSON), ("Content-Length", str(len(body)))) if body else ()
        method = "POST" if body else "GET"
        self._shown = f"{method} {target} as {accept}" + (f" {shorten(body)}" if body else "")
        self._http = h11.Connection(h11.CLIENT)
        self._http.send(h11.Request(method="GET", target="/", headers=[("Host", "live")]))
        self._http.send(h11.EndOfMessage())
        self._rest = b""
        self.text = b""
        self.is_complete = False
        self._socket = self._connect(reads_little=reads_little)
        self._socket.sendall(server.head(method, target, headers=(("Accept", accept), *declared, *headers)) + body)
        self.response = self._head()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def hurry(self) -> None:
        """Read faster from now on, if the connection holds little."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CHUNK)

    def expect(self, step: str, expected: dict[str, Any]) -> "LiveStream":
        """Check how the answer begins, or all of it where it is a problem; raises Violation."""
        self._server.expect(step, self.response, expected)
        return self

    def line(self, step: str, expected: dict[str, Any]) -> dict[str, Any]:
        """Check the next line and return it; raises Violation."""
        return self._checked(step, expected, self.next())

    def event(self, step: str, expected: dict[str, Any]) -> dict[str, str]:
        """Check the data of the next event, which has nothing else but an id, and return its fields."""
        fields = self.next_event()
        if not {"data"} <= set(fields) <= {"data", "id"}:
            self._violate("the fields of an event", "data, and id for records", ", ".join(fields))
        self._checked(step, expected, self.parsed(fields["data"]))
        return fields

    def ends(self, reason: str) -> None:
        """Check that the next line is the last one, and the answer complete behind it."""
        self.line("the end", {"type": "end", "reason": reason})
        if (behind := self.next_line()) or not self.is_complete:
            self._violate("behind the end", "the end of the answer", shorten(behind) or "the connection was closed")

    def stays_silent(self, step: str) -> None:
        """Check that nothing comes for a moment."""
        if not self.is_silent():
            self._server.require(step, [Mismatch("the stream", "silent", shorten(self._rest) or "at its end")])

    def _checked(self, step: str, expected: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
        if found := list(mismatches(expected, seen)):
            raise Violation(step, found, [self._exchange()])
        return seen

    def next_line(self) -> bytes:
        """Return the next line without its line feed, nothing at the end of the answer; raises Timeout or Crashed."""
        while b"\n" not in self._rest:
            if not self._more(self._deadline_s):
                if self._rest:
                    self._violate("the last line", "ended by a line feed", shorten(self._rest))
                return b""
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def next_event(self) -> dict[str, str]:
        """Return the fields of the next event, none at the end of the answer."""
        fields: dict[str, str] = {}
        while line := self.next_line():
            name, _, text = line.decode().partition(":")
            if name in fields:
                self._violate("an event", f"one field '{name}'", shorten(line))
            fields[name] = text.removeprefix(" ")
        return fields

    def next(self) -> dict[str, Any]:
        """Return the next line as an object, an empty one at the end of the answer."""
        line = self.next_line()
        return self.parsed(line) if line else {}

    def parsed(self, line: bytes | str) -> dict[str, Any]:
        """Return the object that a line is; raises Violation."""
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self._violate("a line", "a JSON object", shorten(line if isinstance(line, bytes) else line.encode()))
        return dict(found)

    def is_silent(self) -> bool:
        """Whether nothing more comes for a moment."""
        return b"\n" not in self._rest and not self.is_complete and not self._more(_MOMENT_S, must=False)

    def _violate(self, what: str, expected: str, seen: str) -> None:
        raise Violation("read the stream", [Mismatch(what, expected, seen)], [self._exchange()])

    def _exchange(self) -> Exchange:
        return Exchange(self._shown, shorten(self.text))

    def _connect(self, *, reads_little: bool) -> socket.socket:
        connection = socket.socket(socket.AF_INET6 if ":" in self._server.wire.address[0] else socket.AF_INET)
        if reads_little:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        connection.settimeout(self._deadline_s)
        try:
            connection.connect(self._server.wire.address)
        except OSError as error:
            connection.close()
            seen = f"{type(error).__name__}: {error}"
            raise Crashed(self._shown, [Mismatch("the connection", "accepted", seen)]) from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _head(self) -> Response:
        """Read the head of the answer, and the body too where it is no stream."""
        event = self._event(self._deadline_s)
        if not isinstance(event, h11.Response):
            raise Crashed(self._shown, [Mismatch("answer", "an HTTP response", "none")], [self._exchange()])
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items())
        declared = next((value for name, value in headers if name.lower() == "content-type"), "")
        if declared.partition(";")[0].strip() not in (LINES, EVENTS):
            while self._more(self._deadline_s):
                pass
        exchange = Exchange(self._shown, f"{event.status_code} {declared} {shorten(self._rest)}")
        self._server.exchanges.append(exchange)
        return Response(event.status_code, headers, self._rest, exchange)

    def _more(self, within_s: float, *, must: bool = True) -> bool:
        """Read on; return whether more came. Nothing comes at the end, and none within the time unless it `must`."""
        event = self._event(within_s, must=must)
        if isinstance(event, h11.Data):
            self._rest += bytes(event.data)
            self.text = (self.text + bytes(event.data))[-_CHUNK:]
            return True
        self.is_complete = self.is_complete or isinstance(event, h11.EndOfMessage)
        return False

    def _event(self, within_s: float, *, must: bool = True) -> Any:
        ends = time.monotonic() + within_s
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._socket.settimeout(max(ends - time.monotonic(), 0.001))
                self._http.receive_data(self._socket.recv(_CHUNK))
        except TimeoutError:
            if not must:
                return None
            seen = f"none within {within_s:g} s"
            raise Timeout(self._shown, [Mismatch("the next line", "one", seen)], [self._exchange()]) from None
        except (OSError, h11.RemoteProtocolError) as error:
            seen = f"{type(error).__name__}: {error}"
            raise Crashed(self._shown, [Mismatch("the answer", "whole", seen)], [self._exchange()]) from None
        return event
