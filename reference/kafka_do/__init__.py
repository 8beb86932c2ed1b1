"""kafka.do: Kafka's topics, partitions and offsets over plain HTTP.

Public are the names below and the modules `kafka_do.errors` and `kafka_do.spec`; everything else may change.
"""

from kafka_do import errors
from kafka_do._version import __version__
from kafka_do.client.messages import Message, Read, RecordMetadata
from kafka_do.client.serializing import record_of
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import Discovery, Topic
from kafka_do.core.records import Header, Record
from kafka_do.sync import Admin, Client, Consumer, Producer

__all__ = [
    "Admin",
    "Client",
    "Consumer",
    "Discovery",
    "Header",
    "KafkaError",
    "Message",
    "Producer",
    "Read",
    "Record",
    "RecordMetadata",
    "Topic",
    "__version__",
    "errors",
    "record_of",
]
