"""Behind a line that breaks nothing acknowledged is lost or doubled. The long run has twenty seeds."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from kafka_do.client.sending import Sending
from kafka_do.client.session import Session

_RUN = Path(__file__).with_name("run.py")


def test_behind_a_line_that_breaks_nothing_acknowledged_is_lost_or_doubled() -> None:
    told = runpy.run_path(str(_RUN))["run"](7)
    assert told.anomalies == []
    assert told.not_given == []
    assert told.lacking == []
    assert told.acknowledged > 0


def test_a_producer_that_sends_again_what_may_be_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Session.ask

    async def plain(_: Sending) -> bool:
        return False

    async def ask_whatever_happened(session: Session, asked: Any, **options: Any) -> Any:
        return await ask(session, asked, **{**options, "may_repeat": lambda _: True})

    monkeypatch.setattr(Sending, "_is_idempotent", plain)
    monkeypatch.setattr(Session, "ask", ask_whatever_happened)
    told = runpy.run_path(str(_RUN))["run"](7)
    assert "duplicate" in {anomaly.kind for anomaly in told.anomalies}
    assert not told.is_right
