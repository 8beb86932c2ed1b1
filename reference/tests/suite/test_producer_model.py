"""The exploration of producers finds nothing wrong with the model, and the defect of each that has one."""

import pytest

from kafka_do_conformance.models.producer import Batch, PartitionModel, Verdict
from kafka_do_conformance.models.producer_space import Bounds, Fault, explore

_SMALL = Bounds(plans=(((0, 1), (1, 2), (0, 2)), ((1, 1), (0, 1))), give_ups=1)


class _AppendsRepetitions(PartitionModel):
    def receive(self, batch: Batch) -> Verdict:
        verdict = super().receive(batch)
        if verdict.what == "duplicate":
            self.log.append((self.end, batch))
        return verdict


class _FencesNobody(PartitionModel):
    def receive(self, batch: Batch) -> Verdict:
        verdict = super().receive(batch)
        if verdict.what == "producer_fenced":
            self.log.append((self.end, batch))
            return Verdict("appended", self.log[-1][0])
        return verdict


class _RecognisesByTheFirstNumber(PartitionModel):
    def receive(self, batch: Batch) -> Verdict:
        for offset, other in self.log:
            if (other.producer, other.base_sequence) == (batch.producer, batch.base_sequence):
                return Verdict("duplicate", offset)
        return super().receive(batch)


class _ForgetsTheEpoch(PartitionModel):
    def receive(self, batch: Batch) -> Verdict:
        if batch.epoch and batch.base_sequence == 0:
            return Verdict("out_of_order_sequence")
        return super().receive(batch)


def test_no_state_breaks_an_invariant_and_every_one_can_settle() -> None:
    found = explore(_SMALL)
    assert found.states > 1000
    assert 0 < found.settled < found.states


@pytest.mark.parametrize(
    ("partition", "told"),
    [
        (_AppendsRepetitions, "stands twice"),
        (_FencesNobody, "stands twice"),
        (_RecognisesByTheFirstNumber, "was acknowledged and does not stand"),
        (_ForgetsTheEpoch, "nothing can be missing before it"),
    ],
)
def test_a_defect_is_found(partition: type[PartitionModel], told: str) -> None:
    with pytest.raises(Fault, match=told):
        explore(_SMALL, partition)
