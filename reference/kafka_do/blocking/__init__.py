"""The blocking skin, mirrored file by file in `aio`. Decisions are in `client`."""

from kafka_do.blocking.admin import Admin
from kafka_do.blocking.async_producer import AsyncProducer
from kafka_do.blocking.client import Client
from kafka_do.blocking.consumer import Batch, Consumer, ReceivedMessage
from kafka_do.blocking.pipeline import ClientPipeline, RunnablePipeline, RunningPipeline
from kafka_do.blocking.producer import Producer

__all__ = [
    "Admin",
    "AsyncProducer",
    "Batch",
    "Client",
    "ClientPipeline",
    "Consumer",
    "Producer",
    "ReceivedMessage",
    "RunnablePipeline",
    "RunningPipeline",
]
