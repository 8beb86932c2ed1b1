"""Typed producers and consumers: values of the user's types, and records that do not fit them."""

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import msgspec
import pydantic
import pytest

from kafka_do import DeadLetters, Message, MisfitError, errors
from kafka_do.client.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Skin

_SOON_MS = 50


@dataclasses.dataclass
class Order:
    """A dataclass."""

    order_id: str
    amount: float = 1.0


class OrderStruct(msgspec.Struct):
    """A msgspec Struct."""

    order_id: str
    amount: float = 1.0


class OrderDict(TypedDict):
    """A TypedDict."""

    order_id: str
    amount: float


class OrderModel(pydantic.BaseModel):
    """A pydantic model, with another name in JSON."""

    order_id: str
    amount: float = pydantic.Field(default=1.0, alias="sum")


@pydantic.dataclasses.dataclass
class OrderPydantic:
    """A pydantic dataclass."""

    order_id: str


_VALUES: list[tuple[Any, Any]] = [
    (Order, Order("1", 2.5)),
    (OrderStruct, OrderStruct("1", 2.5)),
    (OrderDict, {"order_id": "1", "amount": 2.5}),
    (OrderModel, OrderModel(order_id="1", sum=2.5)),
    (OrderPydantic, OrderPydantic("1")),
    (list[OrderModel], [OrderModel(order_id="1", sum=2.5)]),
    (Order | None, None),
    (OrderModel | None, None),
    (dict[str, int], {"a": 1}),
    (bytes, b"\xff"),
    (str, "1"),
]


@pytest.mark.parametrize(("kind", "value"), _VALUES)
def test_what_was_sent_is_read_as_the_type(skin: "Skin", kind: Any, value: Any) -> None:
    async def test(client: Any) -> None:
        producer = client.producer("orders", value_type=kind)
        await skin.told(producer.send(value))
        await skin.told(producer.send_batch([value, Message(value, key="k")]))
        queued = client.async_producer("orders", value_type=kind)
        await skin.told(queued.send(value))
        await skin.told(queued.close())
        consumer = client.consumer("orders", "billing", value_type=kind)
        values = [message.value for message in await skin.taken(consumer, 4)]
        assert values == [value] * 4
        assert [type(one) for one in values] == [type(value)] * 4

    skin.run(test)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Order, Order(7)),  # type: ignore[arg-type]
        (Order, {"amount": 1.0}),
        (Order, None),
        (Order, b'{"order_id": 1}'),
        (OrderStruct, Order("1", "much")),  # type: ignore[arg-type]
        (OrderDict, {"order_id": "1"}),
        (OrderModel, OrderModel.model_construct(order_id=1)),
        (OrderPydantic, {"order_id": 1}),
        (bytes, "text"),
    ],
)
def test_a_value_of_another_type_is_not_sent(skin: "Skin", kind: Any, value: Any) -> None:
    async def test(client: Any) -> None:
        producer = client.producer("orders", value_type=kind)
        queued = client.async_producer("orders", value_type=kind)
        asks: list[Callable[[], Any]] = [
            lambda: producer.send(value),
            lambda: producer.send(Message(value)),
            lambda: producer.send_batch([value]),
            lambda: queued.send(value),
        ]
        for ask in asks:
            with pytest.raises(TypeError, match=f"the value does not fit {kind.__name__}: "):
                await skin.told(ask())
        await skin.told(queued.close())
        assert client.get_messages("orders") == []

    skin.run(test)


@pytest.mark.parametrize("kind", [object, logging.Logger, logging.Logger | None])
def test_a_type_that_json_cannot_be_read_as_is_refused(skin: "Skin", kind: Any) -> None:
    async def test(client: Any) -> None:
        with pytest.raises(TypeError, match="value_type"):
            client.producer("orders", value_type=kind)
        with pytest.raises(TypeError, match="value_type"):
            client.async_producer("orders", value_type=kind)
        with pytest.raises(TypeError, match="value_type"):
            client.consumer("orders", "billing", value_type=kind)

    skin.run(test)


def _seed_with_a_misfit(client: Any) -> None:
    client.seed("orders", [{"order_id": "0"}, Message({"order_id": 1}, key="k"), {"order_id": "2"}])


