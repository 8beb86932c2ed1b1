"""The asyncio skin: the names and options of the blocking one, to be awaited. Decisions are in `client`."""

from kafka_do.aio.admin import Admin
from kafka_do.aio.async_producer import AsyncProducer
from kafka_do.aio.client import Client
from kafka_do.aio.consumer import Batch, Consumer, ReceivedMessage
from kafka_do.aio.pipeline import ClientPipeline, RunnablePipeline, RunningPipeline
from kafka_do.aio.producer import Producer

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
