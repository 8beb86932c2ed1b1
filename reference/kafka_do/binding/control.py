"""What of the control operations is more than parameters in and a message out."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from kafka_do.binding.bodies import decode_body, encode_body
from kafka_do.binding.http import HttpRequest
from kafka_do.binding.operation import EmptyBinding
from kafka_do.binding.parameters import Values

__all__ = ["InstructionBinding"]

Q = TypeVar("Q", bound=msgspec.Struct)


class InstructionBinding(EmptyBinding[Q]):
    """An operation of which the body says all that is to be done; it answers nothing."""

    def __init__(self, name: str, asks: type[Q]) -> None:
        super().__init__(name, asks)
        self._decoder = msgspec.json.Decoder(asks)

    def encode_request(self, asked: Q) -> HttpRequest:
        """Return the request."""
        return self.request(asked, encode_body(asked))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> Q:
        """Return what is to be done."""
        return decode_body(request, self._decoder)
