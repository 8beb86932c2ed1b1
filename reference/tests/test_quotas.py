"""How much a key may ask in a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_do.binding.problems import HeadedError
from kafka_do.engines.clock import ManualClock
from kafka_do.server.quotas import Meter, Quota


def _refusal(meter: Meter) -> HeadedError | None:
    try:
        meter.take_request()
    except HeadedError as error:
        return error
    return None


def test_a_second_is_worth_the_quota_and_no_more() -> None:
    clock = ManualClock()
    meter = Meter(Quota(requests_per_second=3), clock)
    assert [_refusal(meter) for _ in range(3)] == [None] * 3
    refused = _refusal(meter)
    assert refused is not None
    assert refused.code == "quota_exceeded"
    assert refused.fields == {"retry_after_ms": 334}
    assert refused.headers == (("Retry-After", "1"),)
    clock.advance(333)
    assert _refusal(meter) is not None
    clock.advance(1)
    assert _refusal(meter) is None
    assert _refusal(meter) is not None
    clock.advance(3_600_000)
    assert [_refusal(meter) is None for _ in range(4)] == [True] * 3 + [False]


def test_bytes_may_be_owed_and_delay_what_comes_next() -> None:
    clock = ManualClock()
    meter = Meter(Quota(bytes_per_second=1000), clock)
    meter.take_request()
    meter.take_bytes(4000)
    refused = _refusal(meter)
    assert refused is not None
    assert refused.fields == {"retry_after_ms": 3001}
    assert refused.headers == (("Retry-After", "4"),)
    clock.advance(3001)
    assert _refusal(meter) is None


def test_who_has_no_quota_is_never_refused() -> None:
    meter = Meter(Quota(), ManualClock())
    for _ in range(10_000):
        meter.take_request()
        meter.take_bytes(10**9)


@pytest.mark.parametrize("quota", [Quota(requests_per_second=10**15 - 1), Quota(bytes_per_second=10**15 - 1)])
def test_an_absurd_quota_counts_exactly(quota: Quota) -> None:
    meter = Meter(quota, ManualClock())
    meter.take_bytes(10**15 - 2)
    assert _refusal(meter) is None
    meter.take_bytes(10**18)
    assert (_refusal(meter) is None) is (quota.bytes_per_second is None)


@given(rate=st.integers(1, 5000), steps=st.lists(st.integers(0, 3000), max_size=60))
def test_over_any_time_no_more_is_answered_than_the_quota_allows_and_waiting_as_told_helps(
    rate: int, steps: list[int]
) -> None:
    clock = ManualClock()
    meter = Meter(Quota(requests_per_second=rate), clock)
    answered = passed_ms = 0
    for step_ms in steps:
        clock.advance(step_ms)
        passed_ms += step_ms
        if (refused := _refusal(meter)) is None:
            answered += 1
        else:
            wait_ms = refused.fields["retry_after_ms"]
            assert 1 <= wait_ms <= 1000
            clock.advance(wait_ms)
            passed_ms += wait_ms
            assert _refusal(meter) is None
            answered += 1
        assert answered <= rate + passed_ms * rate / 1000
