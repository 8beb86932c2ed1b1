"""Producers at random beside the model: several of them and partitions, lost answers, repetitions, gaps, epochs."""

from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kafka_do_conformance.case import server_case
from kafka_do_conformance.models.producer import Batch, PartitionModel, Verdict
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

_PARTITIONS = 2
_PRODUCERS = 3
_EXAMPLES = 25
_STEPS = 25
_COMPARED_EVERY = 3
_KEPT = 7  # batches that are sent again, more than a partition remembers

_producers = st.integers(0, _PRODUCERS - 1)
_partitions = st.integers(0, _PARTITIONS - 1)
_sizes = st.integers(1, 4)


class _Machine(RuleBasedStateMachine):
    """Sends to a real server and to the model, and expects the same of both."""

    _server: ServerSession

    def __init__(self) -> None:
        super().__init__()
        self._models = [PartitionModel() for _ in range(_PARTITIONS)]
        self._sent: list[tuple[int, Batch]] = []
        self._count = 0

    @initialize()
    def begin(self) -> None:
        """Begin with a topic and producers of its own."""
        self._topic = self._server.create_topic(_PARTITIONS)
        self._ids = [str(self._allocate()) for _ in range(_PRODUCERS)]

    @rule(producer=_producers, partition=_partitions, size=_sizes)
    def go_on(self, producer: int, partition: int, size: int) -> None:
        """Send what comes next."""
        epoch, following = self._position(producer, partition)
        self._send(partition, self._batch(producer, epoch, following, size))

    @rule(producer=_producers, partition=_partitions, size=_sizes, ahead=st.integers(-6, 6))
    def miss(self, producer: int, partition: int, size: int, ahead: int) -> None:
        """Send a number that may be too high or too low, where the partition knows the producer."""
        epoch, following = self._position(producer, partition)
        if self._knows(producer, partition) and following + ahead >= 0:
            self._send(partition, self._batch(producer, epoch, following + ahead, size))

    @rule(place=st.integers(1, _KEPT))
    def repeat(self, place: int) -> None:
        """Send one of the last batches again, as a client does whose answer was lost."""
        if len(self._sent) >= place:
            self._send(*self._sent[-place])

    @rule(
        producer=_producers, partition=_partitions, size=_sizes, by=st.integers(-2, 3), first=st.sampled_from([0, 0, 1])
    )
    def change_epoch(self, producer: int, partition: int, size: int, by: int, first: int) -> None:
        """Send a batch of another epoch, where the partition knows the producer."""
        epoch, _ = self._position(producer, partition)
        if self._knows(producer, partition) and epoch + by >= 0:
            self._send(partition, self._batch(producer, epoch + by, first, size))

    @invariant()
    def logs_end_where_the_model_says(self) -> None:
        """Compare the ends."""
        if self._count and self._count % _COMPARED_EVERY == 0:
            self._compare_logs()

    def _allocate(self) -> str:
        answer = self._server.expect(
            "allocate", self._server.send("POST", "/v1/producers"), {"status": 201, "json": {"epoch": 0}}
        )
        return str(answer["id"])

    def _own(self, producer: int, partition: int) -> list[Batch]:
        return [batch for _, batch in self._models[partition].log if batch.producer == self._ids[producer]]

    def _knows(self, producer: int, partition: int) -> bool:
        return bool(self._own(producer, partition))

    def _position(self, producer: int, partition: int) -> tuple[int, int]:
        own = self._own(producer, partition)
        return (own[-1].epoch, own[-1].numbers[1] + 1) if own else (0, 0)

    def _batch(self, producer: int, epoch: int, base_sequence: int, size: int) -> Batch:
        self._count += 1
        return Batch(self._ids[producer], epoch, base_sequence, size, str(self._count))

    def _send(self, partition: int, batch: Batch) -> None:
        self._sent.append((partition, batch))
        numbered = {"id": batch.producer, "epoch": batch.epoch, "base_sequence": batch.base_sequence}
        value = {"records": [{"value": batch.tag}] * batch.records, "producer": numbered}
        response = self._server.send("POST", f"/v1/topics/{self._topic}/partitions/{partition}/records", value=value)
        self._server.expect(f"{batch}", response, _expected(self._models[partition].receive(batch), partition, batch))

    def _compare_logs(self) -> None:
        for partition, model in enumerate(self._models):
            wanted = [batch.tag for _, batch in model.log for _ in range(batch.records)]
            path = f"offset=0&max_records={len(wanted) + 1}&max_wait_ms=0"
            seen = [record.get("value") for record in self._server.fetch(self._topic, partition, path)["records"]]
            if seen != wanted:
                self._server.require("read", [Mismatch(f"partition {partition}", str(wanted), str(seen))])


def _expected(verdict: Verdict, partition: int, batch: Batch) -> dict[str, Any]:
    if verdict.base_offset is None:
        return {"status": 409, "problem": {"code": verdict.what}}
    places = [{"partition": partition, "offset": verdict.base_offset + n} for n in range(batch.records)]
    return {"status": 200, "json": {"results": places}}


@server_case(
    title="Whatever producers send, in whatever order and how often, the log is that of the model",
    requirements=[
        "PRODUCER-005", "PRODUCER-006", "PRODUCER-008", "PRODUCER-009", "PRODUCER-010", "PRODUCER-013", "PRODUCER-014",
    ],
    hint="The failing sequence of requests is as short as it can be made; the model is models/producer.py.",
)  # fmt: skip
def producers_at_random(server: ServerSession) -> None:
    """Let Hypothesis choose what is sent, the same in every run."""
    run_state_machine_as_test(
        type("Machine", (_Machine,), {"_server": server}),
        settings=settings(
            max_examples=_EXAMPLES,
            stateful_step_count=_STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            report_multiple_bugs=False,
        ),
    )
