"""An idempotent producer's decisions: when it sends again, what it reports, when it begins anew. No time passes."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import pytest

from kafka_do import Client, KafkaError, Record, RecordMetadata
from kafka_do.aio.runtime import LoopRuntime
from kafka_do.client.sequencing import Sequencer
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.messages import CreateTopicRequest, Producer, ProduceResult, TopicDescription
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC

_TRIES = int(SPEC.defaults["client"]["idempotent_tries"])
_LOST = KafkaError("disconnected", "gone")
_AWAY = KafkaError("not_leader", "elsewhere")
_OUT_OF_ORDER = KafkaError("out_of_order_sequence", "no")


class _Broker:
    """Appends what it is sent, unless the plan has an error for it; None is no error."""

    def __init__(self, *plan: KafkaError | None, partitions: int = 3) -> None:
        self.plan = deque(plan)
        self.partitions = partitions
        self.asked: list[Any] = []
        self.described = 0
        self.allocated = 0
        self.unwell: deque[KafkaError] = deque()

    async def describe_topic(self, request: Any) -> TopicDescription:
        self.described += 1
        if self.unwell:
            raise self.unwell.popleft()
        return TopicDescription("t", "id", self.partitions, [], {})

    async def allocate_producer(self, request: Any) -> Producer:
        self.allocated += 1
        if self.unwell:
            raise self.unwell.popleft()
        return Producer(str(self.allocated), 32766)

    async def produce_partition(self, request: Any) -> list[ProduceResult]:
        self.asked.append(request)
        error = self.plan.popleft() if self.plan else None
        if error is not None and error.code == "message_too_large":
            return [ProduceResult(error=item_of_error(error)) for _ in request.records]
        if error is not None:
            raise error
        return [ProduceResult(request.partition, place, 0) for place in range(len(request.records))]

    @property
    def numbers(self) -> list[tuple[int, str, int, int]]:
        return [(one.partition, one.producer.id, one.producer.epoch, one.producer.base_sequence) for one in self.asked]


class _Runtime(LoopRuntime):
    """No time passes; pauses are noted."""

    def __init__(self, waited: list[int] | None = None) -> None:
        super().__init__()
        self._waited = [] if waited is None else waited

    def now_ms(self) -> int:
        return 0

    async def sleep(self, wait_ms: int) -> None:
        self._waited.append(wait_ms)


class _Sending:
    def __init__(self, *plan: KafkaError | None, partitions: int = 3) -> None:
        self.broker = _Broker(*plan, partitions=partitions)
        self.waited: list[int] = []

        self._sequencer = Sequencer("t", _Runtime(self.waited), timeout_ms=60_000, chance=lambda: 1.0)

    def send(self, *records: Record) -> list[RecordMetadata | KafkaError]:
        broker: Any = self.broker
        return asyncio.run(self._sequencer.send(broker, records))


def _one(partition: int | None = 0, key: bytes | None = None) -> Record:
    return Record(value=b"1", key=key, partition=partition)


def test_a_lost_answer_is_asked_for_again_with_growing_pauses_and_the_same_request() -> None:
    sending = _Sending(_LOST, _AWAY, _LOST)
    (place,) = sending.send(_one())
    assert isinstance(place, RecordMetadata)
    assert sending.broker.asked == [sending.broker.asked[0]] * 4
    assert sending.waited == [50, 100, 200]


def test_the_pause_is_what_the_server_asks_for_where_that_is_longer() -> None:
    sending = _Sending(
        KafkaError("quota_exceeded", "slow", retry_after_ms=700), KafkaError("quota_exceeded", "slow", retry_after_ms=1)
    )
    sending.send(_one())
    assert sending.waited == [700, 100]


@pytest.mark.parametrize(("error", "indeterminate", "epoch"), [(_LOST, True, 32767), (_AWAY, False, 32766)])
def test_the_tries_end_and_only_what_may_be_there_is_unknown(
    error: KafkaError,
    indeterminate: bool,  # noqa: FBT001
    epoch: int,
) -> None:
    sending = _Sending(*[error] * _TRIES)
    (failed,) = sending.send(_one())
    assert isinstance(failed, KafkaError)
    assert (failed.code, failed.indeterminate) == (error.code, indeterminate)
    assert len(sending.broker.asked) == _TRIES
    assert len(sending.waited) == _TRIES - 1
    sending.send(_one())
    assert sending.broker.numbers[-1] == (0, "1", epoch, 0)


def test_a_refusal_behind_a_lost_answer_is_unknown_too() -> None:
    sending = _Sending(None, _LOST, KafkaError("topic_not_found", "deleted meanwhile", topic="t"))
    sending.send(_one())
    (failed,) = sending.send(_one())
    assert isinstance(failed, KafkaError)
    assert (failed.code, failed.indeterminate, failed.retriable) == ("topic_not_found", True, False)
    sending.send(_one())
    assert sending.broker.numbers[-1] == (0, "1", 32767, 0)


def test_out_of_order_is_known_on_a_first_try_and_unknown_on_a_repetition() -> None:
    sending = _Sending(_OUT_OF_ORDER, _AWAY, _OUT_OF_ORDER)
    outcomes = [sending.send(_one())[0] for _ in range(2)]
    assert [one.indeterminate for one in outcomes if isinstance(one, KafkaError)] == [False, True]


def test_above_the_last_epoch_an_id_is_allocated() -> None:
    sending = _Sending(_OUT_OF_ORDER, None, _OUT_OF_ORDER)
    for _ in range(4):
        sending.send(_one())
    assert sending.broker.numbers == [(0, "1", 32766, 0), (0, "1", 32767, 0), (0, "1", 32767, 1), (0, "2", 32766, 0)]


def test_an_unknown_producer_allocates_an_id_for_the_next_batch() -> None:
    sending = _Sending(None, KafkaError("unknown_producer", "who"))
    outcomes = [sending.send(_one())[0] for _ in range(3)]
    assert isinstance(outcomes[1], KafkaError)
    assert not outcomes[1].indeterminate
    assert sending.broker.numbers[-1] == (0, "2", 32766, 0)


def test_fenced_is_final_and_unknown_behind_a_lost_answer() -> None:
    sending = _Sending(_LOST, KafkaError("producer_fenced", "another", current_epoch=9))
    (lost,) = sending.send(_one())
    (after,) = sending.send(_one(partition=1))
    assert isinstance(lost, KafkaError)
    assert isinstance(after, KafkaError)
    assert (lost.indeterminate, after.indeterminate) == (True, False)
    assert after.fields == {"current_epoch": 9}
    assert len(sending.broker.asked) == 2


def test_one_partitions_failure_does_not_hold_up_another() -> None:
    sending = _Sending(KafkaError("message_too_large", "large"))
    refused, place, also = sending.send(_one(partition=1), _one(partition=0), _one(partition=1))
    assert isinstance(refused, KafkaError)
    assert isinstance(also, KafkaError)
    assert isinstance(place, RecordMetadata)
    assert [one.partition for one in sending.broker.asked] == [1, 0]


def test_the_partitions_are_asked_for_once_and_again_when_one_is_not_found() -> None:
    sending = _Sending(None, None, KafkaError("partition_not_found", "no", topic="t", partition=2, partition_count=1))
    for _ in range(4):
        sending.send(_one(partition=None, key=b"k"))
    assert sending.broker.described == 2


def test_records_without_a_key_stay_together_and_go_on_to_the_next_partition() -> None:
    sending = _Sending()
    for _ in range(4):
        sending.send(_one(partition=None), _one(partition=None))
    assert [one.partition for one in sending.broker.asked] == [0, 1, 2, 0]
    assert [len(one.records) for one in sending.broker.asked] == [2, 2, 2, 2]


def test_records_that_name_their_partition_need_no_description() -> None:
    sending = _Sending()
    sending.send(_one(partition=2))
    assert sending.broker.described == 0
    assert sending.broker.asked[0].records[0].value == msgspec.Raw(b"1")


def test_asking_is_repeated_too_and_its_error_is_raised_in_the_end() -> None:
    sending = _Sending()
    sending.broker.unwell.extend([_LOST, _AWAY])
    sending.send(_one(partition=None))
    assert sending.broker.described == 3
    sending = _Sending()
    sending.broker.unwell.extend([_LOST] * _TRIES)
    with pytest.raises(KafkaError, match="gone"):
        sending.send(_one(partition=None))
    sending.broker.unwell.append(KafkaError("unsupported_feature", "none", feature="producers"))
    (failed,) = sending.send(_one())
    assert isinstance(failed, KafkaError)
    assert failed.code == "unsupported_feature"


def test_who_loses_count_at_one_partition_begins_anew_at_one_that_was_on_its_way() -> None:
    async def main() -> None:
        given_up = asyncio.Event()

        class Broker(_Broker):
            async def produce_partition(self, request: Any) -> list[ProduceResult]:
                if request.partition == 1 and not given_up.is_set():
                    await given_up.wait()
                return await super().produce_partition(request)

        async def together(acts: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
            others = [asyncio.ensure_future(act()) for act in acts[1:]]
            await asyncio.sleep(0)
            await acts[0]()
            given_up.set()
            await asyncio.gather(*others)

        broker: Any = Broker(*[_LOST] * _TRIES)
        sequencer = Sequencer("t", _Runtime(), timeout_ms=60_000, chance=lambda: 1.0, together=together)
        lost, landed = await sequencer.send(broker, [_one(0), _one(1)])
        assert isinstance(lost, KafkaError)
        assert isinstance(landed, RecordMetadata)
        assert broker.allocated == 1
        await sequencer.send(broker, [_one(1), _one(0)])
        assert broker.numbers[_TRIES:] == [(1, "1", 32766, 0), (0, "1", 32767, 0), (1, "1", 32767, 0)]

    asyncio.run(main())


@pytest.mark.parametrize("partitions", [[0], [0, 1]])
def test_who_is_interrupted_begins_anew_so_that_nothing_is_taken_for_a_repetition(partitions: list[int]) -> None:
    async def main() -> None:
        engine = MemoryEngine(version="9.9", clock=ManualClock(0))
        await engine.create_topic(CreateTopicRequest("t", 2))
        appended = asyncio.Event()

        class Broker:
            def __getattr__(self, name: str) -> Any:
                return getattr(engine, name)

            async def produce_partition(self, request: Any) -> Any:
                results = await engine.produce_partition(request)
                if not appended.is_set():
                    appended.set()
                    await asyncio.Event().wait()  # the answer never comes
                return results

        broker: Any = Broker()
        sequencer = Sequencer("t", _Runtime(), timeout_ms=60_000)
        first = asyncio.ensure_future(sequencer.send(broker, [_one(partition) for partition in partitions]))
        await appended.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        (landed,) = await sequencer.send(broker, [_one(0)])
        assert isinstance(landed, RecordMetadata)
        assert landed.offset == 1

    asyncio.run(main())


def test_where_no_id_is_allocated_nothing_is_sent_to_any_partition() -> None:
    sending = _Sending()
    sending.broker.unwell.append(KafkaError("unsupported_feature", "none", feature="producers"))
    outcomes = sending.send(_one(0), _one(1))
    assert [one.code for one in outcomes if isinstance(one, KafkaError)] == ["unsupported_feature"] * 2
    assert sending.broker.asked == []


def test_a_producer_goes_on_from_one_call_to_the_next() -> None:
    with Client("memory://") as client:
        client.admin().create_topic("t", partitions=2)
        producer = client.producer("t", idempotent=True)
        places = [producer.send(number, partition=number % 2) for number in range(6)]
        assert [(place.partition, place.offset) for place in places] == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
