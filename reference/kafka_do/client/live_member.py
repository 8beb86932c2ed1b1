"""A member of a group whose heartbeats go on beside the work of the caller. (GROUP-050)"""

import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from kafka_do.client.backoff import Backoff, persist
from kafka_do.client.membership import (
    Assigned,
    Event,
    Failed,
    Lost,
    Membership,
    Partition,
    PutOff,
    Revoked,
    Subscription,
    UnderWay,
)
from kafka_do.client.runtime import Gate
from kafka_do.client.session import Session
from kafka_do.core.broker import LeaveGroup
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import HeartbeatResponse
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.client.runtime import Work

__all__ = ["LiveMember"]

T = TypeVar("T")

_HEARTBEAT_TIMEOUT_MS = int(SPEC.defaults["client"]["heartbeat_timeout_ms"])
_PATIENCE = 3  # connecting, writing and reading may each last as long as the time that bounds them


class _Locked:
    """A state that nobody else is at. A generator would take three times as long, for each message."""

    __slots__ = ("_gate", "_state")

    def __init__(self, gate: Gate, state: Membership) -> None:
        self._gate = gate
        self._state = state

    def __enter__(self) -> Membership:
        self._gate.__enter__()
        return self._state

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.__exit__(kind, error, trace)


class LiveMember:
    """Joins with `start`, and stays until `close`.

    `changed` is called after everything that may change what the member has, with the state locked. What has changed
    for the caller waits in `news`. The gate is held for decisions, never for a request.
    """

    def __init__(
        self,
        session: Session,
        subscription: Subscription,
        *,
        changed: Callable[[Membership], None],
    ) -> None:
        runtime = session.runtime
        self.news: deque[Assigned | Revoked | Lost] = deque()
        self._timeout_ms = min(session.timeout_ms, _HEARTBEAT_TIMEOUT_MS)
        self._connection = session.connection.beside(self._timeout_ms)
        self._log = session.log
        self._runtime = runtime
        self._static = subscription.instance_id is not None
        self._on_change = changed
        self._state = Membership(subscription, member=str(uuid.uuid4()), backoff=Backoff(), now_ms=runtime.now_ms())
        self._gate = runtime.gate()
        self._worked_on: frozenset[Partition] = frozenset()
        self._fetched: frozenset[Partition] = frozenset()
        self._put_off: KafkaError | None = None
        self._failure: Exception | None = None
        self._closing = False
        self._beating: Work | None = None

    def start(self) -> None:
        """Join."""
        self._beating = self._runtime.start(self._live, "heartbeats")

    @property
    def gives_up(self) -> bool:
        """Whether others wait for partitions of this member."""
        return self._state.gives_up

    def locked(self) -> "_Locked":
        """Give the state, which does not change meanwhile."""
        return _Locked(self._gate, self._state)

    def check(self) -> None:
        """Raise what the caller has to know: `closed`, why the member is none any more, and once why it has to wait."""
        with self._gate:
            self._check()

    def hold(self, partitions: Iterable[Partition]) -> None:
        """Say what the caller works on."""
        with self._gate:
            self._worked_on = frozenset(partitions)
            self._hold()

    def hold_fetched(self, partitions: Iterable[Partition]) -> None:
        """Say what is read beside the caller."""
        with self._gate:
            self._fetched = frozenset(partitions)
            self._hold()

    async def await_assignment(self, until_ms: int) -> frozenset[Partition]:
        """Return what may be read, empty if that is nothing until the time; raises as `check`."""
        with self._gate:
            await self._wait(lambda: bool(self._state.assigned), until_ms)
            return self._state.assigned

    async def await_heartbeat(self, until_ms: int) -> None:
        """Wait until a heartbeat that is sent from now on was answered; raises as `check`. (COMMIT-028)"""
        with self._gate:
            number = self._state.hasten(self._runtime.now_ms())
            self._gate.ring()
            await self._wait(lambda: self._state.answered >= number, until_ms)

    async def pause(self, wait_ms: int) -> None:
        """Wait so long, or until `close`."""
        until_ms = self._runtime.now_ms() + wait_ms
        with self._gate:
            while not self._closing and (left_ms := until_ms - self._runtime.now_ms()) > 0:
                await self._gate.wait(left_ms)

    async def ask_until(self, ask: Callable[[], Awaitable[T]], until_ms: int) -> T:
        """Ask, and again until the time if that helps and does no harm; raises the KafkaError of the last try."""
        return await persist(ask, backoff=Backoff(), clock=self._runtime.now_ms, pause=self.pause, until_ms=until_ms)

    def check_leaving(self, *, temporary: bool) -> None:
        """Raise ValueError where the member cannot leave so."""
        if temporary and not self._static:
            raise ValueError("only a member with an instance_id can leave for a time")

    async def close(self, *, temporary: bool) -> None:
        """Leave, once the heartbeat that is under way is answered or given up. It may be called twice. (GROUP-055)"""
        with self._gate:
            if self._closing:
                return
            self._closing = True
            self._gate.ring()
        if self._beating is not None:
            await self._beating.join(_PATIENCE * self._timeout_ms)
        with self._gate:
            asked = self._state.leave(temporary=temporary)
        try:
            if asked is not None:
                await self._leave(asked)
        finally:
            await self._connection.close()

    async def abandon(self) -> None:
        """End without the group: no heartbeat is sent any more, so the session timeout ends the membership."""
        with self._gate:
            self._closing = True
            self._gate.ring()
        if self._beating is not None:
            await self._beating.join(0)
        await self._connection.close()

    def _hold(self) -> None:
        self._state.hold(self._worked_on | self._fetched, self._runtime.now_ms())
        self._tell()

    def _check(self) -> None:
        if self._closing:
            raise KafkaError("closed", "this consumer is closed")
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        error, self._put_off = self._put_off, None
        if error is not None:
            raise error

    async def _wait(self, enough: Callable[[], bool], until_ms: int) -> None:
        self._check()
        while not enough() and (left_ms := until_ms - self._runtime.now_ms()) > 0:
            await self._gate.wait(left_ms)
            self._check()

    async def _leave(self, asked: LeaveGroup) -> None:
        until_ms = self._runtime.now_ms() + self._timeout_ms
        leaving = persist(
            lambda: self._connection.broker.leave_group(asked),
            backoff=Backoff(),
            clock=self._runtime.now_ms,
            pause=self._runtime.sleep,
            until_ms=until_ms,
        )
        try:
            await leaving
        except KafkaError as error:
            if error.code != "unknown_member":
                self._log.warning(
                    "%s has not left the group %s, which will miss it: %s", asked.member, asked.group, error
                )

    async def _live(self) -> None:
        try:
            while (asked := await self._next_heartbeat()) is not None:
                self._take(asked, await self._beat(asked))
        except Exception as error:  # noqa: BLE001  a defect: the caller learns it, where a silent end would cost the group
            with self._gate:
                self._failure = error
                self._gate.ring()

    async def _next_heartbeat(self) -> UnderWay | None:
        """Wait for the time of the next heartbeat; None when there will be none."""
        with self._gate:
            while not self._closing and (due_ms := self._state.due_ms()) is not None:
                if (asked := self._state.next_request(self._runtime.now_ms())) is not None:
                    return asked
                await self._gate.wait(max(0, due_ms - self._runtime.now_ms()))
            return None

    async def _beat(self, asked: UnderWay) -> HeartbeatResponse | KafkaError:
        try:
            return await self._connection.broker.heartbeat(asked.request)
        except KafkaError as error:
            return error

    def _take(self, asked: UnderWay, outcome: HeartbeatResponse | KafkaError) -> None:
        with self._gate:
            self._put_off = None
            for event in self._state.take(asked, outcome, self._runtime.now_ms()):
                self._note(event)
            self._tell()

    def _note(self, event: Event) -> None:
        if isinstance(event, PutOff):
            self._put_off = event.error
        elif isinstance(event, Failed):
            self._failure = event.error
        else:
            self.news.append(event)

    def _tell(self) -> None:
        self._on_change(self._state)
        self._gate.ring()
