"""Committed offsets of the broker in memory: stored, asked for, set anew."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import UNSET

from kafka_do.core.broker import CommitOffsets, DescribeGroup, QueryOffsets, ResetOffsets
from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.core.groups.committed import Committed, lag_of
from kafka_do.core.groups.group import Group, unknown_member
from kafka_do.core.groups.member import Member
from kafka_do.core.groups.partitions import Partition
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import (
    CommitQueryResponse,
    CommitResult,
    GroupDescription,
    GroupOffset,
    OffsetToCommit,
    ResetItem,
    ResetResult,
)
from kafka_do.engines.groups import Groups, check_empty, check_group_id
from kafka_do.engines.topic import Topic

__all__ = ["GroupOffsets"]

Place = tuple[str, int]


class _Placed(Protocol):
    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


class _FindTopic(Protocol):
    def __call__(self, name: str, topic_id: str | None = None, /) -> Topic: ...


class GroupOffsets:
    """The operations on committed offsets. `topic` finds a topic or raises `topic_not_found`."""

    def __init__(self, groups: Groups, topic: _FindTopic, limits: Mapping[str, int]) -> None:
        self._groups = groups
        self._topic = topic
        self._limits = limits

    def commit(self, request: CommitOffsets) -> list[CommitResult]:
        """Store offsets, each on its own. (COMMIT-001 to COMMIT-014)"""
        check_group_id(request.group)
        items = request.request.offsets
        self._check_items("/offsets", items)
        group = self._groups.find(request.group)
        committer = request.request.member
        if committer is UNSET:
            group = group or self._groups.new(request.group)
            check_empty(group)
            results = [self._store(group, item, None, 0) for item in items]
        else:
            if group is None:
                raise unknown_member(request.group, committer.id)
            member = group.member(committer.id)
            results = [self._store(group, item, member, committer.epoch) for item in items]
        if any(result.error is UNSET for result in results):
            self._groups.keep(group)
        return results

    def query(self, request: QueryOffsets) -> CommitQueryResponse:
        """Tell commits and lag. (COMMIT-015 to COMMIT-019)"""
        check_group_id(request.group)
        group = self._groups.find(request.group)
        if request.request.partitions is UNSET:
            places: Sequence[Place] = [] if group is None else sorted(group.committed)
        else:
            self._check_count("/partitions", len(request.request.partitions))
            places = [(item.topic, item.partition) for item in request.request.partitions]
        return CommitQueryResponse(partitions=[self._committed(group, *place) for place in places])

    def describe(self, request: DescribeGroup) -> GroupDescription:
        """Describe a group. (GROUP-041 to GROUP-044)"""
        group = self._groups.get(request.group)
        offsets = [self._committed(group, *place) for place in sorted(self._places(group))]
        return GroupDescription(
            group=group.ident,
            type="consumer",
            state=group.state,
            group_epoch=group.epoch,
            assignor=group.assignor,
            members=self._groups.members(group),
            offsets=offsets,
            total_lag=sum(one.lag for one in offsets if one.lag is not UNSET),
        )

    def reset(self, request: ResetOffsets) -> list[ResetResult]:
        """Commit other offsets, all or none. (COMMIT-020 to COMMIT-026)"""
        check_group_id(request.group)
        items = request.request.partitions
        self._check_items("/partitions", items)
        for index, item in enumerate(items):
            if [item.at, item.offset, item.timestamp_ms].count(UNSET) != 2:  # noqa: PLR2004  all but one
                fault = "one of 'at', 'offset' and 'timestamp_ms' has to be there, and no other"
                raise invalid_request([(f"/partitions/{index}", fault)])
        group = self._groups.get(request.group)
        check_empty(group)
        found = [self._target(item) for item in items]
        if any(isinstance(target, KafkaError) for target in found):
            return [_not_reset(item, target) for item, target in zip(items, found, strict=True)]
        results = []
        for item, target in zip(items, found, strict=True):
            if isinstance(target, Committed):
                if not request.request.dry_run:
                    group.committed[item.topic, item.partition] = target
                results.append(ResetResult(item.topic, item.partition, offset=target.offset))
        self._groups.keep(group)
        return results

    def _store(self, group: Group, item: OffsetToCommit, member: Member | None, epoch: int) -> CommitResult:
        try:
            topic = self._topic(item.topic, None if item.topic_id is UNSET else item.topic_id)
            topic.log(item.partition)
            self._check_metadata(group, item)
            if member is not None:
                _check_epoch(group, member, epoch, topic, item.partition)
        except KafkaError as error:
            return CommitResult(item.topic, item.partition, error=item_of_error(error))
        group.committed[item.topic, item.partition] = Committed(topic.topic_id, item.offset, item.metadata)
        return CommitResult(item.topic, item.partition)

    def _check_metadata(self, group: Group, item: OffsetToCommit) -> None:
        size, most = len(item.metadata.encode()), self._limits["max_offset_metadata_bytes"]
        if size > most:
            raise KafkaError(
                "offset_metadata_too_large",
                f"the metadata has {size} bytes, more than max_offset_metadata_bytes, which is {most}",
                group=group.ident,
                topic=item.topic,
                partition=item.partition,
            )

    def _check_items(self, pointer: str, items: Sequence[_Placed]) -> None:
        """Raise KafkaError `invalid_request` for too many items, or a partition twice. (COMMIT-006, COMMIT-026)"""
        self._check_count(pointer, len(items))
        seen: set[Place] = set()
        for index, item in enumerate(items):
            if (item.topic, item.partition) in seen:
                fault = f"the partition {item.topic}/{item.partition} stands twice"
                raise invalid_request([(f"{pointer}/{index}", fault)])
            seen.add((item.topic, item.partition))

    def _check_count(self, pointer: str, count: int) -> None:
        most = self._limits["max_partitions_per_fetch"]
        if not 1 <= count <= most:
            raise invalid_request([(pointer, f"a request has 1 to {most}, not {count}")])

    def _places(self, group: Group) -> Iterable[Place]:
        yield from group.committed
        for name, view in group.topics.items():
            yield from (
                (name, number) for number in range(view.partition_count) if (name, number) not in group.committed
            )

    def _committed(self, group: Group | None, topic: str, partition: int) -> GroupOffset:
        try:
            log = self._topic(topic).log(partition)
        except KafkaError as error:
            return GroupOffset(topic, partition, error=item_of_error(error))
        committed = None if group is None else group.committed.get((topic, partition))
        lag, lag_from = lag_of(committed, log.start_offset, log.high_watermark)
        return GroupOffset(
            topic,
            partition,
            committed_offset=None if committed is None else committed.offset,
            metadata=None if committed is None else committed.metadata,
            log_start_offset=log.start_offset,
            high_watermark=log.high_watermark,
            lag=lag,
            lag_from=lag_from,
        )

    def _target(self, item: ResetItem) -> Committed | KafkaError:
        """Return what an item means, or why it cannot be. (COMMIT-020, COMMIT-022, COMMIT-024)"""
        try:
            topic = self._topic(item.topic)
            log = topic.log(item.partition)
            return Committed(topic.topic_id, _offset(item, log), "")
        except KafkaError as error:
            return error


def _offset(item: ResetItem, log: PartitionLog) -> int:
    if item.at == "earliest":
        return log.start_offset
    if item.at == "latest":
        return log.high_watermark
    if item.timestamp_ms is not UNSET:
        found = log.first_at_or_after(item.timestamp_ms)
        return log.high_watermark if found is None else found.offset
    offset = 0 if item.offset is UNSET else item.offset
    if not log.start_offset <= offset <= log.high_watermark:
        raise KafkaError(
            "offset_out_of_range",
            f"offset {offset} of {item.topic}/{item.partition} lies outside the log, which begins at"
            f" {log.start_offset} and ends at {log.high_watermark}",
            topic=item.topic,
            partition=item.partition,
            log_start_offset=log.start_offset,
            high_watermark=log.high_watermark,
        )
    return offset


def _check_epoch(group: Group, member: Member, epoch: int, topic: Topic, partition: int) -> None:
    """Raise KafkaError `rebalance_in_progress` for a commit of another time. (COMMIT-008 to COMMIT-011, GROUP-061)"""
    if epoch == member.epoch and not member.is_away:
        return
    if not member.is_away and member.was_assigned_at(Partition(topic.topic_id, partition), epoch):
        return
    raise KafkaError(
        "rebalance_in_progress",
        member.deny(epoch),
        group=group.ident,
        member=member.ident,
        topic=topic.name,
        partition=partition,
        **member.told_epoch,
    )


def _not_reset(item: ResetItem, target: Committed | KafkaError) -> ResetResult:
    if isinstance(target, Committed):
        target = KafkaError(
            "not_attempted", "another item of the reset was refused", topic=item.topic, partition=item.partition
        )
    return ResetResult(item.topic, item.partition, error=item_of_error(target))
