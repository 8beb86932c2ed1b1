"""Requests that ask for another protocol (`Upgrade: h2c`, as some clients do with each first request).

The wish is not granted, and HTTP allows that. But the parser stops at it, before the body, and calls the request
complete; so another parser has to go on behind the head.
"""

from collections.abc import Callable, Sequence
from typing import Any

import httptools

__all__ = ["body_framing", "parser_behind_head"]

_CALLBACKS = ("on_message_begin", "on_url", "on_header", "on_headers_complete", "on_body", "on_message_complete")


def body_framing(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the field that says how long the body is, nothing where there is none."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
            return b"%b: %b\r\n" % (name, value)
    return b""


def parser_behind_head(protocol: object, framing: bytes) -> httptools.HttpRequestParser:
    """Return a parser for what follows a head: a body with this framing, if there is any, and further requests."""
    gate = _Gate(protocol)
    parser = httptools.HttpRequestParser(gate)
    if framing:
        parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % framing)
    gate.is_open = True
    return parser


class _Gate:
    """Passes what a parser finds on to a protocol, as soon as it is open."""

    def __init__(self, protocol: object) -> None:
        self.is_open = False
        for name in _CALLBACKS:
            setattr(self, name, self._behind(getattr(protocol, name)))

    def _behind(self, callback: Callable[..., None]) -> Callable[..., None]:
        def call(*found: Any) -> None:
            if self.is_open:
                callback(*found)

        return call
