"""Reading one partition over HTTP."""

from collections.abc import Mapping

import msgspec

from kafka_do.binding.bodies import json_response
from kafka_do.binding.http import HttpResponse
from kafka_do.binding.operation import OperationBinding, decode_message
from kafka_do.binding.records import fetched_of_stored, stored_of_fetched
from kafka_do.core.broker import FetchPartition, PartitionSlice
from kafka_do.core.messages import FetchedPartition

__all__ = ["FetchPartitionBinding"]

_ANSWER = msgspec.json.Decoder(FetchedPartition)


class FetchPartitionBinding(OperationBinding[FetchPartition, PartitionSlice]):
    """`GET /v1/topics/{topic}/partitions/{partition}/records`."""

    def encode_answer(self, asked: FetchPartition, answer: PartitionSlice, limits: Mapping[str, int]) -> HttpResponse:
        """Return the records in the encoding asked for. (RECORD-013 to RECORD-018)"""
        depth = limits["max_json_depth"]
        body = FetchedPartition(
            topic=answer.topic,
            partition=answer.partition,
            records=[fetched_of_stored(record, asked.encoding, depth) for record in answer.records],
            next_offset=answer.next_offset,
            high_watermark=answer.high_watermark,
            log_start_offset=answer.log_start_offset,
        )
        return json_response(200, body)

    def decode_answer(self, response: HttpResponse) -> PartitionSlice:
        """Return the records as bytes. (RECORD-019, FETCH-010, FETCH-011)"""
        body = decode_message(response, _ANSWER)
        return PartitionSlice(
            topic=body.topic,
            partition=body.partition,
            records=[stored_of_fetched(record) for record in body.records],
            next_offset=body.next_offset,
            high_watermark=body.high_watermark,
            log_start_offset=body.log_start_offset,
        )
