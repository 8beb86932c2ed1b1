"""The report as Markdown, short enough for a comment or the summary page of a build.

What an implementation said stands in code only, where it is no markup, no link and no mention.
"""

import re
from collections.abc import Iterator, Sequence

from kafka_do_conformance.citation import cite
from kafka_do_conformance.report import reproduce
from kafka_do_conformance.reports.document import FAILED, Document, count
from kafka_do_conformance.reports.findings import Finding, by_chapter, findings
from kafka_do_conformance.verdict import Result, Status
from kafka_do_conformance.visible import visible

__all__ = ["markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&])")
_FENCES = re.compile("`+")
_DETAILED = 20
_FINDINGS = 5
_MISMATCHES = 3
_SHOWN = 200


def markdown(document: Document) -> str:
    """Return a report as Markdown."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    verdict = document.verdict()
    yield f"# kafka.do conformance: {verdict.title.lower()}\n"
    yield f"{verdict.sentence}\n"
    yield f"Protocol revision {document.header['revision']}, {_code('--impl=' + document.impl)}.\n"
    yield "| Role | Implementation | Cases | MUST requirements shown |"
    yield "|---|---|---|---|"
    for role in document.roles:
        said = ", ".join(f"{number} {status}" for status, number in document.statuses(role).items())
        must = document.must.get(role, {"shown": 0, "total": 0})
        name = _code(document.name(role)).replace("|", "\\|")
        yield f"| {role} | {name} | {said} | {must['shown']} of {must['total']} |"
    failed = document.having(*FAILED)
    if failed:
        yield "\n## Fix first\n"
        yield from map(_finding, findings(failed)[:_FINDINGS])
        yield from _failures(failed, document.impl)
    yield from _list("Not judged: the suite or the adapter failed", document.having(Status.HARNESS_ERROR))
    yield from _list("Warnings", document.having(Status.WARN))
    yield from _list("Not applicable", document.having(Status.NOT_APPLICABLE))


def _finding(found: Finding) -> str:
    cases = f"{count(len(found.results), found.role + ' case')}; begin with {_code(found.begin.case)}"
    return f"1. {_code(found.member)}: allowed {_code(found.allowed)}, seen {_code(found.seen)} ({cases})"


def _failures(failed: Sequence[Result], impl: str) -> Iterator[str]:
    room = _DETAILED
    for chapter, results in by_chapter(failed).items():
        yield f"\n## Failures: {chapter} ({len(results)})\n"
        for result in results[:room]:
            yield from _failure(result, impl)
        for result in results[room:]:
            yield f"- {_code(result.case)} ({result.role}, {result.status}): {_prose(result.title)}"
        room = max(0, room - len(results))


def _failure(result: Result, impl: str) -> Iterator[str]:
    yield f"- {_code(result.case)} ({result.role}, {result.status}): **{_prose(result.title)}**"
    for ident in result.requirements:
        cited = cite(ident)
        label = _prose(ident) if cited.url is None else f"[{ident}]({cited.url})"
        yield f"  - {label}: {cited.text}"
    if result.step:
        yield f"  - at {_code(result.step)}"
    for mismatch in result.mismatches[:_MISMATCHES]:
        yield f"  - {_code(mismatch.place)}: allowed {_code(mismatch.allowed)}, seen {_code(mismatch.seen)}"
    if len(result.mismatches) > _MISMATCHES:
        yield f"  - and {count(len(result.mismatches) - _MISMATCHES, 'difference')} more"
    yield f"  - Hint: {_prose(result.hint)}"
    yield f"  - {_code(reproduce(result, impl), whole=True)}"


def _list(title: str, results: Sequence[Result]) -> Iterator[str]:
    if results:
        yield f"\n## {title} ({len(results)})\n"
    for result in results:
        why = [f"seen {_code(m.seen)} at {_code(m.place)}, allowed {_code(m.allowed)}" for m in result.mismatches[:1]]
        why += [_code(line) for line in result.detail.splitlines()[-1:]]
        reason = "".join(f": {text}" for text in why)
        yield f"- {_code(result.case)} ({result.role}, {', '.join(map(_prose, result.requirements))}){reason}"


def _prose(text: str) -> str:
    """Return the suite's own words; what stands in backquotes is code."""
    parts = visible(text).replace("\n", " ").split("`")
    if len(parts) % 2 == 0:
        return _SPECIAL.sub(r"\\\1", "`".join(parts))
    return "".join(_code(part) if index % 2 else _SPECIAL.sub(r"\\\1", part) for index, part in enumerate(parts))


def _code(text: str, *, whole: bool = False) -> str:
    """Return text of any kind as code on one line."""
    shown = visible(text).replace("\n", "\\n").replace("\t", "\\t") or " "
    if len(shown) > _SHOWN and not whole:
        shown = f"{shown[:_SHOWN]}…"
    longest = max((len(run) for run in _FENCES.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{space}{shown}{space}{fence}"
