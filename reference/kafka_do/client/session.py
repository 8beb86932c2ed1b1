"""What the parts of one client share: the way to the broker, how long and how often it is asked, and the end."""

import logging
import os
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, TypeVar

from kafka_do.client.backoff import Backoff, may_be_repeated, persist
from kafka_do.client.connecting import Connection
from kafka_do.client.runtime import Runtime
from kafka_do.client.tracing import tracing_of
from kafka_do.core.broker import Broker, Discover
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import CreateTopicRequest, Discovery
from kafka_do.spec import SPEC

__all__ = ["DEFAULT_RETRIES", "DEFAULT_TIMEOUT_MS", "Address", "Session", "address_of"]

T = TypeVar("T")

DEFAULT_TIMEOUT_MS = int(SPEC.defaults["client"]["timeout_ms"])
DEFAULT_RETRIES = int(SPEC.defaults["client"]["retries"])
_DEFAULT_URL = str(SPEC.defaults["client"]["url"])
_DEFAULT_PARTITIONS = CreateTopicRequest(topic="").partitions


class Address(NamedTuple):
    """Where the broker is, and the key for it."""

    url: str
    api_key: str | None


def address_of(url: str | None, api_key: str | None) -> Address:
    """Return the arguments where they are given, else what the environment says, else the specification's default."""
    key = api_key if api_key is not None else os.environ.get("KAFKA_DO_API_KEY") or None
    return Address(url or os.environ.get("KAFKA_DO_URL") or _DEFAULT_URL, key)


class Part(Protocol):
    """What a client has made and has work beside its caller's."""

    async def close(self) -> None:
        """End it. It may be called twice."""


class Session:
    """A client while it is open.

    What may be sent again is, `retries` times at most, as long as that ends within `timeout_ms`.
    """

    def __init__(
        self,
        connection: Connection,
        runtime: Runtime,
        *,
        timeout_ms: int,
        retries: int,
        logger: logging.Logger | None = None,
        trace_headers: bool = False,
    ) -> None:
        if timeout_ms <= 0:
            raise ValueError(f"timeout_ms has to be above 0, unlike {timeout_ms}")
        if retries < 0:
            raise ValueError(f"retries has to be 0 or more, unlike {retries}")
        self.connection = connection
        self.runtime = runtime
        self.timeout_ms = timeout_ms
        self.retries = retries
        self.log = logger if logger is not None else logging.getLogger("kafka_do")
        self.tracing = tracing_of(connection.server, in_headers=trace_headers)
        self.parts: set[Part] = set()
        """What is open, and is closed with the client."""
        self._discovery: Discovery | None = None
        self._closed = False

    @property
    def broker(self) -> Broker:
        """The broker; raises KafkaError `closed` after `close`."""
        self.check()
        return self.connection.broker

    def check(self) -> None:
        """Raise KafkaError `closed` after `close`."""
        if self._closed:
            raise KafkaError("closed", "this client is closed")

    async def close(self) -> None:
        """Close what is open, then the connections. It may be called twice."""
        if self._closed:
            return
        try:
            for part in list(self.parts):
                await part.close()
        finally:
            self._closed = True
            await self.connection.close()

    async def ask(
        self,
        ask: Callable[[Broker], Awaitable[T]],
        *,
        may_repeat: Callable[[KafkaError], bool] = may_be_repeated,
        retries: int | None = None,
    ) -> T:
        """Ask the broker, and again where that helps and does no harm; raises the KafkaError of the last try."""
        broker = self.broker
        failure: KafkaError | None = None

        def may_repeat_after(error: KafkaError) -> bool:
            nonlocal failure
            failure = error
            return may_repeat(error)

        async def pause(wait_ms: int) -> None:
            self.log.debug("Asking again in %d ms: %s", wait_ms, failure)
            await self.runtime.sleep(wait_ms)

        return await persist(
            lambda: ask(broker),
            backoff=Backoff(),
            clock=self.runtime.now_ms,
            pause=pause,
            until_ms=self.runtime.now_ms() + self.timeout_ms,
            tries=1 + (self.retries if retries is None else retries),
            may_repeat=may_repeat_after,
        )

    async def discover(self) -> Discovery:
        """Ask what the server is."""
        self._discovery = await self.ask(lambda broker: broker.discover(Discover()))
        return self._discovery

    async def offers(self, feature: str) -> bool:
        """Whether the server has a feature; it is asked once."""
        discovery = self._discovery or await self.discover()
        return feature in discovery.features

    async def limit(self, name: str) -> int:
        """Return a limit of the server's; it is asked once."""
        discovery = self._discovery or await self.discover()
        return discovery.limits.get(name, SPEC.limits[name])

    async def count_if_created(self) -> int | None:
        """Return how many partitions a topic gets that producing creates; None where it creates none. (PRODUCE-024)"""
        return _DEFAULT_PARTITIONS if await self.offers("auto_create_topics") else None
