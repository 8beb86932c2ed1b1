"""A broker as somebody sees it whose key does not allow everything. (SCOPE-001 to SCOPE-009)

What a request's path names is checked before; here are the operations that name topics in their bodies, and the lists.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from kafka_do.core.broker import (
    Broker,
    CommitOffsets,
    DescribeGroup,
    Heartbeat,
    ListGroups,
    ListTopics,
    PartitionFailure,
    PartitionSlice,
    Produce,
    ProducePartition,
    QueryOffsets,
    ResetOffsets,
)
from kafka_do.core.checks import check_items
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.messages import (
    CommitQueryResponse,
    CommitResult,
    FetchRequest,
    GroupDescription,
    GroupOffset,
    GroupPage,
    HeartbeatResponse,
    ItemError,
    OffsetResult,
    OffsetsRequest,
    OffsetsResponse,
    ResetResult,
    TopicPage,
)
from kafka_do.core.results import Results
from kafka_do.core.rights import Rights, forbidden_topic
from kafka_do.spec import SPEC

__all__ = ["restricted"]

A = TypeVar("A")  # the answer to an item


def restricted(broker: Broker, rights: Rights, limits: Mapping[str, int], operation: str, asked: Any) -> Broker:
    """Return the broker to ask for one operation; raises KafkaError `forbidden`. (SCOPE-001)"""
    if rights.is_everything:
        return broker
    rights.check(SPEC.operations[operation], topic=getattr(asked, "topic", None), group=getattr(asked, "group", None))
    return _Restricted(broker, rights, limits)


class _Restricted:
    """A broker that shows and does only what `rights` allow."""

    def __init__(self, broker: Broker, rights: Rights, limits: Mapping[str, int]) -> None:
        self._broker = broker
        self._rights = rights
        self._limits = limits

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._broker, operation)

    async def list_topics(self, request: ListTopics) -> TopicPage:
        """List the topics of the key. (SCOPE-004)"""
        names = self._rights.visible(self._rights.topics, SPEC.operations["list_topics"].access.topic)
        return await self._broker.list_topics(msgspec.structs.replace(request, among=names))

    async def list_groups(self, request: ListGroups) -> GroupPage:
        """List the groups of the key. (SCOPE-004)"""
        names = self._rights.visible(self._rights.groups, SPEC.operations["list_groups"].access.group)
        return await self._broker.list_groups(msgspec.structs.replace(request, among=names))

    async def produce(self, request: Produce) -> Results:
        """Append records, to a new topic only with the right to create it. (SCOPE-009)"""
        return await self._broker.produce(msgspec.structs.replace(request, may_create=self._may_create(request.topic)))

    async def produce_partition(self, request: ProducePartition) -> Results:
        """Append a batch, to a new topic only with the right to create it. (SCOPE-009)"""
        may_create = self._may_create(request.topic)
        return await self._broker.produce_partition(msgspec.structs.replace(request, may_create=may_create))

    async def fetch(self, request: FetchRequest) -> list[PartitionSlice | PartitionFailure]:
        """Read the partitions that the key allows; the others fail, so that there is no waiting. (SCOPE-005)"""
        check_items(len(request.partitions), self._limits)

        async def ask(partitions: Sequence[Any]) -> list[PartitionSlice | PartitionFailure]:
            fewer = len(partitions) < len(request.partitions)
            wait_ms = 0 if fewer else request.max_wait_ms
            return await self._broker.fetch(
                msgspec.structs.replace(request, partitions=list(partitions), max_wait_ms=wait_ms)
            )

        scopes = SPEC.operations["fetch"].access.topic
        return await self._each(
            request.partitions,
            scopes,
            ask,
            lambda item: PartitionFailure(item.topic, item.partition, forbidden_topic(item.topic, scopes)),
        )

    async def list_offsets(self, request: OffsetsRequest) -> OffsetsResponse:
        """Look up the offsets that the key allows. (SCOPE-005)"""
        check_items(len(request.partitions), self._limits)

        async def ask(partitions: Sequence[Any]) -> Sequence[OffsetResult]:
            return (await self._broker.list_offsets(OffsetsRequest(partitions=list(partitions)))).partitions

        scopes = SPEC.operations["list_offsets"].access.topic
        return OffsetsResponse(await self._each(request.partitions, scopes, ask, _refusal(OffsetResult, scopes)))

    async def heartbeat(self, request: Heartbeat) -> HeartbeatResponse:
        """Join a group for topics that the key allows, all of them. (SCOPE-008)"""
        self._check_all(request.request.topics, SPEC.operations["heartbeat"].access.topic)
        return await self._broker.heartbeat(request)

    async def describe_group(self, request: DescribeGroup) -> GroupDescription:
        """Describe a group, of the topics those of the key. (SCOPE-004)"""
        found = await self._broker.describe_group(request)
        scopes = SPEC.operations["query_offsets"].access.topic
        offsets = [one for one in found.offsets if self._rights.allow_topic(one.topic, scopes)]
        members = [
            msgspec.structs.replace(
                member,
                topics=[topic for topic in member.topics if self._rights.allow_topic(topic, scopes)],
                assignment=[one for one in member.assignment if self._rights.allow_topic(one.topic, scopes)],
            )
            for member in found.members
        ]
        total_lag = sum(one.lag for one in offsets if one.lag is not UNSET)
        return msgspec.structs.replace(found, members=members, offsets=offsets, total_lag=total_lag)

    async def commit_offsets(self, request: CommitOffsets) -> list[CommitResult]:
        """Commit the offsets that the key allows. (SCOPE-006)"""

        async def ask(offsets: Sequence[Any]) -> Sequence[CommitResult]:
            fewer = msgspec.structs.replace(request.request, offsets=list(offsets))
            return await self._broker.commit_offsets(CommitOffsets(request.group, fewer))

        scopes = SPEC.operations["commit_offsets"].access.topic
        return await self._each(request.request.offsets, scopes, ask, _refusal(CommitResult, scopes))

    async def query_offsets(self, request: QueryOffsets) -> CommitQueryResponse:
        """Tell the commits that the key allows, of a whole group without a list. (SCOPE-004, SCOPE-005)"""
        scopes = SPEC.operations["query_offsets"].access.topic
        wanted = request.request.partitions
        if wanted is UNSET:
            answer = await self._broker.query_offsets(request)
            return CommitQueryResponse(
                [one for one in answer.partitions if self._rights.allow_topic(one.topic, scopes)]
            )

        async def ask(partitions: Sequence[Any]) -> Sequence[GroupOffset]:
            fewer = msgspec.structs.replace(request.request, partitions=list(partitions))
            return (await self._broker.query_offsets(QueryOffsets(request.group, fewer))).partitions

        return CommitQueryResponse(await self._each(wanted, scopes, ask, _refusal(GroupOffset, scopes)))

    async def reset_offsets(self, request: ResetOffsets) -> list[ResetResult]:
        """Commit other offsets, if the key allows all. (SCOPE-007)"""
        topics = [item.topic for item in request.request.partitions]
        self._check_all(topics, SPEC.operations["reset_offsets"].access.topic)
        return await self._broker.reset_offsets(request)

    def _may_create(self, topic: str) -> bool:
        return self._rights.allow_topic(topic, SPEC.operations["create_topic"].access.topic)

    def _check_all(self, topics: Sequence[str], scopes: Sequence[str]) -> None:
        for topic in topics:
            if not self._rights.allow_topic(topic, scopes):
                raise forbidden_topic(topic, scopes)

    async def _each(
        self,
        items: Sequence[Any],
        scopes: Sequence[str],
        ask: Callable[[Sequence[Any]], Awaitable[Sequence[A]]],
        refuse: Callable[[Any], A],
    ) -> list[A]:
        """Return the answers to items in their order: the broker's to what is allowed, refusals of the others."""
        allowed = [item for item in items if self._rights.allow_topic(item.topic, scopes)]
        answers = iter(await ask(allowed) if allowed else ())
        return [next(answers) if self._rights.allow_topic(item.topic, scopes) else refuse(item) for item in items]


def _refusal(answer: Callable[..., A], scopes: Sequence[str]) -> Callable[[Any], A]:
    def refuse(item: Any) -> A:
        error: ItemError = item_of_error(forbidden_topic(item.topic, scopes))
        return answer(item.topic, item.partition, error=error)

    return refuse
