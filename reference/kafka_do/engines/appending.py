"""Appending: a request's records checked, written and appended batch by batch, each whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count, repeat

import msgspec
from msgspec import UNSET

from kafka_do.core import json_text
from kafka_do.core.batch import Row, write_batch, write_rows
from kafka_do.core.checks import check_count, check_records
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import ProducerBatch, ProduceResult
from kafka_do.core.plain_records import IncomingRecord, are_plain, not_plain
from kafka_do.core.record_text import is_settled, record_of_message, settle, stored_records
from kafka_do.core.records import size_in_batch
from kafka_do.core.results import Appended, Repeated, Results
from kafka_do.core.retention import expire
from kafka_do.engines.topic import Topic

__all__ = ["Appending", "settled"]

_BYTES_PER_LEVEL = 2  # a bracket that opens and one that closes


def settled(records: Sequence[IncomingRecord], limits: Mapping[str, int]) -> Sequence[IncomingRecord]:
    """Return a request's records as they are read, all of them checked. (PRODUCE-012, PRODUCE-013)

    Raises KafkaError `invalid_request`.
    """
    check_count(records, limits["max_records_per_request"])
    depth = limits["max_json_depth"]
    _check_depth(records, depth)
    if are_plain(records):
        return records
    others = not_plain(records)
    check_records(others)
    return [
        record if is_settled(record) else settle(record, f"/records/{index}", depth)
        for index, record in enumerate(others)
    ]


def _check_depth(records: Sequence[IncomingRecord], depth: int) -> None:
    """Raise KafkaError `invalid_request` for a value that nests too deep, which a short one cannot. (RECORD-007)"""
    if max([len(record.value) for record in records]) <= _BYTES_PER_LEVEL * depth:
        return
    for index, record in enumerate(records):
        if json_text.is_deeper(bytes(record.value), depth):
            record_of_message(record, f"/records/{index}", depth)  # which says what is wrong


class Appending:
    """Appends batches to one topic at one time; `appended` is called with each log that has got records."""

    def __init__(
        self, topic: Topic, limits: Mapping[str, int], now_ms: int, appended: Callable[[PartitionLog], None]
    ) -> None:
        self._topic = topic
        self._limits = limits
        self._now_ms = now_ms
        self._appended = appended

    def append_all(self, records: Sequence[IncomingRecord], partitions: Sequence[int]) -> Results:
        """Append settled records, those of one partition as one batch; return a result for each, in their order."""
        involved = set(partitions)
        if len(involved) == 1:
            return self.append(records, partitions[0])
        records = self._timed(records)
        following = {partition: count(self._base_offset(partition)).__next__ for partition in involved}
        offsets = [following[partition]() for partition in partitions]
        rows = write_rows(records, offsets, self._now_ms)
        batches: dict[int, list[Row]] = {partition: [] for partition in involved}
        for partition, row in zip(partitions, rows, strict=True):
            batches[partition].append(row)
        refused = {partition: self._append(batch, partition) for partition, batch in batches.items()}
        if not any(refused.values()):
            return self._results(records, rows, partitions, offsets)
        errors = {partition: iter(results) for partition, results in refused.items() if results}
        return [
            next(errors[partition]) if partition in errors else ProduceResult(partition, row.offset, row.timestamp_ms)
            for partition, row in zip(partitions, rows, strict=True)
        ]

    def append(self, records: Sequence[IncomingRecord], partition: int) -> Results:
        """Append settled records to one partition as one batch, whole or not at all. (PRODUCE-018)"""
        records = self._timed(records)
        base_offset = self._base_offset(partition)
        offsets = range(base_offset, base_offset + len(records))
        rows = write_rows(records, offsets, self._now_ms)
        refused = self._append(rows, partition)
        return refused or self._results(records, rows, [partition] * len(rows), offsets)

    def append_once(self, records: Sequence[IncomingRecord], partition: int, batch: ProducerBatch) -> Results:
        """Append settled records as a producer's batch, unless they were before. (PRODUCER-004 to PRODUCER-014)"""
        try:
            log = self._topic.log(partition)
        except KafkaError as error:
            return [ProduceResult(error=item_of_error(error))] * len(records)
        log.sequences.forget_idle(self._now_ms, self._limits["producer_expiration_ms"])
        try:
            original = log.sequences.look_up(batch, len(records))
        except KafkaError as error:
            return [self._refusal(error, partition)] * len(records)
        if original is not None:
            offsets = range(original, original + len(records))
            return Repeated(map(ProduceResult, repeat(partition), offsets, log.times(offsets)))
        base_offset = log.high_watermark
        results = self.append(records, partition)
        if log.high_watermark > base_offset:
            log.sequences.remember(batch, len(records), base_offset=base_offset, now_ms=self._now_ms)
        return results

    def _timed(self, records: Sequence[IncomingRecord]) -> Sequence[IncomingRecord]:
        """Return the records without times of their own where the topic does not keep these. (TOPIC-010)"""
        if not self._topic.configs.replaces_timestamps or are_plain(records):
            return records
        return [msgspec.structs.replace(record, timestamp_ms=UNSET) for record in records]

    def _base_offset(self, partition: int) -> int:
        """Return the offset of the next record of a partition; of one that there is not, any."""
        logs = self._topic.logs
        return logs[partition].high_watermark if partition < len(logs) else 0

    def _append(self, rows: Sequence[Row], partition: int) -> list[ProduceResult]:
        """Append a batch, or return for each of its records why it was refused.

        Its text is longer than the bytes that count, so only a batch with a long text is measured.
        """
        try:
            log = self._topic.log(partition)
        except KafkaError as error:
            return [ProduceResult(error=item_of_error(error))] * len(rows)
        configs = self._topic.configs
        if configs.compacts and (refused := self._without_key(rows, partition)):
            return refused
        if configs.bounds_times and (refused := self._out_of_time(rows, partition)):
            return refused
        batch = write_batch(rows)
        if len(batch.text) > min(self._max_record_bytes, self._max_batch_bytes) and (
            refused := self._too_large(batch.text, partition)
        ):
            return refused
        log.close_older_than(self._now_ms - configs.segment_ms)
        log.append(batch, self._now_ms)
        if 0 <= configs.retention_bytes < log.length:
            expire(log, configs, self._now_ms)  # memory is not to fill up until somebody looks
        self._appended(log)
        return []

    @property
    def _max_record_bytes(self) -> int:
        return self._limits["max_record_bytes"]

    @property
    def _max_batch_bytes(self) -> int:
        return min(self._limits["max_batch_bytes"], self._topic.configs.max_message_bytes)

    def _too_large(self, text: bytes, partition: int) -> list[ProduceResult]:
        """Return the errors of a batch that is too large or has a record that is; none for one that fits."""
        sizes = [size_in_batch(record) for record in stored_records(text)]
        if max(sizes) > self._max_record_bytes:
            return self._refused([self._fault_of_size(size) for size in sizes], partition)
        if sum(sizes) > self._max_batch_bytes:
            error = KafkaError(
                "message_too_large",
                f"the batch has {sum(sizes)} bytes; one partition takes {self._max_batch_bytes} at most at once",
                topic=self._topic.name,
                partition=partition,
                max_batch_bytes=self._max_batch_bytes,
            )
            return [ProduceResult(error=item_of_error(error))] * len(sizes)
        return []

    def _fault_of_size(self, size: int) -> KafkaError | None:
        if size <= self._max_record_bytes:
            return None
        return KafkaError(
            "message_too_large",
            f"the record has {size} bytes, more than max_record_bytes, which is {self._max_record_bytes}",
            max_record_bytes=self._max_record_bytes,
        )

    def _without_key(self, rows: Sequence[Row], partition: int) -> list[ProduceResult]:
        """Return the errors of a batch for a compacted topic that has a record without a key. (RETAIN-029)"""
        if all(row.key is not None for row in rows):
            return []
        error = KafkaError("invalid_record", "the topic is compacted: a record has to have a key")
        return self._refused([error if row.key is None else None for row in rows], partition)

    def _out_of_time(self, rows: Sequence[Row], partition: int) -> list[ProduceResult]:
        """Return the errors of a batch that has a record of a time too far away; none otherwise. (TOPIC-025)"""
        faults = [self._fault_of_time(row.timestamp_ms or 0) for row in rows]
        return self._refused(faults, partition) if any(faults) else []

    def _fault_of_time(self, timestamp_ms: int) -> KafkaError | None:
        configs = self._topic.configs
        early_ms = self._now_ms - timestamp_ms
        if -configs.after_max_ms <= early_ms <= configs.before_max_ms:
            return None
        side, allowed_ms = ("before", configs.before_max_ms) if early_ms > 0 else ("after", configs.after_max_ms)
        return KafkaError(
            "invalid_timestamp",
            f"the timestamp lies {abs(early_ms)} ms {side} the server's clock;"
            f" message.timestamp.{side}.max.ms allows {allowed_ms}",
        )

    def _refused(self, faults: Sequence[KafkaError | None], partition: int) -> list[ProduceResult]:
        """Return the errors of a batch: those of the guilty, and that the others were not tried. (PRODUCE-018)"""
        return [self._refusal(fault or _not_attempted(), partition) for fault in faults]

    def _refusal(self, error: KafkaError, partition: int) -> ProduceResult:
        placed = {"topic": self._topic.name, "partition": partition, **error.fields}
        return ProduceResult(error=item_of_error(KafkaError(error.code, error.message, **placed)))

    def _results(
        self,
        records: Sequence[IncomingRecord],
        rows: Sequence[Row],
        partitions: Sequence[int],
        offsets: Sequence[int],
    ) -> Results:
        if are_plain(records) or all(record.timestamp_ms is UNSET for record in not_plain(records)):
            return Appended(partitions, offsets, self._now_ms)
        return [
            ProduceResult(partition, row.offset, row.timestamp_ms)
            for partition, row in zip(partitions, rows, strict=True)
        ]


def _not_attempted() -> KafkaError:
    return KafkaError("not_attempted", "another record of the batch was refused")
