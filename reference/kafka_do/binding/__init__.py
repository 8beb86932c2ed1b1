"""The HTTP binding: operations ↔ requests, answers ↔ responses, errors ↔ problems, in both directions, without I/O."""

from kafka_do.binding.control import PlantFaultBinding
from kafka_do.binding.fetch import FetchBinding, FetchPartitionBinding
from kafka_do.binding.operation import Binding, BodyBinding, EmptyBinding, MessageBinding
from kafka_do.binding.produce import ProduceBinding, ProducePartitionBinding
from kafka_do.binding.topics import AlterTopicBinding, CreateTopicBinding
from kafka_do.core.broker import (
    AllocateProducer,
    AlterTopic,
    DeleteTopic,
    DescribeTopic,
    Discover,
    FetchPartition,
    ListTopics,
    Produce,
    ProducePartition,
)
from kafka_do.core.control import ClearFaults, ListFaults, ResetServer
from kafka_do.core.messages import (
    AdvanceClockRequest,
    ClockTime,
    CreateTopicRequest,
    Discovery,
    FaultList,
    FetchRequest,
    OffsetsRequest,
    OffsetsResponse,
    PlantFaultRequest,
    Producer,
    Topic,
    TopicDescription,
    TopicPage,
)

__all__ = [
    "ADVANCE_CLOCK",
    "ALLOCATE_PRODUCER",
    "ALTER_TOPIC",
    "CLEAR_FAULTS",
    "CREATE_TOPIC",
    "DELETE_TOPIC",
    "DESCRIBE_TOPIC",
    "DISCOVER",
    "FETCH",
    "FETCH_PARTITION",
    "LIST_FAULTS",
    "LIST_OFFSETS",
    "LIST_TOPICS",
    "OPERATIONS",
    "PLANT_FAULT",
    "PRODUCE",
    "PRODUCE_PARTITION",
    "RESET_SERVER",
]

DISCOVER = MessageBinding("discover", Discover, Discovery)
CREATE_TOPIC = CreateTopicBinding("create_topic", CreateTopicRequest, Topic)
LIST_TOPICS = MessageBinding("list_topics", ListTopics, TopicPage)
DESCRIBE_TOPIC = MessageBinding("describe_topic", DescribeTopic, TopicDescription)
ALTER_TOPIC = AlterTopicBinding("alter_topic", AlterTopic, TopicDescription)
DELETE_TOPIC = EmptyBinding("delete_topic", DeleteTopic)
PRODUCE = ProduceBinding("produce", Produce)
PRODUCE_PARTITION = ProducePartitionBinding("produce_partition", ProducePartition)
LIST_OFFSETS = BodyBinding("list_offsets", OffsetsRequest, OffsetsResponse)
FETCH = FetchBinding("fetch", FetchRequest)
FETCH_PARTITION = FetchPartitionBinding("fetch_partition", FetchPartition)
ALLOCATE_PRODUCER = MessageBinding("allocate_producer", AllocateProducer, Producer)
ADVANCE_CLOCK = BodyBinding("advance_clock", AdvanceClockRequest, ClockTime)
PLANT_FAULT = PlantFaultBinding("plant_fault", PlantFaultRequest)
LIST_FAULTS = MessageBinding("list_faults", ListFaults, FaultList)
CLEAR_FAULTS = EmptyBinding("clear_faults", ClearFaults)
RESET_SERVER = EmptyBinding("reset_server", ResetServer)

OPERATIONS: tuple[Binding, ...] = (
    DISCOVER,
    CREATE_TOPIC,
    LIST_TOPICS,
    DESCRIBE_TOPIC,
    ALTER_TOPIC,
    DELETE_TOPIC,
    PRODUCE,
    PRODUCE_PARTITION,
    FETCH,
    FETCH_PARTITION,
    LIST_OFFSETS,
    ALLOCATE_PRODUCER,
    ADVANCE_CLOCK,
    PLANT_FAULT,
    LIST_FAULTS,
    CLEAR_FAULTS,
    RESET_SERVER,
)
"""Every operation of the specification; a test proves that none is missing."""
