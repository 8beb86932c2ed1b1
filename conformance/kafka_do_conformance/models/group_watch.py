"""A group as who sees every answer can know it, and what a server may therefore answer next.

Servers differ in what they give to whom, and when. But whoever hears each answer knows of each member its epoch, what
it has, and what it was asked to give up: enough to say of most requests whether they have to be refused. What the
chapters leave open is allowed: an epoch that goes up more often, joining again as leaving and joining, another order
in which partitions move.
"""

from dataclasses import dataclass, field

__all__ = ["WatchedGroup", "WatchedMember"]

OK = "ok"
UNKNOWN = "unknown_member"
FENCED = "fenced_member_epoch"
STALE = "rebalance_in_progress"


@dataclass
class WatchedMember:
    """A member of the group; `since` says of each partition that is assigned at which epoch it was given.

    `asked` is what it has to give up and may be reading, `was_asked` whether something was taken away in this epoch.
    """

    epoch: int
    previous: int = 0
    since: dict[int, int] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    was_asked: bool = False
    is_away: bool = False

    @property
    def holds(self) -> set[int]:
        """What nobody else may be given. (GROUP-014, GROUP-015)"""
        return self.since.keys() | self.asked

    @property
    def state(self) -> str:
        """The state in the table of members, as far as the wire shows it."""
        return "away" if self.is_away else "revoking" if self.asked else "in"


@dataclass
class WatchedGroup:
    """The members by their names, whatever these are."""

    members: dict[str, WatchedMember] = field(default_factory=dict)

    def heartbeat_may(self, name: str, epoch: int, owned: set[int]) -> set[str]:
        """Return the codes that a heartbeat may be answered with. (GROUP-004, GROUP-007, GROUP-025 to -028, -061)"""
        member = self.members.get(name)
        if epoch == 0:
            return {OK}
        if member is None:
            return {UNKNOWN}
        if member.is_away:
            return {FENCED}
        if epoch == member.epoch:
            return {OK}
        if epoch > member.epoch or epoch != member.previous or not owned <= member.since.keys():
            return {FENCED}
        return {OK, FENCED} if member.was_asked else {OK}

    def take(self, name: str, epoch: int, owned: set[int], told: tuple[int, set[int]]) -> str | None:
        """Take the answer to a heartbeat, an epoch and an assignment; return what is wrong with it, None if nothing."""
        new, assigned = told
        member = self.members.get(name)
        if member is None or epoch == 0:
            member = self.members[name] = self._joined(name, new)
        if twice := assigned & self._held_beside(name):
            return f"assigns {sorted(twice)}, which another member has or may still be reading"
        if new < member.epoch:
            return f"has the epoch {new}, below {member.epoch}"
        lost = member.since.keys() - assigned
        asked = (member.asked | lost) & owned
        if asked and epoch == member.epoch and new != member.epoch:
            return f"has another epoch than {member.epoch}, though {sorted(asked)} is not given up"
        if new != member.epoch:
            member.previous, member.epoch, member.was_asked = member.epoch, new, False
        member.was_asked = member.was_asked or bool(lost)
        member.asked = asked - assigned
        member.since = {partition: member.since.get(partition, new) for partition in assigned}
        member.is_away = False
        return None

    def take_over(self, name: str, holder: str) -> None:
        """Give a member's place to another one that has its instance id. (GROUP-037)"""
        self.members[name] = self.members.pop(holder)

    def pause(self, name: str) -> None:
        """Let a static member leave for a time; what it had to give up is free. (GROUP-036, GROUP-060)"""
        self.members[name].is_away = True
        self.members[name].asked = set()

    def remove(self, name: str) -> None:
        """Remove a member that has left, or whose time is over. (GROUP-029, GROUP-032, GROUP-034)"""
        del self.members[name]

    def commit_may(self, name: str, epoch: int, partition: int) -> set[str]:
        """Return the codes that a commit of one partition may be answered with. (COMMIT-008 to -012, GROUP-061)"""
        member = self.members.get(name)
        if member is None:
            return {UNKNOWN}
        if member.is_away:
            return {STALE}
        if epoch == member.epoch:
            return {OK}
        since = member.since.get(partition)
        if epoch > member.epoch or since is None or since > epoch:
            return {STALE}
        return {OK, STALE}

    def _joined(self, name: str, epoch: int) -> WatchedMember:
        """Return who joins: as the member was, which may have left before and then begins anew. (GROUP-007)"""
        known = self.members.get(name)
        if known is None or epoch < known.epoch:
            return WatchedMember(epoch)
        known.asked = set()
        return known

    def _held_beside(self, name: str) -> set[int]:
        return set().union(*(member.holds for other, member in self.members.items() if other != name))
