"""The broker in memory: each operation, driven without an event loop and with a clock of the test's own."""

from collections.abc import Coroutine, Iterator, Sequence
from itertools import count
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.broker import Discover, FetchPartition, PartitionSlice, Produce
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import CreateTopicRequest, ProduceResult, Topic
from kafka_do.core.record_text import message_of_record, stored_records
from kafka_do.core.records import Record
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import AUTO_CREATE_TOPICS, MemoryEngine
from kafka_do.spec import SPEC

T = TypeVar("T")

_LIMITS = {
    **SPEC.limits,
    "max_request_bytes": 100,
    "max_records_per_request": 4,
    "max_fetch_bytes": 20,
    "max_json_depth": 3,
    "max_partitions_per_topic": 5,
}


def _done(operation: Coroutine[Any, Any, T]) -> T:
    """Return what an operation answers; it has to come to its end without waiting."""
    try:
        operation.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    operation.close()
    raise AssertionError("the engine waited")


class _Broker:
    """An engine with small limits, a clock that stands still, and short ways to ask."""

    def __init__(self, *, auto_create_topics: bool = True) -> None:
        self.clock = ManualClock(1_000)
        ids = (f"id-{number}" for number in count())
        self.engine = MemoryEngine(
            version="9.9",
            limits=_LIMITS,
            clock=self.clock,
            new_id=lambda: next(ids),
            features=["core", *([AUTO_CREATE_TOPICS] if auto_create_topics else [])],
        )

    def create(self, topic: str = "t", partitions: int = 3) -> Topic:
        """Create a topic."""
        return _done(self.engine.create_topic(CreateTopicRequest(topic=topic, partitions=partitions)))

    def produce(self, *records: Record, topic: str = "t") -> list[ProduceResult | KafkaError]:
        """Append records."""
        messages = [message_of_record(record, _LIMITS["max_json_depth"]) for record in records]
        results = _done(self.engine.produce(Produce(topic, messages)))
        return [result if result.error is msgspec.UNSET else error_of_item(result.error) for result in results]

    def fetch(
        self, partition: int = 0, offset: int = 0, *, topic: str = "t", max_records: int = 100, max_bytes: int = 1_000
    ) -> PartitionSlice:
        """Read a partition."""
        return _done(self.engine.fetch_partition(FetchPartition(topic, partition, offset, max_records, max_bytes)))

    def values(self, partition: int) -> list[bytes | None]:
        """Return the values in a partition."""
        return _values(self.fetch(partition))


def _values(found: PartitionSlice) -> list[bytes | None]:
    return [record.value for record in stored_records(found.records)]


@pytest.fixture
def broker() -> _Broker:
    """Return a broker with the topic `t` of three partitions."""
    made = _Broker()
    made.create()
    return made


def _places(results: Sequence[ProduceResult | KafkaError]) -> Iterator[tuple[Any, Any]]:
    for result in results:
        assert isinstance(result, ProduceResult)
        yield result.partition, result.offset


def test_discovery_tells_revision_version_features_and_the_limits_that_hold() -> None:
    for auto_create_topics, features in ((True, ["core", "auto_create_topics"]), (False, ["core"])):
        told = _done(_Broker(auto_create_topics=auto_create_topics).engine.discover(Discover()))
        assert (told.revision, told.server.version, told.features) == ("1.0", "9.9", features)
        assert told.limits == _LIMITS


def test_a_new_topic_tells_its_name_id_and_number_of_partitions() -> None:
    assert _Broker().create("orders", 5) == Topic(topic="orders", topic_id="id-0", partition_count=5)


def test_a_topic_has_one_partition_unless_more_are_asked_for() -> None:
    made = _done(_Broker().engine.create_topic(CreateTopicRequest(topic="t")))
    assert made.partition_count == 1


def test_topics_have_different_ids(broker: _Broker) -> None:
    assert broker.create("a").topic_id != broker.create("b").topic_id


def test_the_ids_that_an_engine_makes_by_itself_differ_too() -> None:
    engine = MemoryEngine(version="9.9", clock=ManualClock())
    ids = {_done(engine.create_topic(CreateTopicRequest(topic=name))).topic_id for name in ("a", "b")}
    assert len(ids) == 2


