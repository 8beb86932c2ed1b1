"""How long the conformance suite takes to judge the reference."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.cores import all_cores
from benchmarks.report import Goal, Measurement, Series
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["suite"]

_ROOT = Path(__file__).parents[2]
_CASES_A_SECOND = Goal("≥", 40)
_SMOKE_S = Goal("≤", 5)
_MOST_ROUNDS = 3


def suite(_: Field, effort: Effort) -> Iterator[Measurement]:
    """Run `pytest conformance --impl=reference` serially and in two processes, and the smoke test."""
    rounds = range(min(effort.rounds, _MOST_ROUNDS))
    serial, parallel, smoke = [], [], []
    for _round in rounds:
        serial.append(_cases_a_second([]))
        parallel.append(_cases_a_second(["-n", "2"]))
        smoke.append(_smoke_s())
    found = Measurement("suite", "judging the reference, start of the processes included")
    found.series = [
        Series("pytest conformance --impl=reference", "cases/s", serial),
        Series("pytest conformance --impl=reference -n 2", "cases/s", parallel, goal=_CASES_A_SECOND),
    ]
    taken = [one for one in smoke if one is not None]
    if taken:
        found.series.append(Series("kafka-do conformance smoke", "s", taken, goal=_SMOKE_S))
    else:
        found.notes.append("`kafka-do conformance smoke` is not there, or fails")
    yield found


def _cases_a_second(more: Sequence[str]) -> float:
    command = [sys.executable, "-m", "pytest", "conformance", "--impl=reference", "-q", "-p", "no:cacheprovider", *more]
    with tempfile.TemporaryDirectory() as folder:
        elapsed, told = _run([*command, f"--report={folder}/report.json"])
    count = re.search(r"(\d+) passed", told.stdout)
    if told.returncode or count is None:
        raise RuntimeError(f"{' '.join(command)} ended with {told.returncode}: {told.stdout[-500:]}")
    return int(count[1]) / elapsed


def _smoke_s() -> float | None:
    elapsed, told = _run([sys.executable, "-m", "kafka_do", "conformance", "smoke", "--impl=reference"])
    return None if told.returncode else elapsed


def _run(command: Sequence[str]) -> tuple[float, "subprocess.CompletedProcess[str]"]:
    """Run a command on all cores and return its seconds."""
    with all_cores():
        begun = time.monotonic()
        told = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
        return time.monotonic() - begun, told
