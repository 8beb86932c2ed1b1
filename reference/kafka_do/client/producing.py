"""Sending records: once each, in order; nothing is sent again by itself. (PRODUCE-014 to PRODUCE-017)"""

from collections.abc import Sequence

from kafka_do.client.messages import RecordMetadata
from kafka_do.core.broker import Broker, Produce
from kafka_do.core.errors import KafkaError
from kafka_do.core.records import Record

__all__ = ["send", "send_one"]


async def send(broker: Broker, topic: str, records: Sequence[Record]) -> list[RecordMetadata | KafkaError]:
    """Send records in one request and return for each where it landed or why it did not.

    Raises KafkaError where the request failed as a whole.
    """
    results = await broker.produce(Produce(topic, records))
    if len(results) != len(records):
        raise KafkaError("disconnected", f"{len(records)} records were sent and {len(results)} results came back")
    return [result if isinstance(result, KafkaError) else RecordMetadata(topic, *result) for result in results]


async def send_one(broker: Broker, topic: str, record: Record) -> RecordMetadata:
    """Send one record and return where it landed; raises KafkaError where it did not."""
    (result,) = await send(broker, topic, [record])
    if isinstance(result, KafkaError):
        raise result
    return result
