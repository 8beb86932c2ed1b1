"""Checks of what a broker is asked, for callers that do not come by way of the binding. (CONV-006, CONV-007)"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from msgspec import UNSET

from kafka_do.core.errors import invalid_request
from kafka_do.core.messages import Acks, ProducePartitionRecord, ProducerBatch, ProduceRecord, ProducerId
from kafka_do.spec import SPEC

__all__ = ["check_count", "check_integer", "check_items", "check_parameters", "check_producer", "check_records"]

_PRODUCER_ID = re.compile(get_args(ProducerId)[1].pattern)
_FIRST_PARTITION, _LAST_PARTITION = SPEC.ranges["PartitionNumber"]
_FIRST_TIME, _LAST_TIME = SPEC.ranges["TimestampMs"]


def check_integer(pointer: str, kind: str, value: int) -> None:
    """Raise KafkaError `invalid_request` unless `value` is in the range that the specification gives to `kind`."""
    low, high = SPEC.ranges[kind]
    if not low <= value <= high:
        raise invalid_request([(pointer, _range(value, low, high))])


def check_parameters(operation: str, values: Mapping[str, int]) -> None:
    """Raise KafkaError `invalid_request` unless integers are in the ranges of an operation's parameters."""
    faults = [
        (f"?{parameter.name}", _range(values[parameter.name], parameter.minimum, parameter.maximum))
        for parameter in SPEC.operations[operation].parameters
        if parameter.name in values
        and parameter.minimum is not None
        and parameter.maximum is not None
        and not parameter.minimum <= values[parameter.name] <= parameter.maximum
    ]
    if faults:
        raise invalid_request(faults)


def check_count(records: Sequence[object], most: int) -> None:
    """Raise KafkaError `invalid_request` unless a request has from one to `most` records. (PRODUCE-012, PRODUCE-013)"""
    if not 1 <= len(records) <= most:
        raise invalid_request([("/records", f"a request has 1 to {most} records, not {len(records)}")])


def check_items(count: int, limits: Mapping[str, int]) -> None:
    """Raise KafkaError `invalid_request` unless a request asks about one to `max_partitions_per_fetch`. (FETCH-016)"""
    most = limits["max_partitions_per_fetch"]
    if not 1 <= count <= most:
        raise invalid_request([("/partitions", f"a request has 1 to {most}, not {count}")])


def check_producer(batch: ProducerBatch, acks: Acks) -> None:
    """Raise KafkaError `invalid_request` for a producer's batch that the form does not allow. (PRODUCER-002, -015)"""
    if acks == "none":
        raise invalid_request([("/acks", "with 'producer' it has to be all or leader")])
    if not _PRODUCER_ID.fullmatch(batch.id):
        raise invalid_request([("/producer/id", "1 to 18 decimal digits without leading zeros")])
    check_integer("/producer/epoch", "ProducerEpoch", batch.epoch)
    check_integer("/producer/base_sequence", "SequenceNumber", batch.base_sequence)


def check_records(records: Sequence[ProduceRecord | ProducePartitionRecord]) -> None:
    """Raise KafkaError `invalid_request` for records that JSON could not have said."""
    faults = list(_record_faults(records))
    if faults:
        raise invalid_request(faults)


def _record_faults(records: Sequence[ProduceRecord | ProducePartitionRecord]) -> Iterator[tuple[str, str]]:
    for index, record in enumerate(records):
        partition = record.partition if isinstance(record, ProduceRecord) else UNSET
        if partition is not UNSET and not _FIRST_PARTITION <= partition <= _LAST_PARTITION:
            yield f"/records/{index}/partition", _range(partition, _FIRST_PARTITION, _LAST_PARTITION)
        if record.timestamp_ms is not UNSET and not _FIRST_TIME <= record.timestamp_ms <= _LAST_TIME:
            yield f"/records/{index}/timestamp_ms", _range(record.timestamp_ms, _FIRST_TIME, _LAST_TIME)
        for position, header in enumerate(record.headers):
            try:
                header.key.encode()
            except UnicodeEncodeError:
                yield f"/records/{index}/headers/{position}/key", "not Unicode text: it has a lone surrogate"


def _range(value: int, low: int | None, high: int | None) -> str:
    return f"{value} is not in the range {low} to {high}"
