"""The core does what spec/machines/group.yaml and group_member.yaml say, in every small state: no more and no less."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from kafka_do.core.errors import KafkaError
from kafka_do.core.groups.group import Group, TopicView
from kafka_do.core.groups.member import Member
from kafka_do.core.messages import HeartbeatRequest, TopicPartitions
from kafka_do.spec import SPEC

_MACHINES = Path(__file__).parents[2] / "spec" / "machines"
_AT_THE_GROUP = {"pause": "leave", "session_over": "time_over", "rebalance_over": "time_over"}
_STATIC = ("static", "twin")  # who both want to be the member with the one instance id
_PLAIN = ("one", "two", "three")
_INSTANCE = "one"
_TOPIC = "readings"
_NOW_MS = 1_000
_LATER_MS = 1_000_000


class _Happened(NamedTuple):
    """An event, and the states before and after it: of each id, and of the group."""

    kind: str
    ident: str | None
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]
    group_before: str
    group_after: str

    def before_of(self, ident: str) -> str:
        """Return the state that an id had."""
        return dict(self.before)[ident]

    def after_of(self, ident: str) -> str:
        """Return the state that an id has."""
        return dict(self.after)[ident]

    def others(self) -> Iterator[tuple[str, str, str]]:
        """Yield the ids that it did not happen to, with the states that they had and have."""
        yield from ((ident, state, self.after_of(ident)) for ident, state in self.before if ident != self.ident)


class _World(NamedTuple):
    group: Group
    partitions: int


_Rows = set[tuple[str, str, str]]


@cache
def _happened() -> frozenset[_Happened]:
    """Return what happens to two that want to be one and a third, and to three of whom each may have a share."""
    return frozenset([*_explore(1, 2, ids=(*_STATIC, _PLAIN[0])), *_explore(3, ids=_PLAIN)])


def test_the_states_are_many_enough_to_say_something() -> None:
    assert len(_happened()) > 500


def test_a_member_does_what_its_table_says() -> None:
    assert {row for one in _happened() for row in _member_rows(one)} == _table("group_member")


def test_a_group_does_what_its_table_says() -> None:
    rows = {(one.group_before, _AT_THE_GROUP.get(one.kind, one.kind), one.group_after) for one in _happened()}
    assert rows == _table("group")


def test_what_one_member_does_changes_no_other_but_for_a_place_that_is_taken_over() -> None:
    assert {row for one in _happened() for row in _others(one)} == {("away", "heartbeat", "absent")}


def _member_rows(one: _Happened) -> _Rows:
    rows = {
        (state, "taken_over", one.after_of(ident)) for ident, state, _ in one.others() if one.after_of(ident) != state
    }
    return rows | ({(one.before_of(one.ident), one.kind, one.after_of(one.ident))} if one.ident else set())


def _others(one: _Happened) -> _Rows:
    return {(before, one.kind, after) for _, before, after in one.others() if before != after}


def _table(name: str) -> _Rows:
    machine = yaml.safe_load((_MACHINES / f"{name}.yaml").read_text("utf-8"))
    return {(row["from"], row["event"], row["to"]) for row in machine["transitions"]}


def _explore(*sizes: int, ids: Sequence[str]) -> Iterator[_Happened]:
    """Yield everything that can happen in every state that can be reached.

    The topic has one of these numbers of partitions, at first the last one.
    """
    start = _World(_group(sizes[-1]), sizes[-1])
    seen = {_key(start)}
    waiting = deque([start])
    while waiting:
        world = waiting.popleft()
        for kind, ident, act in _events(world, sizes, ids):
            after = _copy(world)
            after = act(after) or after
            yield _Happened(
                kind, ident, _states(world.group), _states(after.group), world.group.state, after.group.state
            )
            key = _key(after)
            if key not in seen:
                seen.add(key)
                waiting.append(after)


_Act = Callable[[_World], _World | None]


def _events(world: _World, sizes: Sequence[int], ids: Sequence[str]) -> Iterator[tuple[str, str | None, _Act]]:
    for ident in ids:
        member = world.group.members.get(ident)
        for epoch, owned in _heartbeats(member):
            yield "heartbeat", ident, partial(_beat, ident=ident, epoch=epoch, owned=owned)
        yield "leave", ident, partial(_leave, ident=ident)
        yield "pause", ident, partial(_pause, ident=ident)
        if member is not None:
            yield "session_over", ident, partial(_end, ident=ident, end="session_ends_ms")
            if member.revoking_ends_ms is not None:
                yield "rebalance_over", ident, partial(_end, ident=ident, end="revoking_ends_ms")
    for partitions in sizes:
        if partitions != world.partitions:
            yield "topics_change", None, partial(_resize, partitions=partitions)


def _heartbeats(member: Member | None) -> set[tuple[int, frozenset[int]]]:
    """Return epochs and what is owned: of honest members, of those that lag behind, and of others."""
    nothing = frozenset[int]()
    if member is None:
        return {(0, nothing), (1, nothing)}
    assigned = frozenset(partition.number for partition in member.assigned)
    revoking = frozenset(partition.number for partition in member.revoking)
    epochs = {member.previous_epoch, member.epoch} - {0}
    owned = {nothing, assigned, assigned | revoking}
    return {(0, nothing), (member.epoch + 1, nothing), *((epoch, held) for epoch in epochs for held in owned)}


def _beat(world: _World, ident: str, epoch: int, owned: frozenset[int]) -> None:
    asked = HeartbeatRequest(
        member_epoch=epoch,
        topics=[_TOPIC],
        owned=[TopicPartitions(_TOPIC, _TOPIC, sorted(owned))] if owned else [],
        rebalance_timeout_ms=_LATER_MS,
        instance_id=msgspec.UNSET if ident in _PLAIN else _INSTANCE,
        session_timeout_ms=_LATER_MS,
    )
    _try(lambda: world.group.heartbeat(ident, asked, _NOW_MS, world.partitions))


def _leave(world: _World, ident: str) -> None:
    _try(lambda: world.group.leave(ident, _NOW_MS, world.partitions))


def _pause(world: _World, ident: str) -> None:
    _try(lambda: world.group.leave_for_a_time(ident, _INSTANCE, _NOW_MS, world.partitions))


def _end(world: _World, ident: str, end: str) -> None:
    """Let one time end now, as if the others were longer."""
    member = world.group.members[ident]
    setattr(member, end, _NOW_MS)
    world.group._note(member)
    world.group.look(_NOW_MS, world.partitions)


def _resize(world: _World, partitions: int) -> _World:
    world.group._find_topic = _finder(partitions)
    world.group.look(_NOW_MS, partitions)
    return _World(world.group, partitions)


def _try(act: Callable[[], object]) -> None:
    """Let something happen that may be refused."""
    try:
        act()
    except KafkaError:
        return


def _group(partitions: int) -> Group:
    limits = {**SPEC.limits, "max_session_timeout_ms": _LATER_MS}
    return Group("readers", find_topic=_finder(partitions), limits=limits)


def _finder(partitions: int) -> Callable[[str], TopicView]:
    return lambda name: TopicView(name, partitions)


def _copy(world: _World) -> _World:
    """Return a world that can go its own way."""
    group, old = _group(world.partitions), world.group
    vars(group).update(vars(old), _find_topic=group._find_topic)
    group.members = {
        ident: msgspec.structs.replace(member, assigned=dict(member.assigned)) for ident, member in old.members.items()
    }
    for name in ("_instances", "_holders", "_target"):
        setattr(group, name, dict(getattr(old, name)))
    group._ends = list(old._ends)
    return _World(group, world.partitions)


def _states(group: Group) -> tuple[tuple[str, str], ...]:
    members = group.members
    return tuple((ident, members[ident].state if ident in members else "absent") for ident in (*_STATIC, *_PLAIN))


def _key(world: _World) -> object:
    """Return what the future depends on: epochs count by their order only."""
    group = world.group
    members = group.members
    epochs = {0, group.epoch}
    for member in members.values():
        epochs |= {member.epoch, member.previous_epoch, *member.assigned.values()}
    ranks = {epoch: rank for rank, epoch in enumerate(sorted(epochs))}
    kept = [
        (
            ident,
            ranks[member.epoch],
            ranks[member.previous_epoch],
            tuple(sorted(partition.number for partition in member.assigned)),
            tuple(sorted(partition.number for partition in member.revoking)),
            tuple(sorted(partition.number for partition in member.missing)),
            tuple(sorted(partition.number for partition in group._target[ident])),
            member.is_away,
        )
        for ident, member in sorted(members.items())
    ]
    return world.partitions, ranks[group.epoch], tuple(kept)
