"""What a member of a group knows and does next. (chapter groups.md, "Clients")

`next_request` says what is to be sent now, `take` what came of it. Time is passed in; nothing here waits, and nothing
is sent. One request is under way at a time. The partitions of a member are always in one of these places:

    assigned    the newest answer lists them: they may be read
    giving up   an answer lists them no longer, but the caller still works on records of them
    nowhere     given up: no heartbeat lists them

So `owned`, what a heartbeat lists, is the first two. A partition that is missing from an answer goes to `giving up` if
the caller holds it, else to nowhere; with `hold` the caller says what it holds now. After fencing all go to nowhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import UNSET

from kafka_do.client.backoff import Backoff, may_be_repeated
from kafka_do.core.broker import Heartbeat, LeaveGroup
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import HeartbeatRequest, HeartbeatResponse, TopicPartitions
from kafka_do.spec import SPEC

__all__ = [
    "Assigned",
    "Event",
    "Failed",
    "Lost",
    "Membership",
    "Partition",
    "PutOff",
    "Revoked",
    "Subscription",
    "UnderWay",
]

_TO_JOIN_AGAIN = frozenset(("unknown_member", "fenced_member_epoch"))


class Partition(NamedTuple):
    """A partition of one topic: one with the same name and another id is another topic. (GROUP-057)"""

    topic: str
    topic_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a member wants. None leaves a thing to the server, which also says how long heartbeats may be apart."""

    group: str
    topics: tuple[str, ...]
    rebalance_timeout_ms: int
    instance_id: str | None = None
    assignor: str | None = None
    session_timeout_ms: int | None = None
    heartbeat_interval_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """The member got partitions."""

    partitions: frozenset[Partition]


@dataclass(frozen=True, slots=True)
class Revoked:
    """The member may not read these on. It lists those that its caller holds until they are let go. (GROUP-051)"""

    partitions: frozenset[Partition]


@dataclass(frozen=True, slots=True)
class Lost:
    """The group went on without the member: others may have these already, and nothing is committed. (GROUP-052)"""

    partitions: frozenset[Partition]


@dataclass(frozen=True, slots=True)
class PutOff:
    """The group does not take the member now. It tries again; the caller learns what it waits for."""

    error: KafkaError


@dataclass(frozen=True, slots=True)
class Failed:
    """The member is none any more and does not try again by itself. (GROUP-054)"""

    error: KafkaError


Event = Assigned | Revoked | Lost | PutOff | Failed


@dataclass(frozen=True, slots=True, eq=False)
class UnderWay:
    """A heartbeat that was sent and is not answered; the member's first has the number 1."""

    number: int
    request: Heartbeat
    sent_ms: int
    owned: frozenset[Partition]

    @property
    def joins(self) -> bool:
        """Whether it is one with epoch 0."""
        return self.request.request.member_epoch == 0


