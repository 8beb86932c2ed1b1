"""The administration, to be awaited."""

from collections.abc import Mapping, Sequence

from kafka_do.client.administering import Administering, ResetTo
from kafka_do.client.session import Session
from kafka_do.core.messages import GroupDescription, GroupState, GroupSummary, Topic, TopicDescription

__all__ = ["Admin"]


class Admin:
    """Administers topics and groups. What was lost on the way is asked again; what was done by then is a success."""

    def __init__(self, session: Session) -> None:
        self._admin = Administering(session)

    async def create_topic(
        self,
        topic: str,
        *,
        partitions: int = 1,
        retention_ms: int | None = None,
        configs: Mapping[str, str] | None = None,
    ) -> Topic:
        """Create a topic and return its name, id and number of partitions.

        Raises KafkaError: `invalid_topic_name`, `topic_already_exists`, `invalid_partitions`, `invalid_config`.
        (TOPIC-001, TOPIC-008)
        """
        asked = self._admin.create_topic(topic, partitions=partitions, retention_ms=retention_ms, configs=configs)
        return await asked

    async def list_topics(self) -> list[Topic]:
        """Return all topics, in the order of their names, each with its `partition_count`."""
        return await self._admin.list_topics()

    async def describe_topic(self, topic: str) -> TopicDescription:
        """Return a topic's id, partitions with their offsets, and configs; raises KafkaError `topic_not_found`."""
        return await self._admin.describe_topic(topic)

    async def alter_topic(
        self,
        topic: str,
        *,
        partitions: int | None = None,
        retention_ms: int | None = None,
        configs: Mapping[str, str | None] | None = None,
    ) -> TopicDescription:
        """Give a topic more partitions, or other configs; None unsets one. A request changes one or the other.

        Raises KafkaError: `topic_not_found`, `invalid_partitions`, `invalid_config`.
        """
        asked = self._admin.alter_topic(topic, partitions=partitions, retention_ms=retention_ms, configs=configs)
        return await asked

    async def delete_topic(self, topic: str) -> None:
        """Delete a topic; raises KafkaError `topic_not_found`."""
        await self._admin.delete_topic(topic)

    async def delete_records(self, topic: str, before: Mapping[int, int | None]) -> dict[int, int]:
        """Delete the first records of partitions: `before` has for each the offset of the first that stays.

        None deletes all that are there. Returns for each partition where it begins now. Raises KafkaError for the first
        that was not done: `topic_not_found`, `partition_not_found`, `offset_out_of_range`, `policy_violation`. Calling
        again does no harm. (RETAIN-014 to RETAIN-020)
        """
        return await self._admin.delete_records(topic, before)

    async def list_groups(self, *, state: GroupState | None = None) -> list[GroupSummary]:
        """Return all groups or those in `state`, in the order of their ids, each with state and `member_count`."""
        return await self._admin.list_groups(state=state)

    async def describe_group(self, group: str) -> GroupDescription:
        """Return a group's state, members, offsets and `total_lag`; raises KafkaError `group_not_found`."""
        return await self._admin.describe_group(group)

    async def delete_group(self, group: str) -> None:
        """Delete a group without members and what it has committed.

        Raises KafkaError: `group_not_found`, `group_not_empty`.
        """
        await self._admin.delete_group(group)

    async def reset_offsets(
        self,
        group: str,
        topic: str,
        to: ResetTo,
        *,
        partitions: Sequence[int] | None = None,
        dry_run: bool = False,
    ) -> dict[int, int]:
        """Let a group without members go on elsewhere, in all partitions of a topic or in some.

        `to` is `earliest`, `latest`, the first record of a `datetime` or later, or an offset. Returns the offset of
        each partition; with `dry_run` nothing is set. Raises KafkaError: `group_not_found`, `group_not_empty`,
        `offset_out_of_range`, and then nothing was set.
        """
        asked = self._admin.reset_offsets(group, topic, to, partitions=partitions, dry_run=dry_run)
        return await asked
