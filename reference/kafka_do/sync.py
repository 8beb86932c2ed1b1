"""The blocking client."""

import os
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, cast, get_args

from msgspec import UNSET

from kafka_do.blocking.consumer import Consumer
from kafka_do.client import producing, reading
from kafka_do.client.connecting import connect
from kafka_do.client.consuming import Start
from kafka_do.client.driving import drive
from kafka_do.client.membership import Subscription
from kafka_do.client.messages import Headers, Key, Read, RecordMetadata
from kafka_do.client.sequencing import Sequencer
from kafka_do.client.serializing import record_of
from kafka_do.core.broker import Broker, DeleteRecords, Discover
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import CreateTopicRequest, DeleteRecordsRequest, Discovery, RecordsToDelete, Topic
from kafka_do.core.records import Record
from kafka_do.spec import SPEC

__all__ = ["Admin", "Client", "Consumer", "Producer"]

_DEFAULT_URL = str(SPEC.defaults["client"]["url"])
_DEFAULT_TIMEOUT_MS = int(SPEC.defaults["client"]["timeout_ms"])
_DEFAULT_REBALANCE_TIMEOUT_MS = int(SPEC.defaults["client"]["rebalance_timeout_ms"])
_DEFAULT_START = cast("Start", SPEC.defaults["client"]["start"])


async def _wait(ms: int) -> None:
    """Block the thread."""
    time.sleep(ms / 1000)  # noqa: ASYNC251  there is no event loop, see `drive`


class Client:
    """A client that blocks. Use it as a context manager, or call `close()`.

    `url` is where the broker is: `https://…`, `http://…`, or `memory://name` for one in this process; without it the
    environment variable `KAFKA_DO_URL` tells, else it is the specification's default. `api_key` is the key that a
    server asks for, without it the environment variable `KAFKA_DO_API_KEY`, if there is one; over plain http it goes to
    this machine only, ValueError tells otherwise. `timeout_ms` bounds each connect, write and read. Every method raises
    KafkaError with a code of the catalogue, `closed` after `close()`. (AUTH-006 to AUTH-008)
    """

    def __init__(
        self, url: str | None = None, *, api_key: str | None = None, timeout_ms: int = _DEFAULT_TIMEOUT_MS
    ) -> None:
        address = url or os.environ.get("KAFKA_DO_URL") or _DEFAULT_URL
        key = api_key if api_key is not None else os.environ.get("KAFKA_DO_API_KEY") or None
        self._connection = connect(address, timeout_ms=timeout_ms, api_key=key)
        self._timeout_ms = timeout_ms
        self._consumers: weakref.WeakSet[Consumer] = weakref.WeakSet()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the client's consumers, which leave their groups, and the connections. It may be called twice."""
        for consumer in list(self._consumers):
            consumer.close()
        self._closed = True
        self._connection.close()

    def _broker(self) -> Broker:
        if self._closed:
            raise KafkaError("closed", "this client is closed")
        return self._connection.broker

    def discover(self) -> Discovery:
        """Return what the server is, offers and takes. (DISCOVERY-001)"""
        return drive(self._broker().discover(Discover()))

    def producer(self, topic: str, *, idempotent: bool = False) -> "Producer":
        """Return a producer for one topic.

        An idempotent one sends a batch again when its answer is lost, and no record is appended twice. It takes a
        server with the feature `producers` and a topic that exists. (PRODUCER-017 to PRODUCER-024)
        """
        return Producer(self, topic, idempotent=idempotent)

    def admin(self) -> "Admin":
        """Return the administration of topics."""
        return Admin(self)

    def consumer(
        self,
        group: str,
        topics: Sequence[str],
        *,
        instance_id: str | None = None,
        assignor: str | None = None,
        session_timeout_ms: int | None = None,
        rebalance_timeout_ms: int = _DEFAULT_REBALANCE_TIMEOUT_MS,
        start: Start = _DEFAULT_START,
    ) -> Consumer:
        """Return a new member of `group`, which shares the partitions of `topics` with the others.

        `instance_id` makes it a static member. `assignor`, `uniform` or `range`, and the session timeout are wishes;
        None leaves them to the server. `rebalance_timeout_ms` is how long the caller may take between two polls when a
        partition is to move. `start` is where to read, `earliest` or `latest`, where the group has committed nothing.
        (GROUP-048, GROUP-056)
        """
        if isinstance(topics, str) or not topics:
            raise ValueError(f"topics has to be a list of at least one name, unlike {topics!r}")
        if start not in get_args(Start):
            raise ValueError(f"start has to be one of {', '.join(get_args(Start))}, unlike {start!r}")
        self._broker()
        wanted = Subscription(group, tuple(topics), rebalance_timeout_ms, instance_id, assignor, session_timeout_ms)
        consumer = Consumer(self._connection, wanted, start=start, timeout_ms=self._timeout_ms)
        self._consumers.add(consumer)
        return consumer

    def read(
        self,
        topic: str,
        partition: int = 0,
        *,
        offset: int,
        max_records: int | None = None,
        max_bytes: int | None = None,
    ) -> Read:
        """Read one partition once, from `offset` on; read on at the result's `next_offset`.

        Raises KafkaError: `topic_not_found`, `partition_not_found`, `offset_out_of_range`. (FETCH-009 to FETCH-011)
        """
        asked = reading.read(
            self._broker(), topic, partition, offset=offset, max_records=max_records, max_bytes=max_bytes
        )
        return drive(asked)


