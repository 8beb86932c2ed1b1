"""A message as bytes for standard output: its value, JSON, or what a format names."""

from collections.abc import Callable
from string import Formatter
from typing import Any

import msgspec

from kafka_do.client.messages import ReadMessage
from kafka_do.core.record_text import read_as
from kafka_do.core.records import StoredRecord
from kafka_do.spec import SPEC

__all__ = ["FORMATS", "formatter_of"]

Write = Callable[[ReadMessage[Any]], bytes]

_DEPTH = SPEC.limits["max_json_depth"]
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\0": "\0", "\\\\": "\\"}


def _value(message: ReadMessage[Any]) -> bytes:
    return message.raw_value or b""


def _json(message: ReadMessage[Any]) -> bytes:
    """Return the record as a fetch answers it, and before it where it stands."""
    stored = StoredRecord(message.offset, message.timestamp_ms, message.raw_key, message.raw_value, message.headers.raw)
    place = msgspec.json.encode({"topic": message.topic, "partition": message.partition})
    return place[:-1] + b"," + msgspec.json.encode(read_as(stored, "auto", _DEPTH))[1:]


def _headers(message: ReadMessage[Any]) -> bytes:
    return msgspec.json.encode([[name, value] for name, value in message.headers.multi_items()])


_FIELDS: dict[str, Write] = {
    "topic": lambda message: message.topic.encode(),
    "partition": lambda message: b"%d" % message.partition,
    "offset": lambda message: b"%d" % message.offset,
    "timestamp": lambda message: str(message.timestamp or "").encode(),
    "timestamp_ms": lambda message: b"" if message.timestamp_ms is None else b"%d" % message.timestamp_ms,
    "key": lambda message: message.raw_key or b"",
    "value": _value,
    "headers": _headers,
}

FORMATS = f"value, json, or a text with {', '.join(f'{{{name}}}' for name in _FIELDS)}"


def formatter_of(given: str) -> Write:
    r"""Return what makes bytes of a message; `\t`, `\n`, `\0` in a text are what they are in C. Raises ValueError."""
    if given == "json":
        return _json
    if given == "value":
        return _value
    try:
        parts = [(_unescaped(text), name) for text, name, *_ in Formatter().parse(given)]
        writers = [(text, _FIELDS[name] if name is not None else None) for text, name in parts]
    except (KeyError, ValueError):
        raise ValueError(f"--format is {FORMATS}, unlike {given!r}") from None
    if not any(write for _, write in writers):
        raise ValueError(f"--format is {FORMATS}, unlike {given!r}")

    def write_all(message: ReadMessage[Any]) -> bytes:
        return b"".join(text + (b"" if write is None else write(message)) for text, write in writers)

    return write_all


def _unescaped(text: str) -> bytes:
    for escape, meant in _ESCAPES.items():
        text = text.replace(escape, meant)
    return text.encode()
