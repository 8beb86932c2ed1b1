"""What a run has found: `report.json`, and the same for a terminal."""

import dataclasses
import json
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from kafka_do.spec import SPEC, Requirement, requirements
from kafka_do_conformance.citation import cite
from kafka_do_conformance.load import form
from kafka_do_conformance.verdict import Result, Status
from kafka_do_conformance.visible import visible

__all__ = ["GOOD", "RECORDER", "Run", "explain", "put", "reproduce", "summarise", "write"]

RECORDER = "kafka-do-recorder"
"""The name under which the plugin that holds a `Run` is known to pytest."""

_UNJUDGED = (Status.NOT_APPLICABLE, Status.HARNESS_ERROR)
GOOD = (Status.PASS, Status.WARN, Status.NOT_APPLICABLE)
_REGISTRY = requirements()


@dataclasses.dataclass
class Run:
    """A run as it goes: which implementation, what it says about itself, what the cases gave."""

    impl: str
    started: datetime = dataclasses.field(default_factory=lambda: datetime.now(UTC))
    implementations: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    results: list[Result] = dataclasses.field(default_factory=list)
    offers: dict[str, list[list[str]]] = dataclasses.field(default_factory=dict)
    """By role, the features of each setting in which the implementation was judged."""

    @property
    def statuses(self) -> Counter[str]:
        """How many results have each status."""
        return Counter(str(result.status) for result in self.results)

    def must(self) -> dict[str, dict[str, int]]:
        """Return for each role judged how many MUST requirements apply, were shown (none broken), and do not apply."""
        found: dict[str, dict[str, int]] = {}
        for role in sorted({result.role for result in self.results}, reverse=True):
            every = {ident for ident, entry in _REGISTRY.items() if entry.level == "must" and entry.role == role}
            total = {ident for ident in every if self._applies(_REGISTRY[ident])}
            by_status: dict[bool, set[str]] = {True: set(), False: set()}
            for result in self.results:
                if result.role == role and result.status is not Status.NOT_APPLICABLE:
                    by_status[result.status is Status.PASS].update(result.requirements)
            found[role] = {
                "total": len(total),
                "shown": len(total & (by_status[True] - by_status[False])),
                "not_applicable": len(every - total),
            }
        return found

    def _applies(self, requirement: Requirement) -> bool:
        """Whether a requirement is about one of the settings that were judged."""
        settings = [{"core", *features} for features in self.offers.get(requirement.role, [])] or [{"core"}]
        needed = {requirement.feature, *(["control"] if requirement.by == "control" else [])}
        return any(needed <= one and requirement.lacks not in one for one in settings)

    @property
    def is_broken(self) -> bool:
        """Whether the suite or an adapter failed and no violation was found."""
        statuses = {result.status for result in self.results}
        return Status.HARNESS_ERROR in statuses and not statuses & {Status.FAIL, Status.TIMEOUT, Status.CRASHED}

    @property
    def proves_nothing(self) -> bool:
        """Whether no MUST requirement was judged at all."""
        return not any(r.level == "must" and r.status not in _UNJUDGED for r in self.results)


def write(run: Run, path: Path) -> None:
    """Write `report.json`, checked against its schema; it appears whole or not at all."""
    document = {
        "header": {
            "schema": 1,
            "suite": metadata.version("kafka-do"),
            "revision": SPEC.revision,
            "impl": run.impl,
            "started": run.started.isoformat(),
            "environment": {"python": platform.python_version(), "platform": platform.system()},
        },
        "implementations": run.implementations,
        "results": [dataclasses.asdict(result) for result in run.results],
        "summary": {"statuses": dict(run.statuses), "must": run.must()},
        "footer": {"results": len(run.results)},
    }
    if (fault := form("report").fault(document)) is not None:
        raise ValueError(f"the report does not have its form: {fault}")
    put(path, json.dumps(document, indent=1) + "\n")


def put(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(path)


def explain(result: Result, impl: str) -> str:
    """Return what a person needs to mend one failed case; what an implementation said cannot act on a terminal."""
    return visible("\n".join(_lines(result, impl)))


def reproduce(result: Result, impl: str) -> str:
    """Return the command that judges one case in one role again."""
    quoted = impl.replace("'", "'\\''")
    return f"pytest conformance --impl='{quoted}' -k '{result.case} and {result.role}'"


def _lines(result: Result, impl: str) -> Iterator[str]:
    yield f"{result.case} [{result.role}]: {result.status}: {result.title}"
    for ident in result.requirements:
        cited = cite(ident)
        yield f"  requirement  {ident}  {cited.text}"
        if cited.url is not None:
            yield f"               {cited.url}"
    if result.step:
        yield f"  step         {result.step}"
    for mismatch in result.mismatches:
        yield f"  place        {mismatch.place}"
        yield f"    allowed    {mismatch.allowed}"
        yield f"    seen       {mismatch.seen}"
    for exchange in result.exchanges:
        yield f"  wire       > {exchange.request}"
        yield f"             < {exchange.response}"
    for line in result.detail.splitlines():
        yield f"  detail       {line}"
    yield f"  hint         {result.hint}"
    yield f"  reproduce    {reproduce(result, impl)}"


def summarise(run: Run, path: Path | None) -> Sequence[str]:
    """Return the summary that ends a run on a terminal; `path` is the report that a person opens."""
    lines = [f"kafka.do conformance, protocol revision {SPEC.revision}, --impl={run.impl}"]
    must = run.must()
    for role, counts in must.items():
        results = [result for result in run.results if result.role == role]
        named = run.implementations.get(role, {})
        name = f"{named.get('name', 'unnamed')} {named.get('version', '')}".strip()
        said = ", ".join(
            f"{count} {status}" for status, count in sorted(Counter(str(r.status) for r in results).items())
        )
        other = f" ({counts['not_applicable']} do not apply)" if counts["not_applicable"] else ""
        lines.append(
            f"  {role:7} {name}: {said}; {counts['shown']} of {counts['total']} MUST requirements shown{other}"
        )
    lines += [
        f"  warning {result.case} [{result.role}] {', '.join(result.requirements)}: {result.title}"
        for result in run.results
        if result.status is Status.WARN
    ]
    if run.proves_nothing:
        lines.append("  too little was proven: no MUST requirement was judged")
    if path is not None:
        lines.append(f"  report  {path}")
    return [visible(line) for line in lines]
