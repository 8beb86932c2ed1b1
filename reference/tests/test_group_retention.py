"""How long a group without members and commits is kept: a while; one with commits for good."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from kafka_do.core.broker import CommitOffsets, DeleteTopic, Heartbeat, LeaveGroup, ListGroups, ResetOffsets
from kafka_do.core.messages import (
    CommitRequest,
    CreateTopicRequest,
    HeartbeatRequest,
    OffsetToCommit,
    ResetItem,
    ResetRequest,
)
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC

T = TypeVar("T")
_RETENTION_MS = int(SPEC.defaults["server"]["group_retention_ms"])


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def _engine() -> tuple[MemoryEngine, ManualClock]:
    clock = ManualClock()
    engine = MemoryEngine(version="0", clock=clock)
    _run(engine.create_topic(CreateTopicRequest(topic="orders", partitions=2)))
    return engine, clock


def _join_and_leave(engine: MemoryEngine, group: str) -> None:
    beat = HeartbeatRequest(member_epoch=0, topics=["orders"], owned=[], rebalance_timeout_ms=1)
    _run(engine.heartbeat(Heartbeat(group, "m", beat)))
    _run(engine.leave_group(LeaveGroup(group, "m")))


def _groups(engine: MemoryEngine) -> list[str]:
    return [one.group for one in _run(engine.list_groups(ListGroups(page_size=10))).groups]


def test_a_group_without_members_and_commits_is_kept_for_a_while() -> None:
    engine, clock = _engine()
    _join_and_leave(engine, "g")
    clock.advance(_RETENTION_MS - 1)
    assert _groups(engine) == ["g"]
    clock.advance(1)
    assert _groups(engine) == []


def test_a_group_whose_members_fell_silent_is_kept_from_when_that_is_seen() -> None:
    engine, clock = _engine()
    beat = HeartbeatRequest(member_epoch=0, topics=["orders"], owned=[], rebalance_timeout_ms=1)
    _run(engine.heartbeat(Heartbeat("g", "m", beat)))
    clock.advance(_RETENTION_MS)
    assert _groups(engine) == ["g"]
    clock.advance(_RETENTION_MS)
    assert _groups(engine) == []


def test_a_group_that_commits_again_is_kept() -> None:
    engine, clock = _engine()
    _join_and_leave(engine, "committed")
    _join_and_leave(engine, "reset")
    _run(engine.commit_offsets(CommitOffsets("committed", CommitRequest([OffsetToCommit("orders", 0, 1)]))))
    _run(engine.reset_offsets(ResetOffsets("reset", ResetRequest([ResetItem("orders", 1, at="earliest")]))))
    clock.advance(_RETENTION_MS)
    assert _groups(engine) == ["committed", "reset"]


def test_a_group_whose_commits_went_with_their_topic_is_kept_for_a_while_from_then_on() -> None:
    engine, clock = _engine()
    for group in ("a", "b"):
        _run(engine.commit_offsets(CommitOffsets(group, CommitRequest([OffsetToCommit("orders", 0, 1)]))))
    _join_and_leave(engine, "c")
    clock.advance(_RETENTION_MS)
    _run(engine.delete_topic(DeleteTopic("orders")))
    assert _groups(engine) == ["a", "b"]
    clock.advance(_RETENTION_MS)
    assert _groups(engine) == []
