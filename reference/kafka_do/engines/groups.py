"""The groups of the broker in memory: who may do what with which of them."""

from collections.abc import Callable, Mapping

from msgspec import UNSET

from kafka_do.core.broker import DeleteGroup, Heartbeat, LeaveGroup, ListGroups
from kafka_do.core.checks import check_parameters
from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.core.groups.group import Group, TopicView, unknown_member
from kafka_do.core.groups.ids import fault_of_id
from kafka_do.core.messages import GroupMember, GroupPage, GroupSummary, HeartbeatRequest, HeartbeatResponse
from kafka_do.core.paging import page_of
from kafka_do.core.topics import check_topic_name
from kafka_do.engines.clock import Clock
from kafka_do.engines.topic import Topic
from kafka_do.spec import SPEC

__all__ = ["Groups", "check_empty", "check_group_id"]

_INTERVAL_MS = int(SPEC.defaults["server"]["heartbeat_interval_ms"])
_RETENTION_MS = int(SPEC.defaults["server"]["group_retention_ms"])
_BEATS_PER_SESSION = 3


class Groups:
    """Every group by its id. `find_topic` returns a topic by its name, None where there is none.

    `topics_changed` has to be called when a topic is made, deleted or gets partitions.
    """

    def __init__(self, *, find_topic: Callable[[str], Topic | None], limits: Mapping[str, int], clock: Clock) -> None:
        self._find_topic = find_topic
        self._limits = limits
        self._clock = clock
        self._groups: dict[str, Group] = {}
        self._idle: dict[str, int] = {}
        self._topics_version = 0

    def topics_changed(self) -> None:
        """Have every group look at its topics again. (GROUP-020)"""
        self._topics_version += 1

    @property
    def count(self) -> int:
        """How many groups are kept."""
        return len(self._groups)

    def clear(self) -> None:
        """Forget every group. (CONTROL-012)"""
        self._groups.clear()
        self._idle.clear()

    def heartbeat(self, request: Heartbeat) -> HeartbeatResponse:
        """Join a group or stay in it. (GROUP-002 to GROUP-040)"""
        check_group_id(request.group)
        _check_member_id(request.member)
        self._check_heartbeat(request.group, request.request)
        group = self._groups.get(request.group)
        if group is None:
            if request.request.member_epoch > 0:
                raise unknown_member(request.group, request.member)
            group = self.new(request.group)
        member = group.heartbeat(request.member, request.request, self._clock.now_ms(), self._topics_version)
        self.keep(group)
        return HeartbeatResponse(
            member_epoch=member.epoch,
            assignment=group.assignment(member),
            heartbeat_interval_ms=min(_INTERVAL_MS, member.session_timeout_ms // _BEATS_PER_SESSION),
            session_timeout_ms=member.session_timeout_ms,
        )

    def leave(self, request: LeaveGroup) -> None:
        """Leave a group, for good or for a time. (GROUP-003, GROUP-029, GROUP-030, GROUP-036, GROUP-039)"""
        check_group_id(request.group)
        _check_member_id(request.member)
        if request.temporary and request.instance_id is None:
            raise invalid_request([("?instance_id", "this parameter is required with temporary")])
        if request.instance_id is not None and (fault := fault_of_id(request.instance_id)):
            raise invalid_request([("?instance_id", fault)])
        group = self._groups.get(request.group)
        if group is None:
            raise unknown_member(request.group, request.member)
        now_ms = self._clock.now_ms()
        if request.temporary and request.instance_id is not None:
            group.leave_for_a_time(request.member, request.instance_id, now_ms, self._topics_version)
        else:
            group.leave(request.member, now_ms, self._topics_version)
        self.keep(group)

    def page(self, request: ListGroups) -> GroupPage:
        """List groups. (GROUP-045)"""
        check_parameters("list_groups", {"page_size": request.page_size})
        found = {ident: group for ident in list(self._groups) if (group := self.find(ident)) is not None}
        wanted = sorted(ident for ident, group in found.items() if request.state in (None, group.state))
        if request.among is not None:
            wanted = [ident for ident in wanted if ident in request.among]
        idents, token = page_of(wanted, request.page_size, request.page_token)
        return GroupPage(
            groups=[GroupSummary(ident, "consumer", found[ident].state, len(found[ident].members)) for ident in idents],
            next_page_token=UNSET if token is None else token,
        )

    def delete(self, request: DeleteGroup) -> None:
        """Delete a group and its commits. (GROUP-044, GROUP-046, GROUP-047)"""
        group = self.get(request.group)
        check_empty(group)
        self._forget(group.ident)

    def members(self, group: Group) -> list[GroupMember]:
        """Return the members of a group, in the order of their ids. (GROUP-041)"""
        return [
            GroupMember(
                member=ident,
                instance_id=member.instance_id,
                member_epoch=None if member.is_away else member.epoch,
                topics=sorted(member.wanted),
                assignment=group.assignment(member),
            )
            for ident, member in sorted(group.members.items())
        ]

    def get(self, ident: str) -> Group:
        """Return a group as it is now; raises KafkaError `group_not_found`, `invalid_group_id`."""
        check_group_id(ident)
        group = self.find(ident)
        if group is None:
            raise KafkaError("group_not_found", f"there is no group '{ident}'", group=ident)
        return group

    def find(self, ident: str) -> Group | None:
        """Return a group as it is now, None if there is none."""
        group = self._groups.get(ident)
        if group is None:
            return None
        group.look(self._clock.now_ms(), self._topics_version)
        self.keep(group)
        return self._groups.get(ident)

    def new(self, ident: str) -> Group:
        """Return a new group, which is not kept yet."""
        return Group(ident, find_topic=self._view, limits=self._limits)

    def keep(self, group: Group) -> None:
        """Keep a group; one without members and commits for a while only."""
        now_ms = self._clock.now_ms()
        self._groups[group.ident] = group
        if group.members or group.committed:
            self._idle.pop(group.ident, None)
        else:
            self._idle.setdefault(group.ident, now_ms)
        while self._idle:
            ident, since_ms = next(iter(self._idle.items()))
            if since_ms + _RETENTION_MS > now_ms:
                break
            self._forget(ident)

    def forget_topic(self, name: str) -> None:
        """Forget what is committed for a topic that is deleted. (COMMIT-007)"""
        for ident in list(self._groups):
            if (group := self._groups.get(ident)) is not None:  # keeping one may forget others
                group.committed = {place: kept for place, kept in group.committed.items() if place[0] != name}
                self.keep(group)
        self.topics_changed()

    def _forget(self, ident: str) -> None:
        del self._groups[ident]
        self._idle.pop(ident, None)

    def _view(self, name: str) -> TopicView | None:
        topic = self._find_topic(name)
        return None if topic is None else TopicView(topic.topic_id, len(topic.logs))

    def _check_heartbeat(self, group: str, asked: HeartbeatRequest) -> None:
        """Raise KafkaError for a heartbeat that no state of the group makes right. (GROUP-003, GROUP-006 to -012)"""
        if isinstance(asked.instance_id, str) and (fault := fault_of_id(asked.instance_id)):
            raise invalid_request([("/instance_id", fault)])
        most = self._limits["max_topics_per_subscription"]
        if not 1 <= len(asked.topics) <= most:
            raise invalid_request([("/topics", f"a member wants 1 to {most} topics, not {len(asked.topics)}")])
        if asked.member_epoch == 0 and asked.owned:
            raise invalid_request([("/owned", "who joins, with member_epoch 0, owns nothing")])
        for name in asked.topics:
            check_topic_name(name)
        if isinstance(asked.assignor, str) and asked.assignor not in SPEC.assignors:
            raise KafkaError(
                "unsupported_assignor",
                f"there is no assignor '{asked.assignor}' here, but {' and '.join(SPEC.assignors)}",
                group=group,
            )


def check_group_id(ident: str) -> None:
    """Raise KafkaError `invalid_group_id` for what is no id. (GROUP-002)"""
    if fault := fault_of_id(ident):
        raise KafkaError("invalid_group_id", fault, group=ident)


def _check_member_id(ident: str) -> None:
    if fault := fault_of_id(ident):
        raise invalid_request([("?member", fault)])


def check_empty(group: Group) -> None:
    """Raise KafkaError `group_not_empty` unless a group has no members."""
    if group.members:
        count = len(group.members)
        raise KafkaError("group_not_empty", f"the group has {count} member{'s' * (count != 1)}", group=group.ident)