def test_a_record_that_does_not_fit_is_an_error_that_says_where_it_stands(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        _seed_with_a_misfit(client)
        consumer = client.consumer("orders", "billing", value_type=Order)
        assert [message.value for message in await skin.told(consumer.poll(_SOON_MS))] == [Order("0")]
        with pytest.raises(MisfitError) as caught:
            await skin.told(consumer.poll(_SOON_MS))
        error = caught.value
        assert (error.topic, error.partition, error.offset) == ("orders", 0, 1)
        assert str(error) == (
            "the record of orders-0 at offset 1 does not fit Order: Expected `str`, got `int` - at `$.order_id`"
        )
        assert error.message.value == {"order_id": 1}
        await skin.told(error.message.commit())
        described = await skin.told(client.admin().describe_group("billing"))
        assert [one.committed_offset for one in described.offsets] == [2]
        assert [message.offset for message in await skin.told(consumer.poll(_SOON_MS))] == [2]

    skin.run(test)


def test_a_loop_that_begins_again_goes_on_behind_the_misfit(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        _seed_with_a_misfit(client)
        consumer = client.consumer("orders", "billing", value_type=Order)
        with pytest.raises(MisfitError):
            await skin.all_of(consumer.messages(timeout_ms=_SOON_MS))
        assert [one.value for one in await skin.all_of(consumer.messages(timeout_ms=_SOON_MS))] == [Order("2")]

    skin.run(test)


def test_a_misfit_whose_error_ends_the_program_is_read_again(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        _seed_with_a_misfit(client)
        consumer = client.consumer("orders", "billing", value_type=Order, auto_commit=True)
        with pytest.raises(MisfitError):
            await skin.all_of(consumer.messages(timeout_ms=_SOON_MS))
        await skin.told(consumer.close())
        described = await skin.told(client.admin().describe_group("billing"))
        assert [one.committed_offset for one in described.offsets] == [1]

    skin.run(test)


def test_a_batch_ends_before_a_misfit_and_loses_nothing(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        _seed_with_a_misfit(client)
        consumer = client.consumer("orders", "billing", value_type=Order)
        (batch,) = await skin.taken(consumer.batches(size=3, timeout_ms=_SOON_MS), 1)
        assert [message.offset for message in batch.messages] == [0]
        with pytest.raises(MisfitError):
            await skin.taken(consumer.batches(size=3, timeout_ms=_SOON_MS), 1)
        (batch,) = await skin.taken(consumer.batches(size=3, timeout_ms=_SOON_MS), 1)
        assert [message.offset for message in batch.messages] == [2]

    skin.run(test)


def test_a_misfit_is_skipped_and_told_to_the_log(skin: "Skin", caplog: pytest.LogCaptureFixture) -> None:
    async def test(client: Any) -> None:
        _seed_with_a_misfit(client)
        consumer = client.consumer("orders", "billing", value_type=Order, on_misfit="skip", auto_commit=True)
        (batch,) = await skin.taken(consumer.batches(size=2, timeout_ms=_SOON_MS), 1)
        assert [message.offset for message in batch.messages] == [0, 2]
        assert "orders-0 at offset 1 does not fit Order" in caplog.text
        assert await skin.told(consumer.commit()) == {("orders", 0): 3}

    skin.run(test)


def test_a_misfit_becomes_a_dead_letter(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        _seed_with_a_misfit(client)
        consumer = client.consumer("orders", "billing", value_type=Order, on_misfit=DeadLetters("letters"))
        assert [message.offset for message in await skin.taken(consumer, 2)] == [0, 2]
        (letter,) = client.get_messages("letters")
        assert (letter.value, letter.key, letter.headers["original-offset"]) == ({"order_id": 1}, "k", "1")
        assert letter.headers["error"].startswith("MisfitError: the record of orders-0 at offset 1 does not fit")

    skin.run(test)


def test_a_misfit_whose_letter_cannot_be_sent_is_tried_again_and_never_lost(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        _seed_with_a_misfit(client)
        consumer = client.consumer("orders", "billing", value_type=Order, on_misfit=DeadLetters("letters"))
        client.fail("produce_partition", "unauthorized", times=2)
        assert [message.offset for message in await skin.told(consumer.poll(_SOON_MS))] == [0]
        with pytest.raises(errors.UnauthorizedError):
            await skin.told(consumer.poll(_SOON_MS))
        assert await skin.told(consumer.commit()) == {("orders", 0): 1}
        assert [message.offset for message in await skin.told(consumer.poll(_SOON_MS))] == [2]
        assert len(client.get_messages("letters")) == 1

    skin.run(test)


def test_a_tombstone_fits_a_type_that_allows_none(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [Message(None, key="k"), {"order_id": "1"}])
        consumer = client.consumer("orders", "billing", value_type=Order | None)
        assert [message.value for message in await skin.taken(consumer, 2)] == [None, Order("1")]
        strict = client.consumer("orders", "strict", value_type=Order)
        with pytest.raises(MisfitError, match="Expected `object`, got `null`"):
            await skin.taken(strict, 1)

    skin.run(test)


@pytest.mark.parametrize("fate", ["ignore", "letters", None])
def test_a_fate_that_does_not_exist_is_refused(skin: "Skin", fate: Any) -> None:
    async def test(client: Any) -> None:
        with pytest.raises(ValueError, match="on_misfit has to be raise, skip or DeadLetters"):
            client.consumer("orders", "billing", value_type=Order, on_misfit=fate)

    skin.run(test)


def test_a_type_says_its_name() -> None:
    assert Codec(Order).name == "Order"
    assert "Order | None" in Codec(Order | None).name
    assert Codec(Literal["a"]).encode("a") == b'"a"'
