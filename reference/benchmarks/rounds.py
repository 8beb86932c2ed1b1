"""Rounds: every contestant in turn, each time on a fresh server, so that what drifts drifts for all of them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.backing import touch_memory
from benchmarks.contestants import Entry
from benchmarks.load import Run, run_load
from benchmarks.report import Series

__all__ = ["Effort", "Outcome", "compete"]


@dataclass(frozen=True)
class Effort:
    """How long to measure: `rounds` of `seconds`, each after `warm_up` seconds that do not count.

    `scale` makes what is stored smaller where a quick look will do.
    """

    rounds: int
    seconds: int
    warm_up: int = 1
    scale: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """What the rounds of one contestant showed."""

    name: str
    runs: list[Run] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    resident_mib: list[float] = field(default_factory=list)

    def rates(self) -> Series:
        """Return requests per second."""
        return Series(self.name, "requests/s", [run.requests_per_s for run in self.runs], self._note())

    def cpu(self) -> Series:
        """Return the processor time of the server for one request, in µs."""
        return Series(self.name, "µs of server CPU/request", [run.cpu_us for run in self.runs])

    def cpu_per_record(self, records: int, name: str) -> Series:
        """Return the processor time of the server for one of the `records` of a request, in µs."""
        return Series(name, "µs of server CPU/record", [run.cpu_us / records for run in self.runs], self._failures())

    def _note(self) -> str:
        """Say how busy the cores were: of a server that was not busy the rate says little."""
        server = statistics.median(run.server_cpu_s / run.seconds for run in self.runs)
        load = statistics.median(run.load_cpu_s / run.seconds for run in self.runs)
        p99 = statistics.median(run.p99_ms for run in self.runs)
        said = f"{self.cpu().median:.0f} µs CPU each, p99 {p99:.3g} ms, busy {server:.0%} (load {load:.0%})"
        return ", ".join(filter(None, [said, self._failures()]))

    def _failures(self) -> str:
        failures = sum(run.failures for run in self.runs)
        return f"{failures} FAILED" if failures else ""

    def growth(self) -> str:
        """Say what the server held at the end of a round."""
        millions = statistics.median(self.held) / 1e6
        mib = statistics.median(self.resident_mib)
        return f"{self.name}: {millions:.2f} million records in the log at the end of a round, {mib:.0f} MiB resident"


def compete(entries: Sequence[Entry], effort: Effort) -> list[Outcome]:
    """Run the rounds, one contestant after the other in each; return their outcomes in the order of `entries`."""
    outcomes = [Outcome(entry.name) for entry in entries]
    for _ in range(effort.rounds):
        for entry, outcome in zip(entries, outcomes, strict=True):
            _round(entry, outcome, effort)
    return outcomes


def _round(entry: Entry, outcome: Outcome, effort: Effort) -> None:
    touch_memory()
    with entry.start() as server:
        entry.prepare(server.url)
        with entry.beside(server.url):
            run_load(server, entry.load, effort.warm_up)
            run = run_load(server, entry.load, effort.seconds)
        outcome.runs.append(run)
        outcome.resident_mib.append(server.resident_mib())
        if entry.held is not None:
            outcome.held.append(entry.held(server.url))
            _check_held(outcome.held[-1], (run.requests - run.failures) * entry.records)


def _check_held(held: int, answered: int) -> None:
    if held < answered:
        raise RuntimeError(f"the server holds {held} records and has acknowledged at least {answered}")
