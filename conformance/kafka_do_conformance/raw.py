"""Bytes as they are, on a connection of their own: what no HTTP library would send."""

import contextlib
import select
import socket
import time
from typing import Self

import h11

from kafka_do_conformance.verdict import Crashed, Exchange, Mismatch, Timeout
from kafka_do_conformance.wire import Response, shorten

__all__ = ["RawConnection"]

_CHUNK = 65536


class RawConnection:
    """A connection to the server under test. What was sent and what came back is added to `exchanges`."""

    def __init__(self, address: tuple[str, int], deadline_s: float, exchanges: list[Exchange]) -> None:
        self._deadline_s = deadline_s
        self._exchanges = exchanges
        self._sent = b""
        self._unread = b""
        self._closed = False
        try:
            self._socket = socket.create_connection(address, timeout=deadline_s)
        except OSError as error:
            raise Crashed(
                "connect", [Mismatch("the connection", "accepted", f"{type(error).__name__}: {error}")]
            ) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Send bytes; a server that does not take them all may have answered already."""
        self._sent += data
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(data)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def answer(self, *, within_s: float | None = None) -> Response | None:
        """Return the next answer, None where the server closes the connection instead; raises Timeout or Crashed."""
        shown = shorten(self._sent)
        ends = time.monotonic() + (within_s or self._deadline_s)
        try:
            response = self._parse(ends, shown)
        except TimeoutError:
            waited = f"none within {within_s or self._deadline_s:g} s"
            raise Timeout(shown, [Mismatch("answer", "one, or the end of the connection", waited)]) from None
        except h11.RemoteProtocolError as error:
            raise Crashed(shown, [Mismatch("answer", "an HTTP response", str(error))]) from None
        self._exchanges.append(Exchange(shown, "the connection was closed") if response is None else response.exchange)
        return response

    def has_news(self, within_s: float) -> bool:
        """Whether the server answers or closes the connection within that time."""
        return bool(select.select([self._socket], [], [], within_s)[0])

    def is_closed(self) -> bool:
        """Whether the server ends the connection, within the deadline; what it still says is passed over."""
        ends = time.monotonic() + self._deadline_s
        try:
            while self._receive(ends):
                pass
        except TimeoutError:
            return False
        return True

    def _parse(self, ends: float, shown: str) -> Response | None:
        http = h11.Connection(h11.CLIENT)
        http.send(h11.Request(method="GET", target="/", headers=[("Host", "raw")]))
        http.send(h11.EndOfMessage())
        data, self._unread = self._unread or self._receive(ends), b""
        if not data:
            return None
        http.receive_data(data)
        head: h11.Response | None = None
        body = b""
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(self._receive(ends))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                self._unread = http.trailing_data[0]
                headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()
                )
                declared = next((value for name, value in headers if name.lower() == "content-type"), "")
                exchange = Exchange(shown, f"{head.status_code} {declared} {shorten(body)}")
                return Response(head.status_code, headers, body, exchange)

    def _receive(self, ends: float) -> bytes:
        """Return what comes next, nothing at the end of the connection; raises TimeoutError."""
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        try:
            return self._socket.recv(_CHUNK)
        except ConnectionResetError:
            return b""
