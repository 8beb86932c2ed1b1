"""Creating a topic over HTTP."""

from collections.abc import Mapping

import msgspec

from kafka_do.binding.bodies import decode_body, encode_body, json_response
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.binding.operation import OperationBinding, decode_message
from kafka_do.binding.parameters import Values
from kafka_do.core.broker import Broker
from kafka_do.core.messages import CreateTopicRequest, Topic

__all__ = ["CreateTopicBinding"]

_REQUEST = msgspec.json.Decoder(CreateTopicRequest)
_ANSWER = msgspec.json.Decoder(Topic)


class CreateTopicBinding(OperationBinding[CreateTopicRequest, Topic]):
    """`POST /v1/topics`."""

    def encode_request(self, asked: CreateTopicRequest) -> HttpRequest:
        """Return the request."""
        return self.request({}, {}, encode_body(asked))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> CreateTopicRequest:  # noqa: ARG002
        """Return what is asked."""
        return decode_body(request, _REQUEST)

    async def perform(self, broker: Broker, asked: CreateTopicRequest) -> Topic:
        """Ask the broker."""
        return await broker.create_topic(asked)

    def encode_answer(self, asked: CreateTopicRequest, answer: Topic, limits: Mapping[str, int]) -> HttpResponse:  # noqa: ARG002
        """Return the response. (TOPIC-001)"""
        return json_response(201, answer)

    def decode_answer(self, response: HttpResponse) -> Topic:
        """Return the topic."""
        return decode_message(response, _ANSWER)
