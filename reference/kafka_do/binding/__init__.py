"""The HTTP binding: operations ↔ requests, answers ↔ responses, errors ↔ problems, in both directions, without I/O."""

from kafka_do.binding.control import InstructionBinding
from kafka_do.binding.fetch import FetchBinding, FetchPartitionBinding
from kafka_do.binding.groups import CommitBinding, HeartbeatBinding, QueryBinding, ResetBinding
from kafka_do.binding.operation import Binding, BodyBinding, EmptyBinding, MessageBinding
from kafka_do.binding.produce import ProduceBinding, ProducePartitionBinding
from kafka_do.binding.topics import AlterTopicBinding, CreateTopicBinding, DeleteRecordsBinding
from kafka_do.core.broker import (
    AllocateProducer,
    AlterTopic,
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
    Produce,
    ProducePartition,
    QueryOffsets,
    ResetOffsets,
)
from kafka_do.core.control import ClearFaults, ListFaults, ResetServer, RestoreKeys
from kafka_do.core.messages import (
    AdvanceClockRequest,
    ClockTime,
    CreateTopicRequest,
    Discovery,
    FaultList,
    FetchRequest,
    GroupDescription,
    GroupPage,
    OffsetsRequest,
    OffsetsResponse,
    PlantFaultRequest,
    Producer,
    RevokeKeyRequest,
    Topic,
    TopicDescription,
    TopicPage,
)

__all__ = [
    "ADVANCE_CLOCK",
    "ALLOCATE_PRODUCER",
    "ALTER_TOPIC",
    "CLEAR_FAULTS",
    "COMMIT_OFFSETS",
    "CREATE_TOPIC",
    "DELETE_GROUP",
    "DELETE_RECORDS",
    "DELETE_TOPIC",
    "DESCRIBE_GROUP",
    "DESCRIBE_TOPIC",
    "DISCOVER",
    "FETCH",
    "FETCH_PARTITION",
    "HEARTBEAT",
    "LEAVE_GROUP",
    "LIST_FAULTS",
    "LIST_GROUPS",
    "LIST_OFFSETS",
    "LIST_TOPICS",
    "OPERATIONS",
    "PLANT_FAULT",
    "PRODUCE",
    "PRODUCE_PARTITION",
    "QUERY_OFFSETS",
    "RESET_OFFSETS",
    "RESET_SERVER",
    "RESTORE_KEYS",
    "REVOKE_KEY",
]

DISCOVER = MessageBinding("discover", Discover, Discovery)
CREATE_TOPIC = CreateTopicBinding("create_topic", CreateTopicRequest, Topic)
LIST_TOPICS = MessageBinding("list_topics", ListTopics, TopicPage)
DESCRIBE_TOPIC = MessageBinding("describe_topic", DescribeTopic, TopicDescription)
ALTER_TOPIC = AlterTopicBinding("alter_topic", AlterTopic, TopicDescription)
DELETE_TOPIC = EmptyBinding("delete_topic", DeleteTopic)
DELETE_RECORDS = DeleteRecordsBinding("delete_records", DeleteRecords)
PRODUCE = ProduceBinding("produce", Produce)
PRODUCE_PARTITION = ProducePartitionBinding("produce_partition", ProducePartition)
LIST_OFFSETS = BodyBinding("list_offsets", OffsetsRequest, OffsetsResponse)
FETCH = FetchBinding("fetch", FetchRequest)
FETCH_PARTITION = FetchPartitionBinding("fetch_partition", FetchPartition)
HEARTBEAT = HeartbeatBinding("heartbeat", Heartbeat)
LEAVE_GROUP = EmptyBinding("leave_group", LeaveGroup)
LIST_GROUPS = MessageBinding("list_groups", ListGroups, GroupPage)
DESCRIBE_GROUP = MessageBinding("describe_group", DescribeGroup, GroupDescription)
DELETE_GROUP = EmptyBinding("delete_group", DeleteGroup)
COMMIT_OFFSETS = CommitBinding("commit_offsets", CommitOffsets)
QUERY_OFFSETS = QueryBinding("query_offsets", QueryOffsets)
RESET_OFFSETS = ResetBinding("reset_offsets", ResetOffsets)
ALLOCATE_PRODUCER = MessageBinding("allocate_producer", AllocateProducer, Producer)
ADVANCE_CLOCK = BodyBinding("advance_clock", AdvanceClockRequest, ClockTime)
PLANT_FAULT = InstructionBinding("plant_fault", PlantFaultRequest)
LIST_FAULTS = MessageBinding("list_faults", ListFaults, FaultList)
CLEAR_FAULTS = EmptyBinding("clear_faults", ClearFaults)
REVOKE_KEY = InstructionBinding("revoke_key", RevokeKeyRequest)
RESTORE_KEYS = EmptyBinding("restore_keys", RestoreKeys)
RESET_SERVER = EmptyBinding("reset_server", ResetServer)

OPERATIONS: tuple[Binding, ...] = (
    DISCOVER,
    CREATE_TOPIC,
    LIST_TOPICS,
    DESCRIBE_TOPIC,
    ALTER_TOPIC,
    DELETE_TOPIC,
    DELETE_RECORDS,
    PRODUCE,
    PRODUCE_PARTITION,
    FETCH,
    FETCH_PARTITION,
    LIST_OFFSETS,
    HEARTBEAT,
    LEAVE_GROUP,
    LIST_GROUPS,
    DESCRIBE_GROUP,
    DELETE_GROUP,
    COMMIT_OFFSETS,
    QUERY_OFFSETS,
    RESET_OFFSETS,
    ALLOCATE_PRODUCER,
    ADVANCE_CLOCK,
    PLANT_FAULT,
    LIST_FAULTS,
    CLEAR_FAULTS,
    REVOKE_KEY,
    RESTORE_KEYS,
    RESET_SERVER,
)
"""Every operation of the specification; a test proves that none is missing."""
