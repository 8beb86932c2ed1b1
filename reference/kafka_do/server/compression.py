"""Compressed bodies of requests. (HTTP-004 to HTTP-007)"""

import zlib

from kafka_do.binding.fields import content_codings
from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.server.bodies import too_large

__all__ = ["check_coding", "inflate"]

_GZIP = 16 + zlib.MAX_WBITS


def check_coding(content_encoding: bytes) -> bool:
    """Return whether a body has to be inflated; raises KafkaError `unsupported_content_encoding`. (HTTP-005)"""
    codings = content_codings(content_encoding)
    if codings not in ([], ["gzip"]):
        raise HeadedError(
            "unsupported_content_encoding",
            f"the body is encoded with {', '.join(codings)}; it may be encoded with gzip, once, or not at all",
            ("Accept-Encoding", "gzip"),
        )
    return bool(codings)


def inflate(body: bytes, limit: int) -> bytes:
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
    if not stream.eof:
        raise _broken("the gzip data is cut short")
    if stream.unused_data:
        raise _broken(f"{len(stream.unused_data)} bytes stand behind the end of the gzip data; it has to be one member")
    return inflated


def _broken(detail: str) -> KafkaError:
    return invalid_request([("", detail)])
