"""The spans of a client, with the names of OpenTelemetry's semantic conventions for messaging (1.44, in development).

`send` is one call with all its tries, `poll` what a call gave to its caller, `commit` a commit, `create` a record that
is sent later or with others. What stands in a record, its key too, is in no span.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from kafka_do._version import __version__
from kafka_do.client.headers import Headers
from kafka_do.client.messages import Outcome, ReadMessage, RecordMetadata
from kafka_do.client.tracing import Sent, Server, Settled, Tracing
from kafka_do.core.errors import KafkaError, decisive
from kafka_do.core.records import Record

__all__ = ["Spans"]

_SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
_SYSTEM = "kafka"  # the protocol's semantics are Kafka's, and tools know that name

Attributes = dict[str, AttributeValue]


class _TracedSent(Sent):
    def __init__(self, span: Span, records: Sequence[Record]) -> None:
        super().__init__(records)
        self._span = span

    def done(self, outcomes: Sequence[Outcome]) -> None:
        landed = [one for one in outcomes if isinstance(one, RecordMetadata) and one.offset >= 0]
        self._span.set_attributes(_place([(one.topic, one.partition) for one in landed]))
        if len(outcomes) == len(landed) == 1:
            self._span.set_attribute("messaging.kafka.offset", landed[0].offset)
        errors = [one for one in outcomes if isinstance(one, KafkaError)]
        if errors:
            _fail(self._span, decisive(errors))


class _TracedSettled(Settled):
    def __init__(self, span: Span) -> None:
        self._span = span

    def done(self, stored: Mapping[Any, int]) -> None:
        self._span.set_attributes(_place([(one.topic, one.number) for one in stored]))
        if len(stored) == 1:
            self._span.set_attribute("messaging.kafka.offset", next(iter(stored.values())))


class Spans(Tracing):
    """Spans for whatever the program has set up, and nothing until it has."""

    def __init__(self, server: Server | None, *, in_headers: bool, clock_ns: Callable[[], int]) -> None:
        """Take a clock that tells the nanoseconds since the Unix epoch."""
        self.in_headers = in_headers
        self._clock_ns = clock_ns
        self._common: Attributes = {"messaging.system": _SYSTEM}
        if server is not None:
            self._common |= {"server.address": server.host, "server.port": server.port}

    @property
    def is_on(self) -> bool:
        """Whether the program has said where spans go."""
        return _is_set_up()

    def created(self, topic: str, records: Sequence[Record]) -> Sequence[Record]:
        """Return records, each with the context of a span of its own, where contexts go into headers."""
        if not self.in_headers or not _is_set_up():
            return records
        return [self._created(topic, record) for record in records]

    def sending(self, topic: str, records: Sequence[Record]) -> AbstractContextManager[Sent]:
        """Trace a call that appends records, which get the context of its span where contexts go into headers."""
        return self._sending(topic, records) if _is_set_up() else nullcontext(Sent(records))

    def now_ns(self) -> int:
        """Return the time of the clock."""
        return self._clock_ns()

    def received(self, group: str, begun_ns: int, messages: Sequence[ReadMessage[Any]]) -> None:
        """Make a span of a call that has given messages, linked to where they were made."""
        if not messages or not _is_set_up():
            return
        places = [(one.topic, one.partition) for one in messages]
        attributes = self._attributes("poll", "receive", places)
        attributes["messaging.consumer.group.name"] = group
        if len(messages) == 1:
            attributes |= {"messaging.kafka.offset": messages[0].offset, **_tombstone(messages[0].raw_value)}
        else:
            attributes["messaging.batch.message_count"] = len(messages)
        _tracer().start_span(
            _name("poll", places),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            links=[link for one in messages for link in _links(one.headers)],
            start_time=begun_ns,
        ).end()

    def committing(self, group: str, topics: Iterable[str]) -> AbstractContextManager[Settled]:
        """Trace a commit."""
        return self._committing(group, sorted(set(topics))) if _is_set_up() else super().committing(group, topics)

    def _created(self, topic: str, record: Record) -> Record:
        if _has_context(record):
            return record
        attributes = self._attributes("create", "create", [(topic, record.partition)])
        with _tracer().start_as_current_span(
            f"create {topic}", kind=SpanKind.PRODUCER, attributes={**attributes, **_tombstone(record.value)}
        ):
            return _with_context(record)

    @contextmanager
    def _sending(self, topic: str, records: Sequence[Record]) -> Iterator[Sent]:
        is_origin = self.in_headers and not all(map(_has_context, records))
        attributes = self._attributes("send", "send", [(topic, one.partition) for one in records])
        attributes["messaging.destination.name"] = topic
        if len(records) == 1:
            attributes |= _tombstone(records[0].value)
        else:
            attributes["messaging.batch.message_count"] = len(records)
        with _tracer().start_as_current_span(
            f"send {topic}",
            kind=SpanKind.PRODUCER if is_origin else SpanKind.CLIENT,
            attributes=attributes,
            links=[link for one in records for link in _links(Headers.of(one.headers))],
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                made = [one if _has_context(one) else _with_context(one) for one in records] if is_origin else records
                yield _TracedSent(span, made)
            except KafkaError as error:
                _fail(span, error)
                raise

    @contextmanager
    def _committing(self, group: str, topics: Sequence[str]) -> Iterator[Settled]:
        places = [(topic, None) for topic in topics]
        attributes = self._attributes("commit", "settle", places)
        attributes["messaging.consumer.group.name"] = group
        with _tracer().start_as_current_span(
            _name("commit", places),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _TracedSettled(span)
            except KafkaError as error:
                _fail(span, error)
                raise

    def _attributes(self, name: str, kind: str, places: Sequence[tuple[str, int | None]]) -> Attributes:
        operation = {"messaging.operation.name": name, "messaging.operation.type": kind}
        return {**self._common, **operation, **_place(places)}


def _is_set_up() -> bool:
    """Whether the program has said where spans go; until then they cost next to nothing."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _tracer() -> trace.Tracer:
    return trace.get_tracer("kafka_do", __version__, schema_url=_SCHEMA)


def _name(operation: str, places: Sequence[tuple[str, int | None]]) -> str:
    topics = {topic for topic, _ in places}
    return f"{operation} {topics.pop()}" if len(topics) == 1 else operation


def _place(places: Sequence[tuple[str, int | None]]) -> Attributes:
    """Return the topic and the partition that all have, if they have one."""
    found: Attributes = {}
    if len({topic for topic, _ in places}) == 1:
        found["messaging.destination.name"] = places[0][0]
        if len(set(places)) == 1 and places[0][1] is not None:
            found["messaging.destination.partition.id"] = str(places[0][1])
    return found


def _tombstone(value: bytes | None) -> Attributes:
    return {"messaging.kafka.message.tombstone": True} if value is None else {}


def _fail(span: Span, error: KafkaError) -> None:
    span.set_attribute("error.type", error.code)
    span.set_status(Status(StatusCode.ERROR, error.message))


def _has_context(record: Record) -> bool:
    """Whether somebody has given a context to a record already: it stays as it is."""
    fields = propagate.get_global_textmap().fields
    return any(header.key in fields for header in record.headers)


def _with_context(record: Record) -> Record:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    headers = (*record.headers, *Headers(carrier).raw)
    return Record(record.value, record.key, headers, record.timestamp_ms, record.partition)


def _links(headers: Headers) -> list[Link]:
    if not headers:
        return []
    context = trace.get_current_span(propagate.extract(headers)).get_span_context()
    return [Link(context)] if context.is_valid and context.is_remote else []
