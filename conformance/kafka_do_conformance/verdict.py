"""What became of a case."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Crashed", "Exchange", "Mismatch", "NotApplicable", "Result", "Status", "Timeout", "Violation"]


class Status(StrEnum):
    """The statuses of `report.json`, kept apart."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    WARN = "warn"
    NOT_APPLICABLE = "not-applicable"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    HARNESS_ERROR = "harness-error"


@dataclass(frozen=True)
class Exchange:
    """One request and its response as they were on the wire, shortened for reading."""

    request: str
    response: str


@dataclass(frozen=True)
class Mismatch:
    """One place where what was seen is none of what the specification allows."""

    place: str
    allowed: str
    seen: str


class Violation(Exception):  # noqa: N818  a violation is the finding, not a fault of the suite
    """The implementation did something that the specification does not allow."""

    status = Status.FAIL

    def __init__(self, step: str, mismatches: Sequence[Mismatch], exchanges: Sequence[Exchange] = ()) -> None:
        super().__init__(f"{step}: " + "; ".join(f"{m.place}: allowed {m.allowed}, seen {m.seen}" for m in mismatches))
        self.step = step
        self.mismatches = tuple(mismatches)
        self.exchanges = tuple(exchanges)


class Timeout(Violation):
    """No answer came within the deadline."""

    status = Status.TIMEOUT


class Crashed(Violation):
    """The process under test ended, or the connection to it broke."""

    status = Status.CRASHED


class NotApplicable(Exception):  # noqa: N818  neither a fault
    """The implementation does not declare the feature that the case is about."""


@dataclass
class Result:
    """A case's outcome in one role."""

    case: str
    role: str
    title: str
    level: str
    requirements: list[str]
    status: Status
    duration_ms: int
    detail: str = ""
    step: str = ""
    mismatches: list[Mismatch] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    hint: str = ""