@pytest.mark.parametrize("partition", [0, 1, 2])
def test_every_partition_of_a_new_topic_is_there_and_empty(broker: _Broker, partition: int) -> None:
    found = broker.fetch(partition)
    assert (found.topic, found.partition, bytes(found.records)) == ("t", partition, b"[]")
    assert (found.next_offset, found.high_watermark, found.log_start_offset) == (0, 0, 0)


def test_a_name_that_kafka_does_not_allow_is_refused() -> None:
    with pytest.raises(KafkaError) as refused:
        _Broker().create("a/b")
    assert refused.value.code == "invalid_topic_name"


def test_creating_a_topic_again_is_refused_and_leaves_it_as_it_is(broker: _Broker) -> None:
    broker.produce(Record(value=b"kept", partition=2))
    with pytest.raises(KafkaError) as refused:
        broker.create("t", 1)
    assert (refused.value.code, refused.value.fields) == ("topic_already_exists", {"topic": "t"})
    assert broker.values(2) == [b"kept"]


def test_more_partitions_than_the_limit_are_refused_and_nothing_is_created() -> None:
    broker = _Broker()
    with pytest.raises(KafkaError) as refused:
        broker.create("t", 6)
    assert refused.value.code == "invalid_partitions"
    assert refused.value.fields == {"topic": "t", "max_partitions_per_topic": 5}
    assert broker.create("t", 5).partition_count == 5


@pytest.mark.parametrize("partitions", [0, -1])
def test_a_topic_without_partitions_is_refused(partitions: int) -> None:
    with pytest.raises(KafkaError) as refused:
        _Broker().create("t", partitions)
    assert refused.value.code == "invalid_request"


def test_a_record_goes_to_the_partition_that_it_names_whatever_its_key(broker: _Broker) -> None:
    assert list(_places(broker.produce(*(Record(value=b"v", key=b"order-1", partition=p) for p in (2, 0, 1))))) == [
        (2, 0),
        (0, 0),
        (1, 0),
    ]


@pytest.mark.parametrize(
    ("key", "partition"), [(b"21", 0), (b"a-little-bit-long-string", 2), (b"abc", 0), (b"order-1", 1), (b"", 0)]
)
def test_a_record_with_a_key_goes_where_kafkas_hash_says(broker: _Broker, key: bytes, partition: int) -> None:
    ((chosen, _),) = _places(broker.produce(Record(value=b"v", key=key)))
    assert chosen == partition


def test_records_with_neither_share_a_partition_in_a_request_and_spread_over_requests(broker: _Broker) -> None:
    answers = [list(_places(broker.produce(Record(value=b"a"), Record(value=b"b")))) for _ in range(3)]
    assert sorted(first for (first, _), (second, _) in answers if first == second) == [0, 1, 2]


def test_results_stand_in_the_order_of_the_request_and_offsets_of_a_partition_follow_each_other(
    broker: _Broker,
) -> None:
    broker.produce(Record(value=b"before", partition=1))
    records = [Record(value=str(p).encode(), partition=p) for p in (1, 0, 1, 2)]
    assert list(_places(broker.produce(*records))) == [(1, 1), (0, 0), (1, 2), (2, 0)]


def test_a_record_without_a_time_gets_that_of_the_clock_and_one_with_a_time_keeps_it(broker: _Broker) -> None:
    broker.clock.advance(4_000)
    results = broker.produce(Record(value=b"", partition=0), Record(value=b"", partition=0, timestamp_ms=7))
    assert [result.timestamp_ms for result in results if isinstance(result, ProduceResult)] == [5_000, 7]
    assert [record.timestamp_ms for record in stored_records(broker.fetch(0).records)] == [5_000, 7]


def test_a_partition_that_the_topic_does_not_have_refuses_its_records_only(broker: _Broker) -> None:
    refused, appended, also = broker.produce(
        Record(value=b"a", partition=3), Record(value=b"b", partition=0), Record(value=b"c", partition=3)
    )
    assert appended == ProduceResult(0, 0, 1_000)
    for result in (refused, also):
        assert isinstance(result, KafkaError)
        assert result.code == "partition_not_found"
        assert result.fields == {"topic": "t", "partition": 3, "partition_count": 3}


