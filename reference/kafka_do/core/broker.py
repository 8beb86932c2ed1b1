"""The protocol's operations as one interface: engines implement it, transports carry it, client and server call it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import CreateTopicRequest, Discovery, ReadEncoding, Topic
from kafka_do.core.records import Appended, Record, StoredRecord

__all__ = ["Broker", "FetchPartition", "PartitionSlice", "Produce"]


class Produce(msgspec.Struct, frozen=True):
    """Append `records` to `topic`."""

    topic: str
    records: Sequence[Record]


class FetchPartition(msgspec.Struct, frozen=True):
    """Read one partition from `offset`. `encoding` says how an answer is written over HTTP; engines give bytes."""

    topic: str
    partition: int
    offset: int
    max_records: int
    max_bytes: int
    encoding: ReadEncoding = "auto"


class PartitionSlice(msgspec.Struct, frozen=True):
    """What a fetch found; `next_offset` is where to read on. (FETCH-001 to FETCH-003)"""

    topic: str
    partition: int
    records: Sequence[StoredRecord]
    next_offset: int
    high_watermark: int
    log_start_offset: int


class Broker(Protocol):
    """The operations. Each raises KafkaError with a code of the catalogue.

    They are coroutines. One that never waits can be driven without an event loop, as the blocking client does.
    """

    async def discover(self) -> Discovery:
        """Tell revision, features and limits."""

    async def create_topic(self, request: CreateTopicRequest) -> Topic:
        """Create a topic: `invalid_topic_name`, `topic_already_exists`, `invalid_partitions`."""

    async def produce(self, request: Produce) -> list[Appended | KafkaError]:
        """Append records, one result for each: `topic_not_found`, `invalid_request`; each: `partition_not_found`."""

    async def fetch_partition(self, request: FetchPartition) -> PartitionSlice:
        """Read records: `topic_not_found`, `partition_not_found`, `offset_out_of_range`."""
