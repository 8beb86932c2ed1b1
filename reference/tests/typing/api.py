"""The public API as type checkers see it. Nothing runs this file: mypy (strict) and pyright (strict) read it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, assert_type

import msgspec

import kafka_do
from kafka_do import aio, errors, testing


@dataclass
class Order:
    """A dataclass."""

    order_id: str
    amount: float


class OrderStruct(msgspec.Struct):
    """A msgspec Struct."""

    order_id: str


class OrderDict(TypedDict):
    """A TypedDict."""

    order_id: str


def values_have_the_type_that_was_named(client: kafka_do.Client) -> None:
    """Each way to name a type."""
    assert_type(client.consumer("orders", "g", value_type=Order), kafka_do.Consumer[Order])
    assert_type(client.consumer("orders", "g", value_type=OrderStruct), kafka_do.Consumer[OrderStruct])
    assert_type(client.consumer("orders", "g", value_type=OrderDict), kafka_do.Consumer[OrderDict])
    assert_type(client.consumer("orders", "g", value_type=dict[str, int]), kafka_do.Consumer[dict[str, int]])
    assert_type(client.consumer("orders", "g"), kafka_do.Consumer[Any])
    assert_type(client.producer("orders", value_type=Order), kafka_do.Producer[Order])
    assert_type(client.producer("orders"), kafka_do.Producer[Any])
    assert_type(client.async_producer("orders", value_type=Order), kafka_do.AsyncProducer[Order])
    tombstones: kafka_do.Consumer[Order | None] = client.consumer("orders", "g", value_type=Order | None)
    assert_type(next(tombstones.messages()).value, Order | None)


def names_need_no_parameter(producer: kafka_do.Producer, consumer: kafka_do.Consumer) -> None:
    """Without a type a value is anything."""
    producer.send({"order_id": "1"})
    assert_type(next(iter(consumer)).value, Any)


def producing(client: kafka_do.Client) -> None:
    """Send in each way."""
    with client.producer("orders", value_type=Order, idempotent=True, acks="all", retries=3) as producer:
        order = Order("1", 2.5)
        assert_type(producer.send(order), kafka_do.RecordMetadata)
        producer.send(order, key="k", headers={"h": "v"}, partition=1, timestamp=datetime.now())  # noqa: DTZ005
        producer.send(kafka_do.Message(order, key=b"k", headers=[("h", None), ("h", b"v")]))
        assert_type(producer.send_batch([order, kafka_do.Message(order)]), list[kafka_do.RecordMetadata])
        producer.send("no order")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        producer.send(kafka_do.Message("no order"))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with client.async_producer("orders", value_type=Order, queue_records=10) as queued:
        assert_type(queued.send(order), None)
        queued.send(7)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        for report in queued.reports():
            assert_type(report, kafka_do.DeliveryReport)
            assert_type(report.error, kafka_do.KafkaError | None)
    client.async_producer("orders", compression="gzip")
    client.producer("orders", acks="some")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def consuming(client: kafka_do.Client) -> None:
    """Read in each way."""
    letters = kafka_do.DeadLetters("orders-dlq")
    with client.consumer(["orders"], "g", start="latest", value_type=Order, on_misfit=letters) as consumer:
        for message in consumer:
            assert_type(message, kafka_do.ReceivedMessage[Order])
            assert_type(message.value, Order)
            assert_type(message.value.amount, float)
            assert_type((message.topic, message.partition, message.offset), tuple[str, int, int])
            assert_type(message.timestamp, datetime | None)
            assert_type(message.headers["h"], str | bytes | None)
            assert_type(message.commit(), None)
            assert_type(kafka_do.dead_letter(message, ValueError()), kafka_do.Message[bytes | None])
        assert_type(consumer.messages(timeout_ms=1), Iterator[kafka_do.ReceivedMessage[Order]])
        assert_type(consumer.batches(size=1), Iterator[kafka_do.Batch[Order]])
        assert_type(consumer.poll(1), list[kafka_do.ReceivedMessage[Order]])
        assert_type(consumer.commit(), dict[tuple[str, int], int])
        assert_type(consumer.position("orders", 0), int)
        consumer.seek("orders", 0, 1)
        consumer.pause(("orders", 0))
        consumer.resume()

        def work(message: kafka_do.ReceivedMessage[Order]) -> None:
            assert_type(message.value, Order)

        assert_type(consumer.process(work, workers=2, order="partition", on_error="skip"), int)
        consumer.process(print, order="topic")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    client.consumer("orders", "g", start="soon")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert_type(client.read("orders", offset=0), kafka_do.Read)


def administering(client: kafka_do.Client) -> None:
    """Topics and groups."""
    admin = client.admin()
    assert_type(admin, kafka_do.Admin)
    assert_type(admin.create_topic("orders", partitions=3, retention_ms=1, configs={"a": "b"}), kafka_do.Topic)
    assert_type(admin.list_topics(), list[kafka_do.Topic])
    assert_type(admin.describe_topic("orders"), kafka_do.TopicDescription)
    assert_type(admin.list_groups(state="empty"), list[kafka_do.GroupSummary])
    assert_type(admin.describe_group("g"), kafka_do.GroupDescription)
    assert_type(admin.reset_offsets("g", "orders", "earliest", dry_run=True), dict[int, int])


def failing(client: kafka_do.Client) -> None:
    """Errors."""
    try:
        client.discover()
    except errors.TopicNotFoundError as error:
        assert_type((error.code, error.retriable, error.indeterminate), tuple[str, bool, bool])
    except kafka_do.BatchError as error:
        assert_type(error.results, list[kafka_do.RecordMetadata | kafka_do.KafkaError])
    except kafka_do.MisfitError as error:
        assert_type((error.topic, error.partition, error.offset), tuple[str, int, int])


def mocking() -> None:
    """Use a mock."""
    with testing.MockClient() as client:
        client.seed("orders", [1])
        assert_type(client.get_messages("orders"), list[kafka_do.ReadMessage[Any]])
        assert_type(client.consumer("orders", "g", value_type=Order), kafka_do.Consumer[Order])


async def awaiting(client: aio.Client) -> None:
    """Await the other skin."""
    async with client.producer("orders", value_type=Order) as producer:
        assert_type(producer, aio.Producer[Order])
        assert_type(await producer.send(Order("1", 2.5)), kafka_do.RecordMetadata)
    async with client.consumer("orders", "g", value_type=Order) as consumer:
        assert_type(consumer, aio.Consumer[Order])
        async for message in consumer:
            assert_type(message, aio.ReceivedMessage[Order])
            assert_type(message.value, Order)
            assert_type(await message.commit(), None)
        assert_type(consumer.messages(), AsyncIterator[aio.ReceivedMessage[Order]])

        async def work(message: aio.ReceivedMessage[Order]) -> None:
            assert_type(message.value, Order)

        assert_type(await consumer.process(work), int)

        def blocks(message: aio.ReceivedMessage[Order]) -> None:
            assert_type(message.value, Order)

        await consumer.process(blocks)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert_type(await client.admin().list_topics(), list[kafka_do.Topic])
