"""The broker in memory: the default, and the reference."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from kafka_do.core.broker import (
    AlterTopic,
    DeleteTopic,
    DescribeTopic,
    Discover,
    FetchPartition,
    ListTopics,
    PartitionFailure,
    PartitionSlice,
    Produce,
    ProducePartition,
)
from kafka_do.core.checks import check_integer, check_parameters, check_records
from kafka_do.core.configs import Configs
from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.log import OffsetOutOfRangeError, PartitionLog
from kafka_do.core.messages import (
    CreateTopicRequest,
    Discovery,
    FetchPosition,
    FetchRequest,
    OffsetQuery,
    OffsetResult,
    OffsetsRequest,
    OffsetsResponse,
    PartitionDescription,
    ServerInfo,
    Topic,
    TopicDescription,
    TopicPage,
)
from kafka_do.core.paging import page_of
from kafka_do.core.partitioner import Spread, partition_of_key
from kafka_do.core.records import Appended, Record, size_in_batch, size_of
from kafka_do.core.topics import check_topic_name
from kafka_do.engines.clock import Clock, Waiter
from kafka_do.spec import SPEC

__all__ = ["MemoryEngine"]

_FETCH_PARAMETERS = ("partition", "offset", "max_records", "max_bytes", "min_bytes", "max_wait_ms")


class _Topic:
    """A topic: its logs by partition number, its configs, and whose turn it is to get records without a key."""

    def __init__(self, name: str, topic_id: str, partition_count: int) -> None:
        self.name = name
        self.topic_id = topic_id
        self.logs = [PartitionLog() for _ in range(partition_count)]
        self.spread = Spread()
        self.configs = Configs()

    def summary(self) -> Topic:
        """Return what a list of topics says. (TOPIC-011)"""
        return Topic(topic=self.name, topic_id=self.topic_id, partition_count=len(self.logs))

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


def _enough(found: list[PartitionSlice | PartitionFailure], min_bytes: int) -> bool:
    """Whether an answer need not wait: it has an error or the bytes that were wanted. (FETCH-012, FETCH-013)"""
    size = 0
    for one in found:
        if isinstance(one, PartitionFailure):
            return True
        size += sum(max(1, size_of(record)) for record in one.records)
    return size >= min_bytes


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


def _record_too_large(topic: _Topic, partition: int, size: int, most: int) -> KafkaError:
    return KafkaError(
        "message_too_large",
        f"the record has {size} bytes, more than max_record_bytes, which is {most}",
        topic=topic.name,
        partition=partition,
        max_record_bytes=most,
    )


class MemoryEngine:
    """A broker that keeps everything in memory. Not safe for use by several threads at once; its callers see to that.

    Discovery tells `limits` and `features`; `clock` gives the time of records without one, `new_id` makes topic ids.
    """

    def __init__(
        self,
        *,
        version: str,
        limits: Mapping[str, int] = SPEC.limits,
        features: Sequence[str] = ("core",),
        clock: Clock,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._version = version
        self._limits = limits
        self._features = features
        self._clock = clock
        self._new_id = new_id
        self._topics: dict[str, _Topic] = {}
        self._waiting: defaultdict[PartitionLog, set[Waiter]] = defaultdict(set)
        self._draining = False

    async def discover(self, request: Discover) -> Discovery:
        """Tell revision, features and limits. (DISCOVERY-001)"""
        return Discovery(
            revision=SPEC.revision,
            server=ServerInfo(name="kafka-do-reference", version=self._version),
            features=list(self._features),
            limits=dict(self._limits),
        )

    async def create_topic(self, request: CreateTopicRequest) -> Topic:
        """Create a topic. (TOPIC-001 to TOPIC-009, TOPIC-023)"""
        check_integer("/partitions", "PartitionCount", request.partitions)
        check_topic_name(request.topic)
        if request.topic in self._topics:
            raise KafkaError("topic_already_exists", f"there is a topic '{request.topic}' already", topic=request.topic)
        self._check_partition_count(request.topic, request.partitions)
        configs = Configs()
        configs.alter(request.configs or {})
        if request.validate_only:
            return Topic(topic=request.topic, topic_id=None, partition_count=request.partitions)
        topic = _Topic(request.topic, self._new_id(), request.partitions)
        topic.configs = configs
        self._topics[topic.name] = topic
        return topic.summary()

    async def list_topics(self, request: ListTopics) -> TopicPage:
        """List topics. (TOPIC-011 to TOPIC-013)"""
        check_parameters("list_topics", {"page_size": request.page_size})
        names, token = page_of(sorted(self._topics), request.page_size, request.page_token)
        return TopicPage(
            topics=[self._topics[name].summary() for name in names],
            next_page_token=msgspec.UNSET if token is None else token,
        )

    async def describe_topic(self, request: DescribeTopic) -> TopicDescription:
        """Describe a topic. (TOPIC-014, TOPIC-015)"""
        return self._topic(request.topic).description()

    async def alter_topic(self, request: AlterTopic) -> TopicDescription:
        """Add partitions or set configs. (TOPIC-015 to TOPIC-019)"""
        topic = self._topic(request.topic)
        partitions, configs = request.change.partitions, request.change.configs
        if (partitions is msgspec.UNSET) == (configs is msgspec.UNSET):
            raise invalid_request([("", "either 'partitions' or 'configs' has to be there, and not both")])
        if partitions is not msgspec.UNSET:
            self._grow(topic, partitions)
        if configs is not msgspec.UNSET:
            topic.configs.alter(configs)
        return topic.description()

    async def delete_topic(self, request: DeleteTopic) -> None:
        """Delete a topic. (TOPIC-015, TOPIC-020 to TOPIC-022)"""
        topic = self._topic(request.topic)
        if request.topic_id not in (None, topic.topic_id):
            raise KafkaError(
                "topic_not_found", f"the topic '{topic.name}' has another id than {request.topic_id}", topic=topic.name
            )
        del self._topics[topic.name]
        for log in topic.logs:
            self._wake(log)

    def _grow(self, topic: _Topic, partitions: int) -> None:
        check_integer("/partitions", "PartitionCount", partitions)
        self._check_partition_count(topic.name, partitions)
        present = len(topic.logs)
        if partitions <= present:
            raise KafkaError(
                "invalid_partitions",
                f"the topic '{topic.name}' has {present} partitions, which cannot become {partitions}: only more",
                topic=topic.name,
            )
        topic.logs += [PartitionLog() for _ in range(partitions - present)]

    def _check_partition_count(self, topic: str, partitions: int) -> None:
        most = self._limits["max_partitions_per_topic"]
        if partitions > most:
            raise KafkaError(
                "invalid_partitions",
                f"a topic has at most {most} partitions here, not {partitions}",
                topic=topic,
                max_partitions_per_topic=most,
            )

    async def produce(self, request: Produce) -> list[Appended | KafkaError]:
        """Append records, those of one partition as one batch. (PRODUCE-001 to PRODUCE-020)"""
        topic = self._topic(request.topic)
        self._check_records(request.records)
        batches: dict[int, list[int]] = defaultdict(list)
        spread: int | None = None
        for index, record in enumerate(request.records):
            if record.partition is not None:
                partition = record.partition
            elif record.key is not None:
                partition = partition_of_key(record.key, len(topic.logs))
            else:
                partition = spread = topic.spread.next(len(topic.logs)) if spread is None else spread
            batches[partition].append(index)
        results: dict[int, Appended | KafkaError] = {}
        for partition, indices in batches.items():
            batch = [request.records[index] for index in indices]
            results.update(zip(indices, self._append(topic, partition, batch), strict=True))
        return [results[index] for index in range(len(request.records))]

    async def produce_partition(self, request: ProducePartition) -> list[Appended | KafkaError]:
        """Append one batch to one partition. (PRODUCE-018 to PRODUCE-021)"""
        topic = self._topic(request.topic)
        check_parameters("produce_partition", {"partition": request.partition})
        self._check_records(request.records)
        return self._append(topic, request.partition, request.records)

    def _check_records(self, records: Sequence[Record]) -> None:
        most = self._limits["max_records_per_request"]
        if not 1 <= len(records) <= most:
            raise invalid_request([("/records", f"a request has 1 to {most} records, not {len(records)}")])
        check_records(records)

    def _append(self, topic: _Topic, partition: int, batch: Sequence[Record]) -> list[Appended | KafkaError]:
        """Append a batch whole or not at all."""
        try:
            log = topic.log(partition)
        except KafkaError as error:
            return [error] * len(batch)
        too_large = self._too_large(topic, partition, [size_in_batch(record) for record in batch])
        if too_large:
            return too_large
        now_ms = self._clock.now_ms()
        if topic.configs["message.timestamp.type"] == "LogAppendTime":
            batch = [msgspec.structs.replace(record, timestamp_ms=now_ms) for record in batch]
        appended = log.append(batch, now_ms)
        self._wake(log)
        return [Appended(partition, stored.offset, stored.timestamp_ms) for stored in appended]

    def _too_large(self, topic: _Topic, partition: int, sizes: list[int]) -> list[Appended | KafkaError]:
        """Return the errors of a batch that is too large or has a record that is; none for one that fits."""
        most = self._limits["max_record_bytes"]
        if max(sizes) > most:
            others = KafkaError(
                "not_attempted", "another record of the batch was refused", topic=topic.name, partition=partition
            )
            return [_record_too_large(topic, partition, size, most) if size > most else others for size in sizes]
        most = min(self._limits["max_batch_bytes"], int(topic.configs["max.message.bytes"]))
        if sum(sizes) > most:
            error = KafkaError(
                "message_too_large",
                f"the batch has {sum(sizes)} bytes; at most {most} are taken at once for one partition",
                topic=topic.name,
                partition=partition,
                max_batch_bytes=most,
            )
            return [error] * len(sizes)
        return []

    async def fetch_partition(self, request: FetchPartition) -> PartitionSlice:
        """Read one partition. (FETCH-001 to FETCH-013)"""
        asked = {parameter: getattr(request, parameter) for parameter in _FETCH_PARAMETERS}
        check_parameters("fetch_partition", asked)
        (found,) = await self.fetch(
            FetchRequest(
                partitions=[FetchPosition(topic=request.topic, partition=request.partition, offset=request.offset)],
                max_records=request.max_records,
                max_bytes=request.max_bytes,
                min_bytes=request.min_bytes,
                max_wait_ms=request.max_wait_ms,
            )
        )
        if isinstance(found, PartitionFailure):
            raise found.error
        return found

    async def fetch(self, request: FetchRequest) -> list[PartitionSlice | PartitionFailure]:
        """Read many partitions, waiting for records if there are none. (FETCH-012 to FETCH-016)"""
        self._check_items(len(request.partitions))
        ends_ms = self._clock.now_ms() + min(request.max_wait_ms, self._limits["max_wait_ms"])
        while True:
            found = self._read(request)
            left_ms = ends_ms - self._clock.now_ms()
            if left_ms <= 0 or self._draining or _enough(found, request.min_bytes):
                return found
            await self._wait(request, left_ms)

    def _read(self, request: FetchRequest) -> list[PartitionSlice | PartitionFailure]:
        """Fill an answer in the order of the items. (FETCH-015)"""
        found: list[PartitionSlice | PartitionFailure] = []
        records_left = request.max_records
        bytes_left = min(request.max_bytes, self._limits["max_fetch_bytes"])
        for position in request.partitions:
            try:
                log = self._topic(position.topic).log(position.partition)
                records = log.read(position.offset, max_records=records_left, max_bytes=bytes_left)
            except KafkaError as error:
                found.append(PartitionFailure(position.topic, position.partition, error))
                continue
            except OffsetOutOfRangeError:
                found.append(PartitionFailure(position.topic, position.partition, _out_of_range(position, log)))
                continue
            size = sum(size_of(record) for record in records)
            if size > bytes_left and records_left < request.max_records:
                records, size = [], 0  # one record that is too large is answered only as the first of all
            records_left -= len(records)
            bytes_left -= size
            found.append(
                PartitionSlice(
                    topic=position.topic,
                    partition=position.partition,
                    records=records,
                    next_offset=records[-1].offset + 1 if records else position.offset,
                    high_watermark=log.high_watermark,
                    log_start_offset=log.start_offset,
                )
            )
        return found

    async def _wait(self, request: FetchRequest, timeout_ms: int) -> None:
        """Wait for an append to one of the partitions, one waiter for all of them."""
        waiter = self._clock.waiter()
        logs = {self._topics[item.topic].logs[item.partition] for item in request.partitions}
        for log in logs:
            self._waiting[log].add(waiter)
        try:
            await waiter.wait(timeout_ms)
        finally:
            for log in logs:
                self._waiting[log].discard(waiter)
                if not self._waiting[log]:
                    del self._waiting[log]

    def _wake(self, log: PartitionLog) -> None:
        for waiter in self._waiting.get(log, ()):
            waiter.wake()

    def drain(self) -> None:
        """Have every waiting fetch answered now, and wait for nothing any more."""
        self._draining = True
        for log in list(self._waiting):
            self._wake(log)

    def _check_items(self, count: int) -> None:
        most = self._limits["max_partitions_per_fetch"]
        if not 1 <= count <= most:
            raise invalid_request([("/partitions", f"a request has 1 to {most}, not {count}")])

    async def list_offsets(self, request: OffsetsRequest) -> OffsetsResponse:
        """Look up offsets. (OFFSETS-001 to OFFSETS-006)"""
        self._check_items(len(request.partitions))
        for index, query in enumerate(request.partitions):
            if (query.at is msgspec.UNSET) == (query.timestamp_ms is msgspec.UNSET):
                place = f"/partitions/{index}"
                raise invalid_request([(place, "either 'at' or 'timestamp_ms' has to be there, and not both")])
        return OffsetsResponse(partitions=[self._offset(query) for query in request.partitions])

    def _offset(self, query: OffsetQuery) -> OffsetResult:
        try:
            log = self._topic(query.topic).log(query.partition)
        except KafkaError as error:
            return OffsetResult(topic=query.topic, partition=query.partition, error=item_of_error(error))
        if query.at == "earliest":
            return OffsetResult(query.topic, query.partition, offset=log.start_offset, timestamp_ms=None)
        if query.at == "latest":
            return OffsetResult(query.topic, query.partition, offset=log.high_watermark, timestamp_ms=None)
        found = (
            log.latest_record() if query.timestamp_ms is msgspec.UNSET else log.first_at_or_after(query.timestamp_ms)
        )
        if found is None:
            return OffsetResult(query.topic, query.partition, offset=None, timestamp_ms=None)
        return OffsetResult(query.topic, query.partition, offset=found.offset, timestamp_ms=found.timestamp_ms)

    def _topic(self, name: str) -> _Topic:
        try:
            return self._topics[name]
        except KeyError:
            raise KafkaError("topic_not_found", f"there is no topic '{name}'", topic=name) from None
