"""Records between their bytes and the messages that carry them as text. (RECORD-001 to RECORD-019)

`auto` loses nothing (RECORD-014): the text in which it reads a record is kept as the record itself. A record that is
brought into this form is called settled here; every other encoding is made from it.
"""

import msgspec
from msgspec import UNSET

from kafka_do.core.encodings import decode_text, decode_value, encode_text, encode_value
from kafka_do.core.errors import invalid_request
from kafka_do.core.json_text import has_white_space
from kafka_do.core.messages import (
    FetchedHeader,
    FetchedRecord,
    ProducePartitionRecord,
    ProduceRecord,
    ReadEncoding,
    RecordHeader,
)
from kafka_do.core.plain_records import IncomingRecord, PlainRecord
from kafka_do.core.records import Header, Record, StoredRecord, WrittenRecord

Message = ProduceRecord | ProducePartitionRecord

_messages = msgspec.json.Decoder(list[FetchedRecord]).decode
_MAY_BEGIN_JSON = frozenset((b'"', b"\\", *(b"%c" % byte for byte in b"{[-0123456789tf")))  # `null` stays a text

__all__ = ["is_settled", "key_bytes", "message_of_record", "read_as", "record_of_message", "settle", "stored_records"]


def message_of_record(record: Record, max_depth: int) -> ProduceRecord:
    """Return the message for a record: settled, and what a client sends. (RECORD-011, RECORD-012)"""
    value, value_encoding = encode_value(record.value, "auto", max_depth, is_compact=isinstance(record, WrittenRecord))
    if record.key is None and not record.headers and record.timestamp_ms is None and record.partition is None:
        return ProduceRecord(value, value_encoding=value_encoding)
    key, key_encoding = encode_text(record.key, "auto")
    headers = []
    for header in record.headers:
        text, encoding = encode_text(header.value, "auto")
        headers.append(RecordHeader(key=header.key, value=text, value_encoding=encoding))
    return ProduceRecord(
        key=UNSET if key is None else key,
        key_encoding=key_encoding,
        value=value,
        value_encoding=value_encoding,
        headers=headers,
        timestamp_ms=UNSET if record.timestamp_ms is None else record.timestamp_ms,
        partition=UNSET if record.partition is None else record.partition,
    )


def record_of_message(message: IncomingRecord, pointer: str, max_depth: int) -> Record:
    """Return the record that a message carries; `pointer` is its place in the body. (RECORD-001 to RECORD-010)

    Raises KafkaError `invalid_request` that points to the faulty member.
    """
    if isinstance(message, PlainRecord):
        message = ProduceRecord(value=message.value, key=message.key)
    member = "key"
    try:
        key = None if message.key is UNSET else decode_text(message.key, message.key_encoding)
        member = "value"
        value = decode_value(message.value, message.value_encoding, max_depth)
        headers = []
        for index, header in enumerate(message.headers):
            member = f"headers/{index}/value"
            headers.append(Header(header.key, decode_text(header.value, header.value_encoding)))
    except ValueError as error:
        raise invalid_request([(f"{pointer}/{member}", str(error))]) from None
    partition = message.partition if isinstance(message, ProduceRecord) else UNSET
    return Record(
        key=key,
        value=value,
        headers=tuple(headers),
        timestamp_ms=None if message.timestamp_ms is UNSET else message.timestamp_ms,
        partition=None if partition is UNSET else partition,
    )


def settle(message: Message, pointer: str, max_depth: int) -> Message:
    """Return the record as `auto` reads it; the JSON of a value has no white space between its tokens already.

    Raises KafkaError `invalid_request` that points to the faulty member.
    """
    return message_of_record(record_of_message(message, pointer, max_depth), max_depth)


def is_settled(message: Message) -> bool:
    """Whether it is seen at once that a record stands as `auto` would read it: that saves 3 µs for a record.

    It is so if nothing is in base64 and no text may be JSON.
    """
    if message.key_encoding != "string" or (message.headers and not _are_texts(message.headers)):
        return False
    if message.value_encoding == "json":
        return True
    text = bytes(message.value)
    return message.value_encoding == "string" and text[:1] == b'"' and text[1:2] not in _MAY_BEGIN_JSON


def _are_texts(headers: list[RecordHeader]) -> bool:
    return all(header.value_encoding == "string" for header in headers)


def key_bytes(message: IncomingRecord) -> bytes | None:
    """Return the bytes of a settled record's key."""
    if message.key is UNSET or message.key is None:
        return None
    if isinstance(message, PlainRecord):
        return message.key.encode()
    return decode_text(message.key, message.key_encoding)


def stored_records(text: bytes | msgspec.Raw) -> list[StoredRecord]:
    """Return the records of a JSON array as a fetch answers it. (RECORD-019)

    Raises ValueError or RecursionError where the text is not one, or a field is not what its encoding promises.
    """
    messages = _messages(text)
    whole = bytes(text)
    if not whole.isascii():
        whole.decode()  # what is only skipped over is not looked at for that
    is_tight = not has_white_space(whole)
    return [_stored(message, is_tight=is_tight) for message in messages]


def _stored(fetched: FetchedRecord, *, is_tight: bool) -> StoredRecord:
    """Return the record of a message; in a text that is tight, no value has white space either."""
    data = decode_value(fetched.value, fetched.value_encoding, is_compact=is_tight)
    if fetched.key is None and not fetched.headers:
        return StoredRecord(fetched.offset, fetched.timestamp_ms, None, data, ())
    return StoredRecord(
        offset=fetched.offset,
        timestamp_ms=fetched.timestamp_ms,
        key=decode_text(fetched.key, fetched.key_encoding),
        value=data,
        headers=tuple(
            Header(header.key, decode_text(header.value, header.value_encoding)) for header in fetched.headers
        )
        if fetched.headers
        else (),
    )


def read_as(stored: StoredRecord, wanted: ReadEncoding, max_depth: int) -> FetchedRecord:
    """Return the message for a record in the encoding that a reader wants. (RECORD-013 to RECORD-018)"""
    key, key_encoding = encode_text(stored.key, wanted)
    value, value_encoding = encode_value(stored.value, wanted, max_depth)
    headers = []
    for header in stored.headers:
        text, encoding = encode_text(header.value, wanted)
        headers.append(FetchedHeader(key=header.key, value=text, value_encoding=encoding))
    return FetchedRecord(
        offset=stored.offset,
        timestamp_ms=stored.timestamp_ms,
        key=key,
        key_encoding=key_encoding,
        value=value,
        value_encoding=value_encoding,
        headers=headers,
    )
