"""Which record of a request goes to which partition. (PRODUCE-001 to PRODUCE-004)"""

from collections.abc import Sequence
from typing import cast

from msgspec import UNSET

from kafka_do.core.many_keys import partitions_of_keys
from kafka_do.core.messages import ProduceRecord
from kafka_do.core.plain_records import IncomingRecord, are_plain
from kafka_do.core.record_text import key_bytes
from kafka_do.engines.topic import Topic

__all__ = ["route"]


def route(records: Sequence[IncomingRecord], topic: Topic) -> list[int]:
    """Return each settled record's partition: the one that it names, else its key's, else one for all the others."""
    count = len(topic.logs)
    if are_plain(records):
        if count == 1:
            return [0] * len(records)
        keys = [None if record.key is None else record.key.encode() for record in records]
        if None not in keys:
            return partitions_of_keys(cast("list[bytes]", keys), count)
        return _spread(_of_keys(keys, count), topic)
    named = [_named(record) for record in records]
    if count == 1:
        return [0 if name is None else name for name in named]
    keys = [key_bytes(record) if name is None else None for record, name in zip(records, named, strict=True)]
    keyed = _of_keys(keys, count)
    return _spread([key if name is None else name for key, name in zip(keyed, named, strict=True)], topic)


def _of_keys(keys: Sequence[bytes | None], count: int) -> list[int | None]:
    """Return the partition of each key."""
    partitions = iter(partitions_of_keys([key for key in keys if key is not None], count))
    return [None if key is None else next(partitions) for key in keys]


def _spread(partitions: Sequence[int | None], topic: Topic) -> list[int]:
    """Return the partitions, in the place of None the one whose turn it is."""
    turn = topic.spread.next(len(topic.logs)) if None in partitions else 0
    return [turn if partition is None else partition for partition in partitions]


def _named(record: IncomingRecord) -> int | None:
    partition = record.partition if isinstance(record, ProduceRecord) else UNSET
    return None if partition is UNSET else partition
