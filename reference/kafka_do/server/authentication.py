"""Who may ask: keys. (AUTH-001 to AUTH-004, AUTH-009)"""

import hmac
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from kafka_do.binding import DISCOVER
from kafka_do.binding.fields import bearer_key, is_key
from kafka_do.binding.problems import HeadedError
from kafka_do.engines.clock import Clock, EventLoopClock
from kafka_do.server.key_file import Key, digest_of, parse_keys
from kafka_do.server.quotas import Meter

__all__ = ["Holder", "Keys"]

_LOOK_MS = 1000
_Stamp = tuple[int, int, int]

_log = logging.getLogger("kafka_do.server")


class Holder:
    """Whoever has a key: what it allows, and what is left of its quota."""

    def __init__(self, key: Key, clock: Clock) -> None:
        self.key = key
        self.rights = key.rights
        self.is_unlimited = key.rights.is_everything
        self.meter = Meter(key.quota, clock)


class Keys:
    """The keys that a server takes: `texts`, which may do everything, and those of a `file` that may change.

    It keeps digests. Nobody can choose one, so how long it takes to find it, or not, tells nothing of a key.
    Raises ValueError for a text that is no key and OSError for a file that cannot be read, without repeating a key.
    """

    def __init__(self, texts: Iterable[str] = (), *, file: Path | None = None, clock: Clock | None = None) -> None:
        self._clock = clock or EventLoopClock()
        self._given = [_given(number, text) for number, text in enumerate(texts, start=1)]
        self._file = file
        self._stamp = None if file is None else _stamp(file)
        self._looked_ms = self._clock.now_ms()
        self._listed: Sequence[Key] = ()
        self._revoked: set[bytes] = set()
        self._holders: dict[bytes, Holder] = {}
        if not self._given and file is None:
            raise ValueError("there is no key")
        self._take([] if file is None else _read(file))

    def check(self, method: str, path: str, authorization: bytes | None) -> Holder | None:
        """Return who asks, None for discovery, which nobody needs a key for. (AUTH-001, AUTH-002)

        Raises KafkaError `unauthorized` for a request without a valid key.
        """
        discovery = DISCOVER.operation
        if path == discovery.path and method == discovery.method:
            return None
        key = None if authorization is None else bearer_key(authorization)
        if key is None:
            raise _unauthorized("the request has no key; it has to have the header 'Authorization: Bearer <key>'")
        self._look()
        digest = digest_of(key)
        holder = self._holders.get(digest)
        if holder is None or not hmac.compare_digest(digest, holder.key.digest):
            raise _unauthorized("the key is not valid here")
        return holder

    def is_current(self, holder: Holder) -> bool:
        """Whether a key is still valid and allows what it did: what goes on for long has to ask again. (AUTH-009)"""
        self._look()
        return self._holders.get(holder.key.digest) is holder

    def revoke(self, text: str) -> bool:
        """Take back a key until it is restored; return whether it was one. (CONTROL-013)"""
        digest = digest_of(text.encode("utf-8", "surrogatepass"))
        if digest not in self._holders:
            return False
        self._revoked.add(digest)
        self._take(self._listed)
        return True

    def restore(self) -> None:
        """Take all keys again that were taken back. (CONTROL-013)"""
        self._revoked.clear()
        self._take(self._listed)

    def _look(self) -> None:
        """Read the file again if it has changed, at most once a second; a faulty one changes nothing."""
        now_ms = self._clock.now_ms()
        if self._file is None or now_ms - self._looked_ms < _LOOK_MS:
            return
        self._looked_ms = now_ms
        before, self._stamp = self._stamp, _stamp(self._file)
        if self._stamp == before:
            return
        try:
            self._take(_read(self._file))
            _log.info("the keys were read again: there are %d", len(self._holders))
        except (OSError, ValueError) as error:
            _log.error("the file of keys was not read, so the keys stay as they were: %s", error)

    def _take(self, keys: Sequence[Key]) -> None:
        self._listed = keys
        before, self._holders = self._holders, {}
        for key in [*self._given, *keys]:
            if key.digest in self._revoked:
                continue
            known = before.get(key.digest)
            self._holders[key.digest] = known if known is not None and known.key == key else Holder(key, self._clock)


def _given(number: int, text: str) -> Key:
    if not is_key(text.encode()):
        raise ValueError(f"key {number} has to be made of letters, digits and -._~+/ with = only at its end")
    return Key(f"given-{number}", digest_of(text.encode()))


def _read(file: Path) -> list[Key]:
    keys = parse_keys(file.read_text("utf-8").splitlines())
    if not keys:
        raise ValueError("there is no key in it")
    return keys


def _stamp(file: Path) -> _Stamp | None:
    """Return what is another when a file has changed, None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _unauthorized(message: str) -> HeadedError:
    return HeadedError("unauthorized", message, ("WWW-Authenticate", "Bearer"))
