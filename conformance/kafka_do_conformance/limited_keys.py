"""The keys with which rights and quotas are judged: what each of them may do, and a file of them for the reference."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["BEGINNING", "EXACT", "LIMITED_KEYS", "make_keys", "named_keys", "write_keys"]

BEGINNING = "conformance-a-"
EXACT = "conformance-exact"

LIMITED_KEYS: Mapping[str, str] = {
    "reader": f"scopes=consume topics={BEGINNING}* groups={BEGINNING}*",
    "writer": f"scopes=produce topics={BEGINNING}*",
    "manager": f"scopes=admin topics={BEGINNING}* groups={BEGINNING}*",
    "exact": f"scopes=produce,consume topics={EXACT} groups={EXACT}",
    "metered": "scopes=produce,consume,admin topics=* groups=* requests_per_second=5",
    "weighed": "scopes=produce,consume,admin topics=* groups=* bytes_per_second=20000",
}
"""What the key of each name may do, as the reference's file of keys says it."""


def make_keys() -> dict[str, str]:
    """Return new keys, by their names."""
    return {name: secrets.token_urlsafe(24) for name in LIMITED_KEYS}


def write_keys(file: Path, keys: Mapping[str, str]) -> None:
    """Write the reference's file of keys."""
    lines = [
        f"{name} sha256:{hashlib.sha256(key.encode()).hexdigest()} {LIMITED_KEYS[name]}\n" for name, key in keys.items()
    ]
    file.write_text("".join(lines), "utf-8")


def named_keys(given: Sequence[str]) -> dict[str, str]:
    """Return the keys of options `NAME=KEY`; raises ValueError, without repeating a key."""
    keys = {}
    for number, one in enumerate(given, start=1):
        name, separator, key = one.partition("=")
        if name not in LIMITED_KEYS or not separator or not key:
            raise ValueError(f"--key {number} has to be NAME=KEY, NAME one of {', '.join(LIMITED_KEYS)}")
        keys[name] = key
    return keys
