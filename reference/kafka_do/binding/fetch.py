"""Reading over HTTP: one partition, or many."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET

from kafka_do.binding.bodies import decode_body, encode_body, json_response
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.binding.operation import OperationBinding, decode_message
from kafka_do.binding.parameters import Values
from kafka_do.binding.problems import disconnected
from kafka_do.binding.records import fetched_of_stored, stored_of_fetched
from kafka_do.core.broker import FetchPartition, PartitionFailure, PartitionSlice
from kafka_do.core.item_errors import error_of_item, item_of_error
from kafka_do.core.messages import (
    FetchedPartition,
    FetchedRecord,
    FetchItem,
    FetchRequest,
    FetchResponse,
    ReadEncoding,
)
from kafka_do.core.records import StoredRecord

__all__ = ["FetchBinding", "FetchPartitionBinding"]

_ONE = msgspec.json.Decoder(FetchedPartition)
_REQUEST = msgspec.json.Decoder(FetchRequest)
_MANY = msgspec.json.Decoder(FetchResponse)

Found = list[PartitionSlice | PartitionFailure]


class FetchPartitionBinding(OperationBinding[FetchPartition, PartitionSlice]):
    """`GET /v1/topics/{topic}/partitions/{partition}/records`."""

    def encode_answer(self, asked: FetchPartition, answer: PartitionSlice, limits: Mapping[str, int]) -> HttpResponse:
        """Return the records in the encoding asked for. (RECORD-013 to RECORD-018)"""
        body = FetchedPartition(
            topic=answer.topic,
            partition=answer.partition,
            records=_records(answer.records, asked.encoding, limits),
            next_offset=answer.next_offset,
            high_watermark=answer.high_watermark,
            log_start_offset=answer.log_start_offset,
        )
        return json_response(200, body)

    def decode_answer(self, response: HttpResponse) -> PartitionSlice:
        """Return the records as bytes. (RECORD-019, FETCH-010, FETCH-011)"""
        body = decode_message(response, _ONE)
        return PartitionSlice(
            topic=body.topic,
            partition=body.partition,
            records=[stored_of_fetched(record) for record in body.records],
            next_offset=body.next_offset,
            high_watermark=body.high_watermark,
            log_start_offset=body.log_start_offset,
        )


class FetchBinding(OperationBinding[FetchRequest, Found]):
    """`POST /v1/fetch`."""

    def encode_request(self, asked: FetchRequest) -> HttpRequest:
        """Return the request."""
        return self.request(asked, encode_body(asked))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> FetchRequest:
        """Return what is asked."""
        return decode_body(request, _REQUEST)

    def encode_answer(self, asked: FetchRequest, answer: Found, limits: Mapping[str, int]) -> HttpResponse:
        """Return one entry for each item. (FETCH-014)"""
        return json_response(200, FetchResponse(partitions=[_item(found, asked.encoding, limits) for found in answer]))

    def decode_answer(self, response: HttpResponse) -> Found:
        """Return the records as bytes, errors among them."""
        return [_found(item) for item in decode_message(response, _MANY).partitions]


def _records(records: Sequence[StoredRecord], encoding: ReadEncoding, limits: Mapping[str, int]) -> list[FetchedRecord]:
    depth = limits["max_json_depth"]
    return [fetched_of_stored(record, encoding, depth) for record in records]


def _item(found: PartitionSlice | PartitionFailure, encoding: ReadEncoding, limits: Mapping[str, int]) -> FetchItem:
    if isinstance(found, PartitionFailure):
        return FetchItem(topic=found.topic, partition=found.partition, error=item_of_error(found.error))
    return FetchItem(
        topic=found.topic,
        partition=found.partition,
        records=_records(found.records, encoding, limits),
        next_offset=found.next_offset,
        high_watermark=found.high_watermark,
        log_start_offset=found.log_start_offset,
    )


def _found(item: FetchItem) -> PartitionSlice | PartitionFailure:
    if item.error is not UNSET:
        return PartitionFailure(topic=item.topic, partition=item.partition, error=error_of_item(item.error))
    if (
        item.records is UNSET
        or item.next_offset is UNSET
        or item.high_watermark is UNSET
        or item.log_start_offset is UNSET
    ):
        raise disconnected(f"the answer for {item.topic}/{item.partition} has neither records nor an error")
    return PartitionSlice(
        topic=item.topic,
        partition=item.partition,
        records=[stored_of_fetched(record) for record in item.records],
        next_offset=item.next_offset,
        high_watermark=item.high_watermark,
        log_start_offset=item.log_start_offset,
    )
