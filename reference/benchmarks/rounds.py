"""Rounds: every contestant in turn, each time on a fresh server, so that what drifts drifts for all of them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

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

    def us_per_record(self, records: int) -> Series:
        """Return the time for one of the `records` of a request, all connections together, in µs."""
        samples = [1e6 / run.requests_per_s / records for run in self.runs]
        return Series(self.name, "µs/record", samples, self._note())

    def _note(self) -> str:
        """Say how busy the cores were, for a server that was not busy was not measured; and what went wrong."""
        server = statistics.median(run.server_busy for run in self.runs)
        load = statistics.median(run.load_busy for run in self.runs)
        note = f"p99 {statistics.median(run.p99_ms for run in self.runs):.3g} ms, busy {server:.0%} (load {load:.0%})"
        failures = sum(run.failures for run in self.runs)
        return f"{note}, {failures} FAILED" if failures else note

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
    with entry.start() as server:
        entry.prepare(server.url)
        run_load(server, entry.load, effort.warm_up)
        outcome.runs.append(run_load(server, entry.load, effort.seconds))
        outcome.resident_mib.append(server.resident_mib())
        if entry.held is not None:
            outcome.held.append(entry.held(server.url))
