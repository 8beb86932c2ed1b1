"""Requests and responses as plain data."""

import functools
from collections.abc import Iterable

import msgspec

__all__ = ["JSON", "PROBLEM_JSON", "REVISION_HEADER", "HttpRequest", "HttpResponse", "header", "media_type"]

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
REVISION_HEADER = "Kafka-Do-Revision"


class HttpRequest(msgspec.Struct, frozen=True):
    """A request. `path` and `query` stand as on the wire, percent-encoded; `query` is without its question mark."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class HttpResponse(msgspec.Struct, frozen=True):
    """A response with its whole body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the first header of that name, whatever its case."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


def media_type(headers: Iterable[tuple[str, str]]) -> str | None:
    """Return the media type of `Content-Type` without its parameters, in lower case."""
    for name, value in headers:
        if name == "Content-Type" or name.lower() == "content-type":
            return _essence(value)
    return None


@functools.lru_cache(maxsize=256)
def _essence(value: str) -> str:
    return value.partition(";")[0].strip().lower()
