"""Spans: what a program sees that has set OpenTelemetry up, and that there is nothing otherwise."""

import asyncio
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import messaging_attributes as messaging
from opentelemetry.semconv.attributes import error_attributes, server_attributes
from opentelemetry.trace import SpanKind, StatusCode

from kafka_do import BatchError, Client, KafkaError, Message, aio
from kafka_do.testing import MockClient

_NAMES = {
    value
    for module in (messaging, server_attributes, error_attributes)
    for name, value in vars(module).items()
    if name.isupper()
}
_TRACE_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    for span in exporter.get_finished_spans():
        assert set(span.attributes or ()) <= _NAMES, "a name that the conventions do not have"
    provider.shutdown()


def _found(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def _attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def _context_in(headers: Any) -> trace.SpanContext:
    return trace.get_current_span(propagate.extract(headers)).get_span_context()


def test_a_send_is_a_span_with_the_place_where_the_record_landed(spans: InMemorySpanExporter) -> None:
    with MockClient() as client:
        client.admin().create_topic("orders", partitions=2)
        client.producer("orders").send({"card": "4711"}, key="customer-7", partition=1)
    (span,) = _found(spans, "send orders")
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert _attributes(span) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": "1",
        "messaging.kafka.offset": 0,
    }


def test_what_a_record_has_in_it_is_in_no_span(spans: InMemorySpanExporter) -> None:
    with MockClient() as client:
        client.producer("orders").send({"card": "4711"}, key="customer-7", headers={"secret": "of-a-header"})
        with client.consumer("orders", "g") as consumer:
            next(iter(consumer)).commit()
    text = " ".join(span.to_json() for span in spans.get_finished_spans())
    assert text
    assert [word for word in ("4711", "customer-7", "secret", "of-a-header") if word in text] == []


def test_a_span_names_the_server_and_is_the_parent_of_what_happens_below(
    spans: InMemorySpanExporter, served: str
) -> None:
    with Client(served) as client, trace.get_tracer("test").start_as_current_span("work") as work:
        client.producer("traced").send(1)
    (span,) = _found(spans, "send traced")
    assert span.parent is not None
    assert span.parent.span_id == work.get_span_context().span_id
    assert f"http://{_attributes(span)['server.address']}:{_attributes(span)['server.port']}" == served


def test_all_tries_of_a_send_are_one_span(spans: InMemorySpanExporter) -> None:
    with MockClient() as client:
        client.fail("produce_partition", "disconnected", times=2, after=True)
        client.producer("orders").send(1)
    assert len(_found(spans, "send orders")) == 1


def test_a_send_that_fails_is_a_span_with_the_code(spans: InMemorySpanExporter) -> None:
    with MockClient() as client:
        client.admin().create_topic("orders")
        with pytest.raises(KafkaError):
            client.producer("orders").send(1, partition=9)
        with pytest.raises(BatchError):
            client.producer("orders", idempotent=False).send_batch([Message(1), Message(None, partition=9)])
    single, batch = _found(spans, "send orders")
    assert (single.status.status_code, batch.status.status_code) == (StatusCode.ERROR, StatusCode.ERROR)
    assert _attributes(single)["error.type"] == _attributes(batch)["error.type"] == "partition_not_found"
    assert _attributes(batch)["messaging.batch.message_count"] == 2


def test_a_poll_is_a_span_where_something_came_and_a_commit_is_one(spans: InMemorySpanExporter) -> None:
    with MockClient() as client:
        client.seed("orders", [1, None, 3])
        with client.consumer("orders", "g", max_poll_records=2) as consumer:
            assert len(consumer.poll(5_000)) == 2
            assert len(consumer.poll(5_000)) == 1
            assert consumer.poll(0) == []
            consumer.commit()
    two, one = _found(spans, "poll orders")
    assert two.kind is SpanKind.CLIENT
    common = {
        "messaging.system": "kafka",
        "messaging.operation.name": "poll",
        "messaging.operation.type": "receive",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": "0",
        "messaging.consumer.group.name": "g",
    }
    assert _attributes(two) == {**common, "messaging.batch.message_count": 2}
    assert _attributes(one) == {**common, "messaging.kafka.offset": 2}
    (commit,) = _found(spans, "commit orders")
    assert commit.kind is SpanKind.CLIENT
    settle = {"messaging.operation.name": "commit", "messaging.operation.type": "settle", "messaging.kafka.offset": 3}
    assert _attributes(commit) == {**common, **settle}


def test_a_tombstone_is_told(spans: InMemorySpanExporter) -> None:
    with MockClient() as client:
        client.producer("orders").send(None, key="k")
        with client.consumer("orders", "g") as consumer:
            assert next(iter(consumer)).value is None
    for name in ("send orders", "poll orders"):
        (span,) = _found(spans, name)
        assert _attributes(span)["messaging.kafka.message.tombstone"] is True


def test_a_commit_that_is_refused_is_a_span_with_the_code(spans: InMemorySpanExporter) -> None:
    with MockClient(retries=0) as client:
        client.seed("orders", [1])
        with client.consumer("orders", "g") as consumer:
            message = next(iter(consumer))
            client.fail("commit_offsets", "offset_metadata_too_large")
            with pytest.raises(KafkaError):
                message.commit()
    (commit,) = _found(spans, "commit orders")
    assert _attributes(commit)["error.type"] == "offset_metadata_too_large"


