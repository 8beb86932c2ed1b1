"""Trying again: what, how often and after which pauses. Time is told."""

import asyncio
from typing import Any

import pytest

from kafka_do import KafkaError
from kafka_do.client.backoff import Backoff, may_be_repeated, persist
from kafka_do.client.driving import drive
from kafka_do.spec import SPEC

_FIRST_MS = int(SPEC.defaults["client"]["retry_backoff_ms"])
_LONGEST_MS = int(SPEC.defaults["client"]["max_retry_backoff_ms"])


class _Time:
    """A time that passes only in pauses."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.pauses: list[int] = []

    async def pause(self, wait_ms: int) -> None:
        self.pauses.append(wait_ms)
        self.now_ms += wait_ms


class _Answers:
    """Answers in order; errors are raised."""

    def __init__(self, *answers: KafkaError | str) -> None:
        self.left = list(answers)

    async def ask(self) -> str:
        answer = self.left.pop(0)
        if isinstance(answer, KafkaError):
            raise answer
        return answer


def _error(code: str, **fields: Any) -> KafkaError:
    return KafkaError(code, "as the test has it", **fields)


def _persist(answers: _Answers, time: _Time, until_ms: int = 60_000) -> str:
    backoff = Backoff(lambda: 1.0)
    asked = persist(answers.ask, backoff=backoff, clock=lambda: time.now_ms, pause=time.pause, until_ms=until_ms)
    return drive(asked)


def test_pauses_double_to_a_bound_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(lambda: 1.0)
    pauses = [backoff.next_ms() for _ in range(100)]
    assert pauses[:4] == [_FIRST_MS, 2 * _FIRST_MS, 4 * _FIRST_MS, 8 * _FIRST_MS]
    assert set(pauses[10:]) == {_LONGEST_MS}
    backoff.reset()
    assert backoff.next_ms() == _FIRST_MS


def test_clients_do_not_try_in_step() -> None:
    assert Backoff(lambda: 0.0).next_ms() == round(0.8 * _FIRST_MS)
    assert len({Backoff().next_ms() for _ in range(200)}) > 1


def test_no_pause_is_shorter_than_the_server_asked_for() -> None:
    assert Backoff().next_ms(_error("quota_exceeded", retry_after_ms=90_000)) == 90_000
    assert Backoff(lambda: 1.0).next_ms(_error("quota_exceeded", retry_after_ms=1)) == _FIRST_MS


def test_what_is_put_off_or_unknown_is_asked_again_until_there_is_an_answer() -> None:
    time = _Time()
    answers = _Answers(_error("disconnected"), _error("group_coordinator"), "done", "never asked")
    assert _persist(answers, time) == "done"
    assert time.pauses == [_FIRST_MS, 2 * _FIRST_MS]
    assert answers.left == ["never asked"]


@pytest.mark.parametrize("code", ["invalid_request", "unknown_member", "rebalance_in_progress", "closed"])
def test_what_is_refused_is_not_asked_again(code: str) -> None:
    assert not may_be_repeated(_error(code))
    time = _Time()
    answers = _Answers(_error(code), "never asked")
    with pytest.raises(KafkaError) as caught:
        _persist(answers, time)
    assert (caught.value.code, time.pauses, len(answers.left)) == (code, [], 1)


def test_the_last_error_is_raised_rather_than_waiting_past_the_time() -> None:
    time = _Time()
    errors = [_error("disconnected") for _ in range(50)]
    with pytest.raises(KafkaError):
        _persist(_Answers(*errors), time, until_ms=1000)
    assert time.now_ms <= 1000
    assert len(time.pauses) >= 3


def test_a_coroutine_that_waits_is_no_blocking_one() -> None:
    with pytest.raises(RuntimeError, match="waited for an event loop"):
        drive(asyncio.sleep(0))
