"""Which record of a request goes to which partition. (PRODUCE-001 to PRODUCE-004)"""

from collections.abc import Sequence

from msgspec import UNSET

from kafka_do.core.many_keys import partitions_of_keys
from kafka_do.core.messages import ProduceRecord
from kafka_do.core.plain_records import IncomingRecord, are_plain
from kafka_do.core.record_text import key_bytes
from kafka_do.engines.topic import Topic

__all__ = ["route"]

_OPEN = -1


def route(records: Sequence[IncomingRecord], topic: Topic) -> Sequence[int]:
    """Return each settled record's partition: the one that it names, else its key's, else one for all the others."""
    count = len(topic.logs)
    if are_plain(records):
        if count == 1:
            return [0] * len(records)
        partitions = _of_keys([None if record.key is None else record.key.encode() for record in records], count)  # type: ignore[union-attr]
    else:
        named = [_named(record) for record in records]
        keys = [key_bytes(record) for record in records]
        keyed = _of_keys([key if name == _OPEN else None for key, name in zip(keys, named, strict=True)], count)
        partitions = [key if name == _OPEN else name for key, name in zip(keyed, named, strict=True)]
    if _OPEN not in partitions:
        return partitions
    spread = topic.spread.next(count)
    return [spread if partition == _OPEN else partition for partition in partitions]


def _of_keys(keys: Sequence[bytes | None], count: int) -> list[int]:
    """Return the partition of each key, `_OPEN` where there is none."""
    if None not in keys:
        return partitions_of_keys(keys, count)  # type: ignore[arg-type]
    partitions = iter(partitions_of_keys([key for key in keys if key is not None], count))
    return [_OPEN if key is None else next(partitions) for key in keys]


def _named(record: IncomingRecord) -> int:
    partition = record.partition if isinstance(record, ProduceRecord) else UNSET
    return _OPEN if partition is UNSET else partition
