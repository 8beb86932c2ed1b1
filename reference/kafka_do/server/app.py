"""The ASGI application: route → decode and check → broker → encode.

It routes by itself, on `raw_path`: a segment is decoded once and only after the path was split, which frameworks do the
other way round, and the table of routes is the specification's.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from kafka_do.binding.http import REVISION_HEADER, HttpRequest, HttpResponse
from kafka_do.binding.parameters import parse_query
from kafka_do.binding.problems import problem_response
from kafka_do.binding.routes import MethodNotAllowedError, find_route
from kafka_do.core.broker import Broker
from kafka_do.core.errors import KafkaError
from kafka_do.spec import SPEC

__all__ = ["App"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("kafka_do.server")


class ClientLeftError(Exception):
    """The client closed the connection before its request was complete."""


class App:
    """An ASGI application that serves a broker. `limits` are the ones that the broker's discovery tells."""

    def __init__(self, broker: Broker, limits: Mapping[str, int] = SPEC.limits) -> None:
        self._broker = broker
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            try:
                response = await self._respond(scope, receive)
            except ClientLeftError:
                return
            headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
            headers.append((REVISION_HEADER.lower().encode(), SPEC.revision.encode()))
            headers.append((b"content-length", str(len(response.body)).encode()))
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            await send({"type": "http.response.body", "body": response.body})

    async def _respond(self, scope: Scope, receive: Receive) -> HttpResponse:
        try:
            try:
                return await self._answer(scope, receive)
            except KafkaError as error:
                return _problem(error)
        except ClientLeftError:
            raise
        except Exception:  # noqa: BLE001  the client is told `internal`, the log tells why
            _log.exception("%s %s failed", scope["method"], scope["path"])
            return problem_response(KafkaError("internal", "the server failed; its log tells why"))

    async def _answer(self, scope: Scope, receive: Receive) -> HttpResponse:
        path = scope["raw_path"].decode("latin-1")
        binding, values = find_route(scope["method"], path)
        request = HttpRequest(
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode("latin-1"),
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
            body=await self._body(receive),
        )
        query = parse_query(binding.operation, request.query)
        asked = binding.decode_request(request, {**values, **query}, self._limits)
        answer = await binding.perform(self._broker, asked)
        return binding.encode_answer(asked, answer, self._limits)

    async def _body(self, receive: Receive) -> bytes:
        """Return the whole body; raises KafkaError `request_too_large`. (CONV-009)

        A body above the limit is read on and thrown away up to twice the limit, so that a client which sends all before
        it reads gets the answer instead of a broken connection.
        """
        limit = self._limits["max_request_bytes"]
        parts: list[bytes] = []
        size = 0
        more = True
        while more and size <= 2 * limit:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise ClientLeftError
            part = event.get("body", b"")
            size += len(part)
            if size <= limit:
                parts.append(part)
            more = event.get("more_body", False)
        if size > limit:
            raise KafkaError(
                "request_too_large",
                f"the body is longer than max_request_bytes, which is {limit}",
                max_request_bytes=limit,
            )
        return b"".join(parts)


def _problem(error: KafkaError) -> HttpResponse:
    response = problem_response(error)
    if isinstance(error, MethodNotAllowedError):
        return HttpResponse(response.status, (*response.headers, ("Allow", error.allow)), response.body)
    return response


async def _live(receive: Receive, send: Send) -> None:
    """Answer the lifespan messages; there is nothing to set up."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
