"""Single HTTP requests of the benchmark itself: to prepare a server and to look at what it holds."""

import contextlib
import http.client
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

__all__ = ["JSON", "exchange", "post_all"]

JSON = {"content-type": "application/json"}
_TIMEOUT_S = 60.0


def exchange(url: str, method: str, path: str, body: str | None = None, headers: Mapping[str, str] = JSON) -> Any:
    """Send one request and return the JSON of its answer, None for an empty one; raises RuntimeError above 299."""
    with contextlib.closing(_connection(url)) as connection:
        return _answer(connection, method, path, body, headers)


def post_all(url: str, path: str, bodies: Iterable[str]) -> None:
    """Post `bodies` one after the other on one connection; raises RuntimeError if one is refused."""
    with contextlib.closing(_connection(url)) as connection:
        for body in bodies:
            _answer(connection, "POST", path, body, JSON)


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)


def _answer(
    connection: http.client.HTTPConnection, method: str, path: str, body: str | None, headers: Mapping[str, str]
) -> Any:
    connection.request(method, path, body, dict(headers))
    response = connection.getresponse()
    answer = response.read()
    if response.status not in range(200, 300) or response.status == http.HTTPStatus.MULTI_STATUS:
        raise RuntimeError(f"{method} {path} was answered {response.status}: {answer[:500]!r}")
    return json.loads(answer) if answer else None
