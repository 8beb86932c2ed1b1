"""The HTTP binding: operations ↔ requests, answers ↔ responses, errors ↔ problems, in both directions, without I/O."""

from kafka_do.binding.create_topic import CreateTopicBinding
from kafka_do.binding.discover import DiscoverBinding
from kafka_do.binding.fetch_partition import FetchPartitionBinding
from kafka_do.binding.operation import Binding
from kafka_do.binding.produce import ProduceBinding

__all__ = ["CREATE_TOPIC", "DISCOVER", "FETCH_PARTITION", "OPERATIONS", "PRODUCE"]

DISCOVER = DiscoverBinding("discover")
CREATE_TOPIC = CreateTopicBinding("create_topic")
PRODUCE = ProduceBinding("produce")
FETCH_PARTITION = FetchPartitionBinding("fetch_partition")

OPERATIONS: tuple[Binding, ...] = (DISCOVER, CREATE_TOPIC, PRODUCE, FETCH_PARTITION)
"""Every operation of the specification; a test proves that none is missing."""
