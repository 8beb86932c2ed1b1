"""The HTTP binding: operations ↔ requests, answers ↔ responses, errors ↔ problems, in both directions, without I/O."""

from kafka_do.binding.fetch import FetchBinding, FetchPartitionBinding
from kafka_do.binding.operation import Binding, BodyBinding, MessageBinding
from kafka_do.binding.produce import ProduceBinding, ProducePartitionBinding
from kafka_do.binding.topics import AlterTopicBinding, CreateTopicBinding, DeleteTopicBinding
from kafka_do.core.broker import (
    AlterTopic,
    DeleteTopic,
    DescribeTopic,
    Discover,
    FetchPartition,
    ListTopics,
    Produce,
    ProducePartition,
)
from kafka_do.core.messages import (
    CreateTopicRequest,
    Discovery,
    FetchRequest,
    OffsetsRequest,
    OffsetsResponse,
    Topic,
    TopicDescription,
    TopicPage,
)

__all__ = [
    "ALTER_TOPIC",
    "CREATE_TOPIC",
    "DELETE_TOPIC",
    "DESCRIBE_TOPIC",
    "DISCOVER",
    "FETCH",
    "FETCH_PARTITION",
    "LIST_OFFSETS",
    "LIST_TOPICS",
    "OPERATIONS",
    "PRODUCE",
    "PRODUCE_PARTITION",
]

DISCOVER = MessageBinding("discover", Discover, Discovery)
CREATE_TOPIC = CreateTopicBinding("create_topic", CreateTopicRequest, Topic)
LIST_TOPICS = MessageBinding("list_topics", ListTopics, TopicPage)
DESCRIBE_TOPIC = MessageBinding("describe_topic", DescribeTopic, TopicDescription)
ALTER_TOPIC = AlterTopicBinding("alter_topic", AlterTopic, TopicDescription)
DELETE_TOPIC = DeleteTopicBinding("delete_topic", DeleteTopic)
PRODUCE = ProduceBinding("produce", Produce)
PRODUCE_PARTITION = ProducePartitionBinding("produce_partition", ProducePartition)
LIST_OFFSETS = BodyBinding("list_offsets", OffsetsRequest, OffsetsResponse)
FETCH = FetchBinding("fetch", FetchRequest)
FETCH_PARTITION = FetchPartitionBinding("fetch_partition", FetchPartition)

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
)
"""Every operation of the specification; a test proves that none is missing."""
