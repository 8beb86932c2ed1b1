"""Topics that are created by producing: kept exactly if something was appended. (PRODUCE-010, PRODUCE-024 to -026)"""

import asyncio
import threading
import uuid
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import msgspec
import pytest

from kafka_do import Client
from kafka_do.core.broker import (
    AlterTopic,
    DeleteTopic,
    DescribeTopic,
    FetchPartition,
    ListTopics,
    Produce,
    ProducePartition,
)
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import (
    AlterTopicRequest,
    CreateTopicRequest,
    FetchPosition,
    FetchRequest,
    OffsetQuery,
    OffsetsRequest,
    ProducePartitionRecord,
    ProduceRecord,
)
from kafka_do.core.plain_records import IncomingRecord, PlainRecord
from kafka_do.core.results import Results
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import AUTO_CREATE_TOPICS, MemoryEngine
from kafka_do.spec import SPEC

_LIMITS = {**SPEC.limits, "max_record_bytes": 100, "max_batch_bytes": 150, "max_json_depth": 3}
_TOPIC = "orders.new"
_PATIENCE_S = 10

Send = Callable[[MemoryEngine, str, Sequence[IncomingRecord]], Coroutine[Any, Any, Results]]


def _produce(engine: MemoryEngine, topic: str, records: Sequence[IncomingRecord]) -> Coroutine[Any, Any, Results]:
    return engine.produce(Produce(topic, records))


def _produce_partition(
    engine: MemoryEngine, topic: str, records: Sequence[IncomingRecord]
) -> Coroutine[Any, Any, Results]:
    return engine.produce_partition(ProducePartition(topic, 0, records))


_both_forms = pytest.mark.parametrize("send", [_produce, _produce_partition])


def _engine(*, auto_create_topics: bool = True) -> MemoryEngine:
    ids = (f"id-{number}" for number in count())
    return MemoryEngine(
        version="9.9",
        limits=_LIMITS,
        clock=ManualClock(1_000),
        new_id=lambda: next(ids),
        features=["core", *([AUTO_CREATE_TOPICS] if auto_create_topics else [])],
    )


def _topics(engine: MemoryEngine) -> list[str]:
    return [topic.topic for topic in asyncio.run(engine.list_topics(ListTopics(page_size=100))).topics]


def _values(engine: MemoryEngine, topic: str = _TOPIC) -> list[Any]:
    found = asyncio.run(engine.fetch_partition(FetchPartition(topic, 0, 0, 100, 10_000)))
    return [record["value"] for record in msgspec.json.decode(found.records)]


def _refusal(operation: Coroutine[Any, Any, Any]) -> KafkaError:
    with pytest.raises(KafkaError) as refused:
        asyncio.run(operation)
    return refused.value


def _codes(results: Results) -> list[str | None]:
    return [None if result.error is msgspec.UNSET else result.error.code for result in results]


def _plain(text: bytes = b"1") -> PlainRecord:
    return PlainRecord(msgspec.Raw(text))


def _record(text: bytes = b"1", **members: Any) -> ProduceRecord:
    return ProduceRecord(msgspec.Raw(text), **members)


@_both_forms
@pytest.mark.parametrize(
    "record", [_plain(), _record(key="a"), ProducePartitionRecord(msgspec.Raw(b"1"), timestamp_ms=5)]
)
def test_a_topic_is_created_as_without_partitions_and_appended_to(send: Send, record: IncomingRecord) -> None:
    engine = _engine()
    (result,) = asyncio.run(send(engine, _TOPIC, [record]))
    assert (result.partition, result.offset) == (0, 0)
    described = asyncio.run(engine.describe_topic(DescribeTopic(_TOPIC)))
    made = asyncio.run(engine.create_topic(CreateTopicRequest(topic="made")))
    assert described.partition_count == made.partition_count
    assert described.topic_id != made.topic_id
    assert described.configs == asyncio.run(engine.describe_topic(DescribeTopic("made"))).configs
    assert _values(engine) == [1]


@_both_forms
def test_a_topic_that_was_created_by_producing_is_a_topic_like_any_other(send: Send) -> None:
    engine = _engine()
    asyncio.run(send(engine, _TOPIC, [_plain(b"1")]))
    asyncio.run(send(engine, _TOPIC, [_plain(b"2")]))
    assert _values(engine) == [1, 2]
    assert _refusal(engine.create_topic(CreateTopicRequest(topic=_TOPIC))).code == "topic_already_exists"
    first = asyncio.run(engine.alter_topic(AlterTopic(_TOPIC, AlterTopicRequest(partitions=3))))
    assert first.partition_count == 3
    asyncio.run(engine.delete_topic(DeleteTopic(_TOPIC)))
    assert _topics(engine) == []
    asyncio.run(send(engine, _TOPIC, [_plain(b"3")]))
    again = asyncio.run(engine.describe_topic(DescribeTopic(_TOPIC)))
    assert (again.partition_count, again.topic_id != first.topic_id, _values(engine)) == (1, True, [3])


@_both_forms
@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "é", "x" * 250])
def test_a_topic_of_a_name_that_no_topic_can_have_is_not_created(send: Send, name: str) -> None:
    engine = _engine()
    error = _refusal(send(engine, name, [_plain()]))
    assert (error.code, error.fields) == ("invalid_topic_name", {"topic": name})
    assert _topics(engine) == []


