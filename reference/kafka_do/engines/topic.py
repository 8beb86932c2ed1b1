"""A topic of the broker in memory: its logs, its configs, and whose turn it is to get records without a key."""

from kafka_do.core.configs import Configs
from kafka_do.core.errors import KafkaError
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import PartitionDescription, TopicDescription
from kafka_do.core.messages import Topic as TopicSummary
from kafka_do.core.partitioner import Spread

__all__ = ["Topic"]


class Topic:
    """A topic; `logs` are its partitions by their numbers."""

    def __init__(self, name: str, topic_id: str, partition_count: int, configs: Configs) -> None:
        self.name = name
        self.topic_id = topic_id
        self.logs = [PartitionLog() for _ in range(partition_count)]
        self.spread = Spread()
        self.configs = configs

    def summary(self) -> TopicSummary:
        """Return what a list of topics says. (TOPIC-011)"""
        return TopicSummary(topic=self.name, topic_id=self.topic_id, partition_count=len(self.logs))

    def description(self) -> TopicDescription:
        """Return the topic as it is now. (TOPIC-014)"""
        return TopicDescription(
            topic=self.name,
            topic_id=self.topic_id,
            partition_count=len(self.logs),
            partitions=[
                PartitionDescription(
                    partition=number, log_start_offset=log.start_offset, high_watermark=log.high_watermark
                )
                for number, log in enumerate(self.logs)
            ],
            configs=self.configs.all(),
        )

    def grow(self, partitions: int) -> None:
        """Add empty partitions; raises KafkaError `invalid_partitions` unless there are more then. (TOPIC-016, -017)"""
        present = len(self.logs)
        if partitions <= present:
            raise KafkaError(
                "invalid_partitions",
                f"the topic '{self.name}' has {present} partitions, which cannot become {partitions}: only more",
                topic=self.name,
            )
        self.logs += [PartitionLog() for _ in range(partitions - present)]

    def log(self, partition: int) -> PartitionLog:
        """Return a partition's log; raises KafkaError `partition_not_found`."""
        if partition < len(self.logs):
            return self.logs[partition]
        count = len(self.logs)
        raise KafkaError(
            "partition_not_found",
            f"topic '{self.name}' has {count} partition{'s' * (count != 1)}, numbered from 0;"
            f" there is no partition {partition}",
            topic=self.name,
            partition=partition,
            partition_count=count,
        )