class Membership:
    """A member of a group under one id, from its first heartbeat until it has left."""

    def __init__(self, subscription: Subscription, *, member: str, backoff: Backoff, now_ms: int) -> None:
        """Take an id that nobody else uses, such as a new UUID. (GROUP-048)"""
        self.group = subscription.group
        self.member = member
        self.epoch = 0
        self.assigned: frozenset[Partition] = frozenset()
        self.answered = 0
        self.losses = 0
        self._subscription = subscription
        self._backoff = backoff
        self._giving_up: frozenset[Partition] = frozenset()
        self._held: frozenset[Partition] = frozenset()
        self._under_way: UnderWay | None = None
        self._sent = 0
        self._due_ms = now_ms
        self._wanted_ms: int | None = None
        self._ended = False
        self._may_be_member = False

    @property
    def owned(self) -> frozenset[Partition]:
        """What the next heartbeat lists: everything that may still be read or worked on. (GROUP-049)"""
        return self.assigned | self._giving_up

    @property
    def gives_up(self) -> bool:
        """Whether there are partitions that are to be let go."""
        return bool(self._giving_up)

    def still_assigned(self, losses: int) -> frozenset[Partition]:
        """Return what may be read if the member has not lost everything since it had `losses`, else nothing."""
        return self.assigned if self.losses == losses else frozenset()

    def due_ms(self) -> int | None:
        """Return when the next heartbeat is to be sent; None while one is under way, and after the end. (GROUP-050)"""
        if self._ended or self._under_way is not None:
            return None
        return self._due_ms if self._wanted_ms is None else min(self._wanted_ms, self._due_ms)

    def hasten(self, now_ms: int) -> int:
        """Let the next heartbeat be due now, or as soon as none is under way; return its number, for `answered`."""
        self._wanted_ms = now_ms
        return self._sent + 1

    def hold(self, partitions: Iterable[Partition], now_ms: int) -> None:
        """Say which partitions the caller works on; of those to be given up, the others are let go. (GROUP-051)"""
        self._held = frozenset(partitions)
        let_go = self._giving_up - self._held
        if let_go:
            self._giving_up -= let_go
            self.hasten(now_ms)

    def next_request(self, now_ms: int) -> UnderWay | None:
        """Return the heartbeat to send now, if one is due. It is under way until `take` or `abandon`. (GROUP-049)"""
        due_ms = self.due_ms()
        if due_ms is None or now_ms < due_ms:
            return None
        wanted = self._subscription
        request = HeartbeatRequest(
            member_epoch=self.epoch,
            topics=list(wanted.topics),
            owned=_by_topic(self.owned),
            rebalance_timeout_ms=wanted.rebalance_timeout_ms,
            instance_id=UNSET if wanted.instance_id is None else wanted.instance_id,
            assignor=UNSET if wanted.assignor is None else wanted.assignor,
            session_timeout_ms=UNSET if wanted.session_timeout_ms is None else wanted.session_timeout_ms,
        )
        self._may_be_member = True
        self._wanted_ms = None
        self._sent += 1
        self._under_way = UnderWay(self._sent, Heartbeat(self.group, self.member, request), now_ms, self.owned)
        return self._under_way

    def take(self, asked: UnderWay, outcome: HeartbeatResponse | KafkaError, now_ms: int) -> list[Event]:
        """Take what came of a heartbeat and return what that changes; nothing if it was given up before."""
        if asked is not self._under_way:
            return []
        self._under_way = None
        if isinstance(outcome, HeartbeatResponse):
            return self._follow(asked, outcome, now_ms)
        if outcome.code in _TO_JOIN_AGAIN:
            return self._join_again(asked, outcome, now_ms)
        if may_be_repeated(outcome):
            self._due_ms = now_ms + self._backoff.next_ms(outcome)  # GROUP-053
            return [PutOff(outcome)] if asked.joins and _asks_to_wait(outcome) else []
        if asked.joins or outcome.code == "fenced_instance_id":
            self._may_be_member = False
        return [*self._end(), Failed(outcome)]

    def abandon(self) -> None:
        """Give up the heartbeat that is under way, if one is; should its answer come, it means nothing any more."""
        self._under_way = None

    def leave(self, *, temporary: bool = False) -> LeaveGroup | None:
        """End the membership and return the request that tells the group, None where it knows nothing. (GROUP-055)

        `temporary`: a static member will come back under its `instance_id`.
        """
        self.abandon()
        self._end()
        tells, self._may_be_member = self._may_be_member, False
        if not tells:
            return None
        return LeaveGroup(self.group, self.member, temporary, self._subscription.instance_id if temporary else None)

    def _follow(self, asked: UnderWay, answer: HeartbeatResponse, now_ms: int) -> list[Event]:
        assigned = frozenset(
            Partition(of.topic, of.topic_id, number) for of in answer.assignment for number in of.partitions
        )
        got, missing = assigned - self.assigned, self.assigned - assigned
        self._giving_up = ((self._giving_up | missing) & self._held) - assigned
        self.assigned = assigned
        self.epoch = answer.member_epoch
        self.answered = asked.number
        self._backoff.reset()
        most_ms, wish_ms = answer.heartbeat_interval_ms, self._subscription.heartbeat_interval_ms
        self._due_ms = asked.sent_ms + min(most_ms, wish_ms or most_ms)  # from one sending to the next
        if self.owned != asked.owned:
            self.hasten(now_ms)  # others may wait for what this member lets go
        return [*([Revoked(missing)] if missing else []), *([Assigned(got)] if got else [])]

    def _join_again(self, asked: UnderWay, error: KafkaError, now_ms: int) -> list[Event]:
        self._due_ms = now_ms + self._backoff.next_ms(error) if asked.joins else now_ms
        return self._drop()

    def _end(self) -> list[Event]:
        self._ended = True
        return self._drop()

    def _drop(self) -> list[Event]:
        """Give up everything at once, and with it the epoch. (GROUP-052)"""
        self.losses += 1
        lost = self.owned
        self.assigned = self._giving_up = frozenset()
        self.epoch = 0
        return [Lost(lost)] if lost else []


def _asks_to_wait(error: KafkaError) -> bool:
    return error.code in SPEC.errors and SPEC.errors[error.code].action == "wait"


def _by_topic(partitions: Iterable[Partition]) -> list[TopicPartitions]:
    topics: dict[tuple[str, str], list[int]] = {}
    for partition in sorted(partitions):
        topics.setdefault((partition.topic, partition.topic_id), []).append(partition.number)
    return [TopicPartitions(topic, topic_id, numbers) for (topic, topic_id), numbers in topics.items()]
