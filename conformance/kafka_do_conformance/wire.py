"""The suite's own HTTP client: it sends what a case says, byte by byte, and keeps what came back."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import h11

from kafka_do_conformance.verdict import Crashed, Exchange, Mismatch, Timeout

__all__ = ["Response", "Wire", "shorten"]

_SHOWN = 1200
_CHUNK = 65536

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Response:
    """A response as it came; `exchange` shows it together with its request."""

    status: int
    headers: Headers
    body: bytes
    exchange: Exchange

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """Return the body as a JSON value; raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None


class Wire:
    """Exchanges with the server at `url` over one connection that is kept; `deadline_s` bounds a whole exchange."""

    def __init__(self, url: str, deadline_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"the suite judges servers at http://host:port, unlike {url!r}")
        self.url = url.rstrip("/")
        self.address = (parts.hostname, parts.port or 80)
        self.host = parts.netloc
        self.prefix = parts.path.rstrip("/")
        self.deadline_s = deadline_s
        self._socket: socket.socket | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._shown = ""
        self._ends = 0.0

    def exchange(self, method: str, target: str, *, body: bytes | None = None, headers: Headers = ()) -> Response:
        """Send one request and wait for the answer; raises Timeout or Crashed where no whole one came."""
        self.send(method, target, body=body, headers=headers)
        return self.receive()

    def send(self, method: str, target: str, *, body: bytes | None = None, headers: Headers = ()) -> None:
        """Send a request, whose answer is for `receive`; raises Timeout or Crashed where that is not possible."""
        self._shown = f"{method} {target}" + ("" if body is None else f" {shorten(body)}")
        self._ends = time.monotonic() + self.deadline_s
        with self._told():
            self._send(method, self.prefix + target, headers, body)

    def receive(self) -> Response:
        """Return the answer to what was sent; raises Timeout or Crashed where no whole one came."""
        with self._told():
            status, received, text = self._receive()
        declared = next((value for name, value in received if name.lower() == "content-type"), "")
        return Response(status, received, text, Exchange(self._shown, f"{status} {declared} {shorten(text)}"))

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that the other side has not closed."""
        return self._socket is not None and not _closed(self._socket)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Tell of a connection that breaks, or is silent, as what became of the request."""
        try:
            yield
        except TimeoutError:
            self.close()
            raise Timeout(self._shown, [Mismatch("answer", "one", f"none within {self.deadline_s:g} s")]) from None
        except (OSError, h11.RemoteProtocolError) as error:
            self.close()
            seen = f"{type(error).__name__}: {error}"
            exchange = Exchange(self._shown, seen)
            raise Crashed(self._shown, [Mismatch("answer", "an HTTP response", seen)], [exchange]) from None

    def _send(self, method: str, target: str, headers: Headers, body: bytes | None) -> None:
        sock = self._connected()
        length = () if body is None else (("Content-Length", str(len(body))),)
        request = h11.Request(method=method, target=target, headers=[("Host", self.host), *headers, *length])
        data = (self._http.send(request) or b"") + (body or b"")
        if body:
            self._http.send(h11.Data(data=body))
        self._http.send(h11.EndOfMessage())
        sock.settimeout(_left(self._ends))
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError
        ):  # refused early; the answer may be there all the same
            sock.sendall(data)

    def _receive(self) -> tuple[int, Headers, bytes]:
        found = self._response()
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        return found

    def _response(self) -> tuple[int, Headers, bytes]:
        if self._socket is None:
            raise ConnectionError("nothing was sent")
        status = 0
        headers: Headers = ()
        parts: list[bytes] = []
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._socket.settimeout(_left(self._ends))
                self._http.receive_data(self._socket.recv(_CHUNK))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items()
                )
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return status, headers, b"".join(parts)
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise ConnectionError("the connection was closed before the answer")

    def _connected(self) -> socket.socket:
        """Return the connection, a new one if there is none or the other side has closed it."""
        if self._socket is None or not self.is_open:
            self.close()
            self._socket = socket.create_connection(self.address, timeout=self.deadline_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._http = h11.Connection(h11.CLIENT)
        return self._socket


def _left(ends: float) -> float:
    """Return the seconds until `ends`; raises TimeoutError when there are none."""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _closed(sock: socket.socket) -> bool:
    """Whether the other side has closed a connection that waits to be used again."""
    sock.setblocking(False)
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def shorten(data: bytes, limit: int = _SHOWN) -> str:
    """Return bytes as text that a person can read."""
    text = data[: limit + 1].decode("utf-8", "backslashreplace")
    return text if len(text) <= limit else f"{text[:limit]}… ({len(data)} bytes)"
