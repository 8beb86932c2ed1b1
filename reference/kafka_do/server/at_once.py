"""Requests that are answered at once: an ASGI application without what it needs to wait.

uvicorn makes a task, an event and more for each request, which costs 18 µs, as much as the rest of a produce. An
operation that never waits needs none of them, if its whole request is at hand: it is called like a function. uvicorn's
way is the plain one, and takes every other request.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

__all__ = ["Application", "answer_at_once", "response_text"]

Fields = Sequence[tuple[bytes, bytes]]
_Message = MutableMapping[str, Any]
Application = Callable[
    [Any, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Coroutine[Any, Any, None]
]


def answer_at_once(app: Application, scope: Mapping[str, Any], body: bytes) -> tuple[int, Fields, bytes]:
    """Return the answer to a whole request: status, header fields, body.

    Where the application waits all the same, RuntimeError is raised in it.
    """
    sent: list[_Message] = []

    async def receive() -> _Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: _Message) -> None:
        sent.append(message)

    work = app(scope, receive, send)
    with suppress(StopIteration):
        work.send(None)
        work.throw(RuntimeError("this operation was not to wait"))
    start, content = sent
    return start["status"], start["headers"], content["body"]


def response_text(status: int, headers: Fields, body: bytes) -> bytes:
    """Return a response as it goes over the wire."""
    fields = [b"%b: %b\r\n" % field for field in headers]
    return b"".join([STATUS_LINE[status], *fields, b"\r\n", body])
