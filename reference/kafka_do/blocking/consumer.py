"""The blocking consumer: what a member of a group reads and commits."""

import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from kafka_do.blocking.live_member import LiveMember
from kafka_do.blocking.waiting import ask_until, now_ms
from kafka_do.client.backoff import Backoff, may_be_repeated
from kafka_do.client.committing import Commit
from kafka_do.client.connecting import Connection
from kafka_do.client.consuming import Found, Positions, Start
from kafka_do.client.driving import drive
from kafka_do.client.membership import Membership, Partition, Subscription
from kafka_do.client.messages import Message
from kafka_do.core.broker import CommitOffsets, QueryOffsets
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import CommitResult, FetchRequest

__all__ = ["Consumer"]

_MAX_WAIT_MS = FetchRequest([]).max_wait_ms


class Consumer:
    """A member of a group. It joins when it is made; use it as a context manager, or call `close()`.

    `poll`, `commit` and `close` are for one thread at a time. A partition that the group takes away stays the member's
    until the next `poll`, so that what the last one returned can be worked on and committed. (GROUP-048 to GROUP-057)
    """

    def __init__(self, connection: Connection, subscription: Subscription, *, start: Start, timeout_ms: int) -> None:
        self._broker = connection.broker
        self._group = subscription.group
        self._timeout_ms = timeout_ms
        self._positions = Positions(start)
        self._backoff = Backoff()
        self._committing = threading.Lock()
        self._member = LiveMember(connection, subscription, timeout_ms=timeout_ms, changed=self._keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def assignment(self) -> list[tuple[str, int]]:
        """The partitions that the member may read, each its topic and number, in order."""
        with self._member.locked() as state:
            return [(one.topic, one.number) for one in sorted(state.assigned)]

    def poll(self, timeout_ms: int) -> list[Message]:
        """Return the next messages, none if there are none within `timeout_ms` milliseconds.

        The call says, too, that the caller has done with the messages of the one before. Raises KafkaError: `closed`;
        why the group does not take the member, `retriable` if it goes on trying; what a read was refused for; and why
        the last read in the time had no answer, if it had none. (GROUP-051, GROUP-054, GROUP-056)
        """
        until_ms = now_ms() + timeout_ms
        failure: KafkaError | None = None
        self._member.hold(())
        while True:
            readable = self._member.await_assignment(until_ms)
            found = Found()
            try:
                if readable:
                    found = self._read(readable, until_ms)
                    failure = None
            except KafkaError as error:
                if not may_be_repeated(error):
                    raise
                failure = error
            if found.messages:
                return found.messages
            if (left_ms := until_ms - now_ms()) <= 0:
                if failure is not None:
                    raise failure
                return []
            self._rest(found, left_ms, failure)

    def commit(self, messages: Iterable[Message] | None = None) -> dict[tuple[str, int], int]:
        """Commit that `messages` are done with, or everything that was polled; return the offset of each partition.

        The offset is the next record to read. Partitions that the member has lost meanwhile are left out. Raises
        KafkaError: `closed`; what the commit was refused for; why the member is none any more.
        (COMMIT-027 to COMMIT-030)
        """
        until_ms = now_ms() + self._timeout_ms
        with self._committing:
            self._member.check()
            with self._member.locked() as state:
                commit = Commit(state, self._positions.done(messages))
            while (asked := self._next_commit(commit)) is not None:
                outcome = self._send(asked, until_ms)
                commit.take(asked, outcome)
                if commit.needs_heartbeat:
                    self._member.await_heartbeat(until_ms)
        if (failure := commit.failure()) is not None:
            raise failure
        return {(one.topic, one.number): offset for one, offset in commit.stored.items()}

    def close(self, *, temporary: bool = False) -> None:
        """Leave the group; nothing is committed. It may be called twice.

        `temporary`: a static member will come back under its `instance_id`, and its partitions wait for it until its
        session timeout. Where the group cannot be told, that timeout ends every membership. (GROUP-055)
        """
        self._member.close(temporary=temporary)

    def _keep(self, state: Membership) -> None:
        self._positions.keep(assigned=state.assigned, owned=state.owned)

    def _rest(self, found: Found, left_ms: int, failure: KafkaError | None) -> None:
        """Pause where asking again at once would find nothing."""
        if failure is None and not found.stalled:
            self._backoff.reset()
        else:
            drive(self._member.pause(min(left_ms, self._backoff.next_ms(failure))))

    def _read(self, readable: frozenset[Partition], until_ms: int) -> Found:
        """Read once; until the answer is there the member counts as reading all of `readable`. (GROUP-049)"""
        self._member.hold(readable)
        found = Found(stalled=True)
        try:
            self._look_up(readable, until_ms)
            wait_ms = max(0, min(until_ms - now_ms(), _MAX_WAIT_MS, self._timeout_ms // 2))
            with self._member.locked() as state:
                asked = self._positions.ask_records(readable & state.assigned, wait_ms)
            if asked is not None:
                parts = drive(self._broker.fetch(asked))
                with self._member.locked() as state:
                    found = self._positions.take_records(asked, parts, state.assigned)
        finally:
            self._member.hold(found.partitions)
        return found

    def _look_up(self, readable: frozenset[Partition], until_ms: int) -> None:
        """Find where to begin in partitions that have no position. (GROUP-056)"""
        with self._member.locked() as state:
            losses = state.losses
            unknown = self._positions.to_look_up(readable)
        if unknown:
            query = QueryOffsets(self._group, self._positions.ask_committed(unknown))
            committed = ask_until(lambda: self._broker.query_offsets(query), until_ms, self._member.pause)
            with self._member.locked() as state:
                self._positions.take_committed(unknown, committed, state.still_assigned(losses))
        with self._member.locked():
            fresh = self._positions.to_start(readable)
        if fresh:
            question = self._positions.ask_start(fresh)
            starts = ask_until(lambda: self._broker.list_offsets(question), until_ms, self._member.pause)
            with self._member.locked() as state:
                self._positions.take_start(fresh, starts, state.still_assigned(losses))

    def _next_commit(self, commit: Commit) -> CommitOffsets | None:
        with self._member.locked():
            return commit.request()

    def _send(self, asked: CommitOffsets, until_ms: int) -> Sequence[CommitResult] | KafkaError:
        """Commit, the same again while the answer is lost. (COMMIT-029)"""
        try:
            return ask_until(lambda: self._broker.commit_offsets(asked), until_ms, self._member.pause)
        except KafkaError as error:
            return error
