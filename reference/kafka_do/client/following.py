"""Reading a topic without a group: some partitions or all, from a place on, to what was the end or for ever.

Nobody's position is kept and nothing is committed: that is for whoever looks into a topic.
"""

from collections.abc import Sequence
from typing import Any

from kafka_do.client.backoff import Backoff
from kafka_do.client.consuming import Positions, Start
from kafka_do.client.membership import Partition
from kafka_do.client.messages import ReadMessage
from kafka_do.client.session import Session
from kafka_do.core.broker import DescribeTopic
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import FetchRequest, TopicDescription

__all__ = ["Following"]

_WAIT_MS = FetchRequest([]).max_wait_ms
_LOOK_MS = 30_000


class Following:
    """The partitions of one topic. `partitions` None is all of them, those too that the topic gets later."""

    def __init__(self, session: Session, topic: str, start: Start, *, partitions: Sequence[int] | None = None) -> None:
        self._session = session
        self._topic = topic
        self._topic_id: str | None = None
        self._wanted = None if partitions is None else frozenset(partitions)
        self._positions = Positions(start)
        self._partitions: frozenset[Partition] = frozenset()
        self._ends: dict[Partition, int] | None = None
        self._look_at_ms = 0
        self._backoff = Backoff()

    async def begin(self) -> None:
        """Look at the topic; raises KafkaError `topic_not_found`, `partition_not_found`."""
        await self._look()

    async def stop_at_end(self) -> None:
        """Read only what is there now."""
        found = await self._look()
        ends = {one.partition: one.high_watermark for one in found.partitions}
        self._ends = {one: ends[one.number] for one in self._partitions}

    async def poll(self, timeout_ms: int) -> list[ReadMessage[Any]]:
        """Return the next messages; none where none came within the time, or none is left.

        Raises KafkaError: `topic_not_found` once the topic is gone, and what a fetch is refused for.
        """
        clock = self._session.runtime.now_ms
        until_ms = clock() + timeout_ms
        while self._left() and (left_ms := until_ms - clock()) >= 0:
            if clock() >= self._look_at_ms:
                await self._look()
            await self._place()
            if messages := await self._fetch(min(left_ms, _WAIT_MS)):
                return messages
            if left_ms == 0:
                break
        return []

    def _left(self) -> frozenset[Partition]:
        """Return the partitions that are not read to their end."""
        if self._ends is None:
            return self._partitions
        ends = self._ends
        return frozenset(one for one in ends if (self._positions.position(one) or 0) < ends[one])

    async def _look(self) -> TopicDescription:
        """Look at the topic: it may have got partitions, or be another one of its name."""
        found = await self._session.ask(lambda broker: broker.describe_topic(DescribeTopic(self._topic)))
        if self._topic_id not in (None, found.topic_id):
            raise KafkaError("topic_not_found", f"{self._topic} was deleted, and made anew", topic=self._topic)
        self._topic_id = found.topic_id
        self._look_at_ms = self._session.runtime.now_ms() + _LOOK_MS
        there = {one.partition for one in found.partitions}
        missing = sorted((self._wanted or frozenset()) - there)
        if missing:
            words = f"{self._topic} has {len(there)} partitions, and {missing[0]} is none of them"
            raise KafkaError(
                "partition_not_found", words, topic=self._topic, partition=missing[0], partition_count=len(there)
            )
        numbers = there if self._wanted is None else self._wanted
        partitions = frozenset(Partition(self._topic, found.topic_id, number) for number in numbers)
        if self._partitions:
            for one in partitions - self._partitions:
                self._positions.seek(one, 0)  # all that it has is newer than the start
        else:
            self._positions.begin(partitions)
        self._partitions = partitions
        return found

    async def _place(self) -> None:
        while places := self._positions.to_start(self._left()):
            question = self._positions.ask_start(places)
            answer = await self._session.ask(lambda broker, asked=question: broker.list_offsets(asked))  # type: ignore[misc]
            self._positions.take_start(places, answer, self._partitions)

    async def _fetch(self, wait_ms: int) -> list[ReadMessage[Any]]:
        asked = self._positions.ask_records(self._left(), wait_ms)
        if asked is None:
            return []
        parts = await self._session.ask(lambda broker: broker.fetch(asked))
        found = self._positions.take_records(asked, parts, self._partitions)
        if found.stalled and not found.messages:
            await self._session.runtime.sleep(self._backoff.next_ms())
            await self._look()
        else:
            self._backoff.reset()
        if self._ends is None:
            return found.messages
        ends = {one.number: end for one, end in self._ends.items()}
        return [one for one in found.messages if one.offset < ends[one.partition]]
