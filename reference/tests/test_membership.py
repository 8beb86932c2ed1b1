"""A member of a group, by the requirements of chapter groups.md: time is told, nothing waits."""

import pytest
from msgspec import UNSET

from kafka_do import KafkaError
from kafka_do.client.backoff import Backoff
from kafka_do.client.membership import (
    Assigned,
    Failed,
    Lost,
    Membership,
    Partition,
    PutOff,
    Revoked,
    Subscription,
    UnderWay,
)
from kafka_do.core.broker import LeaveGroup
from kafka_do.core.messages import AssignedPartitions, HeartbeatRequest, HeartbeatResponse

_INTERVAL_MS = 3000
_OLD = "11111111-0000-4000-8000-000000000000"
_NEW = "22222222-0000-4000-8000-000000000000"
_ZERO, _ONE, _TWO = (Partition("orders", _OLD, number) for number in range(3))


@pytest.fixture
def member() -> Membership:
    """Return a member that has not sent anything, at the time 0."""
    return _member()


def _member(**wishes: str | int) -> Membership:
    subscription = Subscription("billing", ("orders",), 300_000, **wishes)  # type: ignore[arg-type]
    return Membership(subscription, member="m-1", backoff=Backoff(lambda: 1.0), now_ms=0)


def _answer(epoch: int, *numbers: int, topic_id: str = _OLD) -> HeartbeatResponse:
    assignment = [AssignedPartitions("orders", topic_id, list(numbers))] if numbers else []
    return HeartbeatResponse(epoch, assignment, _INTERVAL_MS, 45_000)


def _refusal(code: str) -> KafkaError:
    return KafkaError(code, "as the test has it", group="billing")


def _send(member: Membership, now_ms: int) -> UnderWay:
    asked = member.next_request(now_ms)
    assert asked is not None, f"no heartbeat is due at {now_ms}"
    return asked


def _said(asked: UnderWay) -> HeartbeatRequest:
    return asked.request.request


def _owned(asked: UnderWay) -> set[Partition]:
    return {Partition(of.topic, of.topic_id, number) for of in _said(asked).owned for number in of.partitions}


def _with(member: Membership, *numbers: int, epoch: int = 1) -> Membership:
    """Let the member join at 0, get partitions and say at 0 that it owns them."""
    member.take(_send(member, 0), _answer(epoch, *numbers), 0)
    if numbers:
        member.take(_send(member, 0), _answer(epoch, *numbers), 0)
    return member


# GROUP-048


def test_the_first_heartbeat_is_due_at_once_and_joins_with_epoch_0_and_nothing_owned(member: Membership) -> None:
    asked = _send(member, 0)
    assert (asked.request.group, asked.request.member) == ("billing", "m-1")
    assert _said(asked) == HeartbeatRequest(member_epoch=0, topics=["orders"], owned=[], rebalance_timeout_ms=300_000)


def test_every_heartbeat_says_everything_under_the_same_id() -> None:
    member = _with(_member(instance_id="billing-1", assignor="range", session_timeout_ms=9000), 0, 1)
    asked = _send(member, _INTERVAL_MS)
    assert asked.request.member == "m-1"
    assert (_said(asked).topics, _said(asked).rebalance_timeout_ms) == (["orders"], 300_000)
    assert (_said(asked).instance_id, _said(asked).assignor, _said(asked).session_timeout_ms) == (
        "billing-1",
        "range",
        9000,
    )


def test_what_nobody_wished_is_not_sent(member: Membership) -> None:
    said = _said(_send(member, 0))
    assert (said.instance_id, said.assignor, said.session_timeout_ms) == (UNSET, UNSET, UNSET)


# GROUP-049


def test_what_was_assigned_is_read_and_owned_with_the_epoch_of_the_answer(member: Membership) -> None:
    events = member.take(_send(member, 0), _answer(7, 0, 2), 10)
    assert events == [Assigned(frozenset({_ZERO, _TWO}))]
    assert member.assigned == {_ZERO, _TWO}
    asked = _send(member, 10)
    assert (_said(asked).member_epoch, _owned(asked)) == (7, {_ZERO, _TWO})


def test_a_member_that_waits_for_partitions_goes_on_with_none(member: Membership) -> None:
    assert member.take(_send(member, 0), _answer(3), 0) == []
    asked = _send(member, _INTERVAL_MS)
    assert (_said(asked).member_epoch, _said(asked).owned) == (3, [])


# GROUP-050


