"""The ASGI application: the way of one request. Key → route → decode and check → broker → encode.

It routes by itself, on `raw_path`: a segment is decoded once and only after the path was split, which frameworks do the
other way round, and the table of routes is the specification's.
"""

import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

from kafka_do.binding import FETCH_PARTITION
from kafka_do.binding.fields import accepts_json, combine
from kafka_do.binding.http import JSON, REVISION_HEADER, HttpRequest, HttpResponse
from kafka_do.binding.operation import Binding
from kafka_do.binding.parameters import Values, parse_query
from kafka_do.binding.problems import identified, problem_response
from kafka_do.binding.routes import find_route
from kafka_do.binding.streams import STREAMS, fetch_of_stream, stream_form
from kafka_do.core.broker import Broker
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import FetchRequest
from kafka_do.server.authentication import Holder, Keys
from kafka_do.server.bodies import ClientLeftError, Receive, check_announced, read_body
from kafka_do.server.compression import ZSTD, inflater
from kafka_do.server.control import Control
from kafka_do.server.cors import Cors
from kafka_do.server.deflating import deflated
from kafka_do.server.faults import DROP, DroppedError
from kafka_do.server.quotas import Metered
from kafka_do.server.request_ids import REQUEST_ID_HEADER, RequestIds
from kafka_do.server.restricted import restricted
from kafka_do.server.streams import Found, Reader, Stream, Streams
from kafka_do.spec import SPEC, Operation

__all__ = ["KEY", "OPERATION", "RECEIVED", "App", "Scope", "Send"]

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Fields = Mapping[bytes, bytes]

KEY, OPERATION, RECEIVED = "kafka_do.key", "kafka_do.operation", "kafka_do.received"
"""What is noted in the scope of a request: the name of its key, its operation, the bytes of its body."""
_PROBLEMS = 400
_NO_CONTENT = 204

_log = logging.getLogger("kafka_do.server")


class App:
    """An ASGI application that serves a broker.

    `limits` and `features` are the ones that the broker's discovery tells. With `keys` it asks for one (feature
    `api_keys`), with `cors` it answers browsers (feature `cors`), with `control` it does what tests need, with
    `streams` a fetch may stay open (feature `streams`). `at_once` are the operations in which the broker never waits.
    """

    def __init__(
        self,
        broker: Broker,
        limits: Mapping[str, int] = SPEC.limits,
        *,
        features: Collection[str] = ("core",),
        keys: Keys | None = None,
        cors: Cors | None = None,
        control: Control | None = None,
        streams: Streams | None = None,
        request_ids: RequestIds | None = None,
        at_once: Collection[str] = (),
    ) -> None:
        self._broker = broker
        self._limits = limits
        self._features = frozenset(features)
        self._with_zstd = ZSTD in self._features
        self._keys = keys
        self._cors = cors
        self._control = control
        self._streams = streams
        self._request_ids = request_ids or RequestIds()
        self._at_once = frozenset(at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._exchange(scope, receive, send)

    def answers_at_once(self, method: str, path: str) -> bool:
        """Whether a whole request is answered now: nothing is waited for, and no fault may strike it."""
        if self._control is not None and self._control.has_faults:
            return False
        try:
            return find_route(method, path).binding.name in self._at_once
        except Exception:  # noqa: BLE001  whatever is wrong with the path, the ordinary way finds it too, and says so
            return False

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"].decode("latin-1")
        fields = combine(scope["headers"])
        request_id = self._request_ids.of(fields.get(b"x-request-id"))
        try:
            response = await self._answer(scope, path, fields, receive)
        except ClientLeftError:
            return
        except DroppedError:
            scope["extensions"][DROP]["close"]()
            return
        except KafkaError as error:
            response = _problem(error)
        except Exception:  # noqa: BLE001  the client is told `internal`, the log tells why
            _log.exception("%s %s failed", scope["method"], path)
            response = _internal()
        headers = [_REVISION, (_REQUEST_ID, request_id.encode())]
        if self._cors is not None:
            headers += _encode(self._cors.headers(fields))
        if isinstance(response, Stream):
            headers += _encode(response.headers)
            await response.run(scope, receive, send, headers)
            return
        if response.status >= _PROBLEMS:
            response = identified(response, request_id=request_id, instance=path)
        headers += _encode(response.headers)
        if response.status != _NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(response.body)))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _answer(self, scope: Scope, path: str, fields: Fields, receive: Receive) -> HttpResponse | Stream:
        method = scope["method"]
        if self._cors is not None and (preflight := self._cors.preflight(method, path, fields)) is not None:
            return preflight
        holder = self._holder(scope, method, path, fields)
        binding, values = find_route(method, path)
        scope[OPERATION] = binding.name
        if binding.operation.feature not in self._features:
            raise _lacking(binding.operation)
        form = stream_form(binding.name, fields.get(b"accept"))
        if form is None:
            _check_accept(fields)
        elif self._streams is None:
            raise _lacking_streams(binding.operation)
        request = HttpRequest(
            method=method,
            path=path,
            query=scope["query_string"].decode("latin-1"),
            headers=_for_binding(fields),
            body=await self._body(scope, fields, receive, holder),
        )
        query = parse_query(binding.operation, request.query)
        asked = binding.decode_request(request, {**values, **query}, self._limits)
        broker = self._broker
        if holder is not None and not holder.is_unlimited:
            broker = restricted(broker, holder.rights, self._limits, binding.name, asked)
        if form is not None and self._streams is not None:
            wanted = fetch_of_stream(asked, form, fields.get(b"last-event-id", b""))
            reader = self._reader(broker, holder)
            first = functools.partial(self._first_fetch, binding, values, reader)
            return await self._streams.open(wanted, form, reader, first=first, is_single=binding is FETCH_PARTITION)
        if self._control is None:
            answer = await binding.perform(broker, asked)
        else:
            answer = await self._control.perform(binding, asked, values, broker)
        response = await deflated(
            binding.encode_answer(asked, answer, self._limits),
            fields.get(b"accept-encoding"),
            with_zstd=self._with_zstd,
            waits=binding.name not in self._at_once,
        )
        if holder is not None:
            holder.meter.take_bytes(len(response.body))
        return response

    def _holder(self, scope: Scope, method: str, path: str, fields: Fields) -> Holder | None:
        """Return who asks, None where nobody needs a key; raises KafkaError. (AUTH-001, QUOTA-001)"""
        holder = None
        if self._keys is not None:
            holder = self._keys.check(method, path, fields.get(b"authorization"))
            if holder is not None:
                scope[KEY] = holder.key.name
                holder.meter.take_request()
        return holder

    async def _first_fetch(self, binding: Binding, values: Values, reader: Reader, request: FetchRequest) -> Found:
        """Fetch for a stream that begins; that is where a fault strikes."""
        act = functools.partial(reader.broker.fetch, request)
        found: Found = await (act() if self._control is None else self._control.strike(binding, values, act))
        return found

    def _reader(self, broker: Broker, holder: Holder | None) -> Reader:
        """Return who reads a stream: as long as the key allows what it does, and what is read counts. (AUTH-009)"""
        if self._keys is None or holder is None:
            return Reader(broker)
        metered = Metered(broker, holder.meter)
        return Reader(metered, holder.key.digest, functools.partial(self._keys.is_current, holder))

    async def _body(self, scope: Scope, fields: Fields, receive: Receive, holder: Holder | None) -> bytes:
        """Return the whole body, inflated; raises KafkaError. (CONV-009, HTTP-004 to HTTP-007)"""
        limit = self._limits["max_request_bytes"]
        inflate = None
        if b"content-encoding" in fields:
            inflate = inflater(fields[b"content-encoding"], with_zstd=self._with_zstd)
        if b"expect" in fields:
            check_announced(fields, limit)
        body = await read_body(receive, limit)
        scope[RECEIVED] = len(body)
        if holder is not None:
            holder.meter.take_bytes(len(body))
        return inflate(body, limit) if inflate is not None and body else body


