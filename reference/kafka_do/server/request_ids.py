"""Ids of requests. (HTTP-001)"""

import itertools
import secrets

from kafka_do.binding.fields import is_request_id

__all__ = ["REQUEST_ID_HEADER", "RequestIds"]

REQUEST_ID_HEADER = "X-Request-Id"


class RequestIds:
    """Gives each request an id: its own, or a number behind a prefix that no other process has.

    A random id for every request would cost more than routing it.
    """

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    def of(self, given: bytes | None) -> str:
        """Return the id of a request that came with `given`."""
        if given is not None and is_request_id(given):
            return given.decode("ascii")
        return f"{self._prefix}-{next(self._numbers):x}"
