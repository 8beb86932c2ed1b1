"""What goes from the beginning of a log, to the millisecond and the byte; and how little is done at once."""

import asyncio
from itertools import count

import pytest
from msgspec import Raw

from kafka_do.client.driving import drive
from kafka_do.core.batch import write_batch, write_rows
from kafka_do.core.broker import AlterTopic, DeleteRecords, PartitionFailure, PartitionSlice, Produce
from kafka_do.core.configs import Configs
from kafka_do.core.errors import KafkaError
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import (
    AlterTopicRequest,
    CreateTopicRequest,
    DeleteRecordsRequest,
    FetchPosition,
    FetchRequest,
    RecordsToDelete,
)
from kafka_do.core.plain_records import PlainRecord
from kafka_do.core.record_text import message_of_record, stored_records
from kafka_do.core.records import Record
from kafka_do.core.retention import expire
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.server.tending import tend_always, tend_now
from kafka_do.spec import SPEC

_NOW = 1_760_000_000_000
_WEEK_MS = 604_800_000
_DELAY_MS = SPEC.limits["retention_delay_ms"]


def _configs(**changes: str) -> Configs:
    configs = Configs()
    configs.alter({name.replace("_", "."): value for name, value in changes.items()})
    return configs


def _append(log: PartitionLog, *times: int, size: int = 1) -> None:
    records = [Record(value=b"x" * size, key=b"k", timestamp_ms=time) for time in times]
    offsets = range(log.high_watermark, log.high_watermark + len(times))
    log.close_older_than(2**53)
    log.append(write_batch(write_rows([message_of_record(record, 8) for record in records], offsets, 0)))


def _offsets(log: PartitionLog) -> list[int]:
    return [record.offset for record in stored_records(log.read(log.start_offset, 1000).text)]


@pytest.mark.parametrize(
    ("retention_ms", "age_ms", "left"), [(10, 10, [0, 1]), (10, 11, []), (0, 0, [0, 1]), (0, 1, [])]
)
def test_a_segment_goes_when_its_youngest_record_is_older_than_the_retention(
    retention_ms: int, age_ms: int, left: list[int]
) -> None:
    log = PartitionLog()
    _append(log, 5, 3)
    assert expire(log, _configs(retention_ms=str(retention_ms)), 5 + age_ms) is (not left)
    assert (_offsets(log), log.start_offset, log.high_watermark) == (left, 0 if left else 2, 2)


def test_a_segment_holds_those_behind_it() -> None:
    log = PartitionLog()
    for times in ((1,), (9, 2), (3,)):
        _append(log, *times)
    configs = _configs(retention_ms="5")
    assert expire(log, configs, 14)
    assert (_offsets(log), log.start_offset) == ([1, 2, 3], 1)
    assert not expire(log, configs, 14)
    assert expire(log, configs, 15)
    assert (_offsets(log), log.start_offset) == ([], 4)


@pytest.mark.parametrize(("spare", "gone"), [(0, 1), (1, 0), (-1, 1)])
def test_a_segment_goes_when_what_is_left_without_it_is_enough(spare: int, gone: int) -> None:
    log = PartitionLog()
    for _ in range(3):
        _append(log, 1, size=100)
    rest = sum(segment.length for segment in log.segments[1:])
    assert log.length == rest + log.segments[0].length
    assert expire(log, _configs(retention_bytes=str(rest + spare), retention_ms="-1"), _NOW) is bool(gone)
    assert log.start_offset == gone
    assert log.length == sum(segment.length for segment in log.segments)


def test_with_no_bytes_at_all_nothing_stays_and_without_an_end_everything() -> None:
    log = PartitionLog()
    for _ in range(3):
        _append(log, 1)
    assert not expire(log, _configs(retention_ms="-1"), 2**62)
    assert not expire(log, _configs(retention_ms="0", retention_bytes="0", cleanup_policy="compact"), 2**62)
    assert expire(log, _configs(retention_ms="-1", retention_bytes="0"), 0)
    assert (_offsets(log), log.start_offset, log.length) == ([], 3, 0)


def test_a_log_of_many_segments_goes_in_pieces() -> None:
    log = PartitionLog()
    for _ in range(2500):
        _append(log, 1)
    configs = _configs(retention_ms="0")
    assert [expire(log, configs, 2) for _ in range(4)] == [True, True, True, False]
    assert log.start_offset == log.high_watermark == 2500


class _Broker:
    """A broker whose time is moved, with a topic."""

    def __init__(self, **configs: str) -> None:
        self.clock = ManualClock(_NOW)
        ids = (f"id-{number}" for number in count())
        self.engine = MemoryEngine(version="9", clock=self.clock, new_id=lambda: next(ids))
        named = {name.replace("_", "."): value for name, value in configs.items()}
        drive(self.engine.create_topic(CreateTopicRequest(topic="t", partitions=2, configs=named)))

    def produce(self, *values: bytes, key: str | None = "k") -> None:
        records = [PlainRecord(value=Raw(value), key=key) for value in values]
        drive(self.engine.produce(Produce("t", records)))

    def tend(self) -> int:
        """Do all that is due; return how many steps that took."""
        for steps in count(1):
            if self.engine.tend():
                return steps
        raise AssertionError

    def bounds(self, partition: int) -> tuple[int, int]:
        asked = FetchRequest(partitions=[FetchPosition("t", partition, 0)], max_wait_ms=0)
        (found,) = drive(self.engine.fetch(asked))
        if isinstance(found, PartitionFailure):
            return found.error.fields["log_start_offset"], found.error.fields["high_watermark"]
        return found.log_start_offset, found.high_watermark


