"""The two skins of the client: the same names and options, and the same outcome of everything a user does."""

import inspect
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from kafka_do import BatchError, Headers, KafkaError, Message, ReadMessage, aio, blocking, dead_letter, errors
from kafka_do.testing import MockClient
from tests.conftest import Skin

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE_MS = 10_000
_SOON_MS = 50


@pytest.fixture(params=["blocking", "aio", "blocking over HTTP", "aio over HTTP"])
def skin(request: pytest.FixtureRequest) -> "Iterator[Skin]":
    """Return a skin of the client: of a broker in this process, or of a server in one of its own."""
    name, _, over_http = request.param.partition(" ")
    url = request.getfixturevalue("served_for_tests") if over_http else None
    before = set(threading.enumerate())
    yield Skin(name, url)
    assert set(threading.enumerate()) <= before


# The same names and options


@pytest.mark.parametrize("name", blocking.__all__)
def test_both_skins_have_the_same_methods_with_the_same_options(name: str) -> None:
    ours, theirs = (_public(getattr(skin, name)) for skin in (blocking, aio))
    assert ours == theirs


def _public(kind: type) -> dict[str, str]:
    found = {}
    for name, member in inspect.getmembers(kind):
        if callable(member) and (not name.startswith("_") or name == "__init__"):
            parameters = inspect.signature(member).parameters.values()
            words = ", ".join(str(one).replace("kafka_do.aio", "kafka_do.blocking") for one in parameters)
            found[name] = words.replace("collections.abc.Awaitable[object]", "object")  # what a handler returns
        elif isinstance(member, property):
            found[name] = "a property"
    return found


def test_every_module_of_one_skin_is_one_of_the_other() -> None:
    assert blocking.__all__ == aio.__all__
    assert issubclass(blocking.ReceivedMessage, ReadMessage)
    assert issubclass(aio.ReceivedMessage, ReadMessage)


# Producing


