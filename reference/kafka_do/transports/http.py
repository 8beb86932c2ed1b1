"""A broker at the other end of an HTTP connection. The one module that knows an HTTP library."""

import importlib
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.request import getproxies

import msgspec

from kafka_do.binding import (
    ALLOCATE_PRODUCER,
    ALTER_TOPIC,
    COMMIT_OFFSETS,
    CREATE_TOPIC,
    DELETE_GROUP,
    DELETE_RECORDS,
    DELETE_TOPIC,
    DESCRIBE_GROUP,
    DESCRIBE_TOPIC,
    DISCOVER,
    FETCH,
    FETCH_PARTITION,
    HEARTBEAT,
    LEAVE_GROUP,
    LIST_GROUPS,
    LIST_OFFSETS,
    LIST_TOPICS,
    PRODUCE,
    PRODUCE_PARTITION,
    QUERY_OFFSETS,
    RESET_OFFSETS,
)
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.binding.operation import OperationBinding
from kafka_do.binding.problems import disconnected
from kafka_do.core.broker import (
    AllocateProducer,
    AlterTopic,
    CommitOffsets,
    DeleteGroup,
    DeleteRecords,
    DeleteTopic,
    DescribeGroup,
    DescribeTopic,
    Discover,
    FetchPartition,
    Heartbeat,
    LeaveGroup,
    ListGroups,
    ListTopics,
    PartitionFailure,
    PartitionSlice,
    Produce,
    ProducePartition,
    QueryOffsets,
    ResetOffsets,
)
from kafka_do.core.messages import (
    CommitQueryResponse,
    CommitResult,
    CreateTopicRequest,
    DeletedRecords,
    Discovery,
    FetchRequest,
    GroupDescription,
    GroupPage,
    HeartbeatResponse,
    OffsetsRequest,
    OffsetsResponse,
    Producer,
    ResetResult,
    Topic,
    TopicDescription,
    TopicPage,
)
from kafka_do.core.results import Results
from kafka_do.errors import DisconnectedError

if TYPE_CHECKING:
    import httpx
else:
    try:
        httpx = importlib.import_module("httpx2")
    except ModuleNotFoundError:
        httpx = importlib.import_module("httpx")

__all__ = ["AnswerTimeoutError", "BlockingHttp", "HttpBroker", "LoopHttp", "trust"]

Q = TypeVar("Q", bound=msgspec.Struct)
A = TypeVar("A")


