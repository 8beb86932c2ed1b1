"""Pipelines on a broker in the test's process, under both skins; over HTTP the suite judges them."""

import contextlib
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from kafka_do import Client, DeadLetters, KafkaError, Message, PipelineError, StateError
from kafka_do.client.changelog import Changelog
from kafka_do.streams import PartitioningError, Table, Tumbling, Within, value
from kafka_do.testing import AsyncMockClient, MockClient

if TYPE_CHECKING:
    from tests.conftest import Skin

_SOON_MS = 50


async def all_of(skin: "Skin", running: Any) -> list[Any]:
    """Return the results until nothing comes, and close."""
    found = await skin.all_of(running.results(timeout_ms=_SOON_MS))
    await skin.told(running.close())
    return found


def _orders(count: int) -> list[Message[Any]]:
    return [Message({"n": n, "amount": 60 * n}, key=f"k{n % 4}", timestamp=1000 * n) for n in range(count)]


def test_building_a_pipeline_asks_the_broker_nothing(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        pipeline = client.stream("nowhere").filter(value["amount"] > 100).to("neither")
        assert [node["operator"] for node in pipeline.topology().document()["nodes"]] == ["source", "filter", "to"]
        with pytest.raises(KafkaError, match="nowhere"):
            await skin.told(pipeline.run("g", timeout_ms=_SOON_MS))

    skin.run(test)


def test_a_pipeline_goes_on_where_its_group_has_committed(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(4), partitions=2)
        pipeline = client.stream("orders").filter(lambda record: record.value["n"] > 0).to("large")
        for wanted in (3, 5):
            await skin.told(pipeline.run("g", timeout_ms=_SOON_MS))
            assert len(client.get_messages("large")) == wanted
            assert (await skin.told(client.admin().describe_group("g"))).total_lag == 0
            client.seed("orders", _orders(3))

    skin.run(test)


def test_branches_end_in_topics_of_their_own(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(4))
        ways = client.stream("orders").branch(small=value["n"] < 2, other=True)
        await skin.told((ways["small"].to("small") | ways["other"].to("other")).run("g", timeout_ms=_SOON_MS))
        assert [one.value["n"] for one in client.get_messages("small")] == [0, 1]
        assert [one.value["n"] for one in client.get_messages("other")] == [2, 3]

    skin.run(test)


def test_a_pipeline_that_is_told_as_data_runs(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(3))
        document = client.stream("orders").map(value["n"]).results().topology().document()
        assert [one.value for one in await all_of(skin, client.pipeline(document).start())] == [0, 1, 2]

    skin.run(test)


def test_without_a_group_nothing_is_left_behind(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(8), partitions=2)
        running = client.stream("orders").group_by(value["n"]).count().results().start()
        assert len(await all_of(skin, running)) == 8
        assert await skin.told(client.admin().list_groups()) == []
        assert [one.topic for one in await skin.told(client.admin().list_topics())] == ["orders"]

    skin.run(test)


def test_what_the_group_has_forgotten_is_not_counted_twice_by_a_pipeline_that_is_alone(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(6), partitions=2)
        async with _entered(skin, client.stream("orders").group_by().count().results().start()) as running:
            latest: dict[str, int] = {}
            await _collect(skin, running, latest)
            client.advance(60_000)
            client.seed("orders", _orders(4))
            await _until(lambda: sum(latest.values()) >= 10, lambda: _collect(skin, running, latest))
            assert latest == {"k0": 3, "k1": 3, "k2": 2, "k3": 2}

    skin.run(test)


@contextlib.asynccontextmanager
async def _entered(skin: "Skin", running: Any) -> AsyncIterator[Any]:
    """Close a running pipeline of either skin in the end."""
    try:
        yield running
    finally:
        await skin.told(running.close())


async def _collect(skin: "Skin", running: Any, latest: dict[str, int]) -> None:
    found = await skin.all_of(running.results(timeout_ms=_SOON_MS))
    latest.update((one.key, one.value) for one in found)


async def _until(enough: Callable[[], bool], act: Callable[[], Awaitable[None]]) -> None:
    for _ in range(100):
        if enough():
            return
        await act()
    raise AssertionError("it did not come")


def test_a_failure_tells_the_record_and_is_caused_by_what_was_raised(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(3))
        pipeline = client.stream("orders").map(lambda record: 1 // (record.value["n"] - 1)).to("sink")
        with pytest.raises(PipelineError, match="orders-0, offset 1: map: ZeroDivisionError") as caught:
            await skin.told(pipeline.run("g", timeout_ms=_SOON_MS))
        assert (caught.value.partition, caught.value.offset, caught.value.node) == (0, 1, "map")
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert [one.value for one in client.get_messages("sink")] == [-1]
        await skin.told(pipeline.run("g", timeout_ms=_SOON_MS, on_error="skip"))
        assert [one.value for one in client.get_messages("sink")] == [-1, 1]

    skin.run(test)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"group": None}, "group='premium-orders'"),
        ({"group": "g", "on_error": "ignore"}, "raise, skip or DeadLetters"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], words: str) -> None:
    with MockClient() as client, pytest.raises(ValueError, match=words):
        client.stream("orders").to("sink").start(**options)