def test_a_message_goes_with_all_it_has_and_what_stands_beside_it_counts_more(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        await skin.told(client.admin().create_topic("orders", partitions=3))
        producer = client.producer("orders")
        noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
        message = Message({"n": 1}, key="k", headers={"trace": "abc"}, partition=2, timestamp=noon)
        first = await skin.told(producer.send(message))
        second = await skin.told(producer.send(message, partition=1))
        assert (first.partition, first.offset, second.partition) == (2, 0, 1)
        read = client.get_messages("orders")[-1]
        assert (read.value, read.key, read.headers, read.timestamp) == ({"n": 1}, "k", {"trace": "abc"}, noon)
        again = await skin.told(client.producer("copy").send(read))
        (copy,) = client.get_messages("copy")
        assert (again.partition, copy.raw_value, copy.headers.raw, copy.timestamp) == (
            0,
            b'{"n":1}',
            read.headers.raw,
            noon,
        )

    skin.run(test)


def test_a_batch_of_which_a_part_is_refused_raises_one_error_with_all_results(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [], partitions=2)
        messages = [Message(n, partition=partition) for n, partition in enumerate((0, 7, 1))]
        with pytest.raises(BatchError) as caught:
            await skin.told(client.producer("orders").send_batch(messages))
        first, refused, last = (cast("Any", result) for result in caught.value.results)
        assert isinstance(refused, errors.PartitionNotFoundError)
        assert (first.offset, last.partition, caught.value.code) == (0, 1, "partition_not_found")
        assert [message.value for message in client.get_messages("orders")] == [0, 2]
        assert await skin.told(client.producer("orders").send_batch([])) == []

    skin.run(test)


def test_an_idempotent_batch_whose_answer_is_lost_is_appended_once(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [])
        client.fail("produce_partition", "disconnected", times=2, after=True)
        placed = await skin.told(client.producer("orders").send("once"))
        assert (placed.offset, [one.value for one in client.get_messages("orders")]) == (0, ["once"])

    skin.run(test)


def test_a_plain_record_whose_answer_is_lost_is_an_error_and_is_not_sent_again(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [])
        client.fail("produce", "disconnected", after=True)
        with pytest.raises(errors.DisconnectedError) as caught:
            await skin.told(client.producer("orders", idempotent=False).send("once"))
        assert caught.value.indeterminate
        assert len(client.get_messages("orders")) == 1

    skin.run(test)


def test_what_is_put_off_is_sent_again_so_many_times(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [])
        producer = client.producer("orders", idempotent=False, retries=1)
        client.fail("produce", "not_leader")
        assert (await skin.told(producer.send(1))).offset == 0
        client.fail("produce", "not_leader", times=2)
        with pytest.raises(errors.NotLeaderError):
            await skin.told(producer.send(2))
        assert len(client.get_messages("orders")) == 1

    skin.run(test)


def test_a_producer_that_is_closed_says_so(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        producer = client.producer("orders")
        await skin.told(producer.flush())
        await skin.told(producer.close())
        await skin.told(producer.close())
        with pytest.raises(errors.ClosedError):
            await skin.told(producer.send(1))
        with pytest.raises(errors.ClosedError):
            await skin.told(producer.send_batch([1]))

    skin.run(test)


def test_what_is_queued_is_sent_in_order_and_reported(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        producer = client.async_producer("orders", linger_ms=0)
        for number in range(100):
            await skin.told(producer.send(number))
        reports = await skin.all_of(producer.reports())
        assert [(report.value, report.metadata.offset, report.error) for report in reports] == [
            (number, number, None) for number in range(100)
        ]
        await skin.told(producer.send("last"))
        await skin.told(producer.close())
        assert client.get_messages("orders")[-1].value == "last"
        with pytest.raises(errors.ClosedError):
            await skin.told(producer.send("later"))

    skin.run(test)


def test_a_record_that_lingers_is_sent_when_its_time_has_come(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        producer = client.async_producer("orders", linger_ms=60_000)
        await skin.told(producer.send(1))
        assert client.get_messages("orders") == []
        client.advance(60_000)
        assert len(await skin.all_of(producer.reports())) == 1

    skin.run(test)


def test_a_failure_that_nobody_read_is_raised_by_flush_and_only_once(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [])
        producer = client.async_producer("orders")
        await skin.told(producer.send("good"))
        await skin.told(producer.send("bad", partition=9))
        with pytest.raises(BatchError) as caught:
            await skin.told(producer.flush())
        assert isinstance(caught.value.results[-1], errors.PartitionNotFoundError)
        await skin.told(producer.flush())

    skin.run(test)


def test_a_full_queue_makes_the_caller_wait_and_not_for_ever(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        seen: list[Any] = []
        producer = client.async_producer("orders", queue_records=2, linger_ms=60_000, on_report=seen.append)
        for number in range(20):
            await skin.told(producer.send(number))
        await skin.told(producer.flush())
        assert [report.value for report in seen] == list(range(20))

    skin.run(test)


# Consuming


def test_iterating_gives_everything_in_order_and_ends_when_nothing_comes(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [{"n": n} for n in range(5)])
        consumer = client.consumer("orders", "billing")
        messages = await skin.all_of(consumer.messages(timeout_ms=_SOON_MS))
        assert [(message.value["n"], message.offset) for message in messages] == [(n, n) for n in range(5)]
        await skin.told(messages[2].commit())
        await skin.told(consumer.close())
        again = client.consumer("orders", "billing")
        assert [message.offset for message in await skin.taken(again, 2)] == [3, 4]

    skin.run(test)


def test_auto_commit_covers_what_the_loop_has_gone_past_and_nothing_else(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(5))
        consumer = client.consumer("orders", "billing", auto_commit=True)
        await skin.taken(consumer, 3)
        await skin.told(consumer.close())
        described = await skin.told(client.admin().describe_group("billing"))
        assert [one.committed_offset for one in described.offsets] == [2]
        assert (described.total_lag, described.state) == (3, "empty")

    skin.run(test)


def test_auto_commit_comes_by_itself_in_its_interval(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(5))
        consumer = client.consumer("orders", "billing", auto_commit=True, auto_commit_interval_ms=1000)
        messages = consumer.__aiter__() if hasattr(consumer, "__aiter__") else iter(consumer)
        await skin.taken(messages, 2)
        client.advance(1000)
        await skin.taken(messages, 1)
        described = await skin.told(client.admin().describe_group("billing"))
        assert [one.committed_offset for one in described.offsets] == [2]

    skin.run(test)


def test_a_batch_has_its_size_or_what_came_in_its_time_and_is_committed_as_one(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(5))
        consumer = client.consumer("orders", "billing", max_poll_records=2)
        full, rest = await skin.taken(consumer.batches(size=3, timeout_ms=200), 2)
        assert [[message.value for message in batch] for batch in (full, rest)] == [[0, 1, 2], [3, 4]]
        await skin.told(full.commit())
        described = await skin.told(client.admin().describe_group("billing"))
        assert [one.committed_offset for one in described.offsets] == [3]
        await skin.told(rest.commit())
        assert (await skin.told(client.admin().describe_group("billing"))).total_lag == 0

    skin.run(test)


@pytest.mark.parametrize(
    ("start", "first"),
    [("earliest", 0), (2, 2), (99, None), (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=2500), 3)],
)
def test_where_nothing_is_committed_reading_begins_where_the_caller_said(
    skin: "Skin", start: Any, first: int | None
) -> None:
    async def test(client: Any) -> None:
        year = datetime(2026, 1, 1, tzinfo=UTC)
        client.seed("orders", [Message(n, timestamp=year + timedelta(seconds=n)) for n in range(5)])
        consumer = client.consumer("orders", "billing", start=start)
        messages = await skin.all_of(consumer.messages(timeout_ms=_SOON_MS))
        assert [message.offset for message in messages] == ([] if first is None else list(range(first, 5)))
        assert await skin.told(consumer.position("orders", 0)) == 5

    skin.run(test)


def test_a_time_after_the_last_record_begins_at_the_end(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(3))
        consumer = client.consumer("orders", "billing", start=datetime.now(UTC) + timedelta(days=1))
        assert await skin.all_of(consumer.messages(timeout_ms=_SOON_MS)) == []
        client.seed("orders", ["new"])
        assert [message.value for message in await skin.taken(consumer, 1)] == ["new"]

    skin.run(test)


def test_seek_goes_back_and_may_commit_less_again(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(5))
        consumer = client.consumer("orders", "billing")
        messages = await skin.taken(consumer, 4)
        await skin.told(messages[3].commit())
        await skin.told(messages[0].commit())
        assert await skin.told(consumer.position("orders", 0)) == 4
        committed = (await skin.told(client.admin().describe_group("billing"))).offsets
        assert [one.committed_offset for one in committed] == [4]
        await skin.told(consumer.seek("orders", 0, 1))
        (again,) = await skin.taken(consumer, 1)
        assert again.offset == 1
        await skin.told(again.commit())
        committed = (await skin.told(client.admin().describe_group("billing"))).offsets
        assert [one.committed_offset for one in committed] == [2]
        with pytest.raises(ValueError, match="orders-9 is not assigned"):
            await skin.told(consumer.seek("orders", 9, 0))

    skin.run(test)


def test_a_paused_partition_gives_nothing_and_loses_nothing(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [Message(n, partition=n % 2) for n in range(6)], partitions=2)
        consumer = client.consumer("orders", "billing", max_poll_records=6)
        (first,) = await skin.taken(consumer, 1)
        consumer.pause(("orders", 0))
        assert consumer.paused == [("orders", 0)]
        ones = await skin.all_of(consumer.messages(timeout_ms=_SOON_MS))
        assert {message.partition for message in ones} == {1}
        consumer.resume()
        zeros = await skin.all_of(consumer.messages(timeout_ms=_SOON_MS))
        found = sorted((message.partition, message.offset) for message in [first, *ones, *zeros])
        assert found == [(partition, offset) for partition in (0, 1) for offset in range(3)]

    skin.run(test)


def test_the_caller_is_told_of_rebalances_in_time_to_commit(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [Message(n, partition=n % 2) for n in range(8)], partitions=2)
        seen: list[tuple[str, Any]] = []
        consumer: Any = None

        async def later(places: Any) -> None:
            seen.append(("revoked", places))
            await skin.told(consumer.commit())

        def now(places: Any) -> None:
            seen.append(("revoked", places))
            consumer.commit()

        on_revoked = now if isinstance(client, MockClient) else later
        consumer = client.consumer(
            "orders", "billing", on_assigned=lambda places: seen.append(("assigned", places)), on_revoked=on_revoked
        )
        assert len(await skin.told(consumer.poll(_PATIENCE_MS))) == 8
        other = client.consumer("orders", "billing")
        while len(seen) < 2:
            client.advance(5_000)
            await skin.told(consumer.poll(_SOON_MS))
        while not other.assignment:
            client.advance(5_000)
            await skin.told(other.poll(_SOON_MS))
            await skin.told(consumer.poll(_SOON_MS))
        assert seen[0] == ("assigned", [("orders", 0), ("orders", 1)])
        assert seen[1] == ("revoked", other.assignment)
        described = await skin.told(client.admin().describe_group("billing"))
        assert [one.committed_offset for one in described.offsets] == [4, 4]

    skin.run(test)


def test_a_member_whose_session_ended_learns_what_it_lost_and_reads_that_again(
    skin: "Skin", caplog: pytest.LogCaptureFixture
) -> None:
    async def test(client: Any) -> None:
        client.seed("orders", range(3))
        lost: list[Any] = []
        consumer = client.consumer("orders", "billing", on_lost=lost.extend)
        messages = await skin.taken(consumer, 2)
        client.fail("heartbeat", "unknown_member")
        client.advance(60_000)
        again: list[Any] = []
        while not (lost and again):
            again = await skin.told(consumer.poll(_PATIENCE_MS))
        assert lost == [("orders", 0)]
        assert [message.offset for message in again] == [0, 1, 2]
        with pytest.raises(errors.RebalanceInProgressError, match="orders-0"):
            await skin.told(messages[1].commit())
        await skin.told(again[2].commit())

    with caplog.at_level(logging.WARNING, "kafka_do"):
        skin.run(test)
    assert "went on without this member" in caplog.text


def test_a_message_that_no_consumer_gave_cannot_be_committed(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [1])
        consumer = client.consumer("orders", "billing")
        read = await skin.told(client.read("orders", offset=0))
        with pytest.raises(ValueError, match="only messages that this consumer has given"):
            await skin.told(consumer.commit(read.messages))

    skin.run(test)


def test_iterating_waits_out_what_passes(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        client.seed("orders", [1])
        for operation in ("heartbeat", "query_offsets", "list_offsets", "fetch"):
            client.fail(operation, "disconnected")
            client.fail(operation, "group_coordinator" if operation == "heartbeat" else "not_leader")
        (message,) = await skin.taken(client.consumer("orders", "billing"), 1)
        client.fail("commit_offsets", "disconnected", after=True)
        await skin.told(message.commit())

    skin.run(test)


# Administration


def test_topics_are_listed_described_altered_and_deleted(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        admin = client.admin()
        await skin.told(admin.create_topic("orders", partitions=3, configs={"max.message.bytes": "1000"}))
        await skin.told(admin.create_topic("events"))
        assert [(topic.topic, topic.partition_count) for topic in await skin.told(admin.list_topics())] == [
            ("events", 1),
            ("orders", 3),
        ]
        assert (await skin.told(admin.alter_topic("orders", partitions=4))).partition_count == 4
        altered = await skin.told(admin.alter_topic("orders", configs={"max.message.bytes": None}))
        assert altered.configs["max.message.bytes"] == "1048588"
        await skin.told(admin.delete_topic("orders"))
        with pytest.raises(errors.TopicNotFoundError):
            await skin.told(admin.describe_topic("orders"))

    skin.run(test)


def test_what_was_done_before_its_answer_was_lost_is_a_success(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        admin = client.admin()
        client.fail("create_topic", "disconnected", after=True)
        assert (await skin.told(admin.create_topic("orders", partitions=2))).partition_count == 2
        client.fail("delete_topic", "disconnected", after=True)
        await skin.told(admin.delete_topic("orders"))
        client.seed("other", [], partitions=2)
        client.fail("create_topic", "disconnected")
        with pytest.raises(errors.TopicAlreadyExistsError):
            await skin.told(admin.create_topic("other", partitions=3))

    skin.run(test)


def test_a_group_is_listed_described_reset_and_deleted(skin: "Skin") -> None:
    async def test(client: Any) -> None:
        admin = client.admin()
        year = datetime(2026, 1, 1, tzinfo=UTC)
        client.seed("orders", [Message(n, timestamp=year + timedelta(seconds=n)) for n in range(5)])
        consumer = client.consumer("orders", "billing")
        await skin.taken(consumer, 5)
        await skin.told(consumer.commit())
        (listed,) = await skin.told(admin.list_groups())
        assert (listed.group, listed.member_count) == ("billing", 1)
        with pytest.raises(errors.GroupNotEmptyError):
            await skin.told(admin.reset_offsets("billing", "orders", "earliest"))
        await skin.told(consumer.close())
        shown = await skin.told(admin.reset_offsets("billing", "orders", year + timedelta(seconds=2), dry_run=True))
        assert (shown, (await skin.told(admin.describe_group("billing"))).total_lag) == ({0: 2}, 0)
        client.fail("reset_offsets", "disconnected", after=True)
        assert await skin.told(admin.reset_offsets("billing", "orders", "earliest")) == {0: 0}
        assert (await skin.told(admin.describe_group("billing"))).total_lag == 5
        assert await skin.told(admin.reset_offsets("billing", "orders", 4, partitions=[0])) == {0: 4}
        assert await skin.told(admin.reset_offsets("billing", "orders", "latest")) == {0: 5}
        with pytest.raises(errors.OffsetOutOfRangeError):
            await skin.told(admin.reset_offsets("billing", "orders", 99))
        await skin.told(admin.delete_group("billing"))
        assert await skin.told(admin.list_groups()) == []

    skin.run(test)


# Headers


def test_headers_are_a_mapping_that_loses_nothing() -> None:
    headers = Headers([("h", "1"), ("g", b"\xff"), ("h", None), ("h", "2")])
    assert headers["h"] == "2"
    assert headers.get_all("h") == ["1", None, "2"]
    assert headers.multi_items() == [("h", "1"), ("g", b"\xff"), ("h", None), ("h", "2")]
    assert dict(headers) == {"h": "2", "g": b"\xff"}
    assert ("x" in headers, len(headers), headers.get("x", "none")) == (False, 2, "none")
    assert headers == Headers(headers) != Headers(dict(headers))
    assert Headers({"a": "b"}) == {"a": "b"}


@pytest.mark.parametrize("wrong", [{"h": 1}, [(1, "h")]])
def test_headers_of_other_types_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Headers(wrong)


def test_faults_that_cannot_be_planted_are_refused() -> None:
    with MockClient() as client:
        for wrong in (
            {"operation": "polish"},
            {"operation": "fetch", "code": "bad"},
            {"operation": "fetch", "times": 0},
        ):
            with pytest.raises(ValueError, match=r"operation|code|times"):
                client.fail(**wrong)
        with pytest.raises(ValueError, match="forward only"):
            client.advance(-1)
        assert client.get_messages("nowhere") == []
        with pytest.raises(KafkaError):
            client.seed("orders", [Message(1, partition=5)])


def test_a_dead_letter_keeps_the_bytes_and_tells_where_they_stood() -> None:
    with MockClient() as client:
        client.seed("orders", [Message(b"\xff", key=b"\xfe", headers=[("h", None), ("h", b"\xfd")])])
        (message,) = client.get_messages("orders")
        client.producer("letters").send(dead_letter(message, ValueError("no order")))
        (letter,) = client.get_messages("letters")
        assert (letter.raw_value, letter.raw_key, letter.headers.get_all("h")) == (b"\xff", b"\xfe", [None, b"\xfd"])
        told = [letter.headers[f"original-{name}"] for name in ("topic", "partition", "offset")]
        assert (told, letter.headers["error"]) == (["orders", "0", "0"], "ValueError: no order")
