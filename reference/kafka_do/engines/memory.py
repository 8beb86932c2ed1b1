"""The broker in memory: the default, and the reference."""

import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence

import msgspec

from kafka_do.core.broker import (
    AllocateProducer,
    AlterTopic,
    CommitOffsets,
    DeleteGroup,
    DeleteRecords,
    DeleteTopic,
    DescribeGroup,
    DescribeTopic,
    Discover,
    FetchPartition,
    Heartbeat,
    LeaveGroup,
    ListGroups,
    ListTopics,
    PartitionFailure,
    PartitionSlice,
    Produce,
    ProducePartition,
    QueryOffsets,
    ResetOffsets,
)
from kafka_do.core.checks import check_integer, check_parameters, check_producer
from kafka_do.core.configs import Configs
from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import (
    CommitQueryResponse,
    CommitResult,
    CreateTopicRequest,
    DeletedRecords,
    Discovery,
    FetchRequest,
    GroupDescription,
    GroupPage,
    HeartbeatResponse,
    OffsetQuery,
    OffsetResult,
    OffsetsRequest,
    OffsetsResponse,
    Producer,
    ResetResult,
    ServerInfo,
    TopicDescription,
    TopicPage,
)
from kafka_do.core.messages import Topic as TopicSummary
from kafka_do.core.paging import page_of
from kafka_do.core.results import Appended, Results
from kafka_do.core.topics import check_topic_name
from kafka_do.engines.appending import Appending, settled
from kafka_do.engines.cleaning import Cleaning
from kafka_do.engines.clock import Clock
from kafka_do.engines.deleting import check_request, delete_records
from kafka_do.engines.filling import Found, fill
from kafka_do.engines.group_offsets import GroupOffsets
from kafka_do.engines.groups import Groups
from kafka_do.engines.routing import route
from kafka_do.engines.topic import Topic
from kafka_do.engines.waiting import WaitingRoom
from kafka_do.spec import SPEC

__all__ = ["AT_ONCE", "AUTO_CREATE_TOPICS", "GROUPS", "PRODUCERS", "RETENTION", "MemoryEngine"]

_FETCH_PARAMETERS = ("partition", "offset", "max_records", "max_bytes", "min_bytes", "max_wait_ms")
AUTO_CREATE_TOPICS = "auto_create_topics"
PRODUCERS = "producers"
GROUPS = "groups"
RETENTION = "retention"
AT_ONCE = ("produce", "produce_partition", "heartbeat", "commit_offsets")
"""Operations that never wait, of those that are called often."""
_PRODUCER_IDS = 10**18
_DEFAULT_PARTITIONS = CreateTopicRequest(topic="").partitions


def _new_producer_id() -> str:
    """Return an id that nobody has: also clients of a server that was started anew keep theirs. (PRODUCER-001)"""
    return str(secrets.randbelow(_PRODUCER_IDS))


