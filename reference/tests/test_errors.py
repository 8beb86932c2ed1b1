"""Exceptions: a class for each code of the catalogue, and what they carry."""

import copy
import pickle

import pytest

from kafka_do import KafkaError, errors
from kafka_do.spec import SPEC


@pytest.mark.parametrize("code", SPEC.errors)
def test_an_error_is_of_the_class_of_its_code(code: str) -> None:
    error = KafkaError(code, "as the test has it")
    assert type(error) is KafkaError.classes[code]
    assert getattr(errors, type(error).__name__) is type(error)
    assert (error.retriable, error.indeterminate) == (SPEC.errors[code].retriable, SPEC.errors[code].indeterminate)


def test_the_names_follow_from_the_codes_and_hide_none_of_pythons() -> None:
    assert KafkaError.classes["topic_not_found"] is errors.TopicNotFoundError
    assert KafkaError.classes["timeout"] is errors.KafkaTimeoutError
    assert len(KafkaError.classes) == len(SPEC.errors) == len(errors.__all__) - 1


def test_a_code_that_is_not_in_the_catalogue_is_a_plain_error_whose_effect_is_unknown() -> None:
    error = KafkaError("of_a_later_revision", "as the test has it")
    assert type(error) is KafkaError
    assert (error.retriable, error.indeterminate) == (False, True)


@pytest.mark.parametrize("remake", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301
def test_an_error_passes_between_processes_with_everything_it_carries(remake: object) -> None:
    assert callable(remake)
    error = KafkaError("offset_out_of_range", "as the test has it", retriable=True, topic="orders", high_watermark=7)
    error.request_id = "r-1"
    again = remake(error)
    assert isinstance(again, errors.OffsetOutOfRangeError)
    assert str(again) == "offset_out_of_range: as the test has it"
    assert (again.retriable, again.fields, again.request_id) == (True, error.fields, "r-1")
