"""Implementations that do nothing right pass no case that decides."""

from collections.abc import Callable

import pytest

from kafka_do_conformance.nulls import check
from kafka_do_conformance.nulls.check import (
    NULL_ADAPTERS,
    NULL_SERVERS,
    null_adapter_results,
    null_server_results,
    score,
)
from kafka_do_conformance.target import ServerTarget
from kafka_do_conformance.verdict import Result, Status

# Patience is spent on silence only, so there a little has to do.
_SHORT_S = {"_PATIENCE_S": 0.02, "_ADAPTER_PATIENCE_S": 0.1}


@pytest.fixture
def be_short_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a way to wait less for those that say nothing, or nothing that is waited for."""

    def be_short(name: str) -> None:
        if name in ("silent", "ok"):
            for setting, seconds in _SHORT_S.items():
                monkeypatch.setattr(check, setting, seconds)

    return be_short


@pytest.mark.parametrize("name", NULL_SERVERS)
def test_no_must_case_passes_with_a_server_that_does_nothing_right(
    name: str, be_short_with: Callable[[str], None]
) -> None:
    be_short_with(name)
    results = null_server_results(name)
    assert score(results) == []
    assert len(_judged(results)) >= 50


@pytest.mark.parametrize("mode", NULL_ADAPTERS)
def test_no_must_case_passes_with_an_adapter_that_does_nothing_right(
    mode: str, be_short_with: Callable[[str], None], reference_server: ServerTarget
) -> None:
    be_short_with(mode)
    results = null_adapter_results(mode, reference_server)
    assert score(results) == []
    assert len(_judged(results)) >= 20


def test_the_null_implementations_fail_in_every_manner() -> None:
    assert len(NULL_SERVERS) >= 5
    assert {"crashing", "garbage", "silent"} <= set(NULL_SERVERS)
    assert {"error", "ok", "silent", "garbage", "crashing"} <= set(NULL_ADAPTERS)


def test_the_score_counts_what_passes_and_decides() -> None:
    results = [
        _result("passes", "must", Status.PASS),
        _result("fails", "must", Status.FAIL),
        _result("is-advice", "should", Status.PASS),
        _result("is-not-judged", "must", Status.NOT_APPLICABLE),
    ]
    assert score(results) == ["passes[server]"]


def _judged(results: list[Result]) -> list[Result]:
    return [result for result in results if result.status is not Status.NOT_APPLICABLE]


def _result(case: str, level: str, status: Status) -> Result:
    return Result(case, "server", "A title", level, ["FETCH-006"], status, 1)
