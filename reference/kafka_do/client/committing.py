"""One commit, from what a caller has done with to what the group has stored. (chapter commits.md, "Clients")

Nothing here waits or sends. `request` says what is to be committed now, `take` what came of it: after
`rebalance_in_progress` there is something left, and `needs_heartbeat` until the member has had an answer to a heartbeat
that was sent later.
"""

from collections.abc import Mapping, Sequence
from itertools import islice

from msgspec import UNSET

from kafka_do.client.membership import Membership, Partition
from kafka_do.core.broker import CommitOffsets
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import CommitRequest, CommitResult, MemberAtEpoch, OffsetToCommit
from kafka_do.spec import SPEC

__all__ = ["Commit"]

_MOST = SPEC.limits["max_partitions_per_fetch"]
_STALE = "rebalance_in_progress"


class Commit:
    """The offsets of one commit; one request is under way at a time. (COMMIT-029)"""

    def __init__(self, member: Membership, done: Mapping[Partition, int]) -> None:
        """Take for each partition the next record to read. (COMMIT-027)"""
        self.stored: dict[Partition, int] = {}
        self.needs_heartbeat = False
        self._member = member
        self._losses = member.losses
        self._left = dict(done)
        self._asked: dict[Partition, int] = {}
        self._refused_epoch: int | None = None
        self._error: KafkaError | None = None

    def request(self) -> CommitOffsets | None:
        """Return what is to be sent now: what is left of the partitions that the member owns, at its present epoch.

        None where nothing is left: also after the member has lost everything, or where a heartbeat has not brought
        another epoch than the one that was refused. (COMMIT-027, COMMIT-028, GROUP-052)
        """
        member = self._member
        may_commit = member.owned if self._refused_epoch is None else member.assigned
        self._left = {one: offset for one, offset in self._left.items() if one in may_commit}
        if not self._left or member.losses != self._losses or member.epoch == self._refused_epoch:
            return None
        self._asked = dict(islice(sorted(self._left.items()), _MOST))
        offsets = [
            OffsetToCommit(one.topic, one.number, offset, topic_id=one.topic_id) for one, offset in self._asked.items()
        ]
        return CommitOffsets(member.group, CommitRequest(offsets, member=MemberAtEpoch(member.member, member.epoch)))

    def take(self, asked: CommitOffsets, outcome: Sequence[CommitResult] | KafkaError) -> None:
        """Take what came of a request. What another epoch refused is left for the next one."""
        self.needs_heartbeat = False
        for partition, error in zip(self._asked, self._errors(outcome), strict=True):
            if error is None:
                self.stored[partition] = self._left.pop(partition)
                continue
            self._error = error
            if error.code == _STALE:
                self.needs_heartbeat = True
                self._refused_epoch = _epoch_of(asked)
            else:
                del self._left[partition]

    def failure(self) -> KafkaError | None:
        """Return the error that the caller is to learn; that others have some of the partitions now is none."""
        moved_on = self._error is not None and self._error.code == _STALE and self.stored
        return None if moved_on else self._error

    def _errors(self, outcome: Sequence[CommitResult] | KafkaError) -> list[KafkaError | None]:
        if isinstance(outcome, KafkaError):
            return [outcome] * len(self._asked)
        if len(outcome) != len(self._asked):
            words = f"{len(self._asked)} offsets were committed and {len(outcome)} results came back"
            return [KafkaError("disconnected", words)] * len(self._asked)
        return [None if result.error is UNSET else error_of_item(result.error) for result in outcome]


def _epoch_of(asked: CommitOffsets) -> int | None:
    return None if asked.request.member is UNSET else asked.request.member.epoch
