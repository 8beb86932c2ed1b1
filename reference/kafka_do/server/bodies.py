"""Bodies of requests as they arrive, never more of them in memory than is allowed. (CONV-009, HTTP-015)"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from kafka_do.core.errors import KafkaError

__all__ = ["ClientLeftError", "Receive", "check_announced", "read_body", "too_large"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientLeftError(Exception):
    """The request will never be complete: its client closed the connection, or it took too long. (HTTP-018)"""


def check_announced(fields: Mapping[bytes, bytes], limit: int) -> None:
    """Refuse a body that is announced to be too long, before it is sent; raises KafkaError."""
    announced = fields.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise too_large("is longer than", limit)


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the whole body; raises KafkaError `request_too_large`, ClientLeftError.

    A body above the limit is read on and thrown away up to twice the limit, so that a client which sends all before
    it reads gets the answer instead of a broken connection.
    """
    parts: list[bytes] = []
    size = 0
    more = True
    while more and size <= 2 * limit:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientLeftError
        part = event.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        more = event.get("more_body", False)
    if size > limit:
        raise too_large("is longer than", limit)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(how: str, limit: int) -> KafkaError:
    """Make the error for a body that `how` the limit."""
    return KafkaError(
        "request_too_large", f"the body {how} max_request_bytes, which is {limit}", max_request_bytes=limit
    )
