"""Several batches on their way to one partition, over a line that overtakes, loses, repeats and refuses."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.aio.runtime import LoopRuntime
from kafka_do.client.numbering import Numbering
from kafka_do.client.sequencing import Sequencer
from kafka_do.core.broker import FetchPartition, ProducePartition
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.messages import CreateTopicRequest, Producer, ProduceResult
from kafka_do.core.record_text import stored_records
from kafka_do.core.records import Record
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC

_MOST = int(SPEC.defaults["client"]["in_flight_batches"])
_LAST_EPOCH = SPEC.ranges["ProducerEpoch"][1]


class _Runtime(LoopRuntime):
    """No time passes, but others have their turn."""

    def now_ms(self) -> int:
        return 0

    async def sleep(self, wait_ms: int) -> None:
        await asyncio.sleep(0)


class _Line:
    """The way to a broker. `calm` is the share of requests to which nothing happens but being late."""

    def __init__(self, engine: MemoryEngine, chance: random.Random, *, calm: float) -> None:
        self._engine = engine
        self._chance = chance
        self._calm = calm
        self.on_way: Counter[int] = Counter()
        self.most: Counter[int] = Counter()
        self.late: set[asyncio.Task[Any]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def produce_partition(self, request: ProducePartition) -> list[ProduceResult]:
        self.on_way[request.partition] += 1
        self.most[request.partition] = max(self.most[request.partition], self.on_way[request.partition])
        try:
            return await self._send(request)
        finally:
            self.on_way[request.partition] -= 1

    async def _send(self, request: ProducePartition) -> list[ProduceResult]:
        if self._chance.random() < self._calm:
            return await self._arrive(request)
        what = self._chance.choice(["away", "lost", "unanswered", "late", "doubled", "large"])
        if what == "away":
            raise KafkaError("not_leader", "elsewhere")
        if what == "large":
            large = KafkaError("message_too_large", "large")
            return [ProduceResult(error=item_of_error(large)) for _ in request.records]
        if what == "doubled":
            with suppress(KafkaError):
                await self._engine.produce_partition(request)
            return list(await self._engine.produce_partition(request))
        if what == "late":
            self._let_arrive(request)
        if what == "unanswered":
            await self._arrive(request)
        raise KafkaError("disconnected", what)

    async def _arrive(self, request: ProducePartition) -> list[ProduceResult]:
        for _ in range(self._chance.randrange(12)):
            await asyncio.sleep(0)
        results = list(await self._engine.produce_partition(request))
        for _ in range(self._chance.randrange(6)):
            await asyncio.sleep(0)
        return results

    def _let_arrive(self, request: ProducePartition) -> None:
        async def act() -> None:
            with suppress(KafkaError):
                await self._arrive(request)

        task = asyncio.ensure_future(act())
        self.late.add(task)
        task.add_done_callback(self.late.discard)


class _Told:
    """What became of the records, by their values."""

    def __init__(self) -> None:
        self.landed: dict[bytes, tuple[int, int]] = {}
        self.unknown: set[bytes] = set()
        self.refused: set[bytes] = set()

    def note(self, records: list[Record], outcomes: list[Any]) -> None:
        for record, outcome in zip(records, outcomes, strict=True):
            value = record.value or b""
            if not isinstance(outcome, KafkaError):
                self.landed[value] = (outcome.partition, outcome.offset)
            elif outcome.indeterminate:
                self.unknown.add(value)
            else:
                self.refused.add(value)


async def _run(seed: int, *, calm: float, interrupts: float) -> tuple[_Told, dict[int, list[bytes]], _Line]:
    chance = random.Random(seed)  # noqa: S311
    engine = MemoryEngine(version="9.9", clock=ManualClock(0))
    await engine.create_topic(CreateTopicRequest("t", 2))
    line: Any = _Line(engine, chance, calm=calm)
    sequencer = Sequencer("t", _Runtime(), timeout_ms=60_000, chance=chance.random, tries=3)
    told = _Told()

    async def send(number: int) -> None:
        count = chance.randint(1, 3)
        records = [Record(b'"%d-%d"' % (number, n), partition=chance.choice([0, 0, 1])) for n in range(count)]
        try:
            told.note(records, await sequencer.send(line, records))
        except asyncio.CancelledError:
            told.unknown.update(record.value or b"" for record in records)

    tasks = [asyncio.ensure_future(send(number)) for number in range(40)]
    for _ in range(200):
        await asyncio.sleep(0)
        if chance.random() < interrupts:
            chance.choice(tasks).cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*line.late, return_exceptions=True)
    logs = {}
    for partition in (0, 1):
        found = await engine.fetch_partition(
            FetchPartition("t", partition, 0, max_records=10_000, max_bytes=1 << 30, max_wait_ms=0)
        )
        logs[partition] = [one.value or b"" for one in stored_records(found.records)]
    return told, logs, line


@pytest.mark.parametrize("interrupts", [0.0, 0.1])
@pytest.mark.parametrize("calm", [0.6, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_lost_doubled_or_out_of_order(seed: int, calm: float, interrupts: float) -> None:
    told, logs, line = asyncio.run(_run(seed, calm=calm, interrupts=interrupts))
    everywhere = [value for log in logs.values() for value in log]
    assert [value for value, times in Counter(everywhere).items() if times > 1] == []
    assert {value for value in told.landed if logs[told.landed[value][0]][told.landed[value][1]] != value} == set()
    assert told.refused.isdisjoint(everywhere)
    for partition in logs:
        landed = [int(value[1:-1].split(b"-")[0]) for value in logs[partition] if value in told.landed]
        assert landed == sorted(landed)
    assert max(line.most.values()) <= _MOST
    if calm == 1.0 and not interrupts:
        assert len(told.landed) == len(everywhere)
        assert told.unknown == told.refused == set()
        assert line.most[0] > 1


def test_one_goes_at_first_and_five_once_one_has_landed() -> None:
    numbering = Numbering(Producer("1", 0))
    entries = [numbering.enter(0, 2) for _ in range(8)]
    assert [numbering.is_up(one) for one in entries] == [True] + [False] * 7
    assert numbering.number(entries[0]).base_sequence == 0
    assert not numbering.is_up(entries[1])
    numbering.appended(entries[0])
    assert [numbering.number(one).base_sequence for one in entries[1:6] if numbering.is_up(one)] == [2, 4, 6, 8, 10]
    assert not numbering.is_up(entries[6])
    numbering.appended(entries[2])
    assert not numbering.is_up(entries[6])  # the partition might forget the one before it
    numbering.appended(entries[1])
    assert numbering.number(entries[6]).base_sequence == 12
    assert numbering.is_up(entries[7])


def test_other_partitions_have_their_own_numbers() -> None:
    numbering = Numbering(Producer("1", 0))
    entries = [numbering.enter(partition, 1) for partition in (0, 1)]
    assert [numbering.number(one).base_sequence for one in entries if numbering.is_up(one)] == [0, 0]


def test_what_is_behind_a_refused_batch_is_numbered_under_the_next_epoch() -> None:
    numbering = Numbering(Producer("1", 0))
    first, refused, behind, last, elsewhere = (numbering.enter(partition, 1) for partition in (0, 0, 0, 0, 1))
    for one in (first, elsewhere):
        numbering.number(one)
    numbering.appended(first)
    for one in (refused, behind):
        numbering.number(one)
    for one in (refused, behind, elsewhere):
        numbering.send(one)
    assert not numbering.is_first(behind)
    numbering.refused(refused)
    assert numbering.has_lost_count
    assert numbering.is_first(behind)
    numbering.give_back(behind)
    assert not numbering.is_up(behind)  # something is on its way under the old epoch
    numbering.appended(elsewhere)
    assert numbering.identity == Producer("1", 1)
    assert not numbering.is_up(last)
    assert numbering.number(behind).base_sequence == 0
    assert not numbering.is_up(last)


def test_a_refused_batch_with_nothing_behind_it_leaves_its_numbers() -> None:
    numbering = Numbering(Producer("1", 0))
    for number, count in enumerate((2, 5, 1)):
        entry = numbering.enter(0, count)
        assert numbering.number(entry).base_sequence == (0 if number == 0 else 2)
        if number == 1:
            numbering.refused(entry)
        else:
            numbering.appended(entry)
    assert numbering.identity == Producer("1", 0)


@given(epoch=st.integers(0, _LAST_EPOCH), order=st.permutations(["raised", "allocated", "raised"]))
@settings(max_examples=50)
def test_who_needs_an_id_does_not_raise_its_epoch(epoch: int, order: list[Any]) -> None:
    numbering = Numbering(Producer("1", epoch))
    entries = [numbering.enter(partition, 1) for partition in range(3)]
    for one in entries:
        numbering.number(one)
        numbering.send(one)
    for one, anew in zip(entries, order, strict=True):
        assert numbering.identity == Producer("1", epoch)
        numbering.lost(one, anew)
    assert numbering.identity is None


def test_a_batch_whose_caller_is_gone_frees_its_line() -> None:
    numbering = Numbering(Producer("1", 0))
    first, second, third, fourth = (numbering.enter(0, 1) for _ in range(4))
    numbering.leave(second)
    numbering.number(first)
    numbering.withdraw(first)
    assert numbering.identity == Producer("1", 0)
    assert numbering.number(third).base_sequence == 0
    numbering.leave(third)
    assert numbering.identity == Producer("1", 1)
    assert numbering.is_up(fourth)


def test_numbers_take_an_identity_and_a_place_in_the_line() -> None:
    numbering = Numbering()
    entry = numbering.enter(0, 1)
    with pytest.raises(RuntimeError, match="identity"):
        numbering.number(entry)
    numbering.withdraw(entry)
    with pytest.raises(RuntimeError, match="stands in no line"):
        numbering.is_first(entry)
