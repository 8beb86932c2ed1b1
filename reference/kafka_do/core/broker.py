"""The protocol's operations as one interface: engines implement it, transports carry it, client and server call it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import (
    Acks,
    AlterTopicRequest,
    CreateTopicRequest,
    Discovery,
    FetchRequest,
    Offset,
    OffsetsRequest,
    OffsetsResponse,
    Producer,
    ProducerBatch,
    ReadEncoding,
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
    "DeleteTopic",
    "DescribeTopic",
    "Discover",
    "FetchPartition",
    "ListTopics",
    "PartitionFailure",
    "PartitionSlice",
    "Produce",
    "ProducePartition",
]


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
    """Read one partition from `offset`. `encoding` says how an answer is written over HTTP; engines give `auto`."""

    topic: str
    partition: int
    offset: int
    max_records: int
    max_bytes: int
    min_bytes: int = 1
    max_wait_ms: int = 0
    encoding: ReadEncoding = "auto"


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
