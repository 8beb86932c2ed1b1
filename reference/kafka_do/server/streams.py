"""Live streams: fetches that stay open. (STREAM-007 to STREAM-025)

A stream is a loop of the broker's own fetches, in one task, which waits at two places only:

- for room in the connection, and reads nothing from the log meanwhile: a slow reader is slowed (STREAM-025)
- in a fetch, for a record, for the time of the next heartbeat or for its end; there it can be interrupted

What can do neither, because its reader never reads, is cut by the sweep that looks at all streams now and then.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from kafka_do.binding.problems import HeadedError
from kafka_do.binding.streams import Form, Line, end_line, found_lines, heartbeat_line
from kafka_do.core.broker import Broker, DescribeTopic, PartitionFailure, PartitionSlice
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import EndReason, FetchRequest
from kafka_do.engines.clock import Clock
from kafka_do.server.bodies import Receive

__all__ = ["ABORT", "Found", "Reader", "Stream", "Streams"]

ABORT = "kafka_do.abort"
"""The extension of ASGI whose `abort` ends a connection at once, with what was not sent yet."""

Found = Sequence[PartitionSlice | PartitionFailure]
Fetch = Callable[[FetchRequest], Awaitable[Found]]
Fields = Sequence[tuple[bytes, bytes]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MOST_LINE_BYTES = 65_536  # of keys, values and headers: what a stream makes at once, before it looks for room
_TICK_MS = 200  # heartbeats that are due within it come together: each costs half of what it costs alone
_SWEEP_MS = 5_000
_RETRY_AFTER_S = 1
_GRACE_S = 0.5  # for readers that are slow when the server stops


class Reader(NamedTuple):
    """Who reads: from `broker`, as one of those with the same `key`, as long as that `is_valid`."""

    broker: Broker
    key: Hashable = None
    is_valid: Callable[[], bool] = lambda: True


class Streams:
    """The live streams of a server: how many there are, and what ends them from outside. They go by `clock`."""

    def __init__(self, clock: Clock, limits: Mapping[str, int]) -> None:
        self.clock = clock
        self.limits = limits
        self._open: set[Stream] = set()
        self._of_key: Counter[Hashable] = Counter()
        self._sweep: asyncio.Task[None] | None = None
        self._is_draining = False

    @property
    def count(self) -> int:
        """How many streams are open."""
        return len(self._open)

    async def open(self, asked: FetchRequest, form: Form, reader: Reader, *, first: Fetch, is_single: bool) -> "Stream":
        """Begin a stream with its `first` fetch; it has to be run.

        Raises the KafkaError of its partition if it `is_single`, and `quota_exceeded`. (STREAM-017, STREAM-023)
        """
        self._check_count(reader.key)
        self._of_key[reader.key] += 1
        try:
            stream = Stream(self, await _held(asked, reader.broker), form, reader)
            stream.found = await first(stream.next_fetch(0))
            if is_single:
                _check_begin(stream.found)
        except BaseException:
            self._leave(reader.key)
            raise
        return stream

    def enter(self, stream: "Stream") -> None:
        """Look after a stream that runs."""
        self._open.add(stream)
        if self._sweep is None or self._sweep.done():
            self._sweep = asyncio.ensure_future(self._sweep_while_open())
        if self._is_draining:
            stream.end("shutdown")

    def leave(self, stream: "Stream") -> None:
        """Count a stream no more."""
        self._open.discard(stream)
        self._leave(stream.reader.key)

    def drain(self) -> None:
        """End all streams; those whose readers do not read are cut a moment later. (STREAM-016)"""
        self._is_draining = True
        for stream in list(self._open):
            stream.end("shutdown")
        if self._open:
            asyncio.get_running_loop().call_later(_GRACE_S, self._cut_all)

    def _leave(self, key: Hashable) -> None:
        self._of_key[key] -= 1
        if not self._of_key[key]:
            del self._of_key[key]

    def _check_count(self, key: Hashable) -> None:
        most = self.limits["max_streams"]
        if self._of_key[key] >= most:
            raise HeadedError(
                "quota_exceeded",
                f"there are {most} open streams, the most that max_streams allows; close one, or wait until one ends",
                ("Retry-After", str(_RETRY_AFTER_S)),
                retry_after_ms=_RETRY_AFTER_S * 1000,
            )

    async def _sweep_while_open(self) -> None:
        while self._open:
            await self.clock.waiter().wait(_SWEEP_MS)
            now_ms = self.clock.now_ms()
            for stream in list(self._open):
                if now_ms >= stream.ends_ms + _SWEEP_MS or stream.is_deaf:
                    stream.cut()
                elif not stream.reader.is_valid():
                    stream.end("key")

    def _cut_all(self) -> None:
        for stream in list(self._open):
            stream.cut()


async def _held(asked: FetchRequest, broker: Broker) -> FetchRequest:
    """Return the same with the ids of topics, so that no stream goes on in another topic of a name. (STREAM-020)"""
    ids: dict[str, str | UnsetType] = {}
    for name in {position.topic for position in asked.partitions if position.topic_id is UNSET}:
        with contextlib.suppress(KafkaError):  # the fetch will tell
            ids[name] = (await broker.describe_topic(DescribeTopic(name))).topic_id
    partitions = [
        msgspec.structs.replace(position, topic_id=ids.get(position.topic, position.topic_id))
        for position in asked.partitions
    ]
    return msgspec.structs.replace(asked, partitions=partitions)


def _check_begin(found: Found) -> None:
    """Raise the KafkaError of the one partition that cannot be read. (STREAM-017)"""
    if isinstance(found[0], PartitionFailure):
        raise found[0].error


class Stream:
    """A live stream of one reader."""

    def __init__(self, home: Streams, asked: FetchRequest, form: Form, reader: Reader) -> None:
        limits = home.limits
        longest_ms = limits["max_stream_ms"]
        wanted_ms = longest_ms if asked.max_stream_ms is UNSET else min(asked.max_stream_ms, longest_ms)
        self.reader = reader
        self.found: Found = ()
        self.ends_ms = home.clock.now_ms() + wanted_ms
        self._home = home
        self._form = form
        self._asked = msgspec.structs.replace(asked, max_bytes=min(asked.max_bytes, _MOST_LINE_BYTES), min_bytes=1)
        self._heartbeat_ms = min(max(asked.heartbeat_ms, limits["min_heartbeat_ms"]), limits["max_heartbeat_ms"])
        self._beats_ms = 0  # when a heartbeat is due: at once where there is nothing else (STREAM-009)
        self._ending: EndReason | None = None
        self._has_left = False
        self._fetching: asyncio.Task[Any] | None = None
        self._abort: Callable[[], None] | None = None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The header fields of the answer. (STREAM-001, STREAM-004)"""
        return (
            ("Content-Type", self._form.media_type),
            ("Cache-Control", "no-store, no-transform"),
            ("X-Accel-Buffering", "no"),
        )

    @property
    def is_deaf(self) -> bool:
        """Whether the reader of a stream that was ended by the last sweep has not taken that in."""
        return self._ending == "key"

    @property
    def _is_over(self) -> bool:
        return self._has_left or self._ending is not None

    def next_fetch(self, max_wait_ms: int) -> FetchRequest:
        """Return what to fetch next."""
        return msgspec.structs.replace(self._asked, max_wait_ms=max_wait_ms)

    def end(self, reason: EndReason) -> None:
        """Have the stream end as soon as it can say so."""
        self._ending = self._ending or reason
        self._interrupt()

    def cut(self) -> None:
        """End a stream whose reader does not read, without a word."""
        self._has_left = True
        if self._abort is not None:
            self._abort()
        self._interrupt()

    async def run(self, scope: Mapping[str, Any], receive: Receive, send: Send, headers: Fields) -> None:
        """Answer with the stream until it ends."""
        extension = (scope.get("extensions") or {}).get(ABORT)
        self._abort = None if extension is None else extension["abort"]
        leaving = asyncio.ensure_future(receive())
        leaving.add_done_callback(self._leave)
        self._home.enter(self)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if lines := self._lines():
                await self._say(send, lines)
            while self._asked.partitions and not self._is_over:
                await self._step(send)
            if not self._has_left:
                line = end_line(self._ending or "errors")
                await send({"type": "http.response.body", "body": self._form.write(line)})
        finally:
            leaving.cancel()
            self._home.leave(self)

    async def _step(self, send: Send) -> None:
        """Wait for room and then for something to say, and say it."""
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        now_ms = self._home.clock.now_ms()
        left_ms = self.ends_ms - now_ms
        if left_ms <= 0:
            self._ending = self._ending or "time"
            return
        await self._fetch(max(0, min(left_ms, self._beats_ms - now_ms)))
        lines = self._lines()
        now_ms = self._home.clock.now_ms()
        if lines:
            await self._say(send, lines)
        elif self._beats_ms <= now_ms < self.ends_ms:
            await self._say(send, [heartbeat_line(now_ms)])
            return
        await asyncio.sleep(0)  # a long log is read to a fast reader, and others have their turns

    async def _fetch(self, max_wait_ms: int) -> None:
        """Look for records, until there are some or this stream is interrupted."""
        self.found = ()
        if self._is_over:
            return
        task = self._fetching = asyncio.current_task()
        assert task is not None  # noqa: S101  for mypy: this is run by one
        try:
            self.found = await self.reader.broker.fetch(self.next_fetch(max_wait_ms))
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            task.uncancel()
        finally:
            self._fetching = None

    def _lines(self) -> list[Line]:
        """Return what was found, and go on behind it. (STREAM-007, STREAM-011, STREAM-018)"""
        if not self.found:
            return []
        lines = found_lines(self.found, self._asked, self._home.limits)
        if not lines:
            return []
        positions = self._asked.partitions
        turn = 0
        left = []
        for one, position in zip(self.found, positions, strict=True):
            if isinstance(one, PartitionFailure):
                continue
            moved = one.next_offset > position.offset
            left.append(msgspec.structs.replace(position, offset=one.next_offset) if moved else position)
            turn = len(left) if moved else turn
        self._asked = msgspec.structs.replace(self._asked, partitions=[*left[turn:], *left[:turn]])
        return lines

    async def _say(self, send: Send, lines: Sequence[Line]) -> None:
        body = b"".join(map(self._form.write, lines))
        beats_ms = self._home.clock.now_ms() + self._heartbeat_ms
        self._beats_ms = beats_ms - beats_ms % _TICK_MS
        await send({"type": "http.response.body", "body": body, "more_body": True})

    def _leave(self, _: "asyncio.Future[Any]") -> None:
        self._has_left = True
        self._interrupt()

    def _interrupt(self) -> None:
        task, self._fetching = self._fetching, None
        if task is not None:
            task.cancel()
