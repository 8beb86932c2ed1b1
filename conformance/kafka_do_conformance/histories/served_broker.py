"""A server under test as the processes of a run see it: each call is a request, on a connection that no other one uses.

A request is on its way from the moment of `send`, and its answer is awaited in `answer`; so requests of several
processes are in the server's hands at the same time.
"""

import time
from collections import Counter

from kafka_do_conformance.group_members import fresh_id
from kafka_do_conformance.histories.calls import Advance, Answer, Call, Fate, Pending
from kafka_do_conformance.histories.events import Partition
from kafka_do_conformance.histories.wire_requests import Place, WireRequest, request_of
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Crashed
from kafka_do_conformance.wire import Response

__all__ = ["ServedBroker"]

_FAULTS: dict[Fate, str] = {"lost request": "drop_before", "lost answer": "drop_after", "refused": "error"}


class ServedBroker:
    """A server with a topic and a group for this run alone. It has to be closed.

    With the feature `control` its clock jumps and what befalls requests is planted as faults. Without it time passes by
    itself, a lost request is one that is not sent, and a lost answer one that nobody looks at.
    """

    def __init__(self, server: ServerSession, partitions: int) -> None:
        self._server = server
        self.has_clock = "control" in server.features()
        topic = server.create_topic(partitions)
        self._place = Place(topic, server.topic_id(topic), fresh_id())
        self.group = self._place.group
        self.partitions = [Partition(self._place.topic_id, number) for number in range(partitions)]
        self._lines: list[ServerSession] = []
        self._idle: list[ServerSession] = []
        self._planted: Counter[str] = Counter()
        self._now_ms = self._server.advance(0) if self.has_clock else _monotonic_ms()

    def new_producer(self) -> str:
        """Allocate an id."""
        response = self._server.send("POST", "/v1/producers")
        wanted = {"id": {"$type": "string", "$pattern": "."}, "epoch": 0}
        ident: str = self._server.expect("allocate", response, {"status": 201, "json": wanted})["id"]
        return ident

    def send(self, call: Call, fate: Fate) -> Pending:
        """Send a request, with the fault planted that is its fate."""
        if not self.has_clock and isinstance(call, Advance):
            return _Settled(Answer("ok", self._passed(_monotonic_ms())))
        if not self.has_clock and fate == "lost request":
            return _Settled(Answer("unknown"))
        request = request_of(call, self._place)
        line = self._open_line()
        if self.has_clock and fate != "fine":
            self._plant(request, fate)
        line.begin(request.method, request.target, value=request.value)
        return _Underway(self, call, request, line, is_lost=not self.has_clock and fate == "lost answer")

    def close(self) -> None:
        """Close all connections."""
        for line in self._lines:
            line.wire.close()

    def answer(self, call: Call, request: WireRequest, line: ServerSession) -> Answer:
        """Wait for an answer and judge it; raises Violation unless it is one that the call, or a fault, may have."""
        try:
            response = line.answer()
        except Crashed:
            if self._strikes("drop"):
                return Answer("unknown")
            raise
        finally:
            self._idle.append(line)
        if response.status != request.status and (answer := self._refusal(request, response)):
            return answer
        wanted = {"status": request.status} | ({} if request.shape is None else {"json": request.shape})
        result = request.read(line.expect(request.operation, response, wanted))
        return Answer("ok", self._passed(result, call.ms) if isinstance(call, Advance) else result)

    def _refusal(self, request: WireRequest, response: Response) -> Answer | None:
        """Return a refusal that is allowed."""
        try:
            problem = response.json()
        except ValueError:
            return None
        code = problem.get("code", "") if isinstance(problem, dict) else ""
        if code in request.refusals or (code == request.fault_code and self._strikes("error")):
            return Answer("refused", None, code)
        return None

    def _open_line(self) -> ServerSession:
        """Return a connection that the server knows, so that requests arrive in the order in which they are sent."""
        if not self._idle:
            self._lines.append(self._server.beside())
        line = self._idle.pop() if self._idle else self._lines[-1]
        if not line.wire.is_open:
            line.features()
        return line

    def _plant(self, request: WireRequest, fate: Fate) -> None:
        fault = _FAULTS[fate]
        code = {"code": request.fault_code} if fault == "error" else {}
        self._server.inject(request.operation, fault, **code, **request.scope)
        self._planted[fault.partition("_")[0]] += 1

    def _strikes(self, fault: str) -> bool:
        """Whether a fault was planted and has not struck yet: so this may be it, on another request than its own."""
        if not self._planted[fault]:
            return False
        self._planted[fault] -= 1
        return True

    def _passed(self, now_ms: int, jumped_ms: int = 0) -> int:
        """Return the milliseconds that have passed by themselves since this was asked last."""
        passed, self._now_ms = now_ms - self._now_ms - jumped_ms, now_ms
        return passed


class _Settled:
    """A call that nobody has to wait for."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def act(self) -> None:
        """Do nothing."""

    def answer(self) -> Answer:
        """Return what was clear from the beginning."""
        return self._answer


class _Underway:
    """A request that was sent."""

    def __init__(
        self, broker: ServedBroker, call: Call, request: WireRequest, line: ServerSession, *, is_lost: bool
    ) -> None:
        self._broker = broker
        self._call = call
        self._request = request
        self._line = line
        self._is_lost = is_lost

    def act(self) -> None:
        """Leave that to the server."""

    def answer(self) -> Answer:
        """Wait for the answer."""
        answer = self._broker.answer(self._call, self._request, self._line)
        return Answer("unknown") if self._is_lost else answer


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
