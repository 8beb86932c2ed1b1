"""Clients of a broker in the test's own process."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from kafka_do import aio, blocking
from kafka_do._version import __version__
from kafka_do.aio.runtime import LoopRuntime
from kafka_do.blocking.runtime import ThreadRuntime
from kafka_do.client import reading
from kafka_do.client.connecting import in_process
from kafka_do.client.driving import drive
from kafka_do.client.messages import ReadMessage
from kafka_do.client.producing import send
from kafka_do.client.serializing import record_to_send
from kafka_do.client.session import DEFAULT_RETRIES, DEFAULT_TIMEOUT_MS, Session
from kafka_do.core.broker import Broker, DescribeTopic
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import CreateTopicRequest
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC
from kafka_do.testing.faults import Fault, FaultyBroker
from kafka_do.transports.direct import embedded

if TYPE_CHECKING:
    from kafka_do.client.runtime import Runtime

__all__ = ["AsyncMockClient", "MockBroker", "MockClient"]


class MockBroker:
    """A broker of its own, with what tests do to it; `MockClient` and `AsyncMockClient` have all of this too."""

    def __init__(self) -> None:
        self._embedded = embedded("", lambda clock: MemoryEngine(version=__version__, clock=clock))
        self._faults: list[Fault] = []

    def seed(self, topic: str, messages: Iterable[Any], *, partitions: int = 1) -> None:
        """Append messages, each what `Producer.send` takes, to a topic, which is made if there is none."""
        broker = self._embedded.broker(in_loop=False)
        try:
            drive(broker.create_topic(CreateTopicRequest(topic, partitions)))
        except KafkaError as error:
            if error.code != "topic_already_exists":
                raise
        records = [record_to_send(message) for message in messages]
        for outcome in drive(send(broker, topic, records)) if records else ():
            if isinstance(outcome, KafkaError):
                raise outcome

    def get_messages(self, topic: str) -> list[ReadMessage[Any]]:
        """Return everything in a topic, by partition and offset; nothing if there is no such topic."""
        broker = self._embedded.broker(in_loop=False)
        try:
            described = drive(broker.describe_topic(DescribeTopic(topic)))
        except KafkaError as error:
            if error.code != "topic_not_found":
                raise
            return []
        messages: list[ReadMessage[Any]] = []
        for part in described.partitions:
            offset = part.log_start_offset
            while offset < part.high_watermark:
                most = SPEC.limits["max_fetch_bytes"]
                asked = reading.read(broker, topic, part.partition, offset=offset, max_records=None, max_bytes=most)
                found = drive(asked)
                messages += found.messages
                offset = found.next_offset
        return messages

    def fail(self, operation: str, code: str = "not_leader", *, times: int = 1, after: bool = False) -> None:
        """Let the next `times` calls of an operation fail with a code of the catalogue, before they do anything.

        Operations have their names in the specification, such as `produce_partition`, `fetch`, `commit_offsets`. With
        `after` the operation is done and its answer lost; `disconnected` is the code that a client then sees.
        """
        if operation not in SPEC.operations:
            raise ValueError(f"there is no operation {operation!r}, but {', '.join(sorted(SPEC.operations))}")
        if code not in SPEC.errors:
            raise ValueError(f"the catalogue has no code {code!r}")
        if times < 1:
            raise ValueError(f"times has to be 1 or more, unlike {times}")
        self._faults.append(Fault(operation, code, times, after))

    def advance(self, ms: int) -> None:
        """Set the time ahead, the broker's and its clients': sessions end, and so does waiting. Nothing sleeps."""
        self._embedded.clock.advance(ms)

    def session(self, *, timeout_ms: int, retries: int, in_loop: bool) -> Session:
        """Return what a client of this broker shares."""
        clock = self._embedded.clock
        runtime: Runtime = LoopRuntime(clock) if in_loop else ThreadRuntime(clock)
        broker = cast("Broker", FaultyBroker(self._embedded.broker(in_loop=in_loop), self._faults))
        return Session(in_process(broker), runtime, timeout_ms=timeout_ms, retries=retries)


class MockClient(blocking.Client, MockBroker):
    """A blocking client of a broker of its own."""

    def __init__(self, *, timeout_ms: int = DEFAULT_TIMEOUT_MS, retries: int = DEFAULT_RETRIES) -> None:
        MockBroker.__init__(self)
        self._begin(self.session(timeout_ms=timeout_ms, retries=retries, in_loop=False))


class AsyncMockClient(aio.Client, MockBroker):
    """A client of an event loop, of a broker of its own."""

    def __init__(self, *, timeout_ms: int = DEFAULT_TIMEOUT_MS, retries: int = DEFAULT_RETRIES) -> None:
        MockBroker.__init__(self)
        self._begin(self.session(timeout_ms=timeout_ms, retries=retries, in_loop=True))