def test_a_pipeline_that_has_stopped_with_an_error_is_closed(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(3))
        pipeline = client.stream("orders").to("sink")
        running = pipeline.start("g")
        client.fail("produce_partition", "forbidden")
        for code in ("forbidden", "closed"):
            with pytest.raises(KafkaError) as caught:
                await skin.told(running.run(timeout_ms=_SOON_MS))
            assert caught.value.code == code
        await skin.told(running.close())
        await skin.told(running.close())
        await skin.told(pipeline.run("g", timeout_ms=_SOON_MS))
        assert len(client.get_messages("sink")) == 3

    skin.run(test)


def test_two_members_share_the_partitions_and_lose_nothing(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(40), partitions=4)
        pipeline = client.stream("orders").map(value["n"]).to("sink")
        one, other = pipeline.start("g"), pipeline.start("g")
        await skin.told(one.run(timeout_ms=_SOON_MS))
        client.seed("orders", _orders(40))

        async def act() -> None:
            await skin.told(one.run(timeout_ms=_SOON_MS))
            await skin.told(other.run(timeout_ms=_SOON_MS))

        await _until(lambda: len(client.get_messages("sink")) >= 80, act)
        assert sorted(message.value for message in client.get_messages("sink")) == sorted([*range(40), *range(40)])
        await skin.told(one.close())
        await skin.told(other.close())

    skin.run(test)


