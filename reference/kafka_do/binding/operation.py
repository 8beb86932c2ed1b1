"""One operation over HTTP. Most are their parameters in, a message out; what is more than that, a subclass says."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from kafka_do.binding.bodies import decode_body, encode_body, json_response
from kafka_do.binding.http import JSON, HttpRequest, HttpResponse, media_type
from kafka_do.binding.parameters import Values, format_path, format_query
from kafka_do.binding.problems import NOT_OF_THIS_PROTOCOL, disconnected, error_of_response
from kafka_do.core.broker import Broker
from kafka_do.core.control import Controller
from kafka_do.core.errors import KafkaError, decisive
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import ItemError
from kafka_do.spec import SPEC

__all__ = [
    "Binding",
    "BodyBinding",
    "EmptyBinding",
    "MessageBinding",
    "OperationBinding",
    "RequestBinding",
    "decode_message",
    "fault_of_all",
]

Q = TypeVar("Q", bound=msgspec.Struct)
A = TypeVar("A")
M = TypeVar("M", bound=msgspec.Struct)


class OperationBinding(ABC, Generic[Q, A]):
    """The operation `name`: a broker is asked `Q` by its method of that name and answers `A`.

    The operation's parameters are fields of `Q`; where there is more in a request, a subclass says so.
    """

    def __init__(self, name: str, asks: type[Q]) -> None:
        self.name = name
        self.operation = SPEC.operations[name]
        self._asks = asks

    def encode_request(self, asked: Q) -> HttpRequest:
        """Return the request that a client sends."""
        return self.request(asked)

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> Q:
        """Return what a request asks; `values` are its parameters. Raises KafkaError `invalid_request` and the like."""
        return msgspec.convert(values, self._asks)

    @abstractmethod
    def encode_answer(self, asked: Q, answer: A, limits: Mapping[str, int]) -> HttpResponse:
        """Return the response that a server sends."""

    @abstractmethod
    def decode_answer(self, response: HttpResponse) -> A:
        """Return what a successful response answers; raises KafkaError `disconnected` for one not of this protocol."""

    async def perform(self, broker: Broker | Controller, asked: Q) -> A:
        """Ask the broker, or whoever has the operation."""
        method: Callable[[Q], Awaitable[A]] = getattr(broker, self.name)
        return await method(asked)

    def answer_of(self, response: HttpResponse) -> A:
        """Return what a response answers; raises the KafkaError that it carries instead. (ERROR-006, ERROR-008)"""
        if response.status in self.operation.success:
            return self.decode_answer(response)
        raise error_of_response(response)

    def request(self, asked: Q, body: bytes | None = None) -> HttpRequest:
        """Return a request whose parameters are fields of what is asked; None is not sent. (CONV-003)"""
        given = {
            parameter: value
            for parameter in self.operation.parameters
            if (value := getattr(asked, parameter.name)) is not None
        }
        return HttpRequest(
            method=self.operation.method,
            path=format_path(self.operation, {p.name: value for p, value in given.items() if p.place == "path"}),
            query=format_query(self.operation, {p.name: value for p, value in given.items() if p.place == "query"}),
            headers=() if body is None else (("Content-Type", JSON),),
            body=body or b"",
        )


class MessageBinding(OperationBinding[Q, M]):
    """An operation whose answer is a message, the body of the response."""

    def __init__(self, name: str, asks: type[Q], answers: type[M]) -> None:
        super().__init__(name, asks)
        self._decoder = msgspec.json.Decoder(answers)

    def encode_answer(self, asked: Q, answer: M, limits: Mapping[str, int]) -> HttpResponse:
        """Return the message."""
        return json_response(self.operation.success[0], answer)

    def decode_answer(self, response: HttpResponse) -> M:
        """Return the message."""
        return decode_message(response, self._decoder)


class EmptyBinding(OperationBinding[Q, None]):
    """An operation that answers nothing: the response has no body."""

    def encode_answer(self, asked: Q, answer: None, limits: Mapping[str, int]) -> HttpResponse:
        """Return 204."""
        return HttpResponse(204, (), b"")

    def decode_answer(self, response: HttpResponse) -> None:
        """Return nothing; the status said it all."""


Binding = OperationBinding[Any, Any]


class BodyBinding(MessageBinding[Q, M]):
    """An operation of which the body of the request is all that is asked."""

    def __init__(self, name: str, asks: type[Q], answers: type[M]) -> None:
        super().__init__(name, asks, answers)
        self._asked_decoder = msgspec.json.Decoder(asks)

    def encode_request(self, asked: Q) -> HttpRequest:
        """Return the request."""
        return self.request(asked, encode_body(asked))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> Q:
        """Return what is asked."""
        return decode_body(request, self._asked_decoder)


class RequestBinding(OperationBinding[Q, A]):
    """An operation that asks with a body besides the parameters in its path: the field `request` of `Q`."""

    def __init__(self, name: str, asks: type[Q]) -> None:
        super().__init__(name, asks)
        self._request_decoder = msgspec.json.Decoder[Any](asks.__annotations__["request"])

    def encode_request(self, asked: Q) -> HttpRequest:
        """Return the request."""
        return self.request(asked, encode_body(asked.request))  # type: ignore[attr-defined]

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> Q:
        """Return what is asked."""
        return self._asks(**values, request=decode_body(request, self._request_decoder))


def fault_of_all(errors: Sequence[ItemError], count: int) -> KafkaError | None:
    """Return the error of a request of whose `count` items none was done: the first that has a reason of its own.

    None if something was done. (PRODUCE-009, COMMIT-003, COMMIT-025)
    """
    if len(errors) < count:
        return None
    return error_of_item(decisive(errors))


def decode_message(response: HttpResponse, decoder: msgspec.json.Decoder[M]) -> M:
    """Return the message in a successful response, unknown members ignored. (CONV-011, ERROR-008)"""
    if media_type(response.headers) == JSON:
        try:
            return decoder.decode(response.body)
        except NOT_OF_THIS_PROTOCOL as error:
            raise disconnected(f"the answer is not of this protocol: {error}") from None
    raise disconnected(f"the answer with status {response.status} is not JSON")
