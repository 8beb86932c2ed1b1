"""Reading a partition from an offset."""

import msgspec

from kafka_do.client.messages import Read
from kafka_do.client.serializing import messages_of
from kafka_do.core.broker import Broker, FetchPartition
from kafka_do.core.errors import KafkaError
from kafka_do.core.record_text import stored_records
from kafka_do.core.records import StoredRecord
from kafka_do.spec import SPEC

__all__ = ["read", "records_of"]

_DEFAULTS = {parameter.name: parameter.default for parameter in SPEC.operations["fetch_partition"].parameters}


async def read(
    broker: Broker, topic: str, partition: int, *, offset: int, max_records: int | None, max_bytes: int | None
) -> Read:
    """Read what is there from `offset` on; None takes the specification's default. (FETCH-009 to FETCH-011)

    Raises KafkaError.
    """
    request = FetchPartition(
        topic=topic,
        partition=partition,
        offset=offset,
        max_records=int(_DEFAULTS["max_records"] or 0) if max_records is None else max_records,
        max_bytes=int(_DEFAULTS["max_bytes"] or 0) if max_bytes is None else max_bytes,
        max_wait_ms=0,
    )
    found = await broker.fetch_partition(request)
    return Read(
        messages=tuple(messages_of(found.topic, found.partition, records_of(found.records))),
        next_offset=found.next_offset,
        high_watermark=found.high_watermark,
        log_start_offset=found.log_start_offset,
    )


def records_of(text: msgspec.Raw) -> list[StoredRecord]:
    """Return the records of an answer; raises KafkaError `disconnected` where they are not of this protocol."""
    try:
        return stored_records(text)
    except (ValueError, RecursionError) as error:
        raise KafkaError("disconnected", f"the records of the answer are not of this protocol: {error}") from None
