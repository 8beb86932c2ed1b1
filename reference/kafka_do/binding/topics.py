"""What of the topic operations is more than parameters in and a message out."""

from collections.abc import Mapping

import msgspec

from kafka_do.binding.bodies import decode_body, encode_body, json_response
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.binding.item_results import ResultsBinding
from kafka_do.binding.operation import BodyBinding, MessageBinding
from kafka_do.binding.parameters import Values
from kafka_do.core.broker import AlterTopic, DeleteRecords
from kafka_do.core.messages import (
    AlterTopicRequest,
    CreateTopicRequest,
    DeletedRecords,
    DeleteRecordsResponse,
    Topic,
    TopicDescription,
)

__all__ = ["AlterTopicBinding", "CreateTopicBinding", "DeleteRecordsBinding"]

_ALTER = msgspec.json.Decoder(AlterTopicRequest)


class CreateTopicBinding(BodyBinding[CreateTopicRequest, Topic]):
    """`POST /v1/topics`."""

    def encode_answer(self, asked: CreateTopicRequest, answer: Topic, limits: Mapping[str, int]) -> HttpResponse:
        """Return 201, or 200 for what was only tried. (TOPIC-001, TOPIC-009)"""
        return json_response(200 if asked.validate_only else 201, answer)


class AlterTopicBinding(MessageBinding[AlterTopic, TopicDescription]):
    """`PATCH /v1/topics/{topic}`: the body is the change."""

    def encode_request(self, asked: AlterTopic) -> HttpRequest:
        """Return the request."""
        return self.request(asked, encode_body(asked.change))

    def decode_request(self, request: HttpRequest, values: Values, limits: Mapping[str, int]) -> AlterTopic:
        """Return what is asked."""
        return AlterTopic(topic=str(values["topic"]), change=decode_body(request, _ALTER))


class DeleteRecordsBinding(ResultsBinding[DeleteRecords]):
    """`POST /v1/topics/{topic}/delete_records`."""

    _answers = DeleteRecordsResponse
    _result = DeletedRecords
