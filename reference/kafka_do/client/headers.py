"""The headers of a record: a mapping to look into, which keeps order, duplicates and null values. (RECORD-008)"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kafka_do.core.records import Header

__all__ = ["NO_HEADERS", "HeaderValue", "Headers", "HeadersLike", "meaning_of"]

HeaderValue = str | bytes | None
HeadersLike = Mapping[str, HeaderValue] | Iterable[tuple[str, HeaderValue]]
"""What a user gives as headers: a mapping, or pairs where a name comes twice."""


class Headers(Mapping[str, HeaderValue]):
    """Headers in their order, `raw` with each value's bytes.

    As a mapping it has each name once with its last value, as Kafka's `lastHeader`: text if the bytes are UTF-8, else
    bytes; None is a null value. `get_all` and `multi_items` have the duplicates too. (RECORD-012)
    """

    __slots__ = ("raw",)

    raw: tuple[Header, ...]

    def __init__(self, headers: HeadersLike = ()) -> None:
        """Take a mapping or pairs; text becomes UTF-8. Raises TypeError for what is neither text nor bytes nor None."""
        if isinstance(headers, Headers):
            self.raw = headers.raw
        else:
            pairs = headers.items() if isinstance(headers, Mapping) else headers
            self.raw = tuple(Header(_name(name), _bytes(name, value)) for name, value in pairs)

    @classmethod
    def of(cls, raw: tuple[Header, ...]) -> "Headers":
        """Return the headers of a record."""
        if not raw:
            return NO_HEADERS
        headers = cls.__new__(cls)
        headers.raw = raw
        return headers

    def __getitem__(self, name: str) -> HeaderValue:
        for header in reversed(self.raw):
            if header.key == name:
                return meaning_of(header.value)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(header.key for header in self.raw))

    def __len__(self) -> int:
        return len({header.key for header in self.raw})

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, Headers) else super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"Headers({self.multi_items()!r})"

    def get_all(self, name: str) -> list[HeaderValue]:
        """Return the values of all headers of that name, in order."""
        return [meaning_of(header.value) for header in self.raw if header.key == name]

    def multi_items(self) -> list[tuple[str, HeaderValue]]:
        """Return all headers, in order, duplicates too."""
        return [(header.key, meaning_of(header.value)) for header in self.raw]


def meaning_of(data: bytes | None) -> HeaderValue:
    """Return text if the bytes are UTF-8, else the bytes; None is None."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a header's name has to be str, not {type(name).__name__}")
    name.encode()
    return name


def _bytes(name: str, value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"header {name!r} has to be str, bytes or None, not {type(value).__name__}")


NO_HEADERS = Headers()