def test_a_stream_is_joined_with_a_table_by_another_key(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("customers", [Message({"name": f"c{n}"}, key=f"c{n}", timestamp=n) for n in range(4)], partitions=3)
        orders = [Message({"customer": f"c{n % 4}"}, key=f"o{n}", timestamp=100 + n) for n in range(12)]
        client.seed("orders", orders, partitions=2)
        joined = client.stream("orders").join_table(Table("customers"), key=value["customer"])
        found = await all_of(skin, joined.results().start())
        assert sorted(one.value["right"]["name"] for one in found) == sorted(f"c{n % 4}" for n in range(12))

    skin.run(test)


def test_streams_are_joined_by_keys_of_their_values_in_windows(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("left", [Message({"id": n}, timestamp=n) for n in range(6)], partitions=2)
        client.seed("right", [Message({"of": n}, timestamp=n) for n in range(6)], partitions=3)
        both = client.stream("left").join(
            client.stream("right"), on=(value["id"], value["of"]), within=Within(before_ms=9, after_ms=9)
        )
        found = await all_of(skin, both.results().start())
        assert sorted((one.value["left"]["id"], one.value["right"]["of"]) for one in found) == [
            (n, n) for n in range(6)
        ]

    skin.run(test)


def test_topics_that_do_not_fit_together_are_named(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("three", [], partitions=3)
        client.seed("two", [], partitions=2)
        merged = client.stream("three").merge(client.stream("two")).group_by().count()
        with pytest.raises(PartitioningError, match="count: three has 3 partitions, two has 2 partitions"):
            await skin.told(merged.results().start().run(timeout_ms=_SOON_MS))

    skin.run(test)


def test_a_source_that_grows_below_a_state_stops_the_pipeline(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(4))
        async with _entered(skin, client.stream("orders").group_by().count().results().start()) as running:
            await skin.told(running.run(timeout_ms=_SOON_MS))
            await skin.told(client.admin().alter_topic("orders", partitions=2))

            async def act() -> None:
                client.advance(5000)
                await skin.told(running.run(timeout_ms=_SOON_MS))

            with pytest.raises(PartitioningError, match="orders has 2 partitions now"):
                await _until(lambda: False, act)

    skin.run(test)


def test_left_out_records_are_counted_over_all_partitions(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        late = [Message(1, key=f"k{n}", timestamp=time) for time in (10_000, 0) for n in range(4)]
        client.seed("orders", late, partitions=2)
        counts = client.stream("orders").window(Tumbling(size_ms=1000)).group_by().count().results()
        async with _entered(skin, counts.start()) as running:
            await skin.told(running.run(timeout_ms=_SOON_MS))
            assert running.left_out()["count"].late == 4

    skin.run(test)


def _latest(client: Any, topic: str) -> dict[Any, Any]:
    return {message.key: message.value for message in client.get_messages(topic)}


def test_state_moves_with_the_partitions_from_member_to_member(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [], partitions=4)
        pipeline = client.stream("orders").group_by(value["n"]).count().to("counts")
        one, other = pipeline.start("g"), pipeline.start("g")
        for members in ([one], [one, other], [other]):
            client.seed("orders", [Message({"n": n % 5}, key=f"k{n}", timestamp=n) for n in range(20)])
            wanted = len(client.get_messages("orders"))

            async def act(members: list[Any] = members) -> None:
                client.advance(3000)
                for member in members:
                    await skin.told(member.run(timeout_ms=_SOON_MS))

            await _until(lambda: sum(_latest(client, "counts").values()) == wanted, act)  # noqa: B023
            if members == [one, other]:
                await skin.told(one.close())
        await skin.told(other.close())
        assert _latest(client, "counts") == {str(n): 12 for n in range(5)}

    skin.run(test)


def test_who_has_lost_a_task_without_knowing_is_refused_and_begins_anew(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(4))
        pipeline = client.stream("orders").group_by().count().to("counts")
        running = pipeline.start("g")
        await skin.told(running.run(timeout_ms=_SOON_MS))
        (newest, *_) = reversed(client.get_messages("g-count-changelog"))
        rival = Changelog(
            client.session(timeout_ms=1000, retries=0, in_loop=isinstance(client, AsyncMockClient)),
            "g-count-changelog",
            0,
        )
        await rival.take_over()
        client.seed("orders", _orders(4))
        await skin.told(running.run(timeout_ms=_SOON_MS))
        await skin.told(running.close())
        assert _latest(client, "counts") == dict.fromkeys(("k0", "k1", "k2", "k3"), 2)
        epochs = [
            one.value["producer"]["epoch"] for one in client.get_messages("g-count-changelog") if one.key == "position"
        ]
        assert epochs == sorted(epochs)
        assert epochs[-1] == newest.value["producer"]["epoch"] + 2

    skin.run(test)


def test_a_state_that_json_cannot_say_fails_at_its_node(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(3))
        sums = client.stream("orders").group_by().aggregate(0, lambda _, record: {record.value["n"]: object()})
        with pytest.raises(PipelineError, match="orders-0, offset 0: aggregate: TypeError"):
            await skin.told(sums.map(1).to("sums").run("g", timeout_ms=_SOON_MS))

    skin.run(test)


class Order(msgspec.Struct):
    """An order."""

    n: int
    amount: float
    tier: str = "plain"


def test_functions_get_values_of_a_type_and_what_does_not_fit_is_a_failure(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [*_orders(3), Message({"n": "three"}, timestamp=3)])
        premium = client.stream("orders", value_type=Order).filter(lambda record: record.value.amount > 50)
        made = premium.map(lambda record: msgspec.structs.replace(record.value, tier="premium")).to("premium")
        with pytest.raises(PipelineError, match="orders-0, offset 3: map: UnfitError: the value does not fit Order"):
            await skin.told(made.run("g", timeout_ms=_SOON_MS))
        assert [one.value for one in client.get_messages("premium")] == [
            {"n": 1, "amount": 60.0, "tier": "premium"},
            {"n": 2, "amount": 120.0, "tier": "premium"},
        ]
        await skin.told(made.run("g", timeout_ms=_SOON_MS, on_error=DeadLetters("letters")))
        assert [one.headers["original-offset"] for one in client.get_messages("letters")] == ["3"]

    skin.run(test)


def test_the_state_of_another_pipeline_is_refused(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", _orders(4))
        stream = client.stream("orders")
        await skin.told(
            stream.window(Tumbling(size_ms=5)).group_by().count().to("counts").run("g", timeout_ms=_SOON_MS)
        )
        with pytest.raises(StateError, match=r'"size_ms":5.*not of.*"size_ms":6.*another group'):
            await skin.told(
                stream.window(Tumbling(size_ms=6)).group_by().count().to("counts").run("g", timeout_ms=_SOON_MS)
            )
        client.seed("g-count-changelog", [Message(1, key=b"\xff")])
        with pytest.raises(StateError, match="no pipeline has written this"):
            await skin.told(
                stream.window(Tumbling(size_ms=5)).group_by().count().to("counts").run("g", timeout_ms=_SOON_MS)
            )

    skin.run(test)


def test_a_window_goes_on_behind_a_restart_and_is_final_once(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        counts = client.stream("in").window(Tumbling(size_ms=10)).group_by().count(emit="final").to("out")
        for times in ([1, 2], [3, 12], [13, 25]):
            client.seed("in", [Message(1, key="k", timestamp=time) for time in times])
            await skin.told(counts.run("g", timeout_ms=_SOON_MS))
        assert [(one.key, one.value) for one in client.get_messages("out")] == [("k@0/10", 3), ("k@10/20", 2)]

    skin.run(test)


def test_closing_ends_a_run_in_another_thread() -> None:
    with Client(f"memory://{uuid.uuid4()}") as client:
        for topic in ("orders", "sink"):
            client.admin().create_topic(topic)
        running = client.stream("orders").to("sink").start("g")
        thread = threading.Thread(target=running.run)
        thread.start()
        client.producer("orders").send(1)
        with client.consumer("sink", "readers") as reader:
            assert [message.value for message in reader.poll(10_000)] == [1]
        running.close()
        thread.join(10)
        assert not thread.is_alive()
        assert client.admin().describe_group("g").total_lag == 0
