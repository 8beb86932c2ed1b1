"""Between Python's values and a record's bytes."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from kafka_do.client.messages import Headers, Key, Message
from kafka_do.core.records import Header, Record, StoredRecord

__all__ = ["message_of", "record_of"]


def record_of(
    value: Any, *, key: Key = None, headers: Headers = (), partition: int | None = None, timestamp_ms: int | None = None
) -> Record:
    """Return the record for what a user sends: bytes stay bytes, None is a tombstone, everything else becomes JSON.

    Raises TypeError or ValueError for a value that JSON cannot say, a key that is neither text nor bytes, and the like.
    """
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return Record(
        value=_data(value),
        key=_text("key", key),
        headers=tuple(Header(_name(name), _text(f"header {name!r}", text)) for name, text in pairs),
        partition=partition,
        timestamp_ms=timestamp_ms,
    )


def message_of(topic: str, partition: int, stored: StoredRecord) -> Message:
    """Return the message for a record that was read."""
    return Message(
        topic=topic,
        partition=partition,
        offset=stored.offset,
        timestamp_ms=stored.timestamp_ms,
        key=_meaning(stored.key),
        value=_value(stored.value),
        headers=stored.headers,
        raw_key=stored.key,
        raw_value=stored.value,
    )


def _data(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    data = msgspec.json.encode(value)
    if b"null" in data:  # which is also what the encoder makes of NaN and Infinity; JSON cannot say these
        json.dumps(msgspec.to_builtins(value), allow_nan=False)
    return data


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a header's name has to be str, not {type(name).__name__}")
    name.encode()
    return name


def _text(what: str, text: Key) -> bytes | None:
    if text is None or isinstance(text, bytes):
        return text
    if isinstance(text, str):
        return text.encode()
    raise TypeError(f"{what} has to be str, bytes or None, not {type(text).__name__}")


def _value(data: bytes | None) -> Any:
    if data is None:
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _meaning(data)


def _meaning(data: bytes | None) -> Key:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