def test_the_context_goes_with_a_record_on_request_and_a_poll_links_to_it(spans: InMemorySpanExporter) -> None:
    with Client("memory://traced", trace_headers=True) as client:
        client.producer("orders").send(1, headers={"mine": "stays"})
        with client.consumer("orders", "g") as consumer:
            message = next(iter(consumer))
    (send,) = _found(spans, "send orders")
    (poll,) = _found(spans, "poll orders")
    assert send.kind is SpanKind.PRODUCER
    assert [name for name, _ in message.headers.multi_items()] == ["mine", "traceparent"]
    assert _context_in(message.headers).span_id == send.context.span_id
    assert [link.context.span_id for link in poll.links] == [send.context.span_id]


def test_nothing_goes_with_a_record_unless_it_is_asked_for(spans: InMemorySpanExporter) -> None:
    with MockClient() as client:
        client.producer("orders").send(1)
        client.producer("orders").send_batch([2, 3])
        assert [dict(message.headers) for message in client.get_messages("orders")] == [{}, {}, {}]
    assert _found(spans, "create orders") == []


def test_a_context_that_a_record_has_already_stays(spans: InMemorySpanExporter) -> None:
    with Client("memory://traced-before", trace_headers=True) as client:
        client.producer("orders").send(1, headers={"traceparent": _TRACE_PARENT})
        (message,) = client.read("orders", offset=0).messages
    assert message.headers.get_all("traceparent") == [_TRACE_PARENT]
    (send,) = _found(spans, "send orders")
    assert send.kind is SpanKind.CLIENT
    assert [link.context.span_id for link in send.links] == [int(_TRACE_PARENT[36:52], 16)]


def test_each_record_of_a_batch_has_a_span_of_its_own_to_come_from(spans: InMemorySpanExporter) -> None:
    with Client("memory://traced-batch", trace_headers=True) as client:
        client.producer("orders").send_batch([1, 2])
        messages = client.read("orders", offset=0).messages
    created = _found(spans, "create orders")
    (send,) = _found(spans, "send orders")
    assert [span.kind for span in created] == [SpanKind.PRODUCER] * 2
    assert [_context_in(message.headers).span_id for message in messages] == [one.context.span_id for one in created]
    assert [link.context.span_id for link in send.links] == [one.context.span_id for one in created]
    assert send.kind is SpanKind.CLIENT


def test_a_queued_record_comes_from_where_it_was_queued(spans: InMemorySpanExporter) -> None:
    tracer = trace.get_tracer("test")
    with Client("memory://traced-queue", trace_headers=True) as client, client.async_producer("orders") as queued:
        with tracer.start_as_current_span("work") as work:
            queued.send(1)
        queued.flush()
        (message,) = client.read("orders", offset=0).messages
    (created,) = _found(spans, "create orders")
    assert created.parent is not None
    assert created.parent.span_id == work.get_span_context().span_id
    assert _context_in(message.headers).span_id == created.context.span_id


def test_the_client_of_an_event_loop_makes_the_same_spans(spans: InMemorySpanExporter) -> None:
    async def work() -> Any:
        async with aio.Client("memory://traced-aio", trace_headers=True) as client:
            await client.producer("orders").send(1)
            async with client.consumer("orders", "g") as consumer:
                message = await anext(aiter(consumer))
                await message.commit()
                return message

    message = asyncio.run(work())
    (send,) = _found(spans, "send orders")
    (poll,) = _found(spans, "poll orders")
    assert _context_in(message.headers).span_id == send.context.span_id
    assert [link.context.span_id for link in poll.links] == [send.context.span_id]
    assert len(_found(spans, "commit orders")) == 1


def test_without_opentelemetry_there_is_a_client_and_only_the_headers_are_refused() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None
from kafka_do import Client
with Client("memory://") as client:
    assert client.producer("t").send(1).offset == 0
try:
    Client("memory://", trace_headers=True)
except ValueError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert (run.stdout, run.stderr) == (
        "trace_headers takes OpenTelemetry's API: pip install 'kafka-do[telemetry]'\n",
        "",
    )


def test_until_the_program_has_set_it_up_nothing_is_traced() -> None:
    with Client("memory://not-traced", trace_headers=True) as client:
        client.producer("orders").send(1)
        client.producer("orders").send_batch([2])
        assert [dict(one.headers) for one in client.read("orders", offset=0).messages] == [{}, {}]


def test_no_log_has_a_key_in_it(served: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Client(served, api_key="the-secret-key", retries=0) as client:
        client.producer("logged").send(1)
        with client.consumer("logged", "logging") as consumer:
            next(iter(consumer)).commit()
    assert caplog.records
    assert "the-secret-key" not in caplog.text


def test_the_examples_of_the_page_run() -> None:
    page = (Path(__file__).resolve().parents[2] / "spec" / "observe.md").read_text("utf-8")
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE))
    assert program.count("assert ") > 4
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
