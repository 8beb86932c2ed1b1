"""Producing over HTTP, both forms."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from kafka_do.binding.bodies import decode_body, encode_body, json_response, text_response
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.binding.operation import OperationBinding, decode_message, fault_of_all
from kafka_do.binding.parameters import Values
from kafka_do.binding.problems import problem_of_response, problem_response
from kafka_do.core.broker import Produce, ProducePartition
from kafka_do.core.checks import check_count
from kafka_do.core.messages import (
    ProduceAccepted,
    ProducePartitionRequest,
    ProduceRequest,
    ProduceResponse,
    ProduceResult,
    RefusedItem,
)
from kafka_do.core.plain_records import PlainPartitionRequest, PlainRequest
from kafka_do.core.results import Appended, Repeated, Results, results_text

__all__ = ["ProduceBinding", "ProducePartitionBinding"]

_PLAIN: msgspec.json.Decoder[Any] = msgspec.json.Decoder(PlainRequest)
_PLAIN_PARTITION: msgspec.json.Decoder[Any] = msgspec.json.Decoder(PlainPartitionRequest)
_REQUEST: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ProduceRequest)
_PARTITION_REQUEST: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ProducePartitionRequest)
_ANSWER = msgspec.json.Decoder(ProduceResponse)


Q = TypeVar("Q", Produce, ProducePartition)
T = TypeVar("T")


class _AppendBinding(OperationBinding[Q, Results]):
    """What both forms have in common."""

    def encode_answer(self, asked: Q, answer: Results, limits: Mapping[str, int]) -> HttpResponse:
        """Return 200 for all appended, 207 for some, else the first error as a problem. (PRODUCE-005, -008, -009)"""
        errors = [] if isinstance(answer, Appended) else [one.error for one in answer if one.error is not UNSET]
        if errors and (fault := fault_of_all(errors, len(answer))):
            return problem_response(fault, [RefusedItem(error) for error in errors])
        if asked.acks == "none" and not errors:
            return json_response(202, ProduceAccepted())  # PRODUCE-022
        told = b',"duplicate":true}' if isinstance(answer, Repeated) else b"}"
        return text_response(207 if errors else 200, b'{"results":' + results_text(answer) + told)

    def decode_answer(self, response: HttpResponse) -> Results:
        """Return the results of an answer 200 or 207, none of an answer 202. (PRODUCE-015, PRODUCE-016)"""
        if response.status == 202:  # noqa: PLR2004  accepted, and nothing is told
            return []
        answer = decode_message(response, _ANSWER)
        return Repeated(answer.results) if answer.duplicate is True else answer.results

    def answer_of(self, response: HttpResponse) -> Results:
        """Return the results also where nothing was appended and a problem carries them."""
        if response.status not in self.operation.success:
            problem = problem_of_response(response)
            if problem.results is not UNSET:
                return [ProduceResult(error=item.error) for item in problem.results]
        return super().answer_of(response)


class ProduceBinding(_AppendBinding[Produce]):
    """`POST /v1/topics/{topic}/records`."""

    def encode_request(self, asked: Produce) -> HttpRequest:
        """Return the request. (PRODUCE-014)"""
        body = ProduceRequest(
            records=list(asked.records),  # type: ignore[arg-type]
            acks=asked.acks,
            timeout_ms=asked.timeout_ms,
            topic_id=_sent(asked.topic_id),
        )
        return self.request(asked, encode_body(body))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> Produce:
        """Return what is asked. (PRODUCE-012)"""
        body = _decode(request, _REQUEST, limits, usual=_PLAIN)
        return Produce(str(values["topic"]), body.records, body.acks, body.timeout_ms, _given(body.topic_id))


class ProducePartitionBinding(_AppendBinding[ProducePartition]):
    """`POST /v1/topics/{topic}/partitions/{partition}/records`."""

    def encode_request(self, asked: ProducePartition) -> HttpRequest:
        """Return the request. (PRODUCE-014, PRODUCER-019)"""
        body = ProducePartitionRequest(
            records=list(asked.records),  # type: ignore[arg-type]
            acks=asked.acks,
            timeout_ms=asked.timeout_ms,
            topic_id=_sent(asked.topic_id),
            producer=_sent(asked.producer),
        )
        return self.request(asked, encode_body(body))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> ProducePartition:
        """Return what is asked. (PRODUCE-021)"""
        body = _decode(request, _PARTITION_REQUEST, limits, usual=_PLAIN_PARTITION)
        return ProducePartition(
            str(values["topic"]),
            int(values["partition"]),
            body.records,
            body.acks,
            body.timeout_ms,
            _given(body.topic_id),
            _given(body.producer),
        )


def _given(member: T | UnsetType) -> T | None:
    return None if member is UNSET else member


def _sent(member: T | None) -> T | UnsetType:
    return UNSET if member is None else member


def _decode(
    request: HttpRequest,
    decoder: msgspec.json.Decoder[Any],
    limits: Mapping[str, int],
    *,
    usual: msgspec.json.Decoder[Any],
) -> Any:
    """Return the body; how many records there are is checked before each of them is looked at. (PRODUCE-013)"""
    return decode_body(
        request, decoder, usual=usual, check=lambda body: check_count(body.records, limits["max_records_per_request"])
    )