def _problem(error: KafkaError) -> HttpResponse:
    """Return the problem that an error is; one that no server may answer is a fault of the server."""
    try:
        return problem_response(error)
    except Exception:  # noqa: BLE001  whatever it is
        _log.exception("%s cannot be answered", error.code)
        return _internal()


def _internal() -> HttpResponse:
    return problem_response(KafkaError("internal", "the server failed; its log tells why"))


def _lacking(operation: Operation) -> KafkaError:
    """Return the error for an operation of a feature that the server lacks. (CONV-018)"""
    message = f"{operation.method} {operation.path} needs the feature {operation.feature}, which this server lacks"
    return KafkaError("unsupported_feature", message, feature=operation.feature)


def _lacking_streams(operation: Operation) -> KafkaError:
    """Return the error for a stream where there are none. (STREAM-003)"""
    message = f"{operation.method} {operation.path} answers once here: this server lacks the feature {STREAMS}"
    return KafkaError("unsupported_feature", message, feature=STREAMS)


def _check_accept(fields: Fields) -> None:
    """Raise KafkaError `not_acceptable` where no answer would be. (HTTP-003)"""
    accept = fields.get(b"accept", b"*/*")
    if accept != b"*/*" and not accepts_json(accept):
        raise KafkaError("not_acceptable", f"the header Accept has to allow {JSON}, the only form of an answer here")


def _for_binding(fields: Fields) -> tuple[tuple[str, str], ...]:
    """Return the headers that operations look at: how the body is declared. (CONV-008)"""
    declared = fields.get(b"content-type")
    return () if declared is None else (("Content-Type", declared.decode("latin-1")),)


@functools.lru_cache(256)
def _encode(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Return headers as ASGI wants them; most answers have the same few."""
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers)


(_REVISION,) = _encode(((REVISION_HEADER, SPEC.revision),))
_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()


async def _live(receive: Receive, send: Send) -> None:
    """Answer the lifespan messages; there is nothing to set up."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
