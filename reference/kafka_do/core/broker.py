"""The protocol's operations as one interface: engines implement it, transports carry it, client and server call it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import (
    Acks,
    AlterTopicRequest,
    CommitQuery,
    CommitQueryResponse,
    CommitRequest,
    CommitResult,
    CreateTopicRequest,
    DeletedRecords,
    DeleteRecordsRequest,
    Discovery,
    FetchPosition,
    FetchRequest,
    GroupDescription,
    GroupPage,
    GroupState,
    HeartbeatRequest,
    HeartbeatResponse,
    Offset,
    OffsetsRequest,
    OffsetsResponse,
    Producer,
    ProducerBatch,
    ReadEncoding,
    ResetRequest,
    ResetResult,
    Topic,
    TopicDescription,
    TopicPage,
)
from kafka_do.core.plain_records import DEFAULT_ACKS, DEFAULT_TIMEOUT_MS, IncomingRecord
from kafka_do.core.results import Results

__all__ = [
    "AllocateProducer",
    "AlterTopic",
    "Broker",
    "CommitOffsets",
    "DeleteGroup",
    "DeleteRecords",
    "DeleteTopic",
    "DescribeGroup",
    "DescribeTopic",
    "Discover",
    "FetchPartition",
    "Heartbeat",
    "LeaveGroup",
    "ListGroups",
    "ListTopics",
    "PartitionFailure",
    "PartitionSlice",
    "Produce",
    "ProducePartition",
    "QueryOffsets",
    "ResetOffsets",
]

_HEARTBEAT_MS = FetchRequest(partitions=[]).heartbeat_ms


class Discover(msgspec.Struct, frozen=True):
    """Ask for revision, features and limits."""


class ListTopics(msgspec.Struct, frozen=True):
    """List topics, at most `page_size` of them, from where `page_token` says."""

    page_size: int
    page_token: str | None = None


class DescribeTopic(msgspec.Struct, frozen=True):
    """Describe `topic`."""

    topic: str


class AlterTopic(msgspec.Struct, frozen=True):
    """Add partitions to `topic`, or set and unset its configs."""

    topic: str
    change: AlterTopicRequest


class DeleteTopic(msgspec.Struct, frozen=True):
    """Delete `topic`, if it has the id `topic_id` or that is None."""

    topic: str
    topic_id: str | None = None


class DeleteRecords(msgspec.Struct, frozen=True):
    """Delete the first records of partitions of `topic`."""

    topic: str
    request: DeleteRecordsRequest


class Produce(msgspec.Struct, frozen=True):
    """Append `records` to `topic`. JSON values have no white space between their tokens.

    With a `topic_id` the topic has to have it. (PRODUCE-027)
    """

    topic: str
    records: Sequence[IncomingRecord]
    acks: Acks = DEFAULT_ACKS
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    topic_id: str | None = None


class ProducePartition(msgspec.Struct, frozen=True):
    """Append `records` to one partition, as one batch; the records name no partition.

    With `producer` the batch is appended once, however often it is sent. (PRODUCER-006)
    """

    topic: str
    partition: int
    records: Sequence[IncomingRecord]
    acks: Acks = DEFAULT_ACKS
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    topic_id: str | None = None
    producer: ProducerBatch | None = None


class AllocateProducer(msgspec.Struct, frozen=True):
    """Allocate a producer id."""


class FetchPartition(msgspec.Struct, frozen=True):
    """Read one partition from `offset`. `encoding` says how an answer is written over HTTP; engines give `auto`.

    `heartbeat_ms` and `max_stream_ms` are of live streams.
    """

    topic: str
    partition: int
    offset: int
    max_records: int
    max_bytes: int
    min_bytes: int = 1
    max_wait_ms: int = 0
    encoding: ReadEncoding = "auto"
    topic_id: str | None = None
    heartbeat_ms: int = _HEARTBEAT_MS
    max_stream_ms: int | None = None

    def as_request(self, offset: int) -> FetchRequest:
        """Return the same for one of many partitions, from `offset` on."""
        topic_id = msgspec.UNSET if self.topic_id is None else self.topic_id
        request = FetchRequest(
            partitions=[FetchPosition(self.topic, self.partition, offset, topic_id)],
            max_records=self.max_records,
            max_bytes=self.max_bytes,
            min_bytes=self.min_bytes,
            max_wait_ms=self.max_wait_ms,
            encoding=self.encoding,
            heartbeat_ms=self.heartbeat_ms,
        )
        if self.max_stream_ms is not None:
            request.max_stream_ms = self.max_stream_ms
        return request


class PartitionSlice(msgspec.Struct, frozen=True):
    """What a fetch found; `next_offset` is where to read on. (FETCH-001 to FETCH-003)

    `records` is the array of them as JSON, in the encoding `auto`: it was written when they were appended.
    """

    topic: str
    partition: int
    records: msgspec.Raw
    next_offset: Offset
    high_watermark: Offset
    log_start_offset: Offset


class PartitionFailure(msgspec.Struct, frozen=True):
    """Why a partition of a larger fetch could not be read. (FETCH-014)"""

    topic: str
    partition: int
    error: KafkaError


class Heartbeat(msgspec.Struct, frozen=True):
    """Join `group` as `member`, stay in it, give partitions up."""

    group: str
    member: str
    request: HeartbeatRequest


class LeaveGroup(msgspec.Struct, frozen=True):
    """Leave `group`; `temporary` for a static member that will come back, with its `instance_id`."""

    group: str
    member: str
    temporary: bool = False
    instance_id: str | None = None


class ListGroups(msgspec.Struct, frozen=True):
    """List groups, those in `state` or all, at most `page_size` of them, from where `page_token` says."""

    page_size: int
    page_token: str | None = None
    state: GroupState | None = None


class DescribeGroup(msgspec.Struct, frozen=True):
    """Describe `group`."""

    group: str


class DeleteGroup(msgspec.Struct, frozen=True):
    """Delete `group` and its committed offsets."""

    group: str


class CommitOffsets(msgspec.Struct, frozen=True):
    """Commit offsets for `group`."""

    group: str
    request: CommitRequest


class QueryOffsets(msgspec.Struct, frozen=True):
    """Ask what `group` has committed."""

    group: str
    request: CommitQuery


class ResetOffsets(msgspec.Struct, frozen=True):
    """Commit other offsets for `group`, which has no members."""

    group: str
    request: ResetRequest


class Broker(Protocol):
    """The operations. Each raises KafkaError with a code of the catalogue.

    They are coroutines. One that never waits can be driven without an event loop, as the blocking client does.
    """

    async def discover(self, request: Discover) -> Discovery:
        """Tell revision, features and limits."""

    async def create_topic(self, request: CreateTopicRequest) -> Topic:
        """Create a topic: `invalid_topic_name`, `topic_already_exists`, `invalid_partitions`, `invalid_config`."""

    async def list_topics(self, request: ListTopics) -> TopicPage:
        """List topics in the order of their names: `invalid_request`."""

    async def describe_topic(self, request: DescribeTopic) -> TopicDescription:
        """Describe a topic: `topic_not_found`."""

    async def alter_topic(self, request: AlterTopic) -> TopicDescription:
        """Add partitions or set configs: `topic_not_found`, `invalid_partitions`, `invalid_config`."""

    async def delete_topic(self, request: DeleteTopic) -> None:
        """Delete a topic: `topic_not_found`."""

    async def delete_records(self, request: DeleteRecords) -> list[DeletedRecords]:
        """Delete the first records of partitions: `topic_not_found`, `invalid_request`.

        Each: `partition_not_found`, `offset_out_of_range`, `policy_violation`.
        """

    async def produce(self, request: Produce) -> Results:
        """Append records, a result for each: `topic_not_found`, `invalid_request`; each: PRODUCE-011, -018 to -020"""

    async def produce_partition(self, request: ProducePartition) -> Results:
        """Append one batch to one partition; results and errors as those of `produce`.

        With `producer` each also `out_of_order_sequence` and `producer_fenced`.
        """

    async def allocate_producer(self, request: AllocateProducer) -> Producer:
        """Allocate a producer id: `unsupported_feature`."""

    async def fetch_partition(self, request: FetchPartition) -> PartitionSlice:
        """Read records: `topic_not_found`, `partition_not_found`, `offset_out_of_range`."""

    async def list_offsets(self, request: OffsetsRequest) -> OffsetsResponse:
        """Look up offsets: `invalid_request`; each item: `topic_not_found`, `partition_not_found`."""

    async def fetch(self, request: FetchRequest) -> list[PartitionSlice | PartitionFailure]:
        """Read many partitions, in order: `invalid_request`; each item: the errors of `fetch_partition`."""

    async def heartbeat(self, request: Heartbeat) -> HeartbeatResponse:
        """Join a group or stay in it.

        `invalid_request`, `invalid_group_id`, `invalid_topic_name`, `unknown_member`, `fenced_member_epoch`,
        `fenced_instance_id`, `unreleased_instance_id`, `group_full`, `unsupported_assignor`.
        """

    async def leave_group(self, request: LeaveGroup) -> None:
        """Leave a group: `unknown_member`, `fenced_instance_id`, `invalid_request`, `invalid_group_id`."""

    async def list_groups(self, request: ListGroups) -> GroupPage:
        """List groups in the order of their ids: `invalid_request`."""

    async def describe_group(self, request: DescribeGroup) -> GroupDescription:
        """Describe a group: `group_not_found`, `invalid_group_id`."""

    async def delete_group(self, request: DeleteGroup) -> None:
        """Delete a group: `group_not_found`, `group_not_empty`, `invalid_group_id`."""

    async def commit_offsets(self, request: CommitOffsets) -> list[CommitResult]:
        """Commit offsets: `invalid_request`, `invalid_group_id`, `unknown_member`, `group_not_empty`.

        Each: `topic_not_found`, `partition_not_found`, `rebalance_in_progress`, `offset_metadata_too_large`.
        """

    async def query_offsets(self, request: QueryOffsets) -> CommitQueryResponse:
        """Tell commits and lag: `invalid_request`, `invalid_group_id`; each: unknown topic, partition."""

    async def reset_offsets(self, request: ResetOffsets) -> list[ResetResult]:
        """Commit other offsets, all or none: `invalid_request`, `group_not_found`, `group_not_empty`.

        Each: `topic_not_found`, `partition_not_found`, `offset_out_of_range`, `not_attempted`.
        """
