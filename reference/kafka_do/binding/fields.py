"""Header fields of a request, read without I/O: which media types and codings it allows, whose key it has."""

import functools
import re
from collections.abc import Iterator, Sequence

__all__ = ["accepts_json", "bearer_key", "combine", "content_codings", "is_key", "is_request_id", "preferred"]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_KEY = re.compile(rb"[A-Za-z0-9._~+/-]+=*")  # token68 of RFC 9110
_BEARER = re.compile(rb"bearer +(?P<key>[^ ]+)", re.IGNORECASE)
_JSON = "application/json"
_JSON_RANGES = ("*/*", "application/*", _JSON)  # from the least to the most specific
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def combine(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return fields by name, names in lower case as ASGI has them; the values of one that is repeated are one list."""
    fields = dict(headers)
    if len(fields) < len(headers):
        for name in fields:
            fields[name] = b", ".join(value for other, value in headers if other == name)
    return fields


def is_request_id(value: bytes) -> bool:
    """Whether a request's own id is taken as it is. (HTTP-001)"""
    return _REQUEST_ID.fullmatch(value) is not None


def is_key(key: bytes) -> bool:
    """Whether a key has only the characters that may stand behind `Bearer`."""
    return _KEY.fullmatch(key) is not None


def bearer_key(value: bytes) -> bytes | None:
    """Return the key in the value of `Authorization`, None where there is none. (AUTH-001)"""
    found = _BEARER.fullmatch(value)
    return found["key"] if found and is_key(found["key"]) else None


def content_codings(value: bytes) -> list[str]:
    """Return the codings of `Content-Encoding` but `identity`, in lower case."""
    names = [name.strip().lower() for name in value.decode("latin-1").split(",")]
    return [name for name in names if name not in ("", "identity")]


@functools.lru_cache(256)
def accepts_json(value: bytes) -> bool:
    """Whether an `Accept` allows `application/json`. (HTTP-003)"""
    found: dict[str, bool] = {}
    for media_range, quality in _media_ranges(value):
        if media_range in _JSON_RANGES:
            found[media_range] = found.get(media_range, False) or quality > 0
    return next((found[one] for one in reversed(_JSON_RANGES) if one in found), not value.strip())


@functools.lru_cache(256)
def preferred(value: bytes, media_types: tuple[str, ...]) -> str:
    """Return which of some media types and `application/json` an `Accept` names first among its best. (STREAM-001)

    Nothing where it names none of them.
    """
    best, found = 0.0, ""
    for media_range, quality in _media_ranges(value):
        if media_range in (*media_types, _JSON) and quality > best:
            best, found = quality, media_range
    return found


def _media_ranges(accept: bytes) -> Iterator[tuple[str, float]]:
    """Yield what an `Accept` lists, each with its quality."""
    for member in accept.decode("latin-1").split(","):
        media_range, *parameters = (part.strip().lower() for part in member.split(";"))
        yield media_range, _quality(parameters)


def _quality(parameters: list[str]) -> float:
    """Return the parameter `q`, 1 without it and 0 where it is no quality."""
    given = next((text for name, _, text in (one.partition("=") for one in parameters) if name == "q"), "1")
    return float(given) if _QUALITY.fullmatch(given) else 0