class HttpBroker:
    """The operations over HTTP: each is encoded, handed to `exchange` and its response decoded."""

    def __init__(self, exchange: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self._exchange = exchange

    async def _ask(self, binding: OperationBinding[Q, A], asked: Q) -> A:
        return binding.answer_of(await self._exchange(binding.encode_request(asked)))

    async def discover(self, request: Discover) -> Discovery:
        """Tell revision, features and limits."""
        return await self._ask(DISCOVER, request)

    async def create_topic(self, request: CreateTopicRequest) -> Topic:
        """Create a topic."""
        return await self._ask(CREATE_TOPIC, request)

    async def list_topics(self, request: ListTopics) -> TopicPage:
        """List topics."""
        return await self._ask(LIST_TOPICS, request)

    async def describe_topic(self, request: DescribeTopic) -> TopicDescription:
        """Describe a topic."""
        return await self._ask(DESCRIBE_TOPIC, request)

    async def alter_topic(self, request: AlterTopic) -> TopicDescription:
        """Add partitions or set configs."""
        return await self._ask(ALTER_TOPIC, request)

    async def delete_topic(self, request: DeleteTopic) -> None:
        """Delete a topic."""
        return await self._ask(DELETE_TOPIC, request)

    async def delete_records(self, request: DeleteRecords) -> list[DeletedRecords]:
        """Delete the first records of partitions."""
        return await self._ask(DELETE_RECORDS, request)

    async def produce(self, request: Produce) -> Results:
        """Append records."""
        return await self._ask(PRODUCE, request)

    async def produce_partition(self, request: ProducePartition) -> Results:
        """Append one batch to one partition."""
        return await self._ask(PRODUCE_PARTITION, request)

    async def allocate_producer(self, request: AllocateProducer) -> Producer:
        """Allocate a producer id."""
        return await self._ask(ALLOCATE_PRODUCER, request)

    async def list_offsets(self, request: OffsetsRequest) -> OffsetsResponse:
        """Look up offsets."""
        return await self._ask(LIST_OFFSETS, request)

    async def fetch(self, request: FetchRequest) -> list[PartitionSlice | PartitionFailure]:
        """Read many partitions."""
        return await self._ask(FETCH, request)

    async def fetch_partition(self, request: FetchPartition) -> PartitionSlice:
        """Read records."""
        return await self._ask(FETCH_PARTITION, request)

    async def heartbeat(self, request: Heartbeat) -> HeartbeatResponse:
        """Join a group or stay in it."""
        return await self._ask(HEARTBEAT, request)

    async def leave_group(self, request: LeaveGroup) -> None:
        """Leave a group."""
        return await self._ask(LEAVE_GROUP, request)

    async def list_groups(self, request: ListGroups) -> GroupPage:
        """List groups."""
        return await self._ask(LIST_GROUPS, request)

    async def describe_group(self, request: DescribeGroup) -> GroupDescription:
        """Describe a group."""
        return await self._ask(DESCRIBE_GROUP, request)

    async def delete_group(self, request: DeleteGroup) -> None:
        """Delete a group."""
        return await self._ask(DELETE_GROUP, request)

    async def commit_offsets(self, request: CommitOffsets) -> list[CommitResult]:
        """Commit offsets."""
        return await self._ask(COMMIT_OFFSETS, request)

    async def query_offsets(self, request: QueryOffsets) -> CommitQueryResponse:
        """Tell commits and lag."""
        return await self._ask(QUERY_OFFSETS, request)

    async def reset_offsets(self, request: ResetOffsets) -> list[ResetResult]:
        """Commit other offsets."""
        return await self._ask(RESET_OFFSETS, request)


class AnswerTimeoutError(DisconnectedError, TimeoutError):
    """There was no answer within the client's timeout: `disconnected`, and a TimeoutError too."""


class BlockingHttp:
    """Exchanges requests over a pool of connections, blocking the thread; its coroutines never wait.

    `timeout_ms` bounds connecting, each write and each read. Redirects are not followed, so an API key never leaves the
    origin of the URL. A key that goes over plain http goes past every proxy of the environment: it is for this machine
    only. (AUTH-006 to AUTH-008) `accept_encoding` says which answers are wanted, if not what the library can read.
    `trusted` are the certificates that count, those of `trust` as a rule.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_ms: int,
        trusted: ssl.SSLContext,
        api_key: str | None = None,
        accept_encoding: str | None = None,
    ) -> None:
        self._url = _BrokerUrl(url, timeout_ms)
        self._client = httpx.Client(**_options(url, timeout_ms, api_key, accept_encoding, trusted))

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and return its response; raises KafkaError `disconnected`. (ERROR-007)"""
        with self._url.telling_failures():
            return _response(self._client.request(**self._url.arguments(request)))

    async def close(self) -> None:
        """Close the connections."""
        self._client.close()


class LoopHttp:
    """Exchanges requests as `BlockingHttp` does, in the running event loop."""

    def __init__(
        self,
        url: str,
        *,
        timeout_ms: int,
        trusted: ssl.SSLContext,
        api_key: str | None = None,
        accept_encoding: str | None = None,
    ) -> None:
        self._url = _BrokerUrl(url, timeout_ms)
        self._client = httpx.AsyncClient(**_options(url, timeout_ms, api_key, accept_encoding, trusted))

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and return its response; raises KafkaError `disconnected`. (ERROR-007)"""
        with self._url.telling_failures():
            return _response(await self._client.request(**self._url.arguments(request)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _BrokerUrl:
    """Where requests go, and how it is told that no answer came from there."""

    def __init__(self, url: str, timeout_ms: int) -> None:
        self._base = url.rstrip("/")
        self._timeout_ms = timeout_ms

    def arguments(self, request: HttpRequest) -> dict[str, Any]:
        """Return what an HTTP client is told to send."""
        return {
            "method": request.method,
            "url": f"{self._base}{request.path}" + (f"?{request.query}" if request.query else ""),
            "headers": list(request.headers),
            "content": request.body or None,
        }

    @contextmanager
    def telling_failures(self) -> Iterator[None]:
        """Raise KafkaError `disconnected` for what an HTTP client raises."""
        try:
            yield
        except httpx.TimeoutException:
            words = f"no answer from {self._base} within {self._timeout_ms} ms"
            raise AnswerTimeoutError("disconnected", words) from None
        except httpx.HTTPError as error:
            raise disconnected(f"no answer from {self._base}: {str(error) or type(error).__name__}") from error


def trust(url: str) -> ssl.SSLContext:
    """Return the certificates that count on the way to a URL. Reading the machine's takes 20 ms.

    Over plain http none count, unless a proxy of the environment is asked, which may want TLS.
    """
    if url.startswith("http:") and not getproxies():
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.create_ssl_context()


def _options(
    url: str, timeout_ms: int, api_key: str | None, accept_encoding: str | None, trusted: ssl.SSLContext
) -> dict[str, Any]:
    headers = {"Authorization": None if api_key is None else f"Bearer {api_key}", "Accept-Encoding": accept_encoding}
    return {
        "timeout": timeout_ms / 1000,
        "follow_redirects": False,
        "headers": {name: value for name, value in headers.items() if value is not None},
        "trust_env": api_key is None or url.startswith("https:"),
        "verify": trusted,
    }


def _response(response: "httpx.Response") -> HttpResponse:
    return HttpResponse(response.status_code, tuple(response.headers.multi_items()), response.content)
