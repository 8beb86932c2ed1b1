"""A member of a group as the server sees it, and how it comes from what it has to what it is to have.

Three epochs make this work without stopping anybody. The *group's* goes up with every change of members, subscriptions
or topics, and stands for the target: who is to have what. A *member's* follows when the member has nothing left that it
has to give up. So a member of an older epoch may hold partitions that the target gives to another; that other one is at
the new epoch already and waits. A partition is in two hands never, because the group keeps for each the one member that
it was given to, until that member confirms that it has let go, leaves, or is removed.
"""

from collections.abc import Set as AbstractSet
from typing import Any, Literal

import msgspec

from kafka_do.core.groups.partitions import Partition

__all__ = ["Member", "MemberState"]

MemberState = Literal["stable", "revoking", "waiting", "away"]


class Member(msgspec.Struct):
    """A member; times are in milliseconds since the Unix epoch.

    `assigned` maps what the member may own to the member's epoch when it was given; `revoking` is what it has to give
    up and has not; `missing` what it is to have and another member still holds. `is_away`: a static member has left for
    a time. `wanted` are names of topics. `noted_ms` is when the group looks whether the member's time is over.
    """

    ident: str
    wanted: frozenset[str]
    assignor: str | None
    rebalance_timeout_ms: int
    session_timeout_ms: int
    session_ends_ms: int
    instance_id: str | None = None
    epoch: int = 0
    previous_epoch: int = 0
    assigned: dict[Partition, int] = {}
    revoking: frozenset[Partition] = frozenset()
    missing: frozenset[Partition] = frozenset()
    revoking_ends_ms: int | None = None
    is_away: bool = False
    noted_ms: int | None = None

    @property
    def state(self) -> MemberState:
        """The state, by its name in `spec/machines/group_member.yaml`."""
        if self.is_away:
            return "away"
        if self.revoking:
            return "revoking"
        return "waiting" if self.missing else "stable"

    @property
    def ends_ms(self) -> int:
        """When the member is removed unless something is heard of it. (GROUP-032, GROUP-034)"""
        if self.revoking_ends_ms is None:
            return self.session_ends_ms
        return min(self.session_ends_ms, self.revoking_ends_ms)

    @property
    def held(self) -> AbstractSet[Partition]:
        """What nobody else may get: what is assigned, and what is not given up yet."""
        return self.assigned.keys() | self.revoking

    @property
    def told_epoch(self) -> dict[str, Any]:
        """The epoch as errors carry it: who has left for a time has none. (GROUP-061)"""
        return {} if self.is_away else {"current_epoch": self.epoch}

    def deny(self, epoch: int) -> str:
        """Return why an epoch is not the member's."""
        if self.is_away:
            return f"the member has left for a time and has no epoch until it joins again, also not {epoch}"
        return f"the member's epoch is {self.epoch}, and not {epoch}"

    def is_lost_answer(self, epoch: int, owned: AbstractSet[Partition]) -> bool:
        """Whether a lower epoch is that of a member which has not heard of its present one. (GROUP-026)"""
        return epoch == self.previous_epoch and not self.revoking and owned <= self.assigned.keys()

    def was_assigned_at(self, partition: Partition, epoch: int) -> bool:
        """Whether a partition has been the member's ever since an epoch of its own. (COMMIT-010, COMMIT-011)"""
        return epoch <= self.epoch and self.assigned.get(partition, self.epoch + 1) <= epoch

    def give_up(self, target: AbstractSet[Partition], now_ms: int) -> None:
        """Take out of the assignment what the target does not have; it is waited for until the time is over."""
        excess = self.assigned.keys() - target
        if excess:
            self.revoking |= excess
            self.assigned = {partition: since for partition, since in self.assigned.items() if partition in target}
            if self.revoking_ends_ms is None:
                self.revoking_ends_ms = now_ms + self.rebalance_timeout_ms

    def confirm(self, owned: AbstractSet[Partition]) -> frozenset[Partition]:
        """Return what the member has let go of: everything that it had to, or nothing yet. (GROUP-015)"""
        if owned & self.revoking:
            return frozenset()
        released, self.revoking, self.revoking_ends_ms = self.revoking, frozenset(), None
        return released

    def advance(self, epoch: int) -> None:
        """Come to the group's epoch. (GROUP-016)"""
        if epoch != self.epoch:
            self.previous_epoch, self.epoch = self.epoch, epoch