class MemoryEngine:
    """A broker that keeps everything in memory. Not safe for use by several threads at once; its callers see to that.

    Discovery tells `limits` and `features`; `clock` gives the time of records without one, `new_id` makes topic ids and
    `new_producer_id` those of producers.
    With the feature `auto_create_topics` producing creates the topics that it names. (PRODUCE-024)
    """

    def __init__(
        self,
        *,
        version: str,
        limits: Mapping[str, int] = SPEC.limits,
        features: Sequence[str] = ("core", AUTO_CREATE_TOPICS, PRODUCERS, GROUPS, RETENTION),
        clock: Clock,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        new_producer_id: Callable[[], str] = _new_producer_id,
    ) -> None:
        self._version = version
        self._limits = limits
        self._features = features
        self._clock = clock
        self._new_id = new_id
        self._new_producer_id = new_producer_id
        self._topics: dict[str, Topic] = {}
        self._waiting = WaitingRoom(clock)
        self._cleaning = Cleaning(
            self._topics, interval_ms=limits["retention_delay_ms"] // 2, clock=clock, removed=self._waiting.wake
        )
        self._groups = Groups(find_topic=self._topics.get, limits=limits, clock=clock)
        self._offsets = GroupOffsets(self._groups, self._topic, limits)

    async def discover(self, request: Discover) -> Discovery:
        """Tell revision, features and limits. (DISCOVERY-001)"""
        return Discovery(
            revision=SPEC.revision,
            server=ServerInfo(name="kafka-do-reference", version=self._version),
            features=list(self._features),
            limits=dict(self._limits),
        )

    async def create_topic(self, request: CreateTopicRequest) -> TopicSummary:
        """Create a topic. (TOPIC-001 to TOPIC-009, TOPIC-023)"""
        check_integer("/partitions", "PartitionCount", request.partitions)
        check_topic_name(request.topic)
        if request.topic in self._topics:
            raise KafkaError("topic_already_exists", f"there is a topic '{request.topic}' already", topic=request.topic)
        self._check_partition_count(request.topic, request.partitions)
        configs = Configs(self._features)
        configs.alter(request.configs or {})
        if request.validate_only:
            return TopicSummary(topic=request.topic, topic_id=None, partition_count=request.partitions)
        topic = Topic(request.topic, self._new_id(), request.partitions, configs)
        self._topics[topic.name] = topic
        self._groups.topics_changed()
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
            check_integer("/partitions", "PartitionCount", partitions)
            self._check_partition_count(topic.name, partitions)
            topic.grow(partitions)
            self._groups.topics_changed()
        if configs is not msgspec.UNSET:
            topic.configs.alter(configs)
        return topic.description()

    async def delete_topic(self, request: DeleteTopic) -> None:
        """Delete a topic. (TOPIC-015, TOPIC-020 to TOPIC-022)"""
        topic = self._topic(request.topic, request.topic_id)
        del self._topics[topic.name]
        self._groups.forget_topic(topic.name)
        self._wake(topic)

    async def delete_records(self, request: DeleteRecords) -> list[DeletedRecords]:
        """Delete the first records of partitions. (RETAIN-014 to RETAIN-021)"""
        if RETENTION not in self._features:
            raise KafkaError("unsupported_feature", "this server does not delete records", feature=RETENTION)
        asked = request.request
        self._check_items(len(asked.partitions))
        check_request(asked)
        topic = self._topic(request.topic, None if asked.topic_id is msgspec.UNSET else asked.topic_id)
        return delete_records(topic, asked, self._waiting.wake)

    def tend(self) -> int:
        """Do a little of what time brings; return in how many milliseconds there is more to do, 0 for at once.

        Whoever drives the engine calls it again and again. No call takes long. (RETAIN-004)
        """
        return self._cleaning.step() if RETENTION in self._features else self._limits["retention_delay_ms"]

    def _wake(self, topic: Topic) -> None:
        """Have whoever waits for a topic look again."""
        for log in topic.logs:
            self._waiting.wake(log)

    def _check_partition_count(self, topic: str, partitions: int) -> None:
        most = self._limits["max_partitions_per_topic"]
        if partitions > most:
            raise KafkaError(
                "invalid_partitions",
                f"a topic has at most {most} partitions here, not {partitions}",
                topic=topic,
                max_partitions_per_topic=most,
            )

    async def produce(self, request: Produce) -> Results:
        """Append records, those of one partition as one batch. (PRODUCE-001 to PRODUCE-026)"""
        topic = self._topic_to_append(request.topic, request.topic_id)
        records = settled(request.records, self._limits)
        results = self._appending(topic).append_all(records, route(records, topic))
        self._keep(topic, results)
        return results

    async def produce_partition(self, request: ProducePartition) -> Results:
        """Append one batch to one partition. (PRODUCE-018 to PRODUCE-026)"""
        topic = self._topic_to_append(request.topic, request.topic_id)
        check_parameters("produce_partition", {"partition": request.partition})
        if request.producer is not None:
            self._offers_producers()
            check_producer(request.producer, request.acks)
        records = settled(request.records, self._limits)
        appending = self._appending(topic)
        if request.producer is None:
            results = appending.append(records, request.partition)
        else:
            results = appending.append_once(records, request.partition, request.producer)
        self._keep(topic, results)
        return results

    async def allocate_producer(self, request: AllocateProducer) -> Producer:
        """Allocate a producer id; nothing is kept of it. (PRODUCER-001)"""
        self._offers_producers()
        return Producer(id=self._new_producer_id(), epoch=0)

    def _offers_producers(self) -> None:
        if PRODUCERS not in self._features:
            raise KafkaError(
                "unsupported_feature", "this server does not offer idempotent producers", feature=PRODUCERS
            )

    def _topic_to_append(self, name: str, topic_id: str | None) -> Topic:
        """Return a topic, where topics are created by producing also one that is not there yet. (PRODUCE-010, -026)

        A topic that has to have an id is not created. (PRODUCE-027)
        """
        if name in self._topics or topic_id is not None or AUTO_CREATE_TOPICS not in self._features:
            return self._topic(name, topic_id)
        check_topic_name(name)
        return Topic(name, self._new_id(), _DEFAULT_PARTITIONS, Configs(self._features))

    def _keep(self, topic: Topic, results: Results) -> None:
        """Keep a topic to which something was appended. (PRODUCE-024, PRODUCE-025)"""
        if topic.name not in self._topics and (
            isinstance(results, Appended) or any(result.error is msgspec.UNSET for result in results)
        ):
            self._topics[topic.name] = topic
            self._groups.topics_changed()

    def _appending(self, topic: Topic) -> Appending:
        return Appending(topic, self._limits, self._clock.now_ms(), self._waiting.wake)

    async def fetch_partition(self, request: FetchPartition) -> PartitionSlice:
        """Read one partition. (FETCH-001 to FETCH-013)"""
        asked = {parameter: getattr(request, parameter) for parameter in _FETCH_PARAMETERS}
        check_parameters("fetch_partition", asked)
        (found,) = await self.fetch(request.as_request(request.offset))
        if isinstance(found, PartitionFailure):
            raise found.error
        return found

    async def fetch(self, request: FetchRequest) -> list[PartitionSlice | PartitionFailure]:
        """Read many partitions, waiting for records if there are none. (FETCH-012 to FETCH-016)"""
        self._check_items(len(request.partitions))
        ends_ms = self._clock.now_ms() + min(request.max_wait_ms, self._limits["max_wait_ms"])
        max_bytes = min(request.max_bytes, self._limits["max_fetch_bytes"])
        while True:
            found = fill(request.partitions, self._log, max_records=request.max_records, max_bytes=max_bytes)
            left_ms = ends_ms - self._clock.now_ms()
            if left_ms <= 0 or self._waiting.is_closed or _enough(found, request.min_bytes):
                return [one if isinstance(one, PartitionFailure) else _slice(one) for one in found]
            await self._waiting.wait({one.log for one in found if isinstance(one, Found)}, left_ms)

    def reset(self) -> None:
        """Forget every topic and every group, as if each were deleted. (CONTROL-012)"""
        topics = list(self._topics.values())
        self._topics.clear()
        self._groups.clear()
        for topic in topics:
            self._wake(topic)

    def drain(self) -> None:
        """Have every waiting fetch answered now, and wait for nothing any more."""
        self._waiting.close()

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

    async def heartbeat(self, request: Heartbeat) -> HeartbeatResponse:
        """Join a group or stay in it. (GROUP-002 to GROUP-040)"""
        return self._groups.heartbeat(request)

    async def leave_group(self, request: LeaveGroup) -> None:
        """Leave a group. (GROUP-029, GROUP-030, GROUP-036)"""
        self._groups.leave(request)

    async def list_groups(self, request: ListGroups) -> GroupPage:
        """List groups. (GROUP-045)"""
        return self._groups.page(request)

    async def describe_group(self, request: DescribeGroup) -> GroupDescription:
        """Describe a group. (GROUP-041 to GROUP-044)"""
        return self._offsets.describe(request)

    async def delete_group(self, request: DeleteGroup) -> None:
        """Delete a group. (GROUP-044, GROUP-046, GROUP-047)"""
        self._groups.delete(request)

    async def commit_offsets(self, request: CommitOffsets) -> list[CommitResult]:
        """Commit offsets. (COMMIT-001 to COMMIT-014)"""
        return self._offsets.commit(request)

    async def query_offsets(self, request: QueryOffsets) -> CommitQueryResponse:
        """Tell commits and lag. (COMMIT-015 to COMMIT-019)"""
        return self._offsets.query(request)

    async def reset_offsets(self, request: ResetOffsets) -> list[ResetResult]:
        """Commit other offsets. (COMMIT-020 to COMMIT-026)"""
        return self._offsets.reset(request)

    def _topic(self, name: str, topic_id: str | None = None) -> Topic:
        """Return a topic; raises KafkaError `topic_not_found` also where it has another id than `topic_id`."""
        try:
            topic = self._topics[name]
        except KeyError:
            raise KafkaError("topic_not_found", f"there is no topic '{name}'", topic=name) from None
        if topic_id not in (None, topic.topic_id):
            raise KafkaError("topic_not_found", f"the topic '{name}' has another id than {topic_id}", topic=name)
        return topic

    def _log(self, name: str, partition: int, topic_id: str | msgspec.UnsetType) -> PartitionLog:
        return self._topic(name, None if topic_id is msgspec.UNSET else topic_id).log(partition)


def _enough(found: list[Found | PartitionFailure], min_bytes: int) -> bool:
    """Whether an answer need not wait: it has an error or the bytes that were wanted. (FETCH-012, FETCH-013)"""
    if any(isinstance(one, PartitionFailure) for one in found):
        return True
    records = [one.records for one in found if isinstance(one, Found) and one.records.count]
    if min_bytes <= 1:
        return min_bytes == 0 or bool(records)
    return sum(max(one.count, one.size) for one in records) >= min_bytes


def _slice(found: Found) -> PartitionSlice:
    return PartitionSlice(
        topic=found.position.topic,
        partition=found.position.partition,
        records=msgspec.Raw(found.records.text),
        next_offset=found.records.next_offset,
        high_watermark=found.log.high_watermark,
        log_start_offset=found.log.start_offset,
    )
