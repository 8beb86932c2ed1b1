"""The lines of a file of keys: a name, the hash of the key, and what it may do.

    # name    hash              what it may do
    billing   sha256:9f86d081…  scopes=consume topics=orders*,refunds groups=billing requests_per_second=50

A line with nothing but a key, as it is sent, is a key that may do everything. No message repeats what may be a key.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import msgspec

from kafka_do.binding.fields import is_key
from kafka_do.core.rights import EVERYTHING, Names, Rights
from kafka_do.server.quotas import Quota
from kafka_do.spec import SPEC

__all__ = ["Key", "digest_of", "parse_keys", "write_key"]

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_RATE = re.compile(r"[1-9][0-9]{0,14}")
_LISTS = ("scopes", "topics", "groups")
_RATES = Quota.__struct_fields__


class Key(msgspec.Struct, frozen=True):
    """A key that a server takes: its `digest`, and what it may do. `name` is how logs call it."""

    name: str
    digest: bytes
    rights: Rights = EVERYTHING
    quota: Quota = Quota()


def digest_of(key: bytes) -> bytes:
    """Return what is kept of a key. Keys are long and random, so that nobody finds one by trying."""
    return hashlib.sha256(key).digest()


def parse_keys(lines: Iterable[str]) -> list[Key]:
    """Return the keys of a file; raises ValueError that names the line and what would be right."""
    found: dict[bytes, Key] = {}
    names: set[str] = set()
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            key = _key(words, number)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if key.digest in found or key.name in names:
            raise ValueError(f"line {number}: there is a key of that name, or the same key, before it")
        found[key.digest] = key
        names.add(key.name)
    return list(found.values())


def _key(words: list[str], number: int) -> Key:
    if len(words) == 1:
        if not is_key(words[0].encode()):
            raise ValueError("a key has to be made of letters, digits and -._~+/ with = only at its end")
        return Key(f"line-{number}", digest_of(words[0].encode()))
    name, hashed, *options = words
    _check_name(name)
    if not (digest := _HASH.fullmatch(hashed)):
        raise ValueError("behind the name stands sha256: and 64 digits of 0-9 and a-f, as `kafka-do key` writes it")
    given = dict(_options(options))
    rights = Rights(
        scopes=_scopes(given.get("scopes", "")),
        topics=_names(given.get("topics", "")),
        groups=_names(given.get("groups", "")),
    )
    return Key(name, bytes.fromhex(digest[1]), rights, Quota(**{rate: _rate(rate, given) for rate in _RATES}))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("a name has 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")


def _options(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for word in words:
        option, separator, value = word.partition("=")
        if not separator or option not in (*_LISTS, *_RATES):
            raise ValueError(f"behind the hash stand {', '.join(f'{one}=…' for one in (*_LISTS, *_RATES))}")
        if option in seen:
            raise ValueError(f"{option} stands there twice")
        seen.add(option)
        yield option, value


def _scopes(value: str) -> frozenset[str]:
    scopes = frozenset(value.split(","))
    if not scopes <= set(SPEC.scopes):
        raise ValueError(f"scopes= has one or more of {', '.join(SPEC.scopes)}, with commas between them")
    return scopes


def _names(value: str) -> Names:
    """Return names; what has another meaning here is percent-encoded, and a `*` counts only where it is not."""
    patterns = value.split(",") if value else []
    if not all(patterns):
        raise ValueError("topics= and groups= have names with commas between them, none of them empty")
    whole = frozenset(unquote(one) for one in patterns if not one.endswith("*"))
    return Names(whole, tuple(unquote(one.removesuffix("*")) for one in patterns if one.endswith("*")))


def _rate(rate: str, given: dict[str, str]) -> int | None:
    if rate not in given:
        return None
    if not _RATE.fullmatch(given[rate]):
        raise ValueError(f"{rate}= has a whole number from 1 to 999999999999999")
    return int(given[rate])


def write_key(name: str, key: str, *, options: Iterable[tuple[str, str]]) -> str:
    """Return the line of a key; raises ValueError for one that could not be read."""
    _check_name(name)
    line = " ".join(
        [name, f"sha256:{digest_of(key.encode()).hex()}", *(f"{option}={value}" for option, value in options)]
    )
    parse_keys([line])
    return line
