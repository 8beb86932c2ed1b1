"""The soak in short, and what it would say of memory that grows. The whole takes ten minutes."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

_SOAK = Path(__file__).with_name("run.py")
_PATIENCE_S = 120.0


def test_a_short_soak_finds_nothing_wrong() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is read from /proc")
    command = [sys.executable, str(_SOAK), "--seconds", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["soak of 3 s: 0 faults"]), done.stdout + done.stderr
    assert all(f" {name}" in done.stdout for name in ("histories", "streams", "long polls", "requests over quota"))


@pytest.mark.parametrize(("late", "grows"), [(104.0, False), (130.0, True)])
def test_memory_that_grows_is_a_fault(late: float, *, grows: bool) -> None:
    told = runpy.run_path(str(_SOAK))["_growth"]([50.0, *[100.0] * 10, *[late] * 5])
    assert bool(told) is grows
