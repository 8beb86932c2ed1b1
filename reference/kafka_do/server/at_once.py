"""Requests that are answered at once: what waits for nothing is called like a function.

uvicorn makes a task, an event and two messages for each request. An operation that never waits needs none of them, if
its whole request is at hand. uvicorn's way is the plain one, and takes every other request.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping, Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

__all__ = ["Answer", "Scope", "answer_at_once", "response_text"]

Field = tuple[bytes, bytes]
Scope = MutableMapping[str, Any]
Answer = tuple[int, Sequence[Field], bytes]
"""Status, header fields, body."""
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def answer_at_once(
    answer: Callable[[Scope, _Receive], Coroutine[Any, Any, Answer | None]], scope: Scope, body: bytes
) -> Answer:
    """Return what `answer` says to a whole request. Where it waits all the same, RuntimeError is raised in it."""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    work = answer(scope, receive)
    try:
        work.send(None)
        work.throw(RuntimeError("this operation was not to wait"))
    except StopIteration as done:
        answered: Answer | None = done.value
        if answered is not None:
            return answered
    raise RuntimeError("this operation was to be answered")


def response_text(status: int, fields: Iterable[Field], body: bytes) -> bytes:
    """Return a response as it goes over the wire."""
    return STATUS_LINE[status] + b"\r\n".join([*map(b": ".join, fields), b"", body])
