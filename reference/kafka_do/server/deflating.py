"""Compressed answers: the large ones, where the client says that it can read them. (HTTP-008, HTTP-021, HTTP-022)"""

import asyncio
import zlib
from collections.abc import Callable, Mapping

import zstandard

from kafka_do.binding.fields import accepted_coding
from kafka_do.binding.http import HttpResponse
from kafka_do.server.compression import GZIP, ZSTD

__all__ = ["deflated"]

_LEAST = 4096  # bytes: below that there is little to win
_AT_ONCE = 1 << 17  # bytes: more is compressed in a thread, so that nobody else waits
_VARY = ("Vary", "Accept-Encoding")
_LEVEL = 1  # the quickest: a text of records becomes a fifth all the same


async def deflated(
    response: HttpResponse, accept_encoding: bytes | None, *, with_zstd: bool, waits: bool
) -> HttpResponse:
    """Return an answer as `Accept-Encoding` allows; without `waits` also a large one is compressed at once."""
    if len(response.body) < _LEAST:
        return response
    offered = (ZSTD, GZIP) if with_zstd else (GZIP,)
    coding = None if accept_encoding is None else accepted_coding(accept_encoding, offered)
    if coding is None:
        return HttpResponse(response.status, (*response.headers, _VARY), response.body)
    deflate = _DEFLATERS[coding]
    if waits and len(response.body) > _AT_ONCE:
        body = await asyncio.to_thread(deflate, response.body)
    else:
        body = deflate(response.body)
    return HttpResponse(response.status, (*response.headers, ("Content-Encoding", coding), _VARY), body)


def _gzip(body: bytes) -> bytes:
    stream = zlib.compressobj(_LEVEL, wbits=16 + zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL).compress(body)


_DEFLATERS: Mapping[str, Callable[[bytes], bytes]] = {GZIP: _gzip, ZSTD: _zstd}
