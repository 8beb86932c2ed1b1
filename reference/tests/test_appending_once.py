"""Batches that are appended once, and what refuses a batch: each result with its place, nothing half appended."""

import asyncio
from typing import Any

import msgspec
import pytest

from kafka_do.core import segment
from kafka_do.core.batch import write_batch, write_rows
from kafka_do.core.broker import AllocateProducer, DeleteRecords, ProducePartition
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import (
    CreateTopicRequest,
    DeleteRecordsRequest,
    FetchPosition,
    FetchRequest,
    ProducerBatch,
    ProduceRecord,
    ProduceResult,
    RecordsToDelete,
)
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine

_NOW = 1_000


class _Engine:
    """An engine with a topic `t`, and a producer's id."""

    def __init__(self, **configs: str) -> None:
        self.clock = ManualClock(_NOW)
        self.engine = MemoryEngine(version="9.9", clock=self.clock)
        named = {name.replace("_", "."): value for name, value in configs.items()}
        asyncio.run(self.engine.create_topic(CreateTopicRequest("t", 2, configs=named)))
        self.id = asyncio.run(self.engine.allocate_producer(AllocateProducer())).id

    def send(self, *records: ProduceRecord, number: int | None = None, partition: int = 1) -> list[ProduceResult]:
        """Append records to a partition, with a number or without."""
        batch = None if number is None else ProducerBatch(self.id, 0, number)
        asked = ProducePartition("t", partition, list(records), producer=batch)
        return list(asyncio.run(self.engine.produce_partition(asked)))

    @property
    def log(self) -> PartitionLog:
        """The log of partition 1."""
        return self.engine._topics["t"].logs[1]


def _record(value: Any = 1, **members: Any) -> ProduceRecord:
    return ProduceRecord(value=msgspec.Raw(msgspec.json.encode(value)), **members)


def _timed(*times: int) -> list[ProduceRecord]:
    return [_record(timestamp_ms=at) for at in times]


def _errors(results: list[ProduceResult]) -> list[tuple[str, str, Any, Any]]:
    errors = [error_of_item(one.error) for one in results if one.error is not msgspec.UNSET]
    return [(one.code, one.message, one.fields.get("topic"), one.fields.get("partition")) for one in errors]


def test_a_batch_that_comes_again_is_told_its_places_and_times_and_not_appended() -> None:
    engine = _Engine()
    engine.send(_record())
    first = engine.send(*_timed(5, 7, 6), number=0)
    second = engine.send(*_timed(9, 8), number=3)
    assert first == [ProduceResult(1, 1, 5), ProduceResult(1, 2, 7), ProduceResult(1, 3, 6)]
    assert second == [ProduceResult(1, 4, 9), ProduceResult(1, 5, 8)]
    assert engine.send(*_timed(5, 7, 6), number=0) == first
    assert engine.send(*_timed(9, 8), number=3) == second
    assert engine.log.high_watermark == 6


def test_a_record_that_is_gone_has_no_time_when_its_batch_comes_again() -> None:
    engine = _Engine()
    engine.send(*_timed(5, 7, 6), number=0)
    engine.send(_record())
    asked = DeleteRecordsRequest([RecordsToDelete(1, before_offset=2)])
    asyncio.run(engine.engine.delete_records(DeleteRecords("t", asked)))
    again = engine.send(*_timed(5, 7, 6), number=0)
    assert [(one.offset, one.timestamp_ms) for one in again] == [(0, None), (1, None), (2, 6)]


def test_a_number_that_is_not_next_refuses_each_record_with_its_place() -> None:
    engine = _Engine()
    engine.send(_record(), number=0)
    refused = _errors(engine.send(_record(), _record(), number=4))
    assert [(code, topic, partition) for code, _, topic, partition in refused] == [
        ("out_of_order_sequence", "t", 1),
        ("out_of_order_sequence", "t", 1),
    ]
    assert engine.log.high_watermark == 1


def test_a_partition_that_there_is_not_refuses_each_record() -> None:
    engine = _Engine()
    refused = _errors(engine.send(_record(), _record(), number=0, partition=2))
    assert [code for code, *_ in refused] == ["partition_not_found"] * 2


