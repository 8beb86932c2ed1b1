"""What of the control operations is more than parameters in and a message out."""

from collections.abc import Mapping

import msgspec

from kafka_do.binding.bodies import decode_body, encode_body
from kafka_do.binding.http import HttpRequest
from kafka_do.binding.operation import EmptyBinding
from kafka_do.binding.parameters import Values
from kafka_do.core.messages import PlantFaultRequest

__all__ = ["PlantFaultBinding"]

_FAULT = msgspec.json.Decoder(PlantFaultRequest)


class PlantFaultBinding(EmptyBinding[PlantFaultRequest]):
    """`POST /v1/control/faults`: the body is the fault."""

    def encode_request(self, asked: PlantFaultRequest) -> HttpRequest:
        """Return the request."""
        return self.request(asked, encode_body(asked))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> PlantFaultRequest:
        """Return the fault."""
        return decode_body(request, _FAULT)
