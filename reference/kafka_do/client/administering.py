"""Administration of topics and groups: what is asked, and what is made of answers that were lost.

(chapter errors.md, "When a request may be sent again")
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from msgspec import UNSET

from kafka_do.client.messages import Instant, milliseconds
from kafka_do.client.session import Session
from kafka_do.core.broker import (
    AlterTopic,
    Broker,
    DeleteGroup,
    DeleteRecords,
    DeleteTopic,
    DescribeGroup,
    DescribeTopic,
    ListGroups,
    ListTopics,
    ResetOffsets,
)
from kafka_do.core.errors import KafkaError, decisive
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import (
    AlterTopicRequest,
    CreateTopicRequest,
    DeletedRecords,
    DeleteRecordsRequest,
    GroupDescription,
    GroupState,
    GroupSummary,
    RecordsToDelete,
    ResetItem,
    ResetRequest,
    ResetResult,
    Topic,
    TopicDescription,
)
from kafka_do.spec import SPEC

__all__ = ["Administering", "ResetTo"]

ResetTo = Literal["earliest", "latest"] | Instant
"""Where a group is to go on: a place by name, the first record of a `datetime` or later, or an offset."""

C = TypeVar("C", str, str | None)

_RETENTION = "retention.ms"


class Administering:
    """The administration of one client."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def create_topic(
        self, topic: str, *, partitions: int, retention_ms: int | None, configs: Mapping[str, str] | None
    ) -> Topic:
        """Create a topic; where an answer was lost, one that is there and matches was created."""
        wanted = _with_retention(configs or {}, retention_ms)
        request = CreateTopicRequest(topic=topic, partitions=partitions, configs=wanted or UNSET)
        repeatable = _Repeatable()
        try:
            return await self._session.ask(lambda broker: broker.create_topic(request), may_repeat=repeatable)
        except KafkaError as error:
            if error.code != "topic_already_exists" or not repeatable.was_lost:
                raise
            found = await self.describe_topic(topic)
            if found.partition_count != partitions or not wanted.items() <= found.configs.items():
                raise
            return Topic(found.topic, found.topic_id, found.partition_count)

    async def list_topics(self) -> list[Topic]:
        """Return all topics, in the order of their names."""
        topics: list[Topic] = []
        token: str | None = None
        while True:
            request = ListTopics(_most("list_topics"), token)
            page = await self._session.ask(lambda broker, asked=request: broker.list_topics(asked))  # type: ignore[misc]
            topics += page.topics
            if page.next_page_token is UNSET:
                return topics
            token = page.next_page_token

    async def describe_topic(self, topic: str) -> TopicDescription:
        """Return what a topic is."""
        return await self._session.ask(lambda broker: broker.describe_topic(DescribeTopic(topic)))

    async def alter_topic(
        self,
        topic: str,
        *,
        partitions: int | None,
        retention_ms: int | None,
        configs: Mapping[str, str | None] | None,
    ) -> TopicDescription:
        """Give a topic more partitions or other configs, of which None unsets one; asked twice it is the same."""
        change = AlterTopicRequest(
            partitions=UNSET if partitions is None else partitions,
            configs=_with_retention(configs or {}, retention_ms) or UNSET,
        )
        return await self._session.ask(lambda broker: broker.alter_topic(AlterTopic(topic, change)))

    async def delete_topic(self, topic: str) -> None:
        """Delete a topic; where an answer was lost, one that is gone was deleted."""
        await self._delete(lambda broker: broker.delete_topic(DeleteTopic(topic)), "topic_not_found")

    async def delete_records(self, topic: str, before: Mapping[int, int | None]) -> dict[int, int]:
        """Delete the first records of partitions; return where each begins now. Asked twice it is the same."""
        items = [
            RecordsToDelete(partition, at="latest") if offset is None else RecordsToDelete(partition, offset)
            for partition, offset in before.items()
        ]
        request = DeleteRecords(topic, DeleteRecordsRequest(partitions=items))
        results = await self._session.ask(lambda broker: broker.delete_records(request))
        _raise_first(results)
        return {one.partition: one.log_start_offset for one in results if isinstance(one.log_start_offset, int)}

    async def list_groups(self, *, state: GroupState | None) -> list[GroupSummary]:
        """Return all groups, or those in a state, in the order of their ids."""
        groups: list[GroupSummary] = []
        token: str | None = None
        while True:
            request = ListGroups(_most("list_groups"), token, state)
            page = await self._session.ask(lambda broker, asked=request: broker.list_groups(asked))  # type: ignore[misc]
            groups += page.groups
            if page.next_page_token is UNSET:
                return groups
            token = page.next_page_token

    async def describe_group(self, group: str) -> GroupDescription:
        """Return what a group is, with its members and its lag."""
        return await self._session.ask(lambda broker: broker.describe_group(DescribeGroup(group)))

    async def delete_group(self, group: str) -> None:
        """Delete a group; where an answer was lost, one that is gone was deleted."""
        await self._delete(lambda broker: broker.delete_group(DeleteGroup(group)), "group_not_found")

    async def reset_offsets(
        self, group: str, topic: str, to: ResetTo, *, partitions: Sequence[int] | None, dry_run: bool
    ) -> dict[int, int]:
        """Let a group without members go on elsewhere; return the offset of each partition.

        First it is only shown where that is, then exactly these offsets are set, so that sent twice it sets the same.
        """
        numbers = range((await self.describe_topic(topic)).partition_count) if partitions is None else partitions
        shown = await self._reset(group, [_item(topic, number, to) for number in numbers], dry_run=True)
        if not dry_run:
            found = [ResetItem(topic, number, offset=offset) for number, offset in shown.items()]
            await self._reset(group, found, dry_run=False)
        return shown

    async def _reset(self, group: str, items: list[ResetItem], *, dry_run: bool) -> dict[int, int]:
        if not items:
            return {}
        offsets: dict[int, int] = {}
        most = await self._session.limit("max_partitions_per_fetch")
        for first in range(0, len(items), most):
            request = ResetOffsets(group, ResetRequest(items[first : first + most], dry_run=dry_run))
            results = await self._session.ask(lambda broker, asked=request: broker.reset_offsets(asked))  # type: ignore[misc]
            _raise_first(results)
            offsets |= {one.partition: one.offset for one in results if isinstance(one.offset, int)}
        return offsets

    async def _delete(self, ask: Callable[[Broker], Awaitable[None]], gone: str) -> None:
        repeatable = _Repeatable()
        try:
            await self._session.ask(ask, may_repeat=repeatable)
        except KafkaError as error:
            if error.code != gone or not repeatable.was_lost:
                raise


class _Repeatable:
    """Lets everything be sent again that is put off or unknown, and remembers whether something was unknown."""

    def __init__(self) -> None:
        self.was_lost = False

    def __call__(self, error: KafkaError) -> bool:
        self.was_lost = self.was_lost or error.indeterminate
        return error.retriable or error.indeterminate


def _with_retention(configs: Mapping[str, C], retention_ms: int | None) -> dict[str, C | str]:
    return dict(configs) if retention_ms is None else {**configs, _RETENTION: str(retention_ms)}


def _item(topic: str, partition: int, to: ResetTo) -> ResetItem:
    if isinstance(to, str):
        return ResetItem(topic, partition, at=to)
    if isinstance(to, datetime):
        return ResetItem(topic, partition, timestamp_ms=milliseconds(to))
    return ResetItem(topic, partition, offset=to)


def _raise_first(results: Sequence[ResetResult | DeletedRecords]) -> None:
    errors = [one.error for one in results if one.error is not UNSET]
    if errors:
        raise error_of_item(decisive(errors))


def _most(operation: str) -> int:
    """Return the largest page of an operation."""
    (size,) = (one for one in SPEC.operations[operation].parameters if one.name == "page_size")
    return int(size.maximum or 1)
