"""Between the bytes of a record's value and the type that a user has named for it.

dataclasses, msgspec's Structs, TypedDicts and everything else that msgspec knows are read by it; pydantic's models and
dataclasses read and write themselves, so the library need not know pydantic. A value is JSON, but bytes are bytes.
"""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import msgspec
import msgspec.inspect

from kafka_do.client.serializing import data_of

__all__ = ["Codec", "Misfit", "codec_of"]


class Misfit(NamedTuple):
    """Stands where a value would, in a message whose bytes do not fit the type."""

    reason: str


class Codec:
    """Writes and reads the values of one type. None, a tombstone, fits a type that allows it, such as `Order | None`.

    Raises TypeError for a type that says nothing about JSON.
    """

    def __init__(self, kind: Any) -> None:
        self.name = getattr(kind, "__name__", None) or str(kind)
        self._read, self._write = _ways(kind)

    def encode(self, value: Any) -> bytes | None:
        """Return the bytes of a value, or bytes as they are, if they can be read as the type; else raise TypeError."""
        try:
            data = self._write(value)
            self._read(data)
        except (ValueError, TypeError) as error:
            raise TypeError(f"the value does not fit {self.name}: {error}") from None
        return data

    def decode(self, data: bytes | None) -> Any:
        """Return what bytes mean, or a `Misfit`."""
        try:
            return self._read(data)
        except (ValueError, TypeError, RecursionError) as error:
            return Misfit(str(error))


def codec_of(kind: Any) -> Codec | None:
    """Return the codec of a type; None, for values of every kind, where none is named."""
    return None if kind is None else Codec(kind)


Read = Callable[[bytes | None], Any]
Write = Callable[[Any], bytes | None]


def _ways(kind: Any) -> tuple[Read, Write]:
    if kind is bytes:
        return _bytes, _bytes
    if _is_pydantic(kind):
        adapter = importlib.import_module("pydantic").TypeAdapter(kind)
        return (lambda data: adapter.validate_json(_text(data))), lambda value: _json_of(adapter, value)
    info = msgspec.inspect.type_info(kind)
    among = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    if any(isinstance(one, msgspec.inspect.CustomType) for one in among):
        raise TypeError(f"value_type has to be a type that JSON can be read as, such as a dataclass, unlike {kind!r}")
    decoder = msgspec.json.Decoder(kind)
    return (lambda data: decoder.decode(_text(data))), data_of


def _is_pydantic(kind: Any) -> bool:
    return hasattr(kind, "__pydantic_validator__") or any(_is_pydantic(one) for one in get_args(kind))


def _json_of(adapter: Any, value: Any) -> bytes | None:
    return (
        value
        if value is None or isinstance(value, bytes)
        else adapter.dump_json(value, by_alias=True, warnings="error")
    )


def _bytes(data: Any) -> bytes:
    if not isinstance(data, bytes):
        raise TypeError(f"expected bytes, not {type(data).__name__}")
    return data


def _text(data: bytes | None) -> bytes:
    return b"null" if data is None else data