class Producer:
    """Sends records to one topic. An idempotent one sends one batch after the other, whichever threads call it."""

    def __init__(self, client: Client, topic: str, *, idempotent: bool = False) -> None:
        self._client = client
        self._topic = topic
        self._sequencer = Sequencer(topic, wait=_wait) if idempotent else None
        self._turn = threading.Lock()

    def send(
        self,
        value: Any,
        *,
        key: Key = None,
        headers: Headers = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> RecordMetadata:
        """Send one record and return where it landed.

        `value` bytes are sent as they are, None is a tombstone, everything else becomes JSON. Without `partition` the
        server chooses, by the key if there is one. Raises KafkaError: `topic_not_found`, `partition_not_found`; an
        `indeterminate` one means that the record may have been appended. (PRODUCE-014 to PRODUCE-017)
        """
        record = record_of(value, key=key, headers=headers, partition=partition, timestamp_ms=timestamp_ms)
        (outcome,) = self.send_records([record])
        if isinstance(outcome, KafkaError):
            raise outcome
        return outcome

    def send_records(self, records: Sequence[Record]) -> list[RecordMetadata | KafkaError]:
        """Send records and return for each, in order, where it landed or the error that says why not.

        They go in one request, or in one for each partition where the producer is idempotent.

        Raises KafkaError where the request failed as a whole. (PRODUCE-016)
        """
        broker = self._client._broker()  # noqa: SLF001
        if self._sequencer is None:
            return drive(producing.send(broker, self._topic, records))
        with self._turn:
            return drive(self._sequencer.send(broker, records))


class Admin:
    """Administers topics."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create_topic(self, topic: str, *, partitions: int = 1, configs: Mapping[str, str] | None = None) -> Topic:
        """Create a topic and return its name, id and number of partitions.

        `configs` are Kafka's, by their names. Raises KafkaError: `invalid_topic_name`, `topic_already_exists`,
        `invalid_partitions`, `invalid_config`. (TOPIC-001, TOPIC-008, TOPIC-023)
        """
        given = UNSET if configs is None else dict(configs)
        request = CreateTopicRequest(topic=topic, partitions=partitions, configs=given)
        return drive(self._client._broker().create_topic(request))  # noqa: SLF001

    def delete_records(self, topic: str, before: Mapping[int, int | None]) -> dict[int, int]:
        """Delete the first records of partitions: `before` has for each the offset of the first that stays.

        None deletes all that are there. Returns for each partition where it begins now. Raises KafkaError for the first
        that was not done: `topic_not_found`, `partition_not_found`, `offset_out_of_range`, `policy_violation`. Calling
        again does no harm. (RETAIN-014 to RETAIN-020)
        """
        items = [
            RecordsToDelete(partition, at="latest") if offset is None else RecordsToDelete(partition, offset)
            for partition, offset in before.items()
        ]
        request = DeleteRecords(topic, DeleteRecordsRequest(partitions=items))
        results = drive(self._client._broker().delete_records(request))  # noqa: SLF001
        begins = {}
        for result in results:
            if result.error is not UNSET:
                raise error_of_item(result.error)
            begins[result.partition] = cast("int", result.log_start_offset)
        return begins
