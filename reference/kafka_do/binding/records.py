"""Records on the wire: between bytes and the messages that carry them. (RECORD-001 to RECORD-019)"""

from msgspec import UNSET, UnsetType

from kafka_do.binding.problems import disconnected
from kafka_do.core.encodings import decode_text, decode_value, encode_text, encode_value
from kafka_do.core.errors import invalid_request
from kafka_do.core.messages import (
    FetchedHeader,
    FetchedRecord,
    ProducePartitionRecord,
    ProduceRecord,
    ReadEncoding,
    RecordHeader,
)
from kafka_do.core.records import Header, Record, StoredRecord

__all__ = ["fetched_of_stored", "record_of_wire", "stored_of_fetched", "wire_of_record"]


def wire_of_record(record: Record, max_depth: int) -> ProduceRecord:
    """Return what a client sends for a record. (RECORD-011, RECORD-012)"""
    key, key_encoding = encode_text(record.key, "auto")
    value, value_encoding = encode_value(record.value, "auto", max_depth)
    headers = []
    for header in record.headers:
        text, encoding = encode_text(header.value, "auto")
        headers.append(RecordHeader(key=header.key, value=text, value_encoding=encoding))
    return ProduceRecord(
        key=UNSET if key is None else key,
        key_encoding=key_encoding,
        value=value,
        value_encoding=value_encoding,
        headers=headers or UNSET,
        timestamp_ms=UNSET if record.timestamp_ms is None else record.timestamp_ms,
        partition=UNSET if record.partition is None else record.partition,
    )


def record_of_wire(
    wire: ProduceRecord | ProducePartitionRecord, pointer: str, max_depth: int, partition: int | UnsetType
) -> Record:
    """Return the record that a server was sent; `pointer` is its place in the body. (RECORD-001 to RECORD-010)

    Raises KafkaError `invalid_request` that points to the faulty member.
    """
    member = "key"
    try:
        key = None if wire.key is UNSET else decode_text(wire.key, wire.key_encoding)
        member = "value"
        value = decode_value(wire.value, wire.value_encoding, max_depth)
        headers = []
        for index, header in enumerate(wire.headers or ()):
            member = f"headers/{index}/value"
            headers.append(Header(header.key, decode_text(header.value, header.value_encoding)))
    except ValueError as error:
        raise invalid_request([(f"{pointer}/{member}", str(error))]) from None
    return Record(
        key=key,
        value=value,
        headers=tuple(headers),
        timestamp_ms=None if wire.timestamp_ms is UNSET else wire.timestamp_ms,
        partition=None if partition is UNSET else partition,
    )


def fetched_of_stored(stored: StoredRecord, wanted: ReadEncoding, max_depth: int) -> FetchedRecord:
    """Return what a server answers for a stored record. (RECORD-013 to RECORD-018)"""
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


def stored_of_fetched(fetched: FetchedRecord) -> StoredRecord:
    """Return the record that a client was answered. (RECORD-019)

    Raises KafkaError `disconnected` where a field is not what its encoding promises.
    """
    try:
        return StoredRecord(
            offset=fetched.offset,
            timestamp_ms=fetched.timestamp_ms,
            key=decode_text(fetched.key, fetched.key_encoding),
            value=decode_value(fetched.value, fetched.value_encoding),
            headers=tuple(
                Header(header.key, decode_text(header.value, header.value_encoding)) for header in fetched.headers
            ),
        )
    except ValueError as error:
        raise disconnected(f"the record at offset {fetched.offset} is not of this protocol: {error}") from None
