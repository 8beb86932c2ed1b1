"""The messages of spec/openapi.yaml, made by `python -m kafka_do_spec generate`; do not edit."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from kafka_do.core.strict import ClosedMessage, Message
from msgspec import UNSET, Meta, Raw, UnsetType, field

TopicName: TypeAlias = str


PartitionNumber: TypeAlias = Annotated[int, Meta(ge=0, le=2147483647)]


PartitionCount: TypeAlias = Annotated[int, Meta(ge=1, le=2147483647)]


Offset: TypeAlias = Annotated[int, Meta(ge=0, le=9007199254740991)]


TimestampMs: TypeAlias = Annotated[int, Meta(ge=0, le=9007199254740991)]


TextEncoding: TypeAlias = Literal["string", "base64"]


ValueEncoding: TypeAlias = Literal["json", "string", "base64"]


ReadEncoding: TypeAlias = Literal["auto", "json", "string", "base64"]


Acks: TypeAlias = Literal["all", "leader", "none"]


ProduceTimeout: TypeAlias = Annotated[int, Meta(ge=1, le=2147483647)]


MaxRecords: TypeAlias = Annotated[int, Meta(ge=1, le=100000)]


MaxBytes: TypeAlias = Annotated[int, Meta(ge=1, le=9007199254740991)]


MinBytes: TypeAlias = Annotated[int, Meta(ge=0, le=9007199254740991)]


MaxWait: TypeAlias = Annotated[int, Meta(ge=0, le=2147483647)]


HeartbeatTime: TypeAlias = Annotated[int, Meta(ge=1, le=2147483647)]


StreamTime: TypeAlias = Annotated[int, Meta(ge=1, le=9007199254740991)]


class ServerInfo(Message):
    name: str
    version: str


LimitsAdditionalProperty: TypeAlias = Annotated[int, Meta(ge=1, le=9007199254740991)]


Limits: TypeAlias = dict[str, LimitsAdditionalProperty]


class CreateTopicRequest(ClosedMessage):
    topic: TopicName
    partitions: PartitionCount = 1
    configs: dict[str, str] | UnsetType = UNSET
    validate_only: bool = False


class AlterTopicRequest(ClosedMessage):
    partitions: PartitionCount | UnsetType = UNSET
    configs: dict[str, str | None] | UnsetType = UNSET


class PartitionDescription(Message):
    partition: PartitionNumber
    log_start_offset: Offset
    high_watermark: Offset


class TopicDescription(Message):
    topic: TopicName
    topic_id: str
    partition_count: PartitionCount
    partitions: list[PartitionDescription]
    configs: dict[str, str]


class Topic(Message):
    topic: TopicName
    topic_id: str | None
    partition_count: PartitionCount


class RecordHeader(ClosedMessage):
    key: str
    value: str | None
    value_encoding: TextEncoding = "string"


ProducerId: TypeAlias = Annotated[str, Meta(pattern="^(0|[1-9][0-9]{0,17})$")]


ProducerEpoch: TypeAlias = Annotated[int, Meta(ge=0, le=32767)]


SequenceNumber: TypeAlias = Annotated[int, Meta(ge=0, le=2147483647)]


class Producer(Message):
    id: ProducerId
    epoch: ProducerEpoch


class ProducerBatch(ClosedMessage):
    id: ProducerId
    epoch: ProducerEpoch
    base_sequence: SequenceNumber


class ProduceRecord(ClosedMessage):
    value: Raw
    key: str | None | UnsetType = UNSET
    key_encoding: TextEncoding = "string"
    value_encoding: ValueEncoding = "json"
    headers: list[RecordHeader] = field(default_factory=list)
    timestamp_ms: TimestampMs | UnsetType = UNSET
    partition: PartitionNumber | UnsetType = UNSET


class ProduceRequest(ClosedMessage):
    records: Annotated[list[ProduceRecord], Meta(min_length=1)]
    acks: Acks = "all"
    timeout_ms: ProduceTimeout = 30000
    topic_id: str | UnsetType = UNSET


class ProducePartitionRecord(ClosedMessage):
    value: Raw
    key: str | None | UnsetType = UNSET
    key_encoding: TextEncoding = "string"
    value_encoding: ValueEncoding = "json"
    headers: list[RecordHeader] = field(default_factory=list)
    timestamp_ms: TimestampMs | UnsetType = UNSET


class ProducePartitionRequest(ClosedMessage):
    records: Annotated[list[ProducePartitionRecord], Meta(min_length=1)]
    acks: Acks = "all"
    timeout_ms: ProduceTimeout = 30000
    topic_id: str | UnsetType = UNSET
    producer: ProducerBatch | UnsetType = UNSET


class ProduceAccepted(Message):
    pass


class FetchedHeader(Message):
    key: str
    value: str | None
    value_encoding: TextEncoding = "string"


class FetchedRecord(Message):
    offset: Offset
    timestamp_ms: TimestampMs | None
    key: str | None
    value: Raw
    headers: list[FetchedHeader]
    key_encoding: TextEncoding = "string"
    value_encoding: ValueEncoding = "json"


class FetchedPartition(Message):
    topic: TopicName
    partition: PartitionNumber
    records: list[FetchedRecord]
    next_offset: Offset
    high_watermark: Offset
    log_start_offset: Offset


OffsetAt: TypeAlias = Literal["earliest", "latest", "max_timestamp"]


class OffsetQuery(ClosedMessage):
    topic: TopicName
    partition: PartitionNumber
    at: OffsetAt | UnsetType = UNSET
    timestamp_ms: TimestampMs | UnsetType = UNSET


class OffsetsRequest(ClosedMessage):
    partitions: Annotated[list[OffsetQuery], Meta(min_length=1)]


GroupId: TypeAlias = str


MemberId: TypeAlias = str


MemberEpoch: TypeAlias = Annotated[int, Meta(ge=0, le=2147483647)]


Assignor: TypeAlias = str


GroupState: TypeAlias = Literal["empty", "assigning", "reconciling", "stable"]


class TopicPartitions(ClosedMessage):
    topic: TopicName
    topic_id: str
    partitions: list[PartitionNumber]


class AssignedPartitions(Message):
    topic: TopicName
    topic_id: str
    partitions: list[PartitionNumber]


class HeartbeatRequest(ClosedMessage):
    member_epoch: MemberEpoch
    topics: Annotated[list[TopicName], Meta(min_length=1)]
    owned: list[TopicPartitions]
    rebalance_timeout_ms: Annotated[int, Meta(ge=1, le=2147483647)]
    instance_id: str | UnsetType = UNSET
    assignor: Assignor | UnsetType = UNSET
    session_timeout_ms: Annotated[int, Meta(ge=1, le=2147483647)] | UnsetType = UNSET


class HeartbeatResponse(Message):
    member_epoch: MemberEpoch
    assignment: list[AssignedPartitions]
    heartbeat_interval_ms: Annotated[int, Meta(ge=1)]
    session_timeout_ms: int | None


class GroupMember(Message):
    member: MemberId
    instance_id: str | None
    member_epoch: MemberEpoch | None
    topics: list[TopicName]
    assignment: list[AssignedPartitions]


class GroupSummary(Message):
    group: GroupId
    type: str
    state: GroupState
    member_count: Annotated[int, Meta(ge=0)]


class GroupPage(Message):
    groups: list[GroupSummary]
    next_page_token: str | UnsetType = UNSET


class MemberAtEpoch(ClosedMessage):
    id: MemberId
    epoch: MemberEpoch


class OffsetToCommit(ClosedMessage):
    topic: TopicName
    partition: PartitionNumber
    offset: Offset
    topic_id: str | UnsetType = UNSET
    metadata: str = ""


class CommitRequest(ClosedMessage):
    offsets: Annotated[list[OffsetToCommit], Meta(min_length=1)]
    member: MemberAtEpoch | UnsetType = UNSET


class TopicPartition(ClosedMessage):
    topic: TopicName
    partition: PartitionNumber


class CommitQuery(ClosedMessage):
    partitions: Annotated[list[TopicPartition], Meta(min_length=1)] | UnsetType = UNSET


ResetAt: TypeAlias = Literal["earliest", "latest"]


class ResetItem(ClosedMessage):
    topic: TopicName
    partition: PartitionNumber
    at: ResetAt | UnsetType = UNSET
    offset: Offset | UnsetType = UNSET
    timestamp_ms: TimestampMs | UnsetType = UNSET


class ResetRequest(ClosedMessage):
    partitions: Annotated[list[ResetItem], Meta(min_length=1)]
    dry_run: bool = False


class RecordsToDelete(ClosedMessage):
    partition: PartitionNumber
    before_offset: Offset | UnsetType = UNSET
    at: Literal["latest"] | UnsetType = UNSET


class DeleteRecordsRequest(ClosedMessage):
    partitions: Annotated[list[RecordsToDelete], Meta(min_length=1)]
    topic_id: str | UnsetType = UNSET


class FetchPosition(ClosedMessage):
    topic: TopicName
    partition: PartitionNumber
    offset: Offset
    topic_id: str | UnsetType = UNSET


class FetchRequest(ClosedMessage):
    partitions: Annotated[list[FetchPosition], Meta(min_length=1)]
    max_records: MaxRecords = 500
    max_bytes: MaxBytes = 1048576
    min_bytes: MinBytes = 1
    max_wait_ms: MaxWait = 500
    encoding: ReadEncoding = "auto"
    heartbeat_ms: HeartbeatTime = 15000
    max_stream_ms: StreamTime | UnsetType = UNSET


LineStream: TypeAlias = str


EventStream: TypeAlias = str


class RecordsLine(Message, tag_field="type", tag="records"):
    topic: TopicName
    partition: PartitionNumber
    records: list[FetchedRecord]
    next_offset: Offset
    high_watermark: Offset
    log_start_offset: Offset


class HeartbeatLine(Message, tag_field="type", tag="heartbeat"):
    now_ms: TimestampMs


EndReason: TypeAlias = Literal["time", "shutdown", "errors", "key"]


class EndLine(Message, tag_field="type", tag="end"):
    reason: EndReason


ClockAdvance: TypeAlias = Annotated[int, Meta(ge=0, le=31536000000)]


class ClockTime(Message):
    now_ms: TimestampMs


class RevokeKeyRequest(ClosedMessage):
    key: str


FaultKind: TypeAlias = Literal["error", "delay", "drop_before", "drop_after"]


FaultCode: TypeAlias = Literal["not_leader", "group_coordinator", "quota_exceeded"]


FaultDelay: TypeAlias = Annotated[int, Meta(ge=1, le=10000)]


FaultTimes: TypeAlias = Annotated[int, Meta(ge=1, le=1000)]


class PlantFaultRequest(ClosedMessage):
    operation: str
    fault: FaultKind
    code: FaultCode | UnsetType = UNSET
    delay_ms: FaultDelay | UnsetType = UNSET
    times: FaultTimes = 1
    topic: str | UnsetType = UNSET
    partition: PartitionNumber | UnsetType = UNSET
    group: str | UnsetType = UNSET
    member: str | UnsetType = UNSET


class PlantedFault(Message):
    operation: str
    fault: FaultKind
    times: FaultTimes
    code: FaultCode | UnsetType = UNSET
    delay_ms: FaultDelay | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    partition: PartitionNumber | UnsetType = UNSET
    group: str | UnsetType = UNSET
    member: str | UnsetType = UNSET


class FaultList(Message):
    faults: list[PlantedFault]


class InvalidMember(Message):
    pointer: str
    detail: str


class ItemError(Message):
    code: str
    detail: str
    retriable: bool
    indeterminate: bool
    topic: str | UnsetType = UNSET
    partition: int | UnsetType = UNSET
    partition_count: int | UnsetType = UNSET
    log_start_offset: int | UnsetType = UNSET
    high_watermark: int | UnsetType = UNSET
    max_request_bytes: int | UnsetType = UNSET
    max_header_bytes: int | UnsetType = UNSET
    max_request_ms: int | UnsetType = UNSET
    max_partitions_per_topic: int | UnsetType = UNSET
    max_record_bytes: int | UnsetType = UNSET
    max_batch_bytes: int | UnsetType = UNSET
    expected_sequence: int | UnsetType = UNSET
    current_epoch: int | UnsetType = UNSET
    group: str | UnsetType = UNSET
    member: str | UnsetType = UNSET
    instance_id: str | UnsetType = UNSET
    feature: str | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET
    kafka_error: int | UnsetType = UNSET
    errors: list[InvalidMember] | UnsetType = UNSET


class Discovery(Message):
    revision: str
    server: ServerInfo
    features: list[str]
    limits: Limits


class TopicPage(Message):
    topics: list[Topic]
    next_page_token: str | UnsetType = UNSET


class ProduceResult(Message):
    partition: PartitionNumber | UnsetType = UNSET
    offset: Offset | UnsetType = UNSET
    timestamp_ms: TimestampMs | None | UnsetType = UNSET
    error: ItemError | UnsetType = UNSET


class ProduceResponse(Message):
    results: list[ProduceResult]
    duplicate: bool | UnsetType = UNSET


class OffsetResult(Message):
    topic: TopicName
    partition: PartitionNumber
    offset: Offset | None | UnsetType = UNSET
    timestamp_ms: TimestampMs | None | UnsetType = UNSET
    error: ItemError | UnsetType = UNSET


class OffsetsResponse(Message):
    partitions: list[OffsetResult]


class CommitResult(Message):
    topic: TopicName
    partition: PartitionNumber
    error: ItemError | UnsetType = UNSET


class CommitResponse(Message):
    results: list[CommitResult]


class GroupOffset(Message):
    topic: TopicName
    partition: PartitionNumber
    committed_offset: Offset | None | UnsetType = UNSET
    metadata: str | None | UnsetType = UNSET
    log_start_offset: Offset | UnsetType = UNSET
    high_watermark: Offset | UnsetType = UNSET
    lag: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    lag_from: Literal["committed", "log_start"] | UnsetType = UNSET
    error: ItemError | UnsetType = UNSET


class CommitQueryResponse(Message):
    partitions: list[GroupOffset]


class ResetResult(Message):
    topic: TopicName
    partition: PartitionNumber
    offset: Offset | UnsetType = UNSET
    error: ItemError | UnsetType = UNSET


class ResetResponse(Message):
    results: list[ResetResult]


class DeletedRecords(Message):
    topic: TopicName
    partition: PartitionNumber
    log_start_offset: Offset | UnsetType = UNSET
    error: ItemError | UnsetType = UNSET


class DeleteRecordsResponse(Message):
    results: list[DeletedRecords]


class FetchItem(Message):
    topic: TopicName
    partition: PartitionNumber
    records: list[FetchedRecord] | UnsetType = UNSET
    next_offset: Offset | UnsetType = UNSET
    high_watermark: Offset | UnsetType = UNSET
    log_start_offset: Offset | UnsetType = UNSET
    error: ItemError | UnsetType = UNSET


class FetchResponse(Message):
    partitions: list[FetchItem]


class ErrorLine(Message, tag_field="type", tag="error"):
    topic: TopicName
    partition: PartitionNumber
    error: ItemError


class RefusedItem(Message):
    error: ItemError
    topic: TopicName | UnsetType = UNSET
    partition: PartitionNumber | UnsetType = UNSET


class AdvanceClockRequest(ClosedMessage):
    advance_ms: ClockAdvance


class Problem(ItemError, kw_only=True):
    type: str
    title: str
    status: int
    instance: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    results: list[RefusedItem] | UnsetType = UNSET


class GroupDescription(Message):
    group: GroupId
    type: str
    state: GroupState
    group_epoch: Annotated[int, Meta(ge=0)]
    assignor: Assignor
    members: list[GroupMember]
    offsets: list[GroupOffset]
    total_lag: int | None


StreamLine: TypeAlias = RecordsLine | HeartbeatLine | ErrorLine | EndLine
