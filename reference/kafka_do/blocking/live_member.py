"""A member of a group whose heartbeats go on in a thread of its own, beside the work of the caller. (GROUP-050)"""

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from kafka_do.blocking.waiting import ask_until, now_ms
from kafka_do.client.backoff import Backoff
from kafka_do.client.connecting import Connection
from kafka_do.client.driving import drive
from kafka_do.client.membership import Failed, Membership, Partition, PutOff, Subscription, UnderWay
from kafka_do.core.broker import LeaveGroup
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import HeartbeatResponse
from kafka_do.spec import SPEC

__all__ = ["LiveMember"]

_LOG = logging.getLogger(__name__)
_HEARTBEAT_TIMEOUT_MS = int(SPEC.defaults["client"]["heartbeat_timeout_ms"])
_PATIENCE = 3  # connecting, writing and reading may each last as long as the time that bounds them


class LiveMember:
    """Joins when it is made, and stays until `close`.

    `changed` is called after everything that may change what the member has, with the state locked. The lock is held
    for decisions, never for a request.
    """

    def __init__(
        self,
        connection: Connection,
        subscription: Subscription,
        *,
        timeout_ms: int,
        changed: Callable[[Membership], None],
    ) -> None:
        self._timeout_ms = min(timeout_ms, _HEARTBEAT_TIMEOUT_MS)
        self._connection = connection.beside(self._timeout_ms)
        self._static = subscription.instance_id is not None
        self._on_change = changed
        self._state = Membership(subscription, member=str(uuid.uuid4()), backoff=Backoff(), now_ms=now_ms())
        self._changed = threading.Condition()
        self._put_off: KafkaError | None = None
        self._failure: Exception | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, name="kafka-do heartbeats", daemon=True)
        self._thread.start()

    @contextmanager
    def locked(self) -> Iterator[Membership]:
        """Give the state, which does not change meanwhile."""
        with self._changed:
            yield self._state

    def check(self) -> None:
        """Raise what the caller has to know: `closed`, why the member is none any more, and once why it has to wait."""
        with self._changed:
            if self._closing.is_set():
                raise KafkaError("closed", "this consumer is closed")
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            error, self._put_off = self._put_off, None
            if error is not None:
                raise error

    def hold(self, partitions: Iterable[Partition]) -> None:
        """Say what the caller works on."""
        with self._changed:
            self._state.hold(partitions, now_ms())
            self._tell()

    def await_assignment(self, until_ms: int) -> frozenset[Partition]:
        """Return what may be read, empty if that is nothing until the time; raises as `check`."""
        with self._changed:
            self._wait(lambda: bool(self._state.assigned), until_ms)
            return self._state.assigned

    def await_heartbeat(self, until_ms: int) -> None:
        """Wait until a heartbeat that is sent from now on was answered; raises as `check`. (COMMIT-028)"""
        with self._changed:
            number = self._state.hasten(now_ms())
            self._changed.notify_all()
            self._wait(lambda: self._state.answered >= number, until_ms)

    async def pause(self, wait_ms: int) -> None:
        """Wait so long, or until `close`."""
        self._closing.wait(wait_ms / 1000)

    def close(self, *, temporary: bool) -> None:
        """Leave, once the heartbeat that is under way is answered or given up. It may be called twice. (GROUP-055)"""
        if temporary and not self._static:
            raise ValueError("only a member with an instance_id can leave for a time")
        with self._changed:
            if self._closing.is_set():
                return
            self._closing.set()
            self._changed.notify_all()
        self._thread.join(_PATIENCE * self._timeout_ms / 1000)
        with self._changed:
            asked = self._state.leave(temporary=temporary)
        try:
            if asked is not None:
                self._leave(asked)
        finally:
            self._connection.close()

    def _wait(self, enough: Callable[[], bool], until_ms: int) -> None:
        self.check()
        while not enough() and (left_ms := until_ms - now_ms()) > 0:
            self._changed.wait(left_ms / 1000)
            self.check()

    def _leave(self, asked: LeaveGroup) -> None:
        try:
            ask_until(lambda: self._connection.broker.leave_group(asked), now_ms() + self._timeout_ms)
        except KafkaError as error:
            if error.code != "unknown_member":
                _LOG.warning("%s has not left the group %s, which will miss it: %s", asked.member, asked.group, error)

    def _live(self) -> None:
        try:
            while (asked := self._next_heartbeat()) is not None:
                self._take(asked, self._beat(asked))
        except Exception as error:  # noqa: BLE001  a defect: the caller learns it, where a silent end would cost the group
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _next_heartbeat(self) -> UnderWay | None:
        """Wait for the time of the next heartbeat; None when there will be none."""
        with self._changed:
            while not self._closing.is_set() and (due_ms := self._state.due_ms()) is not None:
                if (asked := self._state.next_request(now_ms())) is not None:
                    return asked
                self._changed.wait(max(0, due_ms - now_ms()) / 1000)
            return None

    def _beat(self, asked: UnderWay) -> HeartbeatResponse | KafkaError:
        try:
            return drive(self._connection.broker.heartbeat(asked.request))
        except KafkaError as error:
            return error

    def _take(self, asked: UnderWay, outcome: HeartbeatResponse | KafkaError) -> None:
        with self._changed:
            self._put_off = None
            for event in self._state.take(asked, outcome, now_ms()):
                if isinstance(event, PutOff):
                    self._put_off = event.error
                elif isinstance(event, Failed):
                    self._failure = event.error
            self._tell()

    def _tell(self) -> None:
        self._on_change(self._state)
        self._changed.notify_all()
