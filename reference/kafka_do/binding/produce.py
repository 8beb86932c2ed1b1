"""Producing over HTTP, both forms."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import UNSET

from kafka_do.binding.bodies import decode_body, encode_body, json_response
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.binding.operation import OperationBinding, decode_message
from kafka_do.binding.parameters import Values
from kafka_do.binding.problems import disconnected, problem_of_response, problem_response
from kafka_do.binding.records import record_of_wire, wire_of_record
from kafka_do.core.broker import Produce, ProducePartition
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item, item_of_error
from kafka_do.core.messages import ProducePartitionRequest, ProduceRequest, ProduceResponse, ProduceResult
from kafka_do.core.records import Appended
from kafka_do.spec import SPEC

__all__ = ["ProduceBinding", "ProducePartitionBinding"]

_DEPTH = SPEC.limits["max_json_depth"]
_REQUEST = msgspec.json.Decoder(ProduceRequest)
_PARTITION_REQUEST = msgspec.json.Decoder(ProducePartitionRequest)
_ANSWER = msgspec.json.Decoder(ProduceResponse)

Results = list[Appended | KafkaError]


Q = TypeVar("Q", bound=msgspec.Struct)


class _AppendBinding(OperationBinding[Q, Results]):
    """What both forms answer."""

    def encode_answer(self, asked: Q, answer: Results, limits: Mapping[str, int]) -> HttpResponse:
        """Return 200 for all appended, 207 for some, else the first error as a problem. (PRODUCE-005, -008, -009)"""
        results = [_wire_of_result(result) for result in answer]
        errors = [result for result in answer if isinstance(result, KafkaError)]
        if len(errors) == len(answer):
            guilty = next((error for error in errors if error.code != "not_attempted"), errors[0])
            return problem_response(guilty, results)
        return json_response(207 if errors else 200, ProduceResponse(results=results))

    def decode_answer(self, response: HttpResponse) -> Results:
        """Return the results of an answer 200 or 207. (PRODUCE-015, PRODUCE-016)"""
        return [_result_of_wire(result) for result in decode_message(response, _ANSWER).results]

    def answer_of(self, response: HttpResponse) -> Results:
        """Return the results also where nothing was appended and a problem carries them."""
        if response.status not in self.operation.success:
            problem = problem_of_response(response)
            if problem.results is not UNSET:
                return [_result_of_wire(result) for result in problem.results]
        return super().answer_of(response)


class ProduceBinding(_AppendBinding[Produce]):
    """`POST /v1/topics/{topic}/records`."""

    def encode_request(self, asked: Produce) -> HttpRequest:
        """Return the request. (PRODUCE-014)"""
        body = ProduceRequest(records=[wire_of_record(record, _DEPTH) for record in asked.records])
        return self.request(asked, encode_body(body))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> Produce:
        """Return what is asked. (PRODUCE-012)"""
        wire = decode_body(request, _REQUEST).records
        records = [
            record_of_wire(record, f"/records/{index}", limits["max_json_depth"], record.partition)
            for index, record in enumerate(wire)
        ]
        return Produce(topic=str(values["topic"]), records=records)


class ProducePartitionBinding(_AppendBinding[ProducePartition]):
    """`POST /v1/topics/{topic}/partitions/{partition}/records`."""

    def encode_request(self, asked: ProducePartition) -> HttpRequest:
        """Return the request. (PRODUCE-014)"""
        body = ProduceRequest(records=[wire_of_record(record, _DEPTH) for record in asked.records])
        return self.request(asked, encode_body(body))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> ProducePartition:
        """Return what is asked. (PRODUCE-021)"""
        wire = decode_body(request, _PARTITION_REQUEST).records
        records = [
            record_of_wire(record, f"/records/{index}", limits["max_json_depth"], UNSET)
            for index, record in enumerate(wire)
        ]
        return ProducePartition(topic=str(values["topic"]), partition=int(values["partition"]), records=records)


def _wire_of_result(result: Appended | KafkaError) -> ProduceResult:
    if isinstance(result, KafkaError):
        return ProduceResult(error=item_of_error(result))
    return ProduceResult(partition=result.partition, offset=result.offset, timestamp_ms=result.timestamp_ms)


def _result_of_wire(result: ProduceResult) -> Appended | KafkaError:
    if result.error is not UNSET:
        return error_of_item(result.error)
    if result.partition is UNSET or result.offset is UNSET or result.timestamp_ms is UNSET:
        raise disconnected("a result of the answer has neither a place nor an error")
    return Appended(result.partition, result.offset, result.timestamp_ms)
