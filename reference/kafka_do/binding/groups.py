"""What of the operations on groups is more than parameters in and a message out."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from kafka_do.binding.bodies import json_response
from kafka_do.binding.http import HttpResponse
from kafka_do.binding.item_results import ResultsBinding
from kafka_do.binding.operation import RequestBinding, decode_message
from kafka_do.core.broker import CommitOffsets, Heartbeat, QueryOffsets, ResetOffsets
from kafka_do.core.messages import (
    CommitQueryResponse,
    CommitResponse,
    CommitResult,
    HeartbeatResponse,
    ResetResponse,
    ResetResult,
)

__all__ = ["CommitBinding", "HeartbeatBinding", "QueryBinding", "ResetBinding"]

Q = TypeVar("Q", bound=msgspec.Struct)
M = TypeVar("M", bound=msgspec.Struct)


class _MessageBinding(RequestBinding[Q, M]):
    """A request with a body, answered with a message."""

    _answers: type[M]

    def encode_answer(self, asked: Q, answer: M, limits: Mapping[str, int]) -> HttpResponse:
        """Return the message."""
        return json_response(self.operation.success[0], answer)

    def decode_answer(self, response: HttpResponse) -> M:
        """Return the message."""
        return decode_message(response, msgspec.json.Decoder(self._answers))


class HeartbeatBinding(_MessageBinding[Heartbeat, HeartbeatResponse]):
    """`PUT /v1/groups/{group}/members/{member}`."""

    _answers = HeartbeatResponse


class QueryBinding(_MessageBinding[QueryOffsets, CommitQueryResponse]):
    """`POST /v1/groups/{group}/offsets/query`."""

    _answers = CommitQueryResponse


class CommitBinding(ResultsBinding[CommitOffsets]):
    """`POST /v1/groups/{group}/offsets/commit`."""

    _answers = CommitResponse
    _result = CommitResult


class ResetBinding(ResultsBinding[ResetOffsets]):
    """`POST /v1/groups/{group}/offsets/reset`."""

    _answers = ResetResponse
    _result = ResetResult
