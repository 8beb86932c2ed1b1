"""A request of many items, answered with a result for each."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from kafka_do.binding.bodies import json_response
from kafka_do.binding.http import HttpResponse
from kafka_do.binding.operation import RequestBinding, decode_message, fault_of_all
from kafka_do.binding.problems import problem_of_response, problem_response
from kafka_do.core.messages import RefusedItem

__all__ = ["ResultsBinding"]

_PARTLY = 207
Q = TypeVar("Q", bound=msgspec.Struct)


class ResultsBinding(RequestBinding[Q, list[Any]]):
    """A request of many items: all done, some, or a problem for none. `_answers` is made of `_result`s."""

    _answers: Any
    _result: Any

    def encode_answer(self, asked: Q, answer: list[Any], limits: Mapping[str, int]) -> HttpResponse:
        """Return 200, 207 or the first error as a problem with the results. (COMMIT-003, COMMIT-025, RETAIN-018)"""
        refused = [RefusedItem(one.error, one.topic, one.partition) for one in answer if one.error is not UNSET]
        if fault := fault_of_all([one.error for one in refused], len(answer)):
            return problem_response(fault, refused)
        return json_response(_PARTLY if refused else 200, self._answers(answer))

    def decode_answer(self, response: HttpResponse) -> list[Any]:
        """Return the results."""
        return list(decode_message(response, msgspec.json.Decoder(self._answers)).results)

    def answer_of(self, response: HttpResponse) -> list[Any]:
        """Return the results also where nothing was done and a problem carries them."""
        if response.status not in self.operation.success:
            problem = problem_of_response(response)
            if problem.results is not UNSET:
                return [
                    self._result(str(item.topic or ""), int(item.partition or 0), error=item.error)
                    for item in problem.results
                ]
        return super().answer_of(response)
