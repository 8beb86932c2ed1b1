"""A broker in the same process, shared by name: `memory://name`."""

import threading
from collections.abc import Callable
from typing import Protocol

from kafka_do.core.broker import (
    AllocateProducer,
    AlterTopic,
    Broker,
    CommitOffsets,
    DeleteGroup,
    DeleteRecords,
    DeleteTopic,
    DescribeGroup,
    DescribeTopic,
    Discover,
    FetchPartition,
    Heartbeat,
    LeaveGroup,
    ListGroups,
    ListTopics,
    PartitionFailure,
    PartitionSlice,
    Produce,
    ProducePartition,
    QueryOffsets,
    ResetOffsets,
)
from kafka_do.core.messages import (
    CommitQueryResponse,
    CommitResult,
    CreateTopicRequest,
    DeletedRecords,
    Discovery,
    FetchRequest,
    GroupDescription,
    GroupPage,
    HeartbeatResponse,
    OffsetsRequest,
    OffsetsResponse,
    Producer,
    ResetResult,
    Topic,
    TopicDescription,
    TopicPage,
)
from kafka_do.core.results import Results
from kafka_do.engines.clock import Clock, ThreadClock

__all__ = ["DirectBroker", "Embeddable", "embedded"]


class Embeddable(Broker, Protocol):
    """A broker that has to be driven."""

    def tend(self) -> int:
        """Do a little of what time brings."""


class _Turn:
    """One user's turn."""

    def __init__(self, lock: threading.Condition, tend: Callable[[], int]) -> None:
        self._lock = lock
        self._tend = tend

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            self._tend()
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *error: object) -> None:
        self._lock.release()


class DirectBroker:
    """The operations of an engine in this process, one thread at a time.

    `lock` is the one that the engine's clock gives up while a fetch waits. Nobody drives the engine but its users: each
    operation first does a little of what time has brought. (RETAIN-004)
    """

    def __init__(self, engine: Embeddable, lock: threading.Condition) -> None:
        self._engine = engine
        self._turn = _Turn(lock, engine.tend)

    async def discover(self, request: Discover) -> Discovery:
        """Tell revision, features and limits."""
        with self._turn:
            return await self._engine.discover(request)

    async def create_topic(self, request: CreateTopicRequest) -> Topic:
        """Create a topic."""
        with self._turn:
            return await self._engine.create_topic(request)

    async def list_topics(self, request: ListTopics) -> TopicPage:
        """List topics."""
        with self._turn:
            return await self._engine.list_topics(request)

    async def describe_topic(self, request: DescribeTopic) -> TopicDescription:
        """Describe a topic."""
        with self._turn:
            return await self._engine.describe_topic(request)

    async def alter_topic(self, request: AlterTopic) -> TopicDescription:
        """Add partitions or set configs."""
        with self._turn:
            return await self._engine.alter_topic(request)

    async def delete_topic(self, request: DeleteTopic) -> None:
        """Delete a topic."""
        with self._turn:
            return await self._engine.delete_topic(request)

    async def delete_records(self, request: DeleteRecords) -> list[DeletedRecords]:
        """Delete the first records of partitions."""
        with self._turn:
            return await self._engine.delete_records(request)

    async def produce(self, request: Produce) -> Results:
        """Append records."""
        with self._turn:
            return await self._engine.produce(request)

    async def produce_partition(self, request: ProducePartition) -> Results:
        """Append one batch to one partition."""
        with self._turn:
            return await self._engine.produce_partition(request)

    async def allocate_producer(self, request: AllocateProducer) -> Producer:
        """Allocate a producer id."""
        with self._turn:
            return await self._engine.allocate_producer(request)

    async def list_offsets(self, request: OffsetsRequest) -> OffsetsResponse:
        """Look up offsets."""
        with self._turn:
            return await self._engine.list_offsets(request)

    async def fetch(self, request: FetchRequest) -> list[PartitionSlice | PartitionFailure]:
        """Read many partitions."""
        with self._turn:
            return await self._engine.fetch(request)

    async def fetch_partition(self, request: FetchPartition) -> PartitionSlice:
        """Read records."""
        with self._turn:
            return await self._engine.fetch_partition(request)

    async def heartbeat(self, request: Heartbeat) -> HeartbeatResponse:
        """Join a group or stay in it."""
        with self._turn:
            return await self._engine.heartbeat(request)

    async def leave_group(self, request: LeaveGroup) -> None:
        """Leave a group."""
        with self._turn:
            return await self._engine.leave_group(request)

    async def list_groups(self, request: ListGroups) -> GroupPage:
        """List groups."""
        with self._turn:
            return await self._engine.list_groups(request)

    async def describe_group(self, request: DescribeGroup) -> GroupDescription:
        """Describe a group."""
        with self._turn:
            return await self._engine.describe_group(request)

    async def delete_group(self, request: DeleteGroup) -> None:
        """Delete a group."""
        with self._turn:
            return await self._engine.delete_group(request)

    async def commit_offsets(self, request: CommitOffsets) -> list[CommitResult]:
        """Commit offsets."""
        with self._turn:
            return await self._engine.commit_offsets(request)

    async def query_offsets(self, request: QueryOffsets) -> CommitQueryResponse:
        """Tell commits and lag."""
        with self._turn:
            return await self._engine.query_offsets(request)

    async def reset_offsets(self, request: ResetOffsets) -> list[ResetResult]:
        """Commit other offsets."""
        with self._turn:
            return await self._engine.reset_offsets(request)


_brokers: dict[str, DirectBroker] = {}
_lock = threading.Lock()


def embedded(name: str, make: Callable[[Clock], Embeddable]) -> DirectBroker:
    """Return the broker of that name in this process, made on first use. The empty name is always a new broker."""
    if not name:
        return _new(make)
    with _lock:
        if name not in _brokers:
            _brokers[name] = _new(make)
        return _brokers[name]


def _new(make: Callable[[Clock], Embeddable]) -> DirectBroker:
    clock = ThreadClock()
    return DirectBroker(make(clock), clock.condition)
