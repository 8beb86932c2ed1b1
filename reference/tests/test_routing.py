"""Which record goes to which partition, compared with a look at each record by itself."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.configs import Configs
from kafka_do.core.messages import ProducePartitionRecord, ProduceRecord
from kafka_do.core.partitioner import partition_of_key
from kafka_do.core.plain_records import IncomingRecord, PlainRecord
from kafka_do.engines.routing import route
from kafka_do.engines.topic import Topic

_many = settings(deadline=None, max_examples=200)
_keys = st.none() | st.text(max_size=3)
_counts = st.integers(1, 5)
_value = msgspec.Raw(b"1")


def _topic(count: int) -> Topic:
    return Topic("t", "id", count, Configs())


def _expected(key: str | None, named: int | None, count: int, turn: int) -> int:
    if named is not None:
        return named
    return turn if key is None else partition_of_key(key.encode(), count)


@_many
@given(st.lists(_keys, min_size=1, max_size=12), _counts)
def test_plain_records_go_to_the_partition_of_their_key_and_those_without_one_to_the_first(
    keys: list[str | None], count: int
) -> None:
    expected = [_expected(key, None, count, 0) for key in keys]
    assert route([PlainRecord(_value, key) for key in keys], _topic(count)) == expected
    assert route([ProducePartitionRecord(_value, key) for key in keys], _topic(count)) == expected


@_many
@given(st.lists(st.tuples(_keys, st.none() | st.integers(0, 9)), min_size=1, max_size=12), _counts)
def test_a_record_goes_to_the_partition_that_it_names_whatever_its_key(
    records: list[tuple[str | None, int | None]], count: int
) -> None:
    sent = [ProduceRecord(_value, key, partition=msgspec.UNSET if named is None else named) for key, named in records]
    assert route(sent, _topic(count)) == [_expected(key, named, count, 0) for key, named in records]


@pytest.mark.parametrize("count", [2, 3])
def test_two_partitions_are_two(count: int) -> None:
    keys = ["a", "b", "c", "d", "e", "f"]
    expected = [partition_of_key(key.encode(), count) for key in keys]
    assert len(set(expected)) == count
    assert route([PlainRecord(_value, key) for key in keys], _topic(count)) == expected
    assert route([ProduceRecord(_value, key) for key in keys], _topic(count)) == expected


@pytest.mark.parametrize("kind", [PlainRecord, ProduceRecord])
def test_only_a_request_with_a_record_that_has_no_place_of_its_own_takes_a_turn(kind: type[IncomingRecord]) -> None:
    topic = _topic(3)
    keyed, without = [kind(value=_value, key="a")], [kind(value=_value)]
    turns = [route(records, topic)[0] for records in (without, keyed, without, keyed, keyed, without, without)]
    assert [turns[place] for place in (0, 2, 5, 6)] == [0, 1, 2, 0]
