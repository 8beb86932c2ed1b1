"""Reading over HTTP: one partition, or many."""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, UnsetType

from kafka_do.binding.bodies import decode_body, encode_body, json_response
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.binding.operation import OperationBinding, decode_message
from kafka_do.binding.parameters import Values
from kafka_do.binding.problems import disconnected
from kafka_do.core.broker import FetchPartition, PartitionFailure, PartitionSlice
from kafka_do.core.item_errors import error_of_item, item_of_error
from kafka_do.core.messages import FetchRequest, ItemError, Offset, ReadEncoding
from kafka_do.core.record_text import read_as, stored_records

__all__ = ["FetchBinding", "FetchPartitionBinding", "written"]

_ONE = msgspec.json.Decoder(PartitionSlice)
_REQUEST = msgspec.json.Decoder(FetchRequest)

Found = list[PartitionSlice | PartitionFailure]


class FetchPartitionBinding(OperationBinding[FetchPartition, PartitionSlice]):
    """`GET /v1/topics/{topic}/partitions/{partition}/records`."""

    def encode_answer(self, asked: FetchPartition, answer: PartitionSlice, limits: Mapping[str, int]) -> HttpResponse:
        """Return the records in the encoding asked for. (RECORD-013 to RECORD-018)"""
        return json_response(200, written(answer, asked.encoding, limits))

    def decode_answer(self, response: HttpResponse) -> PartitionSlice:
        """Return the records as they were written. (FETCH-010, FETCH-011)"""
        return decode_message(response, _ONE)


class _Item(msgspec.Struct):
    """A `FetchItem` whose records are left as they are written."""

    topic: str
    partition: int
    records: msgspec.Raw | UnsetType = UNSET
    next_offset: Offset | UnsetType = UNSET
    high_watermark: Offset | UnsetType = UNSET
    log_start_offset: Offset | UnsetType = UNSET
    error: ItemError | UnsetType = UNSET


class _Answer(msgspec.Struct):
    """A `FetchResponse` of such items."""

    partitions: list[_Item]


_MANY = msgspec.json.Decoder(_Answer)


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
        return json_response(200, _Answer([_item(found, asked.encoding, limits) for found in answer]))

    def decode_answer(self, response: HttpResponse) -> Found:
        """Return the records as they were written, errors among them."""
        return [_found(item) for item in decode_message(response, _MANY).partitions]


def written(found: PartitionSlice, encoding: ReadEncoding, limits: Mapping[str, int]) -> PartitionSlice:
    """Return what was found in the encoding that a reader wants; it comes in `auto`, which is what `json` gives."""
    if encoding in ("auto", "json"):
        return found
    depth = limits["max_json_depth"]
    records = [read_as(record, encoding, depth) for record in stored_records(found.records)]
    return msgspec.structs.replace(found, records=msgspec.Raw(msgspec.json.encode(records)))


def _item(found: PartitionSlice | PartitionFailure, encoding: ReadEncoding, limits: Mapping[str, int]) -> _Item:
    if isinstance(found, PartitionFailure):
        return _Item(found.topic, found.partition, error=item_of_error(found.error))
    return _Item(**msgspec.structs.asdict(written(found, encoding, limits)))


def _found(item: _Item) -> PartitionSlice | PartitionFailure:
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
        records=item.records,
        next_offset=item.next_offset,
        high_watermark=item.high_watermark,
        log_start_offset=item.log_start_offset,
    )