def test_a_topic_that_does_not_exist_is_not_created_by_producing_or_reading_where_that_is_off() -> None:
    broker = _Broker(auto_create_topics=False)
    for ask in (lambda: broker.produce(Record(value=b""), topic="no"), lambda: broker.fetch(topic="no")):
        for _ in range(2):
            with pytest.raises(KafkaError) as refused:
                ask()
            assert (refused.value.code, refused.value.fields) == ("topic_not_found", {"topic": "no"})


@pytest.mark.parametrize("number", [0, 5])
def test_a_request_with_no_records_or_with_too_many_is_refused_as_a_whole(broker: _Broker, number: int) -> None:
    with pytest.raises(KafkaError) as refused:
        broker.produce(*[Record(value=b"", partition=0)] * number)
    assert refused.value.code == "invalid_request"
    assert [fault["pointer"] for fault in refused.value.fields["errors"]] == ["/records"]
    assert broker.values(0) == []


def test_a_request_may_have_as_many_records_as_the_limit(broker: _Broker) -> None:
    assert len(broker.produce(*[Record(value=b"")] * 4)) == 4


def test_reading_goes_on_behind_the_last_record_of_the_answer(broker: _Broker) -> None:
    broker.produce(*(Record(value=value, partition=1) for value in (b"a", b"b", b"c")))
    first = broker.fetch(1, 0, max_records=2)
    assert (_values(first), first.next_offset, first.high_watermark) == ([b"a", b"b"], 2, 3)
    second = broker.fetch(1, first.next_offset)
    assert (_values(second), second.next_offset) == ([b"c"], 3)
    assert (_values(broker.fetch(1, 3)), broker.fetch(1, 3).next_offset) == ([], 3)


def test_an_offset_outside_the_log_is_refused_with_the_logs_bounds(broker: _Broker) -> None:
    broker.produce(Record(value=b"", partition=1))
    with pytest.raises(KafkaError) as refused:
        broker.fetch(1, 2)
    assert refused.value.code == "offset_out_of_range"
    assert refused.value.fields == {"topic": "t", "partition": 1, "log_start_offset": 0, "high_watermark": 1}


def test_a_partition_that_the_topic_does_not_have_cannot_be_read(broker: _Broker) -> None:
    with pytest.raises(KafkaError) as refused:
        broker.fetch(3)
    assert refused.value.code == "partition_not_found"
    assert refused.value.fields == {"topic": "t", "partition": 3, "partition_count": 3}


def test_a_negative_partition_is_not_counted_from_the_end(broker: _Broker) -> None:
    broker.produce(Record(value=b"last", partition=2))
    with pytest.raises(KafkaError):
        broker.fetch(-1)
    try:
        results = broker.produce(Record(value=b"stray", partition=-1))
    except KafkaError:
        results = []
    assert not any(isinstance(result, ProduceResult) for result in results)
    assert broker.values(2) == [b"last"]


@pytest.mark.parametrize(("asked", "expected"), [(12, 1), (20, 2), (1_000, 2)])
def test_an_answer_is_bounded_by_max_bytes_and_by_the_servers_own_limit(
    broker: _Broker, asked: int, expected: int
) -> None:
    broker.produce(*[Record(value=b"x" * 9, key=b"k", partition=0)] * 3)
    assert len(_values(broker.fetch(0, max_bytes=asked))) == expected


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4), max_size=6))
def test_each_partition_holds_what_was_appended_to_it_in_order(requests: list[list[tuple[int, bytes]]]) -> None:
    broker = _Broker()
    broker.create("t", 3)
    model: dict[int, list[bytes | None]] = {0: [], 1: [], 2: []}
    for request in requests:
        results = broker.produce(*(Record(value=value, partition=partition) for partition, value in request))
        for (partition, value), result in zip(request, results, strict=True):
            if partition in model:
                assert result == ProduceResult(partition, len(model[partition]), 1_000)
                model[partition].append(value)
            else:
                assert isinstance(result, KafkaError)
    read: dict[int, list[bytes | None]] = {partition: [] for partition in model}
    for partition, expected in model.items():
        for offset in range(len(expected)):
            read[partition] += _values(broker.fetch(partition, offset, max_records=1))
    assert read == model
