"""The embedded broker in one process, beside the least that a list and JSON can do."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contestants import Ours
from benchmarks.cores import of_server
from benchmarks.report import Measurement, Series, ratio
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["in_process"]

_PROGRAM = Path(__file__).with_name("embedded.py")
_COUNT = 100_000


def in_process(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Send 100 000 records of 100 bytes through `memory://` and read them all; each round in a new process."""
    count = int(_COUNT * effort.scale)
    rounds: dict[Ours, list[dict[str, dict[str, float]]]] = {ours: [] for ours in field.ours}
    for _ in range(effort.rounds):
        for ours, told in rounds.items():
            told.append(_round(ours, count))
    for ours, told in rounds.items():
        found = Measurement("in-process", f"{ours.name} through memory://, {count} records of 100 bytes")
        ways = list(told[0])
        whole = [Series(f"{way}: both", "records/CPU s", [_both(one[way]) for one in told]) for way in ways]
        for way, both in zip(ways, whole, strict=True):
            found.series += [
                Series(f"{way}: {half}", "records/CPU s", [one[way][half] for one in told]) for half in ("send", "read")
            ]
            found.series.append(both)
        found.ratios = [ratio(both, whole[0]) for both in whole[1:]]
        yield found


def _both(rates: dict[str, float]) -> float:
    return 1 / sum(1 / rate for rate in rates.values())


def _round(ours: Ours, count: int) -> dict[str, dict[str, float]]:
    with of_server():
        command = [ours.python, "-P", str(_PROGRAM), str(count)]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(told.stdout)
    return found