def test_the_next_heartbeat_is_due_an_interval_after_the_last_was_sent_however_long_its_answer_took(
    member: Membership,
) -> None:
    member.take(_send(member, 0), _answer(1), 2900)
    assert member.due_ms() == _INTERVAL_MS
    assert member.next_request(_INTERVAL_MS - 1) is None
    assert member.next_request(_INTERVAL_MS) is not None


def test_there_is_never_a_second_one_under_way(member: Membership) -> None:
    _send(member, 0)
    member.hasten(1)
    assert member.due_ms() is None
    assert member.next_request(1_000_000) is None


def test_one_that_is_wanted_while_another_is_under_way_follows_it_at_once(member: Membership) -> None:
    first = _send(member, 0)
    number = member.hasten(1)
    member.take(first, _answer(1), 2)
    assert member.answered < number
    second = _send(member, 2)
    member.take(second, _answer(1), 3)
    assert member.answered == number
    assert member.due_ms() == 2 + _INTERVAL_MS


def test_the_answer_to_one_that_was_given_up_means_nothing(member: Membership) -> None:
    given_up = _send(member, 0)
    member.abandon()
    asked = _send(member, 1)
    member.take(asked, _answer(2, 0), 2)
    assert member.take(given_up, _answer(1, 0, 1, 2), 3) == []
    assert member.take(given_up, _refusal("unknown_member"), 3) == []
    assert member.epoch == 2
    assert member.assigned == {_ZERO}


# GROUP-051


def test_what_an_answer_does_not_list_is_not_read_on_and_at_once_not_owned(member: Membership) -> None:
    _with(member, 0, 1)
    events = member.take(_send(member, _INTERVAL_MS), _answer(1, 1), 3010)
    assert events == [Revoked(frozenset({_ZERO}))]
    assert member.assigned == {_ONE}
    assert _owned(_send(member, 3010)) == {_ONE}


def test_what_the_caller_works_on_is_owned_until_it_has_done_and_not_read_on(member: Membership) -> None:
    _with(member, 0, 1)
    member.hold({_ZERO}, 100)
    member.take(_send(member, _INTERVAL_MS), _answer(1, 1), 3010)
    assert member.assigned == {_ONE}
    assert member.due_ms() == 2 * _INTERVAL_MS  # nothing to tell yet
    meanwhile = _send(member, 2 * _INTERVAL_MS)
    assert _owned(meanwhile) == {_ZERO, _ONE}
    member.take(meanwhile, _answer(1, 1), 6010)
    member.hold((), 6500)
    asked = _send(member, 6500)
    assert _owned(asked) == {_ONE}


def test_what_comes_back_before_it_was_let_go_is_read_again(member: Membership) -> None:
    _with(member, 0, 1)
    member.hold({_ZERO}, 100)
    member.take(_send(member, _INTERVAL_MS), _answer(1, 1), 3010)
    assert member.take(_send(member, 6000), _answer(1, 0, 1), 6010) == [Assigned(frozenset({_ZERO}))]
    member.hold((), 6020)
    assert member.owned == {_ZERO, _ONE}


def test_holding_what_was_never_assigned_makes_no_owner(member: Membership) -> None:
    _with(member, 0)
    member.hold({_ONE}, 100)
    assert _owned(_send(member, _INTERVAL_MS)) == {_ZERO}


# GROUP-052


@pytest.mark.parametrize("code", ["unknown_member", "fenced_member_epoch"])
def test_after_fencing_everything_is_lost_and_the_same_id_joins_at_once(member: Membership, code: str) -> None:
    _with(member, 0, 1, epoch=4)
    member.hold({_ZERO}, 100)
    assert member.take(_send(member, _INTERVAL_MS), _refusal(code), 3010) == [Lost(frozenset({_ZERO, _ONE}))]
    assert not member.owned
    assert member.losses == 1
    asked = _send(member, 3010)
    assert asked.request.member == "m-1"
    assert (_said(asked).member_epoch, _said(asked).owned) == (0, [])


def test_a_join_that_is_fenced_is_sent_again_after_pauses_that_grow(member: Membership) -> None:
    member.take(_send(member, 0), _refusal("fenced_member_epoch"), 0)
    assert member.due_ms() == 50
    member.take(_send(member, 50), _refusal("fenced_member_epoch"), 50)
    assert member.due_ms() == 150


# GROUP-053


@pytest.mark.parametrize("code", ["disconnected", "group_coordinator", "not_leader", "quota_exceeded"])
def test_a_join_whose_answer_is_lost_or_put_off_is_sent_again_under_the_same_id(member: Membership, code: str) -> None:
    first = _send(member, 0)
    member.take(first, _refusal(code), 10)
    assert member.next_request(59) is None
    again = _send(member, 60)
    assert again.request == first.request


