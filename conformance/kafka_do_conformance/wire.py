"""The suite's own HTTP client: it sends what a case says, byte by byte, and keeps what came back."""

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kafka_do_conformance.verdict import Crashed, Exchange, Mismatch, Timeout

__all__ = ["Response", "Wire", "shorten"]

_SHOWN = 1200


@dataclass(frozen=True)
class Response:
    """A response as it came; `exchange` shows it together with its request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    exchange: Exchange

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """Return the body as a JSON value; raises ValueError."""
        return json.loads(self.body)


class Wire:
    """Exchanges with the server at `url`, each over a connection that is kept; `deadline_s` bounds each wait."""

    def __init__(self, url: str, deadline_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"the suite judges servers at http://host:port, unlike {url!r}")
        self.url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=deadline_s)
        self._deadline_s = deadline_s

    def exchange(
        self, method: str, target: str, *, body: bytes | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        """Send one request; raises Timeout or Crashed where no whole response came."""
        shown = f"{method} {target}" + ("" if body is None else f" {shorten(body)}")
        try:
            return self._exchange(shown, method, target, body, headers)
        except TimeoutError:
            self._connection.close()
            raise Timeout(shown, [Mismatch("answer", "one", f"none within {self._deadline_s:g} s")]) from None
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            seen = f"{type(error).__name__} {error}".strip()
            raise Crashed(shown, [Mismatch("answer", "an HTTP response", seen)], [Exchange(shown, seen)]) from None

    def _exchange(
        self, shown: str, method: str, target: str, body: bytes | None, headers: tuple[tuple[str, str], ...]
    ) -> Response:
        connection = self._connection
        if connection.sock is not None and _closed(connection.sock):
            connection.close()
        connection.putrequest(method, self._prefix + target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read()
        seen = f"{answer.status} {answer.headers.get('Content-Type', '')} {shorten(text)}"
        return Response(answer.status, tuple(answer.headers.items()), text, Exchange(shown, seen))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _closed(sock: socket.socket) -> bool:
    """Whether the other side has closed a connection that waits to be used again."""
    timeout = sock.gettimeout()
    sock.setblocking(False)
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        sock.settimeout(timeout)


def shorten(data: bytes, limit: int = _SHOWN) -> str:
    """Return bytes as text that a person can read."""
    text = data[: limit + 1].decode("utf-8", "backslashreplace")
    return text if len(text) <= limit else f"{text[:limit]}… ({len(data)} bytes)"
