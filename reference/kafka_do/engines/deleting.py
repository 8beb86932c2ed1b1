"""Deleting the first records of partitions, each item on its own. (RETAIN-014 to RETAIN-021)"""

from collections.abc import Callable

from msgspec import UNSET

from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import DeletedRecords, DeleteRecordsRequest, RecordsToDelete
from kafka_do.engines.topic import Topic

__all__ = ["check_request", "delete_records"]


def check_request(request: DeleteRecordsRequest) -> None:
    """Raise KafkaError `invalid_request` for a partition that stands twice, or an item that is not clear."""
    seen: set[int] = set()
    for index, item in enumerate(request.partitions):
        if (item.before_offset is UNSET) == (item.at is UNSET):
            fault = "either 'before_offset' or 'at' has to be there, and not both"
            raise invalid_request([(f"/partitions/{index}", fault)])
        if item.partition in seen:
            raise invalid_request([(f"/partitions/{index}", f"the partition {item.partition} stands twice")])
        seen.add(item.partition)


def delete_records(
    topic: Topic, request: DeleteRecordsRequest, removed: Callable[[PartitionLog], None]
) -> list[DeletedRecords]:
    """Do each item; `removed` is called with each log whose beginning has gone."""
    results = []
    for item in request.partitions:
        try:
            log = topic.log(item.partition)
            _check_policy(topic, item.partition)
            offset = _before(topic, item, log)
        except KafkaError as error:
            results.append(DeletedRecords(topic.name, item.partition, error=item_of_error(error)))
        else:
            if offset > log.start_offset:
                log.remove_before(offset)
                removed(log)
            results.append(DeletedRecords(topic.name, item.partition, log_start_offset=log.start_offset))
    return results


def _before(topic: Topic, item: RecordsToDelete, log: PartitionLog) -> int:
    offset = log.high_watermark if item.before_offset is UNSET else item.before_offset
    if offset > log.high_watermark:
        raise KafkaError(
            "offset_out_of_range",
            f"offset {offset} of {topic.name}/{item.partition} lies beyond the end, which is {log.high_watermark}",
            topic=topic.name,
            partition=item.partition,
            log_start_offset=log.start_offset,
            high_watermark=log.high_watermark,
        )
    return offset


def _check_policy(topic: Topic, partition: int) -> None:
    if not topic.configs.deletes:
        policy = topic.configs["cleanup.policy"]
        raise KafkaError(
            "policy_violation",
            f"the topic '{topic.name}' has cleanup.policy {policy}: records can be deleted only where it has delete",
            topic=topic.name,
            partition=partition,
        )