def test_a_heartbeat_whose_answer_is_lost_is_sent_again_and_loses_nothing(member: Membership) -> None:
    _with(member, 0, 1, epoch=4)
    lost = _send(member, _INTERVAL_MS)
    assert member.take(lost, _refusal("disconnected"), 4000) == []
    again = _send(member, 4050)
    assert again.request == lost.request
    assert member.assigned == {_ZERO, _ONE}


def test_the_pauses_between_tries_are_bounded_and_begin_anew_after_an_answer(member: Membership) -> None:
    now_ms, pauses = 0, []
    for _ in range(8):
        member.take(_send(member, now_ms), _refusal("disconnected"), now_ms)
        due_ms = member.due_ms()
        assert due_ms is not None
        pauses.append(due_ms - now_ms)
        now_ms = due_ms
    assert pauses == [50, 100, 200, 400, 800, 1000, 1000, 1000]
    member.take(_send(member, now_ms), _answer(1), now_ms)
    now_ms += _INTERVAL_MS
    member.take(_send(member, now_ms), _refusal("disconnected"), now_ms)
    assert member.due_ms() == now_ms + 50


def test_a_server_that_says_how_long_to_wait_is_believed(member: Membership) -> None:
    member.take(_send(member, 0), KafkaError("quota_exceeded", "too much", retry_after_ms=7000), 10)
    assert member.due_ms() == 7010


@pytest.mark.parametrize("code", ["group_full", "unreleased_instance_id"])
def test_a_join_that_has_to_wait_for_others_is_told_and_tried_again(member: Membership, code: str) -> None:
    refusal = _refusal(code)
    assert member.take(_send(member, 0), refusal, 10) == [PutOff(refusal)]
    assert _said(_send(member, 60)).member_epoch == 0


# GROUP-054


def test_after_fenced_instance_id_nothing_is_sent_any_more_not_even_that_it_leaves(member: Membership) -> None:
    _with(member, 0, 1)
    refusal = _refusal("fenced_instance_id")
    events = member.take(_send(member, _INTERVAL_MS), refusal, 3010)
    assert events == [Lost(frozenset({_ZERO, _ONE})), Failed(refusal)]
    assert member.due_ms() is None
    member.hasten(4000)
    assert member.next_request(1_000_000) is None
    assert member.leave() is None


@pytest.mark.parametrize("code", ["unsupported_assignor", "invalid_request", "unauthorized", "group_type_conflict"])
def test_a_join_that_is_refused_for_good_is_reported_and_not_tried_again(member: Membership, code: str) -> None:
    refusal = _refusal(code)
    assert member.take(_send(member, 0), refusal, 0) == [Failed(refusal)]
    assert member.next_request(1_000_000) is None
    assert member.leave() is None


def test_a_member_that_is_refused_later_still_leaves(member: Membership) -> None:
    _with(member, 0)
    member.take(_send(member, _INTERVAL_MS), _refusal("unauthorized"), 3010)
    assert member.leave() == LeaveGroup("billing", "m-1")


# GROUP-055


def test_who_leaves_owns_nothing_and_sends_no_more(member: Membership) -> None:
    _with(member, 0, 1)
    assert member.leave() == LeaveGroup("billing", "m-1")
    assert not member.owned
    assert member.next_request(1_000_000) is None
    assert member.leave() is None


def test_a_static_member_may_leave_for_a_time() -> None:
    member = _with(_member(instance_id="billing-1"), 0)
    assert member.leave(temporary=True) == LeaveGroup("billing", "m-1", temporary=True, instance_id="billing-1")


def test_who_has_sent_nothing_need_not_leave(member: Membership) -> None:
    assert member.leave() is None


def test_who_has_heard_nothing_leaves_all_the_same(member: Membership) -> None:
    under_way = _send(member, 0)
    assert member.leave() == LeaveGroup("billing", "m-1")
    assert member.take(under_way, _answer(1, 0), 10) == []
    assert member.assigned == set()


# GROUP-057


def test_a_topic_that_was_made_again_is_another_one(member: Membership) -> None:
    _with(member, 0, 1)
    events = member.take(_send(member, _INTERVAL_MS), _answer(1, 0, 1, topic_id=_NEW), 3010)
    made = frozenset({_ZERO._replace(topic_id=_NEW), _ONE._replace(topic_id=_NEW)})
    assert events == [Revoked(frozenset({_ZERO, _ONE})), Assigned(made)]
    assert _owned(_send(member, 3010)) == made
