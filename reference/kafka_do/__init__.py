"""kafka.do: Kafka's topics, partitions and offsets over plain HTTP.

Public are the names below and the modules `kafka_do.errors` and `kafka_do.spec`; everything else may change.
"""

from typing import TYPE_CHECKING

from kafka_do import errors
from kafka_do._later import loading
from kafka_do._version import __version__
from kafka_do.blocking.async_producer import AsyncProducer
from kafka_do.blocking.client import Client
from kafka_do.blocking.producer import Producer
from kafka_do.client.headers import Headers
from kafka_do.client.letters import dead_letter
from kafka_do.client.messages import BatchError, Message, Read, ReadMessage, RecordMetadata
from kafka_do.client.misfits import DeadLetters, MisfitError
from kafka_do.client.queueing import DeliveryReport
from kafka_do.client.serializing import record_of
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import Discovery, GroupDescription, GroupSummary, Topic, TopicDescription
from kafka_do.core.records import Header, Record
from kafka_do.errors import ClosedError, DisconnectedError

if TYPE_CHECKING:
    from kafka_do.blocking.admin import Admin
    from kafka_do.blocking.consumer import Batch, Consumer, ReceivedMessage
    from kafka_do.blocking.pipeline import ClientPipeline, RunnablePipeline, RunningPipeline
    from kafka_do.client.changelog import StateError
    from kafka_do.client.running import PipelineError

__all__ = [
    "Admin",
    "AsyncProducer",
    "Batch",
    "BatchError",
    "Client",
    "ClientPipeline",
    "ClosedError",
    "Consumer",
    "DeadLetters",
    "DeliveryReport",
    "DisconnectedError",
    "Discovery",
    "GroupDescription",
    "GroupSummary",
    "Header",
    "Headers",
    "KafkaError",
    "Message",
    "MisfitError",
    "PipelineError",
    "Producer",
    "Read",
    "ReadMessage",
    "ReceivedMessage",
    "Record",
    "RecordMetadata",
    "RunnablePipeline",
    "RunningPipeline",
    "StateError",
    "Topic",
    "TopicDescription",
    "__version__",
    "dead_letter",
    "errors",
    "record_of",
]

if not TYPE_CHECKING:  # two thirds of what there is to load, and not everybody's
    __getattr__ = loading(
        __name__,
        {
            "Admin": "kafka_do.blocking.admin",
            "Batch": "kafka_do.blocking.consumer",
            "ClientPipeline": "kafka_do.blocking.pipeline",
            "Consumer": "kafka_do.blocking.consumer",
            "PipelineError": "kafka_do.client.running",
            "ReceivedMessage": "kafka_do.blocking.consumer",
            "RunnablePipeline": "kafka_do.blocking.pipeline",
            "RunningPipeline": "kafka_do.blocking.pipeline",
            "StateError": "kafka_do.client.changelog",
        },
    )
