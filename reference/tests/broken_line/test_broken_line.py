"""Behind a line that breaks nothing acknowledged is lost or doubled. The long run has twenty seeds."""

import runpy
from pathlib import Path

_RUN = Path(__file__).with_name("run.py")


def test_behind_a_line_that_breaks_nothing_acknowledged_is_lost_or_doubled() -> None:
    told = runpy.run_path(str(_RUN))["run"](7)
    assert told.anomalies == []
    assert told.not_given == []
    assert told.lacking == []
    assert told.acknowledged > 0