@_both_forms
@pytest.mark.parametrize(
    "records",
    [
        [],
        [_plain()] * (_LIMITS["max_records_per_request"] + 1),
        [_plain(), _plain(b"[[[[1]]]]")],
        [_record(), _record(b"[[[[1]]]]", value_encoding="json")],
        [_record(), _record(key="?", key_encoding="base64")],
        [_record(b'"?"', value_encoding="base64")],
        [_record(timestamp_ms=-1)],
    ],
    ids=["none", "too-many", "plain-too-deep", "too-deep", "key", "value", "timestamp"],
)
def test_a_request_that_is_refused_as_a_whole_creates_nothing(send: Send, records: list[IncomingRecord]) -> None:
    engine = _engine()
    assert _refusal(send(engine, _TOPIC, records)).code == "invalid_request"
    assert _topics(engine) == []


@_both_forms
@pytest.mark.parametrize(
    ("records", "codes"),
    [
        ([_plain(b'"%s"' % (b"x" * 100))], ["message_too_large"]),
        ([_plain(), _plain(b'"%s"' % (b"x" * 100))], ["not_attempted", "message_too_large"]),
        ([_record(b'"%s"' % (b"x" * 100))], ["message_too_large"]),
        ([_plain(b'"%s"' % (b"x" * 50))] * 2, ["message_too_large"] * 2),
    ],
)
def test_records_that_are_too_large_create_nothing(
    send: Send, records: list[IncomingRecord], codes: list[str | None]
) -> None:
    engine = _engine()
    assert _codes(asyncio.run(send(engine, _TOPIC, records))) == codes
    assert _topics(engine) == []


@pytest.mark.parametrize("partition", [1, 2**31 - 1])
def test_a_partition_that_the_topic_would_not_have_creates_nothing(partition: int) -> None:
    engine = _engine()
    for operation in (
        engine.produce(Produce(_TOPIC, [_record(partition=partition)])),
        engine.produce_partition(ProducePartition(_TOPIC, partition, [_plain()])),
    ):
        (result,) = asyncio.run(operation)
        assert result.error is not msgspec.UNSET
        assert (result.error.code, result.error.partition, result.error.partition_count) == (
            "partition_not_found",
            partition,
            1,
        )
        assert _topics(engine) == []


def test_one_record_that_is_appended_creates_the_topic_whatever_becomes_of_the_others() -> None:
    engine = _engine()
    results = asyncio.run(engine.produce(Produce(_TOPIC, [_record(b"1", partition=1), _record(b"2", partition=0)])))
    assert _codes(results) == ["partition_not_found", None]
    assert _topics(engine) == [_TOPIC]
    assert _values(engine) == [2]


def test_with_acks_none_a_topic_is_created_too() -> None:
    engine = _engine()
    asyncio.run(engine.produce(Produce(_TOPIC, [_plain()], acks="none")))
    assert _values(engine) == [1]


@_both_forms
def test_requests_at_the_same_time_append_to_one_topic(send: Send) -> None:
    async def run(engine: MemoryEngine) -> list[Results]:
        return await asyncio.gather(*(send(engine, _TOPIC, [_plain(b"%d" % number)]) for number in range(50)))

    engine = _engine()
    answers = asyncio.run(run(engine))
    assert {result.offset for results in answers for result in results} == set(range(50))
    assert sorted(_values(engine)) == list(range(50))


def test_threads_that_send_at_the_same_time_append_to_one_topic() -> None:
    start = threading.Barrier(8, timeout=_PATIENCE_S)

    def send(number: int) -> int:
        start.wait()
        return client.producer(_TOPIC).send(number).offset

    with Client(f"memory://{uuid.uuid4()}") as client:
        with ThreadPoolExecutor(8) as pool:
            offsets = list(pool.map(send, range(8), timeout=_PATIENCE_S))
        read = client.read(_TOPIC, offset=0)
    assert sorted(offsets) == list(range(8))
    assert sorted(message.value for message in read.messages) == list(range(8))


def test_reading_describing_and_changing_never_create() -> None:
    engine = _engine()
    assert _refusal(engine.fetch_partition(FetchPartition(_TOPIC, 0, 0, 1, 1))).code == "topic_not_found"
    assert _refusal(engine.describe_topic(DescribeTopic(_TOPIC))).code == "topic_not_found"
    assert _refusal(engine.alter_topic(AlterTopic(_TOPIC, AlterTopicRequest(partitions=2)))).code == "topic_not_found"
    assert _refusal(engine.delete_topic(DeleteTopic(_TOPIC))).code == "topic_not_found"
    asyncio.run(engine.fetch(FetchRequest([FetchPosition(_TOPIC, 0, 0)])))
    asyncio.run(engine.list_offsets(OffsetsRequest([OffsetQuery(_TOPIC, 0, "latest")])))
    assert _topics(engine) == []


@_both_forms
@pytest.mark.parametrize("name", [_TOPIC, "a/b", ""])
def test_where_it_is_off_an_unknown_topic_is_not_found_and_nothing_is_created(send: Send, name: str) -> None:
    engine = _engine(auto_create_topics=False)
    error = _refusal(send(engine, name, [_plain()]))
    assert (error.code, error.fields) == ("topic_not_found", {"topic": name})
    assert _topics(engine) == []
    asyncio.run(engine.create_topic(CreateTopicRequest(topic=_TOPIC)))
    asyncio.run(send(engine, _TOPIC, [_plain()]))
    assert _values(engine) == [1]
