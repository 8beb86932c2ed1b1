"""The asyncio skin: the names and options of the blocking one, to be awaited. Decisions are in `client`."""

from typing import TYPE_CHECKING

from kafka_do._later import loading
from kafka_do.aio.async_producer import AsyncProducer
from kafka_do.aio.client import Client
from kafka_do.aio.producer import Producer

if TYPE_CHECKING:
    from kafka_do.aio.admin import Admin
    from kafka_do.aio.consumer import Batch, Consumer, ReceivedMessage
    from kafka_do.aio.pipeline import ClientPipeline, RunnablePipeline, RunningPipeline

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

if not TYPE_CHECKING:  # two thirds of what there is to load, and not everybody's
    _CONSUMER = ("Batch", "Consumer", "ReceivedMessage")
    _PIPELINES = ("ClientPipeline", "RunnablePipeline", "RunningPipeline")
    _HOMES = {
        "Admin": "kafka_do.aio.admin",
        **dict.fromkeys(_CONSUMER, "kafka_do.aio.consumer"),
        **dict.fromkeys(_PIPELINES, "kafka_do.aio.pipeline"),
    }
    __getattr__ = loading(__name__, _HOMES)
