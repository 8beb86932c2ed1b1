"""Bodies of requests in gzip: the large ones. (HTTP-023)"""

import gzip

import msgspec

from kafka_do.binding.http import HttpRequest

__all__ = ["gzipped"]

_LEAST = 1024  # bytes: less goes in one packet anyway
_LEVEL = 1  # the quickest: a text of records becomes a fifth all the same


def gzipped(request: HttpRequest) -> HttpRequest:
    """Return a request with its body compressed, the same one if that is not worth it."""
    if len(request.body) < _LEAST:
        return request
    return msgspec.structs.replace(
        request,
        headers=(*request.headers, ("Content-Encoding", "gzip")),
        body=gzip.compress(request.body, compresslevel=_LEVEL, mtime=0),
    )
