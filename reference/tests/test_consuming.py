"""Where a member reads, by the requirements of chapter groups.md: nothing waits, nothing is sent."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from kafka_do import KafkaError, ReadMessage
from kafka_do.client.consuming import Found, Positions
from kafka_do.client.membership import Partition
from kafka_do.core.broker import PartitionFailure, PartitionSlice
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.messages import CommitQueryResponse, FetchRequest, GroupOffset, OffsetResult, OffsetsResponse
from kafka_do.spec import SPEC

_ID = "11111111-0000-4000-8000-000000000000"
_AGAIN = "22222222-0000-4000-8000-000000000000"
_ZERO, _ONE, _TWO = (Partition("orders", _ID, number) for number in range(3))
_BOTH = frozenset({_ZERO, _ONE})


@pytest.fixture
def positions() -> Positions:
    """Return positions that begin at the earliest record."""
    return Positions("earliest")


def _begin(positions: Positions, readable: frozenset[Partition], *offsets: int | None) -> None:
    """Answer the question for committed offsets; where there is none, the partition begins at 3."""
    unknown = positions.to_look_up(readable)
    answers = [GroupOffset(one.topic, one.number, at) for one, at in zip(unknown, offsets, strict=True)]
    positions.take_committed(unknown, CommitQueryResponse(answers), readable)
    fresh = positions.to_start(readable)
    positions.take_start(
        fresh, OffsetsResponse([OffsetResult(one.topic, one.number, 3, None) for one in fresh]), readable
    )


def _ask(positions: Positions, readable: frozenset[Partition] = _BOTH) -> FetchRequest:
    asked = positions.ask_records(readable, 500)
    assert asked is not None
    return asked


def _places(asked: FetchRequest) -> list[tuple[int, int]]:
    return [(place.partition, place.offset) for place in asked.partitions]


def _slice(number: int, *offsets: int, then: int) -> PartitionSlice:
    records: list[dict[str, Any]] = [
        {"offset": at, "timestamp_ms": 0, "key": None, "value": at, "headers": []} for at in offsets
    ]
    return PartitionSlice("orders", number, msgspec.Raw(msgspec.json.encode(records)), then, 9, 0)


def _failure(number: int, code: str) -> PartitionFailure:
    return PartitionFailure("orders", number, KafkaError(code, "as the test has it", topic="orders", partition=number))


def _take(
    positions: Positions,
    asked: FetchRequest,
    parts: Sequence[PartitionSlice | PartitionFailure],
    readable: frozenset[Partition] = _BOTH,
) -> Found:
    by_number = {part.partition: part for part in parts}
    found = positions.take_records(asked, [by_number[place.partition] for place in asked.partitions], readable)
    positions.hand_out(found.messages)
    return found


def _seen(messages: Sequence[ReadMessage[Any]]) -> list[tuple[int, int]]:
    return [(message.partition, message.offset) for message in messages]


# GROUP-056


def test_a_partition_begins_at_the_committed_offset_and_without_one_where_the_caller_said(positions: Positions) -> None:
    assert positions.to_look_up(_BOTH) == [_ZERO, _ONE]
    assert positions.ask_records(_BOTH, 500) is None
    _begin(positions, _BOTH, 7, None)
    assert sorted(_places(_ask(positions))) == [(0, 7), (1, 3)]
    assert positions.to_look_up(_BOTH) == []


def test_offset_0_is_a_commit_as_any_other(positions: Positions) -> None:
    _begin(positions, frozenset({_ZERO}), 0)
    assert _places(_ask(positions)) == [(0, 0)]


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_the_start_is_asked_for_by_its_name(start: str) -> None:
    asked = Positions(start).ask_start([_ONE])  # type: ignore[arg-type]
    assert [(query.topic, query.partition, query.at) for query in asked.partitions] == [("orders", 1, start)]


def test_an_offset_outside_the_partition_begins_at_the_start_without_another_look_at_the_commit(
    positions: Positions,
) -> None:
    _begin(positions, _BOTH, 1, 5)
    found = _take(positions, _ask(positions), [_failure(0, "offset_out_of_range"), _slice(1, then=5)])
    assert not found.stalled
    assert positions.to_look_up(_BOTH) == []
    assert positions.to_start(_BOTH) == [_ZERO]


def test_no_request_names_more_partitions_than_it_may(positions: Positions) -> None:
    most = SPEC.limits["max_partitions_per_fetch"]
    many = frozenset(Partition("orders", _ID, number) for number in range(most + 2))
    _begin(positions, many, *[0] * most)
    assert len(positions.to_look_up(many)) == 2
    _begin(positions, many, 0, 0)
    assert len(_ask(positions, many).partitions) == most


# Reading


def test_positions_move_with_next_offset_also_where_there_are_no_records(positions: Positions) -> None:
    _begin(positions, _BOTH, 0, 0)
    found = _take(positions, _ask(positions), [_slice(0, 0, 2, then=6), _slice(1, then=4)])
    assert _seen(found.messages) == [(0, 0), (0, 2)]
    assert found.partitions == {_ZERO}
    assert sorted(_places(_ask(positions))) == [(0, 6), (1, 4)]


def test_who_was_first_in_a_fetch_is_last_in_the_next(positions: Positions) -> None:
    three = frozenset({_ZERO, _ONE, _TWO})
    _begin(positions, three, 0, 0, 0)
    orders = [[number for number, _ in _places(_ask(positions, three))] for _ in range(4)]
    assert orders == [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]


def test_a_fetch_names_the_topics_id(positions: Positions) -> None:
    _begin(positions, _BOTH, 0, 0)
    assert {place.topic_id for place in _ask(positions).partitions} == {_ID}


@pytest.mark.parametrize("code", ["not_leader", "topic_not_found", "partition_not_found"])
def test_what_cannot_be_read_now_is_waited_for_and_keeps_its_position(positions: Positions, code: str) -> None:
    _begin(positions, _BOTH, 5, 0)
    found = _take(positions, _ask(positions), [_failure(0, code), _slice(1, 0, then=1)])
    assert found.stalled
    assert _seen(found.messages) == [(1, 0)]
    assert sorted(_places(_ask(positions))) == [(0, 5), (1, 1)]


def test_a_refusal_is_raised_once_there_is_nothing_else_to_hand_out(positions: Positions) -> None:
    _begin(positions, _BOTH, 5, 0)
    found = _take(positions, _ask(positions), [_failure(0, "forbidden"), _slice(1, 0, then=1)])
    assert _seen(found.messages) == [(1, 0)]
    with pytest.raises(KafkaError) as caught:
        _take(positions, _ask(positions), [_failure(0, "forbidden"), _slice(1, then=1)])
    assert caught.value.code == "forbidden"


def test_an_answer_that_does_not_fit_moves_nothing(positions: Positions) -> None:
    _begin(positions, _BOTH, 5, 0)
    with pytest.raises(KafkaError) as caught:
        positions.take_records(_ask(positions), [], _BOTH)
    assert caught.value.code == "disconnected"
    assert sorted(_places(_ask(positions))) == [(0, 5), (1, 0)]


def test_a_topic_that_is_gone_is_not_looked_up_and_any_other_error_is_raised(positions: Positions) -> None:
    gone = item_of_error(KafkaError("topic_not_found", "gone", topic="orders"))
    positions.take_committed([_ZERO], CommitQueryResponse([GroupOffset("orders", 0, error=gone)]), _BOTH)
    assert positions.to_start(_BOTH) == []
    no = item_of_error(KafkaError("forbidden", "no"))
    with pytest.raises(KafkaError):
        positions.take_committed([_ZERO], CommitQueryResponse([GroupOffset("orders", 0, error=no)]), _BOTH)


# GROUP-051


def test_what_may_not_be_read_any_more_is_neither_asked_for_nor_handed_out(positions: Positions) -> None:
    _begin(positions, _BOTH, 0, 0)
    under_way = _ask(positions)
    readable = frozenset({_ONE})
    positions.keep(assigned=readable, owned=readable)
    found = _take(positions, under_way, [_slice(0, 0, then=1), _slice(1, 0, then=1)], readable)
    assert _seen(found.messages) == [(1, 0)]
    assert _places(_ask(positions, readable)) == [(1, 1)]


def test_what_comes_back_is_looked_up_again_and_what_was_found_meanwhile_is_dropped(positions: Positions) -> None:
    _begin(positions, _BOTH, 0, 0)
    under_way = _ask(positions)
    positions.keep(assigned=frozenset({_ONE}), owned=frozenset({_ONE}))
    positions.keep(assigned=_BOTH, owned=_BOTH)
    assert positions.to_look_up(_BOTH) == [_ZERO]
    found = _take(positions, under_way, [_slice(0, 0, then=1), _slice(1, then=0)])
    assert found.messages == []


def test_an_answer_about_what_was_lost_meanwhile_sets_no_position(positions: Positions) -> None:
    positions.take_committed([_ZERO], CommitQueryResponse([GroupOffset("orders", 0, 5)]), frozenset())
    positions.take_start([_ONE], OffsetsResponse([OffsetResult("orders", 1, 5, None)]), frozenset())
    assert positions.ask_records(_BOTH, 500) is None
    assert positions.to_look_up(_BOTH) == [_ZERO, _ONE]


# GROUP-057


def test_another_topic_of_the_same_name_begins_anew(positions: Positions) -> None:
    _begin(positions, _BOTH, 5, 5)
    made = frozenset(one._replace(topic_id=_AGAIN) for one in _BOTH)
    positions.keep(assigned=made, owned=made)
    assert positions.to_look_up(made) == sorted(made)
    assert positions.ask_records(made, 500) is None


# COMMIT-027, COMMIT-030


def test_what_is_done_is_the_offset_after_the_last_record_that_was_handed_out(positions: Positions) -> None:
    _begin(positions, _BOTH, 0, 0)
    assert positions.done(None) == {}
    _take(positions, _ask(positions), [_slice(0, 0, 2, then=6), _slice(1, then=4)])
    assert positions.done(None) == {_ZERO: 3}


def test_messages_count_up_to_the_last_of_each_partition(positions: Positions) -> None:
    _begin(positions, _BOTH, 0, 0)
    found = _take(positions, _ask(positions), [_slice(0, 0, 1, 2, then=3), _slice(1, 0, 1, then=2)])
    zero = [message for message in found.messages if message.partition == 0]
    assert positions.done([zero[1], zero[0]]) == {_ZERO: 2}
    assert positions.done(found.messages) == {_ZERO: 3, _ONE: 2}
    assert positions.done([]) == {}
    assert sorted(_places(_ask(positions))) == [(0, 3), (1, 2)]


def test_messages_of_what_was_let_go_do_not_count(positions: Positions) -> None:
    _begin(positions, _BOTH, 0, 0)
    found = _take(positions, _ask(positions), [_slice(0, 0, then=1), _slice(1, 0, then=1)])
    positions.keep(assigned=frozenset({_ONE}), owned=_BOTH)
    assert positions.done(found.messages) == {_ZERO: 1, _ONE: 1}
    positions.keep(assigned=frozenset({_ONE}), owned=frozenset({_ONE}))
    assert positions.done(found.messages) == {_ONE: 1}
    assert positions.done(None) == {_ONE: 1}


# What was handed out one by one, without the lock


@pytest.fixture
def handed(positions: Positions) -> list[ReadMessage[Any]]:
    """Return the messages 0 to 3 of partition 0, of which `positions` has handed out the first."""
    _begin(positions, frozenset({_ZERO}), 0)
    asked = _ask(positions, frozenset({_ZERO}))
    messages = positions.take_records(asked, [_slice(0, 0, 1, 2, 3, then=4)], frozenset({_ZERO})).messages
    positions.hand_out(messages[:1])
    return messages


def test_going_on_counts_as_handing_out(positions: Positions, handed: list[ReadMessage[Any]]) -> None:
    for message in handed[1:]:
        positions.go_on(message)
    assert positions.done(None) == {_ZERO: 4}
    assert positions.gone_past(handed[3:]) == {_ZERO: 3}
    positions.take_back(handed[2:])
    assert positions.gone_past(()) == {_ZERO: 2}


def test_going_on_is_forgotten_with_a_partition_that_is_lost_or_left(
    positions: Positions, handed: list[ReadMessage[Any]]
) -> None:
    positions.go_on(handed[1])
    positions.keep(assigned=frozenset(), owned=frozenset())
    assert positions.done(None) == {}
    positions.hand_out(handed[:1])
    assert positions.done(None) == {_ZERO: 1}
    positions.go_on(handed[1])
    positions.seek(_ZERO, 0)
    positions.hand_out(handed[:1])
    assert positions.done(None) == {_ZERO: 1}