def test_what_is_to_go_is_gone_when_the_delay_has_passed_and_nothing_before() -> None:
    broker = _Broker()
    broker.produce(b"1", b"2")
    place = next(number for number in (0, 1) if broker.bounds(number)[1])
    broker.clock.advance(_WEEK_MS)
    broker.tend()
    assert broker.bounds(place) == (0, 2)
    broker.clock.advance(1 + _DELAY_MS)
    broker.tend()
    assert broker.bounds(place) == (2, 2)


def test_a_server_without_the_feature_keeps_everything_and_knows_no_such_config() -> None:
    clock = ManualClock(_NOW)
    engine = MemoryEngine(version="9", clock=clock, features=["core"])
    drive(engine.create_topic(CreateTopicRequest(topic="t")))
    drive(engine.produce(Produce("t", [PlainRecord(value=Raw(b"1"), key=None)])))
    clock.advance(10 * _WEEK_MS)
    assert engine.tend() > 0
    (found,) = drive(engine.fetch(FetchRequest(partitions=[FetchPosition("t", 0, 0)], max_wait_ms=0)))
    assert isinstance(found, PartitionSlice)
    assert (found.log_start_offset, found.next_offset) == (0, 1)
    with pytest.raises(KafkaError) as caught:
        drive(engine.create_topic(CreateTopicRequest(topic="u", configs={"retention.ms": "1"})))
    assert caught.value.code == "invalid_config"
    assert caught.value.fields["errors"][0]["pointer"] == "/configs/retention.ms"
    asked = DeleteRecords("t", DeleteRecordsRequest(partitions=[RecordsToDelete(0, at="latest")]))
    with pytest.raises(KafkaError) as caught:
        drive(engine.delete_records(asked))
    assert (caught.value.code, caught.value.fields["feature"]) == ("unsupported_feature", "retention")


def test_no_step_does_much_and_requests_come_between() -> None:
    broker = _Broker(cleanup_policy="compact", max_compaction_lag_ms="1", segment_ms="1")
    for number in range(30):
        broker.clock.advance(2)
        broker.produce(*[b"%d" % number] * 1000)
    broker.clock.advance(_DELAY_MS)
    assert broker.tend() > 29
    place = next(number for number in (0, 1) if broker.bounds(number)[1])
    asked = FetchRequest(partitions=[FetchPosition("t", place, 0)], max_wait_ms=0, max_records=5)
    (found,) = drive(broker.engine.fetch(asked))
    assert isinstance(found, PartitionSlice)
    assert next(record.offset for record in stored_records(found.records)) == 28_999


def test_a_topic_that_is_deleted_while_its_logs_are_looked_after_does_no_harm() -> None:
    broker = _Broker(cleanup_policy="compact", max_compaction_lag_ms="1", segment_ms="1")
    for number in range(5):
        broker.clock.advance(2)
        broker.produce(*[b"%d" % number] * 1000)
    broker.clock.advance(_DELAY_MS)
    assert broker.engine.tend() == 0
    broker.engine.reset()
    broker.tend()
    assert broker.engine.tend() > 0


def test_who_waits_at_a_place_that_goes_is_answered_at_once() -> None:
    async def main() -> None:
        broker = _Broker()
        broker.produce(b"1")
        place = next(number for number in (0, 1) if broker.bounds(number)[1])
        asked = FetchRequest(partitions=[FetchPosition("t", place, 0)], max_wait_ms=30_000, min_bytes=100)
        waiting = asyncio.create_task(broker.engine.fetch(asked))
        await asyncio.sleep(0)
        request = DeleteRecordsRequest(partitions=[RecordsToDelete(place, before_offset=1)])
        await broker.engine.delete_records(DeleteRecords("t", request))
        (found,) = await asyncio.wait_for(waiting, 5)
        assert isinstance(found, PartitionFailure)
        assert found.error.code == "offset_out_of_range"

    asyncio.run(main())


def test_a_change_of_configs_counts_at_the_next_look() -> None:
    broker = _Broker(retention_ms="-1")
    broker.produce(b"1")
    broker.clock.advance(9 * _WEEK_MS)
    broker.tend()
    place = next(number for number in (0, 1) if broker.bounds(number)[1])
    assert broker.bounds(place) == (0, 1)
    drive(broker.engine.alter_topic(AlterTopic("t", AlterTopicRequest(configs={"retention.ms": "5"}))))
    broker.clock.advance(_DELAY_MS)
    broker.tend()
    assert broker.bounds(place) == (1, 1)


def test_a_server_tends_its_engine_whenever_it_is_due() -> None:
    async def main() -> None:
        clock = ManualClock(0)
        calls: list[int] = []
        left = [0, 0, 50, 0, 70]

        def tend() -> int:
            calls.append(clock.now_ms())
            return left[len(calls) - 1] if len(calls) <= len(left) else 1000

        task = asyncio.create_task(tend_always(tend, clock))
        await _settle()
        assert calls == [0, 0, 0]
        clock.advance(49)
        await _settle()
        assert len(calls) == 3
        clock.advance(1)
        await _settle()
        assert calls[3:] == [50, 50]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_all_that_is_due_can_be_done_now() -> None:
    left = [0, 0, 9, 0]
    asyncio.run(tend_now(lambda: left.pop(0)))
    assert left == [0]


async def _settle() -> None:
    for _ in range(9):
        await asyncio.sleep(0)
