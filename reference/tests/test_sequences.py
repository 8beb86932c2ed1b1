"""What a partition knows of producers: the table of the specification and the code have the same transitions."""

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import jsonschema
import msgspec
import pytest
import yaml

from kafka_do.core.broker import ProducePartition
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import CreateTopicRequest, ProducePartitionRecord, ProducerBatch
from kafka_do.core.results import Repeated, Results
from kafka_do.core.sequences import Sequences, add_to_sequence
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC
from kafka_do_conformance.models.producer import Batch, PartitionModel

_ROOT = Path(__file__).resolve().parents[2]
_FIXTURE = json.loads((_ROOT / "fixtures" / "idempotence.json").read_text("utf-8"))
_TABLE = yaml.safe_load((_ROOT / "spec" / "machines" / "producer_sequence.yaml").read_text("utf-8"))
_EXPIRES_MS = 1000
_LIMITS = {**SPEC.limits, "max_record_bytes": 50, "producer_expiration_ms": _EXPIRES_MS}
_EPOCH = 2
_FIRST = 10
_BATCHES = 7  # of two records each, so the first two are no longer remembered
_NEXT = _FIRST + 2 * _BATCHES

T = TypeVar("T")


def _drive(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("it waited")


class _Partition:
    """A partition of the reference whose producer 1 is in one of the states."""

    def __init__(self, state: str) -> None:
        self.clock = ManualClock(0)
        self.engine = MemoryEngine(version="0", limits=_LIMITS, clock=self.clock)
        _drive(self.engine.create_topic(CreateTopicRequest(topic="t", partitions=2)))
        if state == "active":
            for place in range(_BATCHES):
                self.send(ProducerBatch("1", _EPOCH, _FIRST + 2 * place), 2)
        assert self.state == state

    def send(self, batch: ProducerBatch, count: int, value: str = "1") -> Results:
        records = [ProducePartitionRecord(msgspec.Raw(value.encode())) for _ in range(count)]
        return _drive(self.engine.produce_partition(ProducePartition("t", 1, records, producer=batch)))

    @property
    def log(self) -> Any:
        return self.engine._topics["t"].logs[1]

    @property
    def state(self) -> str:
        return "active" if "1" in self.log.sequences._active else "unknown"


Guard = Callable[[ProducerBatch, int, bool], bool]
_REMEMBERED = [(_FIRST + 2 * place, 2) for place in range(_BATCHES - 5, _BATCHES)]
_GUARDS: dict[str, Guard] = {
    "is_repetition": lambda batch, count, _: batch.epoch == _EPOCH and (batch.base_sequence, count) in _REMEMBERED,
    "is_old_epoch": lambda batch, *_: batch.epoch < _EPOCH,
    "skips_start_of_epoch": lambda batch, *_: batch.epoch > _EPOCH and batch.base_sequence != 0,
    "is_out_of_order": lambda batch, *_: batch.epoch == _EPOCH and batch.base_sequence != _NEXT,
    "is_refused": lambda _batch, _count, refused: refused,
    "is_new_epoch": lambda batch, *_: batch.epoch > _EPOCH,
}


def _row(state: str, event: str, *seen: Any) -> dict[str, Any]:
    rows = [row for row in _TABLE["transitions"] if (row["from"], row["event"]) == (state, event)]
    return next(row for row in rows if "if" not in row or _GUARDS[row["if"]](*seen))


def _effects(partition: _Partition, batch: ProducerBatch, results: Results, end: int) -> set[str]:
    """Say in the table's words what a batch did."""
    found: set[str] = set()
    code = results[0].error.code if results[0].error is not msgspec.UNSET else None
    if partition.log.high_watermark > end:
        found.add("append")
        kept = partition.log.sequences._active["1"].batches
        if len(kept) == 1 and end:
            found.add("start_anew")
        assert kept[-1].first == batch.base_sequence
    if isinstance(results, Repeated):
        assert [one.offset for one in results] == [batch.base_sequence - _FIRST, batch.base_sequence - _FIRST + 1]
        found.add("answer_original")
    named = {"producer_fenced": "answer_fenced", "out_of_order_sequence": "answer_out_of_order"}
    if code is not None:
        found.add(named.get(code, "answer_refusal"))
    return found


def test_code_and_table_have_the_same_transitions() -> None:
    taken = []
    for state in _TABLE["states"]:
        for epoch in range(_EPOCH - 1, _EPOCH + 3):
            for base_sequence in {0, *range(_FIRST - 2, _NEXT + 3)}:
                for count in (1, 2, 3):
                    for refused in (False, True):
                        partition = _Partition(state)
                        end = partition.log.high_watermark
                        batch = ProducerBatch("1", epoch, base_sequence)
                        row = _row(state, "batch", batch, count, refused)
                        results = partition.send(batch, count, '"%s"' % ("x" * 60) if refused else "1")
                        assert _effects(partition, batch, results, end) == set(row["do"]), (row, batch, count)
                        assert partition.state == row["to"]
                        taken.append(row)
    idle = _row("active", "idle")
    partition = _Partition("active")
    partition.clock.advance(_EXPIRES_MS + 1)
    partition.send(ProducerBatch("2", 0, 0), 1)
    assert partition.state == idle["to"]
    assert [row for row in _TABLE["transitions"] if row not in [*taken, idle]] == []


def test_a_producer_is_remembered_until_its_time_is_over() -> None:
    partition = _Partition("active")
    partition.clock.advance(_EXPIRES_MS)
    assert isinstance(partition.send(ProducerBatch("1", _EPOCH, _NEXT - 2), 2), Repeated)
    partition.clock.advance(1)
    assert not isinstance(partition.send(ProducerBatch("1", 0, 77), 1), Repeated)
    assert partition.log.high_watermark == 2 * _BATCHES + 1


def test_appending_begins_the_time_anew_and_repeating_does_not() -> None:
    sequences = Sequences()
    for ident, now_ms in (("a", 0), ("b", 1), ("a", 2)):
        batch = ProducerBatch(ident, 0, sequences._active[ident].next_sequence if ident in sequences._active else 0)
        assert sequences.look_up(batch, 1) is None
        sequences.remember(batch, 1, base_offset=0, now_ms=now_ms)
    assert sequences.look_up(ProducerBatch("b", 0, 0), 1) == 0
    sequences.forget_idle(12, 10)
    assert list(sequences._active) == ["a"]
    sequences.forget_idle(13, 10)
    assert list(sequences._active) == []


def test_the_fixture_has_the_form_that_its_schema_says() -> None:
    schema = json.loads((_ROOT / "fixtures" / "idempotence.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(_FIXTURE)


@pytest.mark.parametrize("group", _FIXTURE["groups"], ids=lambda group: group["note"])
def test_code_and_model_do_what_the_fixture_says(group: dict[str, Any]) -> None:
    sequences, model, end = Sequences(), PartitionModel(), 0
    for step in group["steps"]:
        batch = ProducerBatch(step["producer"], step["epoch"], step["base_sequence"])
        verdict = model.receive(Batch(batch.id, batch.epoch, batch.base_sequence, step["records"]))
        try:
            original = sequences.look_up(batch, step["records"])
        except KafkaError as error:
            assert [error.code, verdict.what] == [step["result"]["code"]] * 2  # noqa: PT017  most steps raise nothing
            continue
        found = {"status": "appended" if original is None else "duplicate", "base_offset": end}
        if original is None:
            sequences.remember(batch, step["records"], base_offset=end, now_ms=0)
            end += step["records"]
        else:
            found["base_offset"] = original
        assert found == {"status": verdict.what, "base_offset": verdict.base_offset}
        assert found == {name: value for name, value in step["result"].items() if name != "or"}


@pytest.mark.parametrize(("sequence", "count", "expected"), [(0, 3, 3), (2**31 - 1, 1, 0), (2**31 - 2, 4, 2)])
def test_behind_the_greatest_number_comes_0(sequence: int, count: int, expected: int) -> None:
    assert add_to_sequence(sequence, count) == expected


@pytest.mark.parametrize(
    ("batch", "pointer"),
    [
        (ProducerBatch("07", 0, 0), "/producer/id"),
        (ProducerBatch("7\n", 0, 0), "/producer/id"),
        (ProducerBatch("7", 32768, 0), "/producer/epoch"),
        (ProducerBatch("7", 0, -1), "/producer/base_sequence"),
    ],
)
def test_callers_in_the_same_process_are_told_what_is_wrong(batch: ProducerBatch, pointer: str) -> None:
    with pytest.raises(KafkaError) as refused:
        _Partition("unknown").send(batch, 1)
    assert [fault["pointer"] for fault in refused.value.fields["errors"]] == [pointer]
