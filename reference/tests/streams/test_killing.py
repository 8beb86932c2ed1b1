"""Two processes share a pipeline, and one is killed: the counts are those of a quiet run. The long run has 20 seeds."""

import runpy
from pathlib import Path

_KILLING = Path(__file__).with_name("killing.py")


def test_what_a_killed_process_left_is_counted_once_by_the_other() -> None:
    told = runpy.run_path(str(_KILLING))["run"](7)
    assert told.counts == told.quiet
    assert told.left > 0
    assert len(told.quiet) > 1
