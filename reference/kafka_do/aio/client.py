"""The client of an event loop."""

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType, UnionType
from typing import TYPE_CHECKING, Any, Self

from kafka_do.aio.async_producer import AsyncProducer
from kafka_do.aio.producer import Producer
from kafka_do.aio.runtime import LoopRuntime
from kafka_do.client import options, reading
from kafka_do.client.connecting import connect
from kafka_do.client.messages import Read, V
from kafka_do.client.queueing import (
    DEFAULT_BATCH_BYTES,
    DEFAULT_LINGER_MS,
    DEFAULT_QUEUE_RECORDS,
    Queueing,
    ReportCallback,
)
from kafka_do.client.sending import Compression, Sending
from kafka_do.client.session import DEFAULT_RETRIES, DEFAULT_TIMEOUT_MS, Session, address_of
from kafka_do.core.messages import Acks, Discovery

if TYPE_CHECKING:
    from kafka_do.aio.admin import Admin
    from kafka_do.aio.consumer import Consumer
    from kafka_do.aio.pipeline import ClientPipeline, RunnablePipeline
    from kafka_do.client.consuming import Start
    from kafka_do.client.misfits import Fate
    from kafka_do.client.reading_options import RebalanceCallback
    from kafka_do.streams.stream import Stream
    from kafka_do.streams.topology import Topology

__all__ = ["Client"]


