"""Who may ask: keys. (AUTH-001 to AUTH-004)"""

import hashlib
import hmac
from collections.abc import Iterable

from kafka_do.binding import DISCOVER
from kafka_do.binding.fields import bearer_key, is_key
from kafka_do.binding.problems import HeadedError

__all__ = ["Keys"]


class Keys:
    """The keys that a server takes. It keeps digests: what is compared tells neither a key nor its length.

    Raises ValueError for a text that is no key, without repeating it.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests: list[bytes] = []
        for number, key in enumerate(keys, start=1):
            if not is_key(key.encode()):
                raise ValueError(f"key {number} has to be made of letters, digits and -._~+/ with = only at its end")
            self._digests.append(_digest(key.encode()))
        if not self._digests:
            raise ValueError("there is no key")

    def check(self, method: str, path: str, authorization: bytes | None) -> None:
        """Raise KafkaError `unauthorized` unless a request has a valid key or is for discovery. (AUTH-001, AUTH-002)"""
        discovery = DISCOVER.operation
        if path == discovery.path and method == discovery.method:
            return
        key = None if authorization is None else bearer_key(authorization)
        if key is None:
            raise _unauthorized("the request has no key; it has to have the header 'Authorization: Bearer <key>'")
        given = _digest(key)
        if not any([hmac.compare_digest(given, known) for known in self._digests]):  # noqa: C419  all of them, always
            raise _unauthorized("the key is not valid here")


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _unauthorized(message: str) -> HeadedError:
    return HeadedError("unauthorized", message, ("WWW-Authenticate", "Bearer"))
