"""A request that waits for its answer while the case goes on."""

import threading
from typing import Any

from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch, Violation
from kafka_do_conformance.wire import Response

__all__ = ["Waiting"]

_HEAD_START_S = 0.03


class Waiting(threading.Thread):
    """A request that waits for its answer over a connection of its own, sent a moment before this returns."""

    def __init__(self, server: ServerSession, target: str, value: Any = None) -> None:
        super().__init__(daemon=True)
        self._session = server.beside()
        self._target = target
        self._value = value
        self._found: Response | Violation | None = None
        self.start()
        self.join(_HEAD_START_S)

    def run(self) -> None:
        """Send the request and keep what comes."""
        try:
            method = "GET" if self._value is None else "POST"
            self._found = self._session.send(method, self._target, value=self._value)
        except Violation as violation:
            self._found = violation
        finally:
            self._session.wire.close()

    @property
    def is_over(self) -> bool:
        """Whether there is an answer, or will never be one."""
        self.join(_HEAD_START_S)
        return not self.is_alive()

    def response(self) -> Response:
        """Return the answer; raises the Violation that came instead."""
        self.join(2 * self._session.wire.deadline_s)
        if isinstance(self._found, Response):
            return self._found
        raise self._found or Violation("wait", [Mismatch("answer", "one", "none")])
