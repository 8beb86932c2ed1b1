"""A relay between a client and a real server: it keeps what passes, in order, and answers in its place if told.

So a case sees in which order a client does things, and a request that fails when the case wants it to.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Crashed, Timeout
from kafka_do_conformance.wire import Wire

__all__ = ["Relay", "passed_on"]

_SILENCE = ScriptedAnswer(fault="silence")
_OWN = ("host", "content-length", "connection", "transfer-encoding")


@dataclass
class _Planned:
    method: str
    path: re.Pattern[str]
    answer: ScriptedAnswer
    times: int


class _Cut:
    def __init__(self, method: str, path: re.Pattern[str], left: int) -> None:
        self._method = method
        self._path = path
        self.left = left
        self.struck = threading.Event()

    def fits(self, request: SeenRequest) -> bool:
        path = urlsplit(request.target).path
        return request.method == self._method and self._path.fullmatch(path) is not None


class Relay:
    """The way to the server of a session; use it as a context manager."""

    def __init__(self, server: ServerSession) -> None:
        self._url = server.wire.url
        self._deadline_s = server.wire.deadline_s
        self._planned: list[_Planned] = []
        self._cut: _Cut | None = None
        self._peer = Peer(relays=True)
        self._peer.follow(self._pass_on)

    def __enter__(self) -> Self:
        self._peer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._peer.__exit__()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._peer.url

    def seen(self) -> list[SeenRequest]:
        """Return what has passed, in the order of arrival."""
        return self._peer.seen()

    def plan(self, method: str, path: str, answer: ScriptedAnswer, *, times: int = 1) -> None:
        """Answer the next requests whose path is wholly `path`, a pattern, so, in the server's place."""
        self._planned.append(_Planned(method, re.compile(path), answer, times))

    def cut_behind(self, method: str, path: str, number: int) -> threading.Event:
        """Let the `number`th request whose path is wholly `path` reach the server, and nothing pass from then on.

        The event is set when that has happened.
        """
        self._cut = _Cut(method, re.compile(path), number)
        return self._cut.struck

    def _pass_on(self, request: SeenRequest) -> Callable[[], ScriptedAnswer]:
        cut = self._cut
        if cut is not None:
            if cut.left == 0:
                return lambda: _SILENCE
            if cut.fits(request):
                cut.left -= 1
                if cut.left == 0:
                    return lambda: self._strike(request, cut)
        planned = self._next_planned(request)
        if planned is None:
            return lambda: self._exchange(request)
        return lambda: planned.answer

    def _strike(self, request: SeenRequest, cut: "_Cut") -> ScriptedAnswer:
        self._exchange(request)
        cut.struck.set()
        return _SILENCE

    def _next_planned(self, request: SeenRequest) -> _Planned | None:
        path = urlsplit(request.target).path
        for planned in self._planned:
            if planned.times and planned.method == request.method and planned.path.fullmatch(path):
                planned.times -= 1
                return planned
        return None

    def _exchange(self, request: SeenRequest) -> ScriptedAnswer:
        return passed_on(request, self._url, self._deadline_s)


def passed_on(request: SeenRequest, url: str, deadline_s: float) -> ScriptedAnswer:
    """Send a request to the server at `url`, and return its answer; where there is none the connection drops."""
    headers = tuple((name, value) for name, value in request.headers if name.lower() not in _OWN)
    body = request.body or (b"" if request.method in ("POST", "PUT") else None)
    wire = Wire(url, deadline_s)
    try:
        found = wire.exchange(request.method, request.target, body=body, headers=headers)
    except (Timeout, Crashed):
        return ScriptedAnswer(fault="drop-before-answer")
    finally:
        wire.close()
    kept = tuple((name, value) for name, value in found.headers if name.lower() not in _OWN)
    return ScriptedAnswer(found.status, kept, found.body)
