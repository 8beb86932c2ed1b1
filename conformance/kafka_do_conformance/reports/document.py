"""`report.json` read back: checked, typed, and with its verdict in words."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from kafka_do_conformance.load import form
from kafka_do_conformance.verdict import Exchange, Mismatch, Result, Status

__all__ = ["FAILED", "Document", "ReportFileError", "Verdict", "count", "parse", "read", "result_of"]

FAILED = (Status.FAIL, Status.TIMEOUT, Status.CRASHED)
_MESSAGE = 300


class ReportFileError(ValueError):
    """A file is not a whole report."""


@dataclass(frozen=True)
class Verdict:
    """What came of a run, in a few words and in a sentence."""

    kind: Literal["violation", "undecided", "unproven", "clean"]
    title: str
    sentence: str


@dataclass(frozen=True)
class Document:
    """A whole report."""

    header: dict[str, Any]
    implementations: dict[str, dict[str, Any]]
    results: tuple[Result, ...]
    must: dict[str, dict[str, int]]

    @property
    def impl(self) -> str:
        """What `--impl` was."""
        return str(self.header["impl"])

    @property
    def roles(self) -> list[str]:
        """The roles judged, the server's first."""
        return sorted({result.role for result in self.results}, reverse=True)

    def name(self, role: str) -> str:
        """Return what an implementation calls itself."""
        said = self.implementations.get(role, {})
        return f"{said.get('name', 'unnamed')} {said.get('version', '')}".strip()

    def statuses(self, role: str) -> dict[str, int]:
        """Return how many of a role's results have each status, what matters most first."""
        found = Counter(result.status for result in self.results if result.role == role)
        return {str(status): found[status] for status in _ORDER if found[status]}

    def having(self, *statuses: Status) -> list[Result]:
        """Return the results with one of these statuses."""
        return [result for result in self.results if result.status in statuses]

    def verdict(self) -> Verdict:
        """Return what came of the run."""
        failed = len(self.having(*FAILED))
        broken = len(self.having(Status.HARNESS_ERROR))
        judged = [result for result in self.results if result.status is not Status.NOT_APPLICABLE]
        unshown = sum(counts["total"] - counts["shown"] for counts in self.must.values())
        if failed:
            also = f" In {broken} more the suite or the adapter failed." if broken else ""
            return Verdict("violation", "Does not conform", f"{failed} of {count(len(judged), 'case')} failed.{also}")
        if broken:
            where = f"{broken} of {count(len(judged), 'case')}"
            return Verdict("undecided", "Not decided", f"In {where} the suite or the adapter failed.")
        if not any(result.level == "must" for result in judged):
            return Verdict("unproven", "Too little was proven", "No MUST requirement was judged.")
        if unshown:
            total = sum(counts["total"] for counts in self.must.values())
            sentence = f"{unshown} of {total} MUST requirements were not shown, so this is no proof of conformance."
            return Verdict("clean", "No violation found", sentence)
        judged_roles = " and the ".join(self.roles)
        return Verdict("clean", "Conforms", f"Every MUST requirement of the {judged_roles} was shown.")


_ORDER = (*FAILED, Status.HARNESS_ERROR, Status.WARN, Status.NOT_APPLICABLE, Status.PASS)


def read(text: str) -> Document:
    """Return the report that a file holds; raises ReportFileError."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ReportFileError(f"the report is cut or no JSON: {error}") from None
    return parse(found)


def parse(found: Any) -> Document:
    """Return a report from its JSON value; raises ReportFileError, also where the report was cut."""
    if isinstance(found, dict) and "header" in found and "footer" not in found:
        raise ReportFileError("the report was cut: it has no footer")
    if (fault := form("report").fault(found)) is not None:
        raise ReportFileError(f"no report of this suite: {fault[:_MESSAGE]}")
    told, there = found["footer"]["results"], len(found["results"])
    if told != there:
        raise ReportFileError(f"the report was cut: its footer tells of {told} results, {there} are there")
    results = tuple(result_of(one) for one in found["results"])
    return Document(found["header"], found["implementations"], results, found["summary"]["must"])


def result_of(found: dict[str, Any]) -> Result:
    """Return a result from its JSON value."""
    return Result(
        **{
            **found,
            "status": Status(found["status"]),
            "mismatches": [Mismatch(**one) for one in found["mismatches"]],
            "exchanges": [Exchange(**one) for one in found["exchanges"]],
        }
    )


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
