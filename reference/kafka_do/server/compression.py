"""Compressed bodies of requests. (HTTP-004 to HTTP-007, HTTP-019, HTTP-020)"""

import io
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import zstandard

from kafka_do.binding.fields import content_codings
from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.server.bodies import too_large

__all__ = ["GZIP", "ZSTD", "Inflate", "inflater"]

GZIP = "gzip"
ZSTD = "zstd"
_GZIP = 16 + zlib.MAX_WBITS
_MAX_WINDOW = 1 << 23  # bytes: RFC 9659 asks for no more

Inflate = Callable[[bytes, int], bytes]


def inflater(content_encoding: bytes, *, with_zstd: bool) -> Inflate | None:
    """Return what inflates a body, None for one that is not compressed.

    Raises KafkaError `unsupported_content_encoding`. (HTTP-005)
    """
    codings = content_codings(content_encoding)
    if not codings:
        return None
    offered = [GZIP, ZSTD] if with_zstd else [GZIP]
    if len(codings) > 1 or codings[0] not in offered:
        raise HeadedError(
            "unsupported_content_encoding",
            f"the body is encoded with {', '.join(codings)};"
            f" it may be encoded with {' or '.join(offered)}, once, or not at all",
            ("Accept-Encoding", ", ".join(offered)),
        )
    return _INFLATERS[codings[0]]


def inflate_gzip(body: bytes, limit: int) -> bytes:
    """Return what a gzip body inflates to; never makes more than `limit` bytes and one.

    Raises KafkaError `request_too_large` (HTTP-006) or `invalid_request` (HTTP-007).
    """
    stream = zlib.decompressobj(_GZIP)
    try:
        inflated = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise _broken(f"this is not gzip: {error}") from None
    if len(inflated) > limit:
        raise too_large("inflates to more than", limit)
    _check_end(stream, GZIP)
    return inflated


def inflate_zstd(body: bytes, limit: int) -> bytes:
    """Return what a zstd body inflates to; never makes more than `limit` bytes and one.

    The library tells only of data that it has inflated whole where the end is. So how much it becomes is found first.
    Raises KafkaError `request_too_large` (HTTP-020) or `invalid_request` (HTTP-019).
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    try:
        if len(decompressor.stream_reader(io.BytesIO(body)).read(limit + 1)) > limit:
            raise too_large("inflates to more than", limit)
        stream = decompressor.decompressobj()
        inflated = stream.decompress(body)
    except zstandard.ZstdError as error:
        raise _broken(f"this is not zstd: {error}") from None
    _check_end(stream, ZSTD)
    return inflated


_INFLATERS: Mapping[str, Inflate] = {GZIP: inflate_gzip, ZSTD: inflate_zstd}


def _check_end(stream: Any, coding: str) -> None:
    """Raise KafkaError `invalid_request` unless a body was one member or frame. (HTTP-007, HTTP-019)"""
    if not stream.eof:
        raise _broken(f"the {coding} data is cut short")
    if stream.unused_data:
        raise _broken(
            f"{len(stream.unused_data)} bytes stand behind the end of the {coding} data; it has to be one piece"
        )


def _broken(detail: str) -> KafkaError:
    return invalid_request([("", detail)])