class Client:
    """A client to be awaited. Use it as a context manager, or await `close()`.

    `url` is where the broker is: `https://…`, `http://…`, or `memory://name` for one in this process; without it the
    environment variable `KAFKA_DO_URL` tells, else it is the specification's default. `api_key` is the key that a
    server asks for, without it the environment variable `KAFKA_DO_API_KEY`, if there is one; over plain http it goes to
    this machine only, ValueError tells otherwise. `timeout_ms` bounds each connect, write and read, and all tries of
    one call together; what may be sent again is, `retries` times at most. `trace_headers` puts the
    context of OpenTelemetry into the headers of what is sent. Every method raises KafkaError with a code of the
    catalogue, `closed` after `close()`. (AUTH-006 to AUTH-008)
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout_ms: int = DEFAULT_TIMEOUT_MS,
        retries: int = DEFAULT_RETRIES,
        logger: logging.Logger | None = None,
        trace_headers: bool = False,
    ) -> None:
        address = address_of(url, api_key)
        connection = connect(address.url, timeout_ms=timeout_ms, api_key=address.api_key, in_loop=True)
        session = Session(
            connection,
            LoopRuntime(),
            timeout_ms=timeout_ms,
            retries=retries,
            logger=logger,
            trace_headers=trace_headers,
        )
        self._begin(session)

    def _begin(self, session: Session) -> None:
        self._session = session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what the client has made, then the connections. It may be called twice.

        Consumers leave their groups, and what is queued is sent.
        """
        await self._session.close()

    async def discover(self) -> Discovery:
        """Return what the server is, offers and takes. (DISCOVERY-001)"""
        return await self._session.discover()

    def producer(
        self,
        topic: str,
        *,
        idempotent: bool | None = None,
        acks: Acks = "all",
        retries: int | None = None,
        value_type: type[V] | UnionType | None = None,
        compression: Compression | None = None,
    ) -> Producer[V]:
        """Return a producer for one topic.

        An idempotent one sends a batch again when its answer is lost, and no record is appended twice; it takes a
        server with the feature `producers`. None is idempotent where the server has it and `acks` is `all`. Another one
        sends again only what was not appended. `retries` is how often, None leaves it to the specification.
        (PRODUCER-017 to PRODUCER-024)

        `value_type` is the type of the values: a dataclass, a msgspec Struct, a TypedDict, a pydantic model, or another
        that msgspec or pydantic knows. Then only values are sent that can be read as that type; TypeError tells of
        others, and of a type that JSON cannot be read as.

        `compression` `gzip` makes requests of 1 KiB and more smaller, for processor time here and in the server.
        (HTTP-023)
        """
        return Producer(
            Sending(
                self._session,
                topic,
                idempotent=idempotent,
                acks=acks,
                retries=retries,
                value_type=value_type,
                compression=compression,
            )
        )

    def async_producer(
        self,
        topic: str,
        *,
        idempotent: bool | None = None,
        acks: Acks = "all",
        retries: int | None = None,
        batch_bytes: int = DEFAULT_BATCH_BYTES,
        linger_ms: int = DEFAULT_LINGER_MS,
        queue_records: int = DEFAULT_QUEUE_RECORDS,
        on_report: ReportCallback | None = None,
        value_type: type[V] | UnionType | None = None,
        compression: Compression | None = None,
    ) -> AsyncProducer[V]:
        """Return a producer that sends beside its caller's work; the first options are those of `producer`.

        A request is sent when `batch_bytes` are queued, or the first record has waited for `linger_ms`. When
        `queue_records` are queued or under way, `send` waits. `on_report` is called with each report, beside the
        caller's work, in place of `reports`.
        """
        sending = Sending(
            self._session,
            topic,
            idempotent=idempotent,
            acks=acks,
            retries=retries,
            value_type=value_type,
            compression=compression,
        )
        queueing = Queueing(
            self._session,
            sending,
            batch_bytes=batch_bytes,
            linger_ms=linger_ms,
            queue_records=queue_records,
            on_report=on_report,
        )
        return AsyncProducer(queueing)

    def consumer(
        self,
        topics: str | Sequence[str],
        group: str,
        *,
        start: "Start" = options.DEFAULT_START,
        auto_commit: bool = False,
        auto_commit_interval_ms: int = options.DEFAULT_AUTO_COMMIT_INTERVAL_MS,
        max_poll_records: int = options.DEFAULT_MAX_POLL_RECORDS,
        fetch_min_bytes: int = options.DEFAULT_FETCH_MIN_BYTES,
        fetch_max_bytes: int = options.DEFAULT_FETCH_MAX_BYTES,
        fetch_max_wait_ms: int = options.DEFAULT_FETCH_MAX_WAIT_MS,
        session_timeout_ms: int | None = None,
        heartbeat_interval_ms: int | None = None,
        rebalance_timeout_ms: int = options.DEFAULT_REBALANCE_TIMEOUT_MS,
        instance_id: str | None = None,
        assignor: str | None = None,
        on_assigned: "RebalanceCallback | None" = None,
        on_revoked: "RebalanceCallback | None" = None,
        on_lost: "RebalanceCallback | None" = None,
        value_type: type[V] | UnionType | None = None,
        on_misfit: "Fate" = options.DEFAULT_ON_MISFIT,
    ) -> "Consumer[V]":
        """Return a new member of `group`, which shares the partitions of `topics`, one or several, with the others.

        `start` is where to read where the group has committed nothing: `earliest`, `latest`, the first record of a
        `datetime` or later, or an offset. With `auto_commit` what the caller has gone past is committed every
        `auto_commit_interval_ms`, before a partition goes to another member, and on closing. `max_poll_records` is the
        most that is read at once, `fetch_min_bytes`, `fetch_max_bytes` and `fetch_max_wait_ms` say how a server waits.

        `instance_id` makes it a static member. `assignor`, `uniform` or `range`, and `session_timeout_ms` are wishes;
        None leaves them to the server. `heartbeat_interval_ms` makes heartbeats come more often than the server asks.
        `rebalance_timeout_ms` is how long the caller may take with what it was given when a partition is to move.

        `on_assigned`, `on_revoked` and `on_lost` are called with the partitions, and awaited, while the caller asks for
        messages: what is revoked may still be committed then, what is lost may not. (GROUP-048, GROUP-056)

        `value_type` is the type of the values, as in `producer`. A record that does not fit it raises MisfitError, or
        what else `on_misfit` says: `skip` goes on behind it, with a line in the log, and `DeadLetters(topic)` sends it
        to another topic before. A tombstone fits a type that allows None, such as `Order | None`.
        """
        from kafka_do.aio.consumer import Consumer  # noqa: PLC0415  not everybody consumes
        from kafka_do.client.group_reading import GroupReading  # noqa: PLC0415
        from kafka_do.client.reading_options import reading_of, subscription_of  # noqa: PLC0415

        subscription = subscription_of(
            topics,
            group,
            instance_id=instance_id,
            assignor=assignor,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=heartbeat_interval_ms,
            rebalance_timeout_ms=rebalance_timeout_ms,
        )
        how = reading_of(
            start=start,
            auto_commit=auto_commit,
            auto_commit_interval_ms=auto_commit_interval_ms,
            max_poll_records=max_poll_records,
            fetch_min_bytes=fetch_min_bytes,
            fetch_max_bytes=fetch_max_bytes,
            fetch_max_wait_ms=fetch_max_wait_ms,
            on_assigned=on_assigned,
            on_revoked=on_revoked,
            on_lost=on_lost,
            value_type=value_type,
            on_misfit=on_misfit,
        )
        return Consumer(GroupReading(self._session, subscription, how))

    def stream(self, topic: str, *, value_type: Any = None) -> "Stream[ClientPipeline]":
        """Return the records of a topic, to say what becomes of them; nothing runs before that is started.

        It is a `kafka_do.streams.Stream`, whose `to(topic)` and `results()` make pipelines with `run` and `start`. With
        `value_type` the functions of the pipeline get values of that type, as a consumer with it does; one that does
        not fit is a record on which the pipeline fails.
        """
        from kafka_do.aio import pipeline  # noqa: PLC0415  much to load, and not everybody's

        return pipeline.stream_of(self._session, topic, value_type)

    def pipeline(self, topology: "Topology | Mapping[str, Any]") -> "RunnablePipeline":
        """Return a pipeline that is told as data, a document of topology.schema.json; raises TopologyError."""
        from kafka_do.aio import pipeline  # noqa: PLC0415  much to load, and not everybody's

        return pipeline.pipeline_of(self._session, topology)

    async def read(
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
        asked = self._session.ask(
            lambda broker: reading.read(
                broker, topic, partition, offset=offset, max_records=max_records, max_bytes=max_bytes
            )
        )
        return await asked

    def admin(self) -> "Admin":
        """Return the administration of topics and groups."""
        from kafka_do.aio.admin import Admin  # noqa: PLC0415  not everybody administers

        return Admin(self._session)
