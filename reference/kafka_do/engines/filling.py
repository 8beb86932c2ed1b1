"""Filling the answer to a fetch, in the order of its items. (FETCH-014, FETCH-015)"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import UnsetType

from kafka_do.core.broker import PartitionFailure
from kafka_do.core.errors import KafkaError
from kafka_do.core.log import LogSlice, OffsetOutOfRangeError, PartitionLog
from kafka_do.core.messages import FetchPosition

__all__ = ["FindLog", "Found", "fill"]

FindLog = Callable[[str, int, str | UnsetType], PartitionLog]
"""Finds a log by topic, partition and, unless that is unset, topic id; raises KafkaError."""


class Found(NamedTuple):
    """The records that were found at a position."""

    position: FetchPosition
    log: PartitionLog
    records: LogSlice


def fill(
    positions: Sequence[FetchPosition], find_log: FindLog, *, max_records: int, max_bytes: int
) -> list[Found | PartitionFailure]:
    """Read at each position until the answer has `max_records` or the next record would bring it above `max_bytes`.

    The text of records is longer than the bytes that count. An answer whose text fits is filled without a look at the
    single records; only one that may not fit is measured exactly.
    """
    found = _read(positions, find_log, max_records)
    if sum(one.records.text_length for one in found if isinstance(one, Found)) <= max_bytes:
        return found
    return _cut(found, max_bytes)


def _read(positions: Sequence[FetchPosition], find_log: FindLog, records_left: int) -> list[Found | PartitionFailure]:
    found: list[Found | PartitionFailure] = []
    for position in positions:
        try:
            log = find_log(position.topic, position.partition, position.topic_id)
            records = log.read(position.offset, records_left)
        except KafkaError as error:
            found.append(PartitionFailure(position.topic, position.partition, error))
        except OffsetOutOfRangeError:
            found.append(PartitionFailure(position.topic, position.partition, _out_of_range(position, log)))
        else:
            records_left -= records.count
            found.append(Found(position, log, records))
    return found


def _cut(found: Sequence[Found | PartitionFailure], bytes_left: int) -> list[Found | PartitionFailure]:
    """End the answer before the record that does not fit, unless that is its first. (FETCH-008)"""
    kept: list[Found | PartitionFailure] = []
    is_first, is_ended = True, False
    for one in found:
        if isinstance(one, PartitionFailure) or not one.records.count:
            kept.append(one)
            continue
        records = one.records.none() if is_ended else one.records.within(bytes_left)
        is_ended = records.count < one.records.count
        if is_first and not records.count:
            records = one.records.first()
        is_first = False
        bytes_left -= records.size
        kept.append(one._replace(records=records))
    return kept


def _out_of_range(position: FetchPosition, log: PartitionLog) -> KafkaError:
    return KafkaError(
        "offset_out_of_range",
        f"offset {position.offset} of {position.topic}/{position.partition} lies outside the log,"
        f" which begins at {log.start_offset} and ends at {log.high_watermark}",
        topic=position.topic,
        partition=position.partition,
        log_start_offset=log.start_offset,
        high_watermark=log.high_watermark,
    )
