"""What a member commits, by the requirements of chapter commits.md: nothing waits, nothing is sent."""

from typing import Any

import pytest

from kafka_do import KafkaError
from kafka_do.client.backoff import Backoff
from kafka_do.client.committing import Commit
from kafka_do.client.membership import Membership, Partition, Subscription
from kafka_do.core.broker import CommitOffsets
from kafka_do.core.item_errors import item_of_error
from kafka_do.core.messages import AssignedPartitions, CommitResult, HeartbeatResponse, MemberAtEpoch
from kafka_do.spec import SPEC

_ID = "11111111-0000-4000-8000-000000000000"
_ZERO, _ONE = Partition("orders", _ID, 0), Partition("orders", _ID, 1)


@pytest.fixture
def member() -> Membership:
    """Return a member that has both partitions at epoch 4."""
    subscription = Subscription("billing", ("orders",), 300_000)
    joined = Membership(subscription, member="m-1", backoff=Backoff(), now_ms=0)
    _beat(joined, 4, 0, 1)
    return joined


def _beat(member: Membership, epoch: int, *numbers: int) -> None:
    member.hasten(0)
    asked = member.next_request(0)
    assert asked is not None
    member.take(asked, HeartbeatResponse(epoch, [AssignedPartitions("orders", _ID, list(numbers))], 1000, None), 0)


def _fence(member: Membership) -> None:
    member.hasten(0)
    asked = member.next_request(0)
    assert asked is not None
    member.take(asked, _refusal("unknown_member"), 0)


def _refusal(code: str) -> KafkaError:
    return KafkaError(code, "as the test has it", group="billing")


def _stored(number: int) -> CommitResult:
    return CommitResult("orders", number)


def _refused(number: int, code: str = "rebalance_in_progress") -> CommitResult:
    return CommitResult("orders", number, error=item_of_error(_refusal(code)))


def _ask(commit: Commit) -> CommitOffsets:
    asked = commit.request()
    assert asked is not None
    return asked


def _said(asked: CommitOffsets) -> dict[int, int]:
    return {one.partition: one.offset for one in asked.request.offsets}


# COMMIT-027


def test_a_commit_has_the_members_id_and_epoch_and_the_topics_id(member: Membership) -> None:
    asked = _ask(Commit(member, {_ZERO: 8, _ONE: 3}))
    assert asked.group == "billing"
    assert asked.request.member == MemberAtEpoch("m-1", 4)
    assert _said(asked) == {0: 8, 1: 3}
    assert {one.topic_id for one in asked.request.offsets} == {_ID}


def test_what_the_member_does_not_own_is_left_out(member: Membership) -> None:
    _beat(member, 5, 1)
    assert _said(_ask(Commit(member, {_ZERO: 8, _ONE: 3}))) == {1: 3}


def test_what_is_taken_away_while_the_caller_works_on_it_may_still_be_committed(member: Membership) -> None:
    member.hold({_ZERO}, 0)
    _beat(member, 4, 1)
    assert _said(_ask(Commit(member, {_ZERO: 8}))) == {0: 8}


def test_nothing_done_is_no_request(member: Membership) -> None:
    commit = Commit(member, {})
    assert commit.request() is None
    assert commit.failure() is None


def test_what_was_stored_is_told_and_not_sent_again(member: Membership) -> None:
    commit = Commit(member, {_ZERO: 8, _ONE: 3})
    commit.take(_ask(commit), [_stored(0), _stored(1)])
    assert commit.stored == {_ZERO: 8, _ONE: 3}
    assert commit.request() is None
    assert commit.failure() is None


def test_more_partitions_than_one_request_may_name_go_in_several(member: Membership) -> None:
    most = SPEC.limits["max_partitions_per_fetch"]
    _beat(member, 4, *range(most + 1))
    commit = Commit(member, {Partition("orders", _ID, number): number for number in range(most + 1)})
    first = _ask(commit)
    assert len(first.request.offsets) == most
    commit.take(first, [_stored(number) for number in range(most)])
    assert _said(_ask(commit)) == {most: most}


# COMMIT-028


def test_after_another_epoch_was_refused_a_heartbeat_is_needed_and_then_a_new_commit_goes(member: Membership) -> None:
    commit = Commit(member, {_ZERO: 8, _ONE: 3})
    commit.take(_ask(commit), [_refused(0), _refused(1)])
    assert commit.needs_heartbeat
    _beat(member, 5, 1)
    asked = _ask(commit)
    assert asked.request.member == MemberAtEpoch("m-1", 5)
    assert _said(asked) == {1: 3}
    commit.take(asked, [_stored(1)])
    assert not commit.needs_heartbeat
    assert commit.stored == {_ONE: 3}
    assert commit.failure() is None


def test_only_what_was_refused_goes_again(member: Membership) -> None:
    commit = Commit(member, {_ZERO: 8, _ONE: 3})
    commit.take(_ask(commit), [_refused(0), _stored(1)])
    _beat(member, 5, 0, 1)
    assert _said(_ask(commit)) == {0: 8}


def test_what_is_being_given_up_is_not_committed_anew(member: Membership) -> None:
    member.hold({_ZERO}, 0)
    commit = Commit(member, {_ZERO: 8, _ONE: 3})
    commit.take(_ask(commit), _refusal("rebalance_in_progress"))
    _beat(member, 5, 1)
    assert _said(_ask(commit)) == {1: 3}


def test_the_epoch_that_was_refused_is_not_tried_again(member: Membership) -> None:
    commit = Commit(member, {_ZERO: 8})
    commit.take(_ask(commit), [_refused(0)])
    _beat(member, 4, 0, 1)
    assert commit.request() is None
    failure = commit.failure()
    assert failure is not None
    assert failure.code == "rebalance_in_progress"


def test_where_nothing_is_left_after_the_heartbeat_the_caller_learns_it(member: Membership) -> None:
    commit = Commit(member, {_ZERO: 8})
    commit.take(_ask(commit), [_refused(0)])
    _beat(member, 5, 1)
    assert commit.request() is None
    assert commit.failure() is not None


# GROUP-052


def test_what_was_done_before_fencing_is_not_committed_after_it(member: Membership) -> None:
    commit = Commit(member, {_ZERO: 8})
    commit.take(_ask(commit), [_refused(0)])
    _fence(member)
    _beat(member, 9, 0, 1)
    assert commit.request() is None


# Other refusals


@pytest.mark.parametrize(
    "outcome",
    [[_refused(0, "topic_not_found"), _stored(1)], [_refused(0, "offset_metadata_too_large"), _stored(1)]],
)
def test_a_refusal_of_one_is_told_and_the_others_are_stored(member: Membership, outcome: list[CommitResult]) -> None:
    commit = Commit(member, {_ZERO: 8, _ONE: 3})
    commit.take(_ask(commit), outcome)
    assert commit.stored == {_ONE: 3}
    assert commit.request() is None
    failure = commit.failure()
    assert failure is not None
    assert failure.code == item_code(outcome[0])


@pytest.mark.parametrize("outcome", [_refusal("unknown_member"), [], [_stored(0)]])
def test_a_refusal_of_all_and_an_answer_that_does_not_fit_store_nothing(member: Membership, outcome: Any) -> None:
    commit = Commit(member, {_ZERO: 8, _ONE: 3})
    commit.take(_ask(commit), outcome)
    assert commit.stored == {}
    assert commit.request() is None
    assert commit.failure() is not None


def item_code(result: CommitResult) -> str:
    """Return the code of a result's error."""
    return str(getattr(result.error, "code", ""))
