"""Between Python's values and a record's bytes."""

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from kafka_do.client.headers import NO_HEADERS, Headers, HeadersLike, meaning_of
from kafka_do.client.messages import Instant, Key, Message, ReadMessage, milliseconds
from kafka_do.core.records import Record, StoredRecord, WrittenRecord

__all__ = ["data_of", "messages_of", "record_of", "record_to_send", "record_to_send_with", "value_of"]

M = TypeVar("M", bound=ReadMessage[Any])

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.encode
_RECORDS = (Message, ReadMessage, Record)
_BYTES = (bytes, bytearray, memoryview)

Encode = Callable[[Any], bytes | None]
"""Makes a value's bytes; bytes it leaves as they are."""


def data_of(value: Any) -> bytes | None:
    """Return a value's bytes; raises TypeError or ValueError for one that JSON cannot say."""
    if value is None:
        return None
    if isinstance(value, _BYTES):
        return bytes(value)
    data = _encode(value)
    if b"null" in data:  # which is also what the encoder makes of NaN and Infinity; JSON cannot say these
        json.dumps(msgspec.to_builtins(value), allow_nan=False)
    return data


def record_of(
    value: Any,
    *,
    key: Key = None,
    headers: HeadersLike = (),
    partition: int | None = None,
    timestamp: Instant | None = None,
    encode: Encode = data_of,
) -> Record:
    """Return the record for what a user sends: bytes stay bytes, None is a tombstone, everything else becomes JSON.

    Raises TypeError or ValueError for a value that JSON cannot say, a key that is neither text nor bytes, and the like.
    """
    made = _record(value, key, headers, partition, timestamp, encode)
    return Record(made.value, made.key, made.headers, made.timestamp_ms, made.partition)


def _record(  # noqa: PLR0917  names cost as much as the rest
    value: Any, key: Key, headers: HeadersLike, partition: int | None, timestamp: Instant | None, encode: Encode
) -> Record:
    is_written = encode is data_of and value is not None and not isinstance(value, _BYTES)
    return (WrittenRecord if is_written else Record)(
        encode(value),
        key if key is None else _key(key),
        Headers(headers).raw if headers else (),
        None if timestamp is None else milliseconds(timestamp),
        partition,
    )


def record_to_send(message: Any, encode: Encode = data_of) -> Record:
    """Return the record for a `Message`, a message that was read, a `Record`, or a bare value.

    Of a message that was read the bytes, the headers and the time go on; its partition is of its own topic.
    """
    if isinstance(message, Message):
        return _record(message.value, message.key, message.headers, message.partition, message.timestamp, encode)
    if isinstance(message, ReadMessage):
        return Record(encode(message.raw_value), message.raw_key, message.headers.raw, message.timestamp_ms)
    if isinstance(message, Record):
        encode(message.value)
        return message
    return _record(message, None, (), None, None, encode)


def record_to_send_with(  # noqa: PLR0917  names cost as much as the rest
    message: Any,
    key: Key,
    headers: HeadersLike,
    partition: int | None,
    timestamp: Instant | None,
    encode: Encode = data_of,
) -> Record:
    """Return the record for what a user sends, where what is given beside a message counts more than its own."""
    if not isinstance(message, _RECORDS):
        return _record(message, key, headers, partition, timestamp, encode)
    record = record_to_send(message, encode)
    return Record(
        record.value,
        record.key if key is None else _key(key),
        Headers(headers).raw or record.headers,
        record.timestamp_ms if timestamp is None else milliseconds(timestamp),
        record.partition if partition is None else partition,
    )


def messages_of(
    topic: str,
    partition: int,
    records: Iterable[StoredRecord],
    *,
    origin: object = None,
    make: Callable[..., M] = ReadMessage,  # type: ignore[assignment]
    decode: Callable[[bytes | None], Any] | None = None,
) -> list[M]:
    """Return the messages for records that were read; `decode` tells their values, if not what the bytes mean."""
    meaning = decode or value_of
    return [
        make(
            topic,
            partition,
            record.offset,
            record.timestamp_ms,
            None if record.key is None else meaning_of(record.key),
            meaning(record.value),
            Headers.of(record.headers) if record.headers else NO_HEADERS,
            record.key,
            record.value,
            origin,
        )
        for record in records
    ]


def value_of(data: bytes | None) -> Any:
    """Return what a value's bytes mean: JSON, else text, else bytes."""
    if data is None:
        return None
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return meaning_of(data)


def _key(key: Any) -> bytes:
    if isinstance(key, bytes):
        return key
    if isinstance(key, str):
        return key.encode()
    raise TypeError(f"key has to be str, bytes or None, not {type(key).__name__}")
