"""What each operation's binding has to say."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from kafka_do.binding.http import JSON, HttpRequest, HttpResponse, media_type
from kafka_do.binding.parameters import Values, format_path, format_query, parse_path, parse_query
from kafka_do.binding.problems import NOT_OF_THIS_PROTOCOL, disconnected, error_of_response
from kafka_do.core.broker import Broker
from kafka_do.spec import SPEC

__all__ = ["Binding", "OperationBinding", "decode_message"]

Q = TypeVar("Q")
A = TypeVar("A")
M = TypeVar("M", bound=msgspec.Struct)


class OperationBinding(ABC, Generic[Q, A]):
    """One operation over HTTP: `Q` is what a broker is asked, `A` what it answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.operation = SPEC.operations[name]

    @abstractmethod
    def encode_request(self, asked: Q) -> HttpRequest:
        """Return the request that a client sends."""

    @abstractmethod
    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> Q:
        """Return what a request asks; `values` are its parameters. Raises KafkaError `invalid_request` and the like."""

    @abstractmethod
    async def perform(self, broker: Broker, asked: Q) -> A:
        """Ask the broker."""

    @abstractmethod
    def encode_answer(self, asked: Q, answer: A, limits: Mapping[str, int]) -> HttpResponse:
        """Return the response that a server sends."""

    @abstractmethod
    def decode_answer(self, response: HttpResponse) -> A:
        """Return what a successful response answers; raises KafkaError `disconnected` for one not of this protocol."""

    def parameters(self, request: HttpRequest, segments: Mapping[str, str]) -> Values:
        """Return the values of path and query parameters; raises KafkaError `invalid_request`. (CONV-007)"""
        return {**parse_path(self.operation, segments), **parse_query(self.operation, request.query)}

    def answer_of(self, response: HttpResponse) -> A:
        """Return what a response answers; raises the KafkaError that it carries instead. (ERROR-006, ERROR-008)"""
        if response.status in self.operation.success:
            return self.decode_answer(response)
        raise error_of_response(response)

    def request(
        self, path: Mapping[str, int | str], query: Mapping[str, int | str], body: bytes | None = None
    ) -> HttpRequest:
        """Return a request with the operation's method and path. (CONV-003)"""
        return HttpRequest(
            method=self.operation.method,
            path=format_path(self.operation, path),
            query=format_query(self.operation, query),
            headers=() if body is None else (("Content-Type", JSON),),
            body=body or b"",
        )


Binding = OperationBinding[Any, Any]


def decode_message(response: HttpResponse, decoder: msgspec.json.Decoder[M]) -> M:
    """Return the message in a successful response, unknown members ignored. (CONV-011, ERROR-008)"""
    if media_type(response.headers) == JSON:
        try:
            return decoder.decode(response.body)
        except NOT_OF_THIS_PROTOCOL as error:
            raise disconnected(f"the answer is not of this protocol: {error}") from None
    raise disconnected(f"the answer with status {response.status} is not JSON")
