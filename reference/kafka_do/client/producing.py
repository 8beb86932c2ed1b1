"""Sending records: once each, in order; nothing is sent again by itself. (PRODUCE-014 to PRODUCE-017)"""

from collections.abc import Sequence

from msgspec import UNSET

from kafka_do.client.messages import RecordMetadata
from kafka_do.core.broker import Broker, Produce
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import Acks, ProduceResult
from kafka_do.core.plain_records import DEFAULT_ACKS
from kafka_do.core.record_text import message_of_record
from kafka_do.core.records import Record
from kafka_do.spec import SPEC

__all__ = ["outcome_of", "send"]

_DEPTH = SPEC.limits["max_json_depth"]


async def send(
    broker: Broker, topic: str, records: Sequence[Record], *, acks: Acks = DEFAULT_ACKS
) -> list[RecordMetadata | KafkaError]:
    """Send records in one request and return for each where it landed or why it did not.

    With `acks` none nobody tells where: partition, unless the record names one, and offset are -1. Raises KafkaError
    where the request failed as a whole.
    """
    messages = [message_of_record(record, _DEPTH) for record in records]
    results = await broker.produce(Produce(topic, messages, acks))
    if acks == "none" and not results:
        return [RecordMetadata(topic, -1 if one.partition is None else one.partition, -1, None) for one in records]
    if len(results) != len(records):
        raise KafkaError("disconnected", f"{len(records)} records were sent and {len(results)} results came back")
    return [outcome_of(topic, result) for result in results]


def outcome_of(topic: str, result: ProduceResult) -> RecordMetadata | KafkaError:
    """Return where a record landed or why it did not; raises KafkaError `disconnected` for a result of neither."""
    if result.error is not UNSET:
        return error_of_item(result.error)
    if result.partition is UNSET or result.offset is UNSET or result.timestamp_ms is UNSET:
        raise KafkaError("disconnected", "a result of the answer has neither a place nor an error")
    return RecordMetadata(topic, result.partition, result.offset, result.timestamp_ms)
