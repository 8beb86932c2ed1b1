"""Discovery over HTTP."""

from collections.abc import Mapping

import msgspec

from kafka_do.binding.bodies import json_response
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.binding.operation import OperationBinding, decode_message
from kafka_do.binding.parameters import Values
from kafka_do.core.broker import Broker
from kafka_do.core.messages import Discovery

__all__ = ["DiscoverBinding"]

_ANSWER = msgspec.json.Decoder(Discovery)


class DiscoverBinding(OperationBinding[None, Discovery]):
    """`GET /v1`."""

    def encode_request(self, asked: None) -> HttpRequest:  # noqa: ARG002
        """Return the request; it asks nothing in particular."""
        return self.request({}, {})

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> None:
        """Take any request; it asks nothing in particular."""

    async def perform(self, broker: Broker, asked: None) -> Discovery:  # noqa: ARG002
        """Ask the broker."""
        return await broker.discover()

    def encode_answer(self, asked: None, answer: Discovery, limits: Mapping[str, int]) -> HttpResponse:  # noqa: ARG002
        """Return the response."""
        return json_response(200, answer)

    def decode_answer(self, response: HttpResponse) -> Discovery:
        """Return what the server told."""
        return decode_message(response, _ANSWER)
