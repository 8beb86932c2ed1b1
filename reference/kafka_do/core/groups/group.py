"""A consumer group: members, epochs, who holds which partition. Time is passed in; nothing happens by itself."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kafka_do.core.errors import KafkaError
from kafka_do.core.groups.assignors import assign
from kafka_do.core.groups.member import Member
from kafka_do.core.groups.partitions import Assignment, Partition, Subscriber
from kafka_do.core.messages import AssignedPartitions, GroupState, HeartbeatRequest, TopicPartitions
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.core.groups.committed import Committed

__all__ = ["FindTopic", "Group", "TopicView", "unknown_member"]


class TopicView(NamedTuple):
    """A topic as groups see it."""

    topic_id: str
    partition_count: int


FindTopic = Callable[[str], TopicView | None]


class Group:
    """A group. Every method that takes a time first removes the members whose time is over. (GROUP-032, GROUP-034)

    `find_topic` tells of a topic by its name, None where there is none. `topics` are those that a member wants and that
    there are, `committed` what the group has committed, by topic and partition.
    """

    def __init__(self, ident: str, *, find_topic: FindTopic, limits: Mapping[str, int]) -> None:
        self.ident = ident
        self.epoch = 0
        self.assignor = SPEC.assignors[0]
        self.members: dict[str, Member] = {}
        self.committed: dict[tuple[str, int], Committed] = {}
        self._find_topic = find_topic
        self._limits = limits
        self._instances: dict[str, str] = {}
        self._holders: dict[Partition, str] = {}
        self._target: Assignment = {}
        self.topics: dict[str, TopicView] = {}
        self._names: dict[str, str] = {}
        self._topics_seen = -1
        self._is_changed = False
        self._ends: list[tuple[int, str]] = []

    @property
    def state(self) -> GroupState:
        """The state, by its name in `spec/machines/group.yaml`. (GROUP-043)"""
        if not self.members:
            return "empty"
        settled = all(
            member.state in ("stable", "away") and member.assigned.keys() == self._target.get(ident, frozenset())
            for ident, member in self.members.items()
        )
        return "stable" if settled else "reconciling"

    def heartbeat(self, ident: str, asked: HeartbeatRequest, now_ms: int, topics_version: int) -> Member:
        """Take a heartbeat and return the member as it is now. (GROUP-004 to GROUP-040)

        `topics_version` differs from call to call exactly if a topic may have changed between. Raises KafkaError
        `invalid_request`, `unknown_member`, `fenced_member_epoch`, `fenced_instance_id`, `unreleased_instance_id`,
        `group_full`; then nothing has changed.
        """
        self.look(now_ms, topics_version)
        owned = _partitions(asked.owned)
        member, confirms = self._admit(ident, asked, owned, now_ms)
        self._subscribe(member, asked)
        member.is_away = False
        member.session_ends_ms = now_ms + member.session_timeout_ms
        self._settle()
        self._reconcile(member, owned, now_ms, confirms=confirms)
        self._note(member)
        return member

    def leave(self, ident: str, now_ms: int, topics_version: int) -> None:
        """Let a member go for good. Raises KafkaError `unknown_member`. (GROUP-029, GROUP-030)"""
        self.look(now_ms, topics_version)
        self._remove(self.member(ident))
        self._settle()

    def leave_for_a_time(self, ident: str, instance_id: str, now_ms: int, topics_version: int) -> None:
        """Keep a static member's assignment until its session ends; what it had to give up is given up.

        Raises KafkaError `unknown_member`, `fenced_instance_id`. (GROUP-036, GROUP-040, GROUP-060)
        """
        self.look(now_ms, topics_version)
        self._check_instance(ident, instance_id)
        member = self.member(ident)
        member.is_away = True
        self._free(member.confirm(frozenset()))

    def look(self, now_ms: int, topics_version: int) -> None:
        """Bring the group up to the time and to the topics."""
        while self._ends and self._ends[0][0] <= now_ms:
            noted_ms, ident = heappop(self._ends)
            member = self.members.get(ident)
            if member is None or member.noted_ms != noted_ms:
                continue
            member.noted_ms = None
            if member.ends_ms <= now_ms:
                self._remove(member)
            else:
                self._note(member)
        if topics_version != self._topics_seen:
            self._topics_seen = topics_version
            self._is_changed |= self._find_topics() != self.topics
        self._settle()

    def member(self, ident: str) -> Member:
        """Return a member; raises KafkaError `unknown_member`."""
        try:
            return self.members[ident]
        except KeyError:
            raise unknown_member(self.ident, ident) from None

    def assignment(self, member: Member) -> list[AssignedPartitions]:
        """Return what a member may own of topics that there are, by their names. (GROUP-005, GROUP-020)"""
        numbers: dict[str, list[int]] = {}
        for partition in sorted(partition for partition in member.assigned if partition.topic in self._names):
            numbers.setdefault(partition.topic, []).append(partition.number)
        named = sorted((self._names[topic_id], topic_id) for topic_id in numbers)
        return [
            AssignedPartitions(topic=name, topic_id=topic_id, partitions=numbers[topic_id]) for name, topic_id in named
        ]

    def wanted_topics(self) -> set[str]:
        """Return the names of all topics that a member wants."""
        return set().union(*(member.wanted for member in self.members.values()))

    def _admit(
        self, ident: str, asked: HeartbeatRequest, owned: AbstractSet[Partition], now_ms: int
    ) -> tuple[Member, bool]:
        """Return the member that a heartbeat is of, and whether it can confirm that something is given up."""
        member = self.members.get(ident)
        if asked.member_epoch == 0:
            return self._join(ident, asked, now_ms), member is None
        if isinstance(asked.instance_id, str):
            self._check_instance(ident, asked.instance_id)
        if member is None:
            raise unknown_member(self.ident, ident)
        if asked.member_epoch == member.epoch and not member.is_away:
            return member, True
        if (
            asked.member_epoch < member.epoch
            and not member.is_away
            and member.is_lost_answer(asked.member_epoch, owned)
        ):
            return member, False
        raise KafkaError(
            "fenced_member_epoch",
            f"the member's epoch is {member.epoch}, and not {asked.member_epoch}",
            group=self.ident,
            member=ident,
            current_epoch=member.epoch,
        )

    def _check_instance(self, ident: str, instance_id: str) -> None:
        """Raise KafkaError `fenced_instance_id` or `unknown_member` unless the member has this one. (GROUP-038)"""
        holder = self._instances.get(instance_id)
        if holder is None:
            raise unknown_member(self.ident, ident)
        if holder != ident:
            raise KafkaError(
                "fenced_instance_id",
                f"another member has taken over the instance_id '{instance_id}'",
                group=self.ident,
                member=ident,
                instance_id=instance_id,
            )

    def _join(self, ident: str, asked: HeartbeatRequest, now_ms: int) -> Member:
        """Return the member that joins: a new one, the one that it is already, or the one whose place it takes."""
        member = self.members.get(ident)
        instance_id = asked.instance_id if isinstance(asked.instance_id, str) else None
        holder = self._instances.get(instance_id) if instance_id is not None else None
        if holder is not None and holder != ident:
            if not self.members[holder].is_away:
                raise KafkaError(
                    "unreleased_instance_id",
                    f"another member has the instance_id '{instance_id}', and has not left",
                    group=self.ident,
                    instance_id=instance_id,
                )
            if member is not None:
                self._remove(member)
            return self._take_over(self.members[holder], ident)
        if member is None:
            self._check_room()
            member = self._new_member(ident, instance_id, asked, now_ms)
        elif instance_id not in (None, member.instance_id):
            self._rename(member, instance_id)
        return member

    def _rename(self, member: Member, instance_id: str | None) -> None:
        """Give a member another instance id."""
        if member.instance_id is not None:
            del self._instances[member.instance_id]
        member.instance_id = instance_id
        if instance_id is not None:
            self._instances[instance_id] = member.ident
        self._is_changed = True

    def _check_room(self) -> None:
        most = self._limits["max_members_per_group"]
        if len(self.members) >= most:
            raise KafkaError("group_full", f"the group has {most} members, which is the most here", group=self.ident)

    def _new_member(self, ident: str, instance_id: str | None, asked: HeartbeatRequest, now_ms: int) -> Member:
        timeout_ms = self._session_timeout_ms(asked)
        member = Member(
            ident=ident,
            wanted=frozenset(),
            assignor=None,
            rebalance_timeout_ms=asked.rebalance_timeout_ms,
            session_timeout_ms=timeout_ms,
            session_ends_ms=now_ms + timeout_ms,
        )
        self.members[ident] = member
        self._rename(member, instance_id)
        return member

    def _take_over(self, old: Member, ident: str) -> Member:
        """Give a static member's place to the one that has come back under another id. (GROUP-037)"""
        del self.members[old.ident]
        member = msgspec.structs.replace(old, ident=ident, noted_ms=None)
        self.members[ident] = member
        self._holders.update(dict.fromkeys(member.held, ident))
        self._target[ident] = self._target.pop(old.ident)
        if member.instance_id is not None:
            self._instances[member.instance_id] = ident
        return member

    def _subscribe(self, member: Member, asked: HeartbeatRequest) -> None:
        """Take what a heartbeat says of the member's wishes. (GROUP-019, GROUP-021)"""
        wanted = frozenset(asked.topics)
        assignor = asked.assignor if isinstance(asked.assignor, str) else None
        if wanted != member.wanted or assignor != member.assignor:
            member.wanted, member.assignor = wanted, assignor
            self._is_changed = True
        member.rebalance_timeout_ms = asked.rebalance_timeout_ms
        member.session_timeout_ms = self._session_timeout_ms(asked)

    def _session_timeout_ms(self, asked: HeartbeatRequest) -> int:
        """Return the session timeout that a member wishes for, within the limits."""
        if not isinstance(asked.session_timeout_ms, int):
            return int(SPEC.defaults["server"]["session_timeout_ms"])
        least, most = self._limits["min_session_timeout_ms"], self._limits["max_session_timeout_ms"]
        return max(least, min(asked.session_timeout_ms, most))

    def _settle(self) -> None:
        """Make a new epoch and a new target if something has changed."""
        if not self._is_changed:
            return
        self._is_changed = False
        self.epoch += 1
        self.topics = self._find_topics()
        self._names = {view.topic_id: name for name, view in self.topics.items()}
        self.assignor = self._choose_assignor()
        counts = {view.topic_id: view.partition_count for view in self.topics.values()}
        self._target = assign(self.assignor, [self._subscriber(member) for member in self.members.values()], counts)

    def _find_topics(self) -> dict[str, TopicView]:
        found = ((name, self._find_topic(name)) for name in self.wanted_topics())
        return {name: view for name, view in found if view is not None}

    def _choose_assignor(self) -> str:
        """Return the assignor that most members name, the default where none is named by more. (GROUP-021)"""
        votes = Counter(member.assignor for member in self.members.values() if member.assignor is not None)
        return max(SPEC.assignors, key=lambda name: votes[name])

    def _subscriber(self, member: Member) -> Subscriber:
        topics = frozenset(self.topics[name].topic_id for name in member.wanted if name in self.topics)
        return Subscriber(member.ident, member.instance_id, topics, self._target.get(member.ident, frozenset()))

    def _reconcile(self, member: Member, owned: AbstractSet[Partition], now_ms: int, *, confirms: bool) -> None:
        """Bring a member nearer to its target. (GROUP-014 to GROUP-017)"""
        target = self._target[member.ident]
        member.give_up(target, now_ms)
        if confirms:
            self._free(member.confirm(owned))
        if member.revoking:
            return
        member.advance(self.epoch)
        free = [partition for partition in target - member.assigned.keys() if partition not in self._holders]
        for partition in free:
            self._holders[partition] = member.ident
            member.assigned[partition] = member.epoch
        member.missing = target - member.assigned.keys()

    def _remove(self, member: Member) -> None:
        self._free(member.held)
        del self.members[member.ident]
        self._target.pop(member.ident, None)
        self._rename(member, None)

    def _free(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            del self._holders[partition]

    def _note(self, member: Member) -> None:
        """Note when to look whether the member's time is over; an end that has become later is noticed then."""
        if member.noted_ms is None or member.ends_ms < member.noted_ms:
            member.noted_ms = member.ends_ms
            heappush(self._ends, (member.noted_ms, member.ident))


def unknown_member(group: str, member: str) -> KafkaError:
    """Make the error for a member that the group does not have."""
    return KafkaError("unknown_member", f"the group has no member '{member}'", group=group, member=member)


def _partitions(entries: Iterable[TopicPartitions]) -> frozenset[Partition]:
    return frozenset(Partition(entry.topic_id, number) for entry in entries for number in entry.partitions)