def test_a_batch_without_keys_is_refused_in_a_compacted_topic_and_uses_no_number_up() -> None:
    engine = _Engine(cleanup_policy="compact")
    keyed, bare = _record(key="k"), _record()
    words = "the topic is compacted: a record has to have a key"
    others = "another record of the batch was refused"
    assert _errors(engine.send(keyed, bare, keyed, number=0)) == [
        ("not_attempted", others, "t", 1),
        ("invalid_record", words, "t", 1),
        ("not_attempted", others, "t", 1),
    ]
    assert engine.log.high_watermark == 0
    assert [one.offset for one in engine.send(keyed, keyed, number=0)] == [0, 1]


@pytest.mark.parametrize(
    ("configs", "at", "words"),
    [
        ({"message_timestamp_before_max_ms": "999"}, 0, "1000 ms before the server's clock"),
        ({"message_timestamp_before_max_ms": "0"}, _NOW - 1, "1 ms before the server's clock"),
        ({"message_timestamp_after_max_ms": "0"}, _NOW + 1, "1 ms after the server's clock"),
    ],
)
def test_a_time_beyond_the_bounds_is_told_with_its_side(configs: dict[str, str], at: int, words: str) -> None:
    ((code, message, *place),) = _errors(_Engine(**configs).send(*_timed(at)))
    assert (code, place) == ("invalid_timestamp", ["t", 1])
    assert words in message


def test_a_segment_takes_no_more_when_its_first_record_is_older_than_the_configs_say() -> None:
    engine = _Engine(segment_ms="60000")
    engine.send(_record())
    assert [one.since_ms for one in engine.log.segments] == [_NOW]
    engine.clock.advance(60_000)
    engine.send(_record())
    assert len(engine.log.segments) == 1
    engine.clock.advance(1)
    engine.send(_record())
    assert [one.since_ms for one in engine.log.segments] == [_NOW, _NOW + 60_001]


def test_a_log_that_may_have_no_bytes_loses_what_it_can_with_each_append(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "FULL_BYTES", 1)
    engine = _Engine(retention_bytes="0")
    for offset in range(3):
        engine.send(_record())
        assert engine.log.high_watermark == offset + 1
    assert engine.log.start_offset > 0
    assert len(engine.log.segments) <= 1


def test_a_segment_that_is_told_no_time_begins_at_0() -> None:
    log = PartitionLog()
    log.append(write_batch(write_rows([_record()], range(1), _NOW)))
    assert log.segments[0].since_ms == 0


def test_a_fetch_under_another_id_finds_another_topic() -> None:
    engine = _Engine()
    asked = FetchRequest([FetchPosition("t", 1, 0, topic_id="another")])
    (found,) = asyncio.run(engine.engine.fetch(asked))
    assert getattr(found, "error", None) is not None


def test_behind_a_partition_that_was_cut_nothing_more_is_given_even_if_it_fits() -> None:
    engine = _Engine()
    engine.send(_record("a" * 40), _record("b" * 40))
    engine.send(_record("c"), partition=0)
    positions = [FetchPosition("t", 1, 0), FetchPosition("t", 0, 0)]
    long, short = asyncio.run(engine.engine.fetch(FetchRequest(positions, max_bytes=60)))
    assert not isinstance(long, KafkaError)
    assert (getattr(long, "next_offset", None), getattr(short, "next_offset", None)) == (1, 0)


def _log(*times: int) -> PartitionLog:
    """Return a log with a segment for each record."""
    log = PartitionLog()
    for offset, at in enumerate(times):
        log.append(write_batch(write_rows([_record(timestamp_ms=at)], range(offset, offset + 1), at)), at)
    return log


def test_a_read_that_ends_with_a_segment_goes_on_at_the_next_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "FULL_BYTES", 1)
    log = _log(10, 20, 30)
    assert len(log.segments) == 3
    assert [log.read(offset, 1).next_offset for offset in range(4)] == [1, 2, 3, 3]


def test_times_are_found_while_segments_are_replaced_and_not_indexed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "FULL_BYTES", 1)
    log = _log(10, 20, 30)
    middle = log.segments[1]
    log.replace(1, 2, [middle])
    found = [log.first_at_or_after(at) for at in (10, 15, 20, 25, 30, 31)]
    assert [None if one is None else one.offset for one in found] == [0, 1, 1, 2, 2, None]
    log.index_times()
    assert [one and one.offset for one in (log.first_at_or_after(at) for at in (15, 25, 31))] == [1, 2, None]
