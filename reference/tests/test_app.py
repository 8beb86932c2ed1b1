"""The ASGI application, called directly with the messages that a server would pass it."""

import asyncio
import gzip
import json
import logging
from collections.abc import Coroutine, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import pytest

from kafka_do.core.errors import KafkaError
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.server.app import App
from kafka_do.server.authentication import Keys
from kafka_do.server.cors import Cors
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.core.broker import Broker

T = TypeVar("T")
Event = MutableMapping[str, Any]

_PATIENCE_S = 10
_LIMITS = {**SPEC.limits, "max_request_bytes": 40, "max_json_depth": 3}
_SECRET = "the password is hunter2"  # noqa: S105  what an answer must not tell
_JSON = ((b"content-type", b"application/json"),)


class _Answer(NamedTuple):
    """A response as it was sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class _FailingBroker:
    """A broker whose every operation raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, operation: str) -> Any:
        async def fail(_request: object) -> None:
            raise self._error

        return fail


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, which has to come soon."""
    return asyncio.run(asyncio.wait_for(work, _PATIENCE_S))


def _app() -> App:
    return App(MemoryEngine(version="9.9", limits=_LIMITS, clock=ManualClock()), _LIMITS)


def _exchange(
    app: App, target: str, events: Iterable[Event], *, method: str, headers: Iterable[tuple[bytes, bytes]] = _JSON
) -> tuple[list[Event], int]:
    """Give the application a request whose body comes in `events`; return what it sent and how many events it took."""
    path, _, query = target.partition("?")
    scope: Event = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": list(headers),
    }
    script = list(events)
    waiting = iter(script)
    taken: list[Event] = []
    sent: list[Event] = []

    async def receive() -> Event:
        taken.append(next(waiting))
        return taken[-1]

    async def send(event: Event) -> None:
        sent.append(event)

    _run(app(scope, receive, send))
    return sent, len(taken)


def _body(*parts: bytes) -> list[Event]:
    return [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1} for index, part in enumerate(parts)
    ]


def _ask(
    app: App,
    method: str,
    target: str,
    body: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = _JSON,
) -> _Answer:
    """Return the answer to a request."""
    sent, _ = _exchange(app, target, _body(body), method=method, headers=headers)
    return _answer(sent)


def _answer(sent: list[Event]) -> _Answer:
    start, *rest = sent
    assert start["type"] == "http.response.start"
    assert [event["type"] for event in rest] == ["http.response.body"]
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert len(headers) == len(start["headers"])
    assert all(name == name.lower() for name in headers)
    body: bytes = rest[0]["body"]
    assert headers["content-length"] == str(len(body))
    return _Answer(start["status"], headers, body)


def test_a_record_goes_all_the_way_there_and_back() -> None:
    app = _app()
    assert _ask(app, "POST", "/v1/topics", b'{"topic": "t", "partitions": 2}').status == 201
    produced = _ask(app, "POST", "/v1/topics/t/records", b'{"records":[{"value":1.0,"key":"abc"}]}')
    (place,) = produced.document["results"]
    assert (produced.status, place["partition"], place["offset"]) == (200, 1, 0)
    read = _ask(app, "GET", "/v1/topics/t/partitions/1/records?offset=0")
    assert (read.status, read.headers["content-type"]) == (200, "application/json")
    assert b'"value":1.0' in read.body
    assert read.document["next_offset"] == 1


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/v1", 200),
        ("GET", "/v1/nowhere", 404),
        ("POST", "/v1", 405),
        ("GET", "/v1?a=b", 400),
        ("GET", "/", 404),
    ],
)
def test_every_answer_carries_the_revision(method: str, target: str, status: int) -> None:
    answer = _ask(_app(), method, target)
    assert (answer.status, answer.headers["kafka-do-revision"]) == (status, "1.0")


def test_an_error_is_a_problem_document() -> None:
    answer = _ask(_app(), "GET", "/v1/topics/t/partitions/0/records?offset=0")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.document == {
        "type": "https://kafka.do/spec/generated/errors/topic_not_found/",
        "title": "The topic does not exist",
        "status": 404,
        "detail": "there is no topic 't'",
        "code": "topic_not_found",
        "retriable": False,
        "indeterminate": False,
        "topic": "t",
        "instance": "/v1/topics/t/partitions/0/records",
        "request_id": answer.headers["x-request-id"],
    }


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("DELETE", "/v1", "GET"),
        ("PUT", "/v1/topics", "GET, POST"),
        ("PUT", "/v1/topics/t/partitions/0/records", "GET, POST"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_answered_with_allow(method: str, target: str, allow: str) -> None:
    answer = _ask(_app(), method, target)
    assert (answer.status, answer.document["code"], answer.headers["allow"]) == (405, "method_not_allowed", allow)


@pytest.mark.parametrize(
    ("segment", "topic"), [("a%2Fb", "a/b"), ("a%252Fb", "a%2Fb"), ("a+b", "a+b"), ("%C3%A9", "é"), ("%2E%2E", "..")]
)
def test_a_segment_of_the_path_is_decoded_once_and_after_the_path_was_split(segment: str, topic: str) -> None:
    answer = _ask(_app(), "GET", f"/v1/topics/{segment}/partitions/0/records?offset=0")
    assert (answer.document["code"], answer.document["topic"]) == ("topic_not_found", topic)


def test_a_body_may_come_in_pieces() -> None:
    app = _app()
    sent, taken = _exchange(app, "/v1/topics", _body(b'{"to', b"", b'pic": ', b'"t"}', b""), method="POST")
    assert (_answer(sent).status, taken) == (201, 5)


def test_a_message_without_a_body_and_without_more_is_the_end_of_the_body() -> None:
    sent, _ = _exchange(_app(), "/v1", [{"type": "http.request"}], method="GET")
    assert _answer(sent).status == 200


def test_a_body_as_long_as_the_limit_is_taken() -> None:
    assert _ask(_app(), "POST", "/v1/topics", b'{"topic": "t"}'.ljust(40)).status == 201


@pytest.mark.parametrize("parts", [[b" " * 41], [b'{"topic": "t"}', b" " * 27], [b" " * 20, b" " * 20, b" ", b""]])
def test_a_body_above_the_limit_is_refused_and_has_no_effect(parts: list[bytes]) -> None:
    app = _app()
    sent, taken = _exchange(app, "/v1/topics", _body(*parts), method="POST")
    answer = _answer(sent)
    assert (answer.status, answer.document["code"]) == (413, "request_too_large")
    assert answer.document["max_request_bytes"] == 40
    assert taken == len(parts)
    assert _ask(app, "POST", "/v1/topics", b'{"topic": "t"}').status == 201


def test_a_body_without_end_is_not_read_for_ever() -> None:
    sent, taken = _exchange(_app(), "/v1/topics", _body(*[b" " * 10] * 1_000), method="POST")
    assert (_answer(sent).status, taken) == (413, 9)


@pytest.mark.parametrize("parts", [[], [b'{"topic": "t"}'], [b" " * 50]])
def test_a_client_that_leaves_amid_its_body_is_not_answered_and_has_no_effect(parts: list[bytes]) -> None:
    app = _app()
    events = [*_body(*parts, b"")[:-1], {"type": "http.disconnect"}]
    sent, taken = _exchange(app, "/v1/topics", events, method="POST")
    assert (sent, taken) == ([], len(events))
    assert _ask(app, "POST", "/v1/topics", b'{"topic": "t"}').status == 201


def test_a_body_that_is_not_declared_as_json_is_refused() -> None:
    answer = _ask(_app(), "POST", "/v1/topics", b'{"topic": "t"}', headers=())
    assert (answer.status, answer.document["code"]) == (415, "unsupported_media_type")


_REQUESTS = pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/v1", b""),
        ("POST", "/v1/topics", b'{"topic": "t"}'),
        ("POST", "/v1/topics/t/records", b'{"records": [{"value": 1}]}'),
        ("GET", "/v1/topics/t/partitions/0/records?offset=0", b""),
    ],
)


@_REQUESTS
def test_a_broker_that_fails_gives_internal_and_its_words_only_to_the_log(
    caplog: pytest.LogCaptureFixture, method: str, target: str, body: bytes
) -> None:
    app = App(cast("Broker", _FailingBroker(RuntimeError(_SECRET))), _LIMITS)
    with caplog.at_level(logging.ERROR, logger="kafka_do.server"):
        answer = _ask(app, method, target, body)
    assert (answer.status, answer.document["code"]) == (500, "internal")
    assert answer.document["indeterminate"] is True
    assert _SECRET.encode() not in answer.body
    assert _SECRET in caplog.text


@_REQUESTS
def test_an_error_that_a_broker_raises_is_answered_as_it_is(method: str, target: str, body: bytes) -> None:
    answer = _ask(
        App(cast("Broker", _FailingBroker(KafkaError("topic_not_found", "gone", topic="t"))), _LIMITS),
        method,
        target,
        body,
    )
    assert (answer.status, answer.document["code"], answer.document["detail"]) == (404, "topic_not_found", "gone")


@pytest.mark.parametrize(
    "error",
    [
        KafkaError("disconnected", _SECRET),
        KafkaError("moon_phase", _SECRET),
        KafkaError("internal", "why", phase="full"),
    ],
    ids=lambda error: error.code,
)
def test_an_error_of_a_broker_that_no_server_may_answer_gives_internal(error: KafkaError) -> None:
    answer = _ask(App(cast("Broker", _FailingBroker(error)), _LIMITS), "GET", "/v1")
    assert (answer.status, answer.document["code"]) == (500, "internal")
    assert _SECRET.encode() not in answer.body


def test_the_application_goes_on_after_a_failure() -> None:
    app = _app()
    assert _ask(app, "POST", "/v1/topics", b"{").status == 400
    assert _ask(app, "GET", "/v1").status == 200


def test_starting_and_stopping_are_acknowledged() -> None:
    script = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Event:
        return next(script)

    async def send(event: Event) -> None:
        sent.append(event["type"])

    _run(_app()({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def _keyed() -> App:
    engine = MemoryEngine(version="9.9", limits=_LIMITS, clock=ManualClock())
    return App(engine, _LIMITS, keys=Keys(["abc"]), cors=Cors(["https://shop.example"]))


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", "/v1", [], 200),
        ("DELETE", "/v1", [], 401),
        ("GET", "/v1/topics", [], 401),
        ("GET", "/v1/nothing", [], 401),
        ("GET", "/", [], 401),
        ("GET", "/v1/topics", [(b"authorization", b"Bearer abc")], 200),
        ("GET", "/v1/topics", [(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer abc")], 401),
        ("GET", "/v1/nothing", [(b"authorization", b"Bearer abc")], 404),
        ("OPTIONS", "/v1/topics", [(b"authorization", b"Bearer abc")], 405),
        ("GET", "/v1/topics?api_key=abc", [(b"authorization", b"Bearer abc")], 400),
    ],
)
def test_a_key_is_asked_for_before_anything_else(
    method: str, target: str, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    answer = _ask(_keyed(), method, target, headers=headers)
    assert answer.status == status
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_request_without_a_key_is_not_read() -> None:
    _, taken = _exchange(_keyed(), "/v1/topics", _body(b"{", b"}"), method="POST")
    assert taken == 0


def test_a_preflight_has_neither_key_nor_body() -> None:
    headers = [(b"origin", b"https://shop.example"), (b"access-control-request-method", b"POST")]
    sent, _ = _exchange(_keyed(), "/v1/topics", _body(b""), method="OPTIONS", headers=headers)
    names = dict(sent[0]["headers"])
    assert (sent[0]["status"], names[b"access-control-allow-origin"]) == (204, b"https://shop.example")
    assert b"content-length" not in names


def test_an_origin_is_answered_also_where_the_request_is_refused() -> None:
    answer = _ask(_keyed(), "GET", "/v1/topics", headers=[(b"origin", b"https://shop.example")])
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (401, "https://shop.example")


def test_a_compressed_body_is_counted_as_it_is_sent_and_as_it_inflates() -> None:
    app = _app()
    coded = [*_JSON, (b"content-encoding", b"gzip")]
    taken = _ask(app, "POST", "/v1/topics", gzip.compress(b'{"topic":"t"}'), headers=coded)
    bomb = _ask(app, "POST", "/v1/topics", gzip.compress(b'{"topic":"u"}'.ljust(41)), headers=coded)
    long = _ask(app, "POST", "/v1/topics", gzip.compress(bytes(range(41))), headers=coded)
    assert [answer.status for answer in (taken, bomb, long)] == [201, 413, 413]


def test_an_empty_body_is_empty_whatever_its_coding() -> None:
    assert _ask(_app(), "GET", "/v1", headers=[(b"content-encoding", b"gzip")]).status == 200


def test_an_unknown_coding_is_refused_before_the_body_is_read() -> None:
    headers = [*_JSON, (b"content-encoding", b"br")]
    sent, taken = _exchange(_app(), "/v1/topics", _body(b"{}"), method="POST", headers=headers)
    assert (_answer(sent).status, _answer(sent).headers["accept-encoding"], taken) == (415, "gzip", 0)


def test_a_client_that_waits_for_leave_is_refused_before_it_sends_too_much() -> None:
    headers = [*_JSON, (b"expect", b"100-continue"), (b"content-length", b"41")]
    sent, taken = _exchange(_app(), "/v1/topics", _body(b" " * 41), method="POST", headers=headers)
    assert (_answer(sent).status, taken) == (413, 0)


def test_a_request_that_accepts_no_json_is_refused_before_its_body_is_read() -> None:
    headers = [*_JSON, (b"accept", b"text/html")]
    sent, taken = _exchange(_app(), "/v1/topics", _body(b"{}"), method="POST", headers=headers)
    assert (_answer(sent).document["code"], taken) == ("not_acceptable", 0)


def test_a_deletion_is_answered_without_a_body_and_its_length() -> None:
    app = _app()
    _ask(app, "POST", "/v1/topics", b'{"topic": "t"}')
    sent, _ = _exchange(app, "/v1/topics/t", _body(b""), method="DELETE")
    assert sent[0]["status"] == 204
    assert b"content-length" not in dict(sent[0]["headers"])
