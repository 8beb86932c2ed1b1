"""The results of records that were all appended, compared with a list of them."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.messages import ItemError, ProduceResult
from kafka_do.core.results import Appended, results_text

_many = settings(deadline=None, max_examples=200)
_offsets = st.integers(0, 2**53 - 1_000)
_partitions = st.integers(0, 2**31 - 1)
_times = st.integers(0, 2**53 - 1)


@st.composite
def _appended(draw: st.DrawFn) -> tuple[Appended, list[ProduceResult]]:
    """Return the same results in both forms: of one partition, or of several."""
    now_ms = draw(_times)
    count = draw(st.integers(1, 20))
    if draw(st.booleans()):
        base = draw(_offsets)
        offsets: range | list[int] = range(base, base + count)
        partitions = [draw(_partitions)] * count
    else:
        offsets = draw(st.lists(_offsets, min_size=count, max_size=count))
        partitions = draw(st.lists(_partitions, min_size=count, max_size=count))
    listed = [
        ProduceResult(partition=partition, offset=offset, timestamp_ms=now_ms)
        for partition, offset in zip(partitions, offsets, strict=True)
    ]
    return Appended(partitions, offsets, now_ms), listed


@_many
@given(_appended())
def test_the_text_is_that_of_the_list(both: tuple[Appended, list[ProduceResult]]) -> None:
    appended, listed = both
    assert appended.text() == results_text(appended) == results_text(listed) == msgspec.json.encode(listed)


@_many
@given(_appended(), st.data())
def test_length_items_slices_and_iteration_are_those_of_the_list(
    both: tuple[Appended, list[ProduceResult]], data: st.DataObject
) -> None:
    appended, listed = both
    assert len(appended) == len(listed)
    assert list(appended) == listed
    for index in range(-len(listed), len(listed)):
        assert appended[index] == listed[index]
    for index in (len(listed), -len(listed) - 1):
        with pytest.raises(IndexError):
            appended[index]
    piece = data.draw(st.slices(len(listed)))
    assert appended[piece] == listed[piece]
    assert list(reversed(appended)) == listed[::-1]


def test_results_with_an_error_among_them_are_written_as_what_they_are() -> None:
    error = ItemError(code="not_attempted", detail="d", retriable=True, indeterminate=False)
    listed = [ProduceResult(partition=0, offset=5, timestamp_ms=None), ProduceResult(error=error)]
    assert json.loads(results_text(listed)) == [
        {"partition": 0, "offset": 5, "timestamp_ms": None},
        {"error": {"code": "not_attempted", "detail": "d", "retriable": True, "indeterminate": False}},
    ]
