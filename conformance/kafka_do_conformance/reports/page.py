"""The report as one HTML file: it loads nothing, and everything in it can be read without its script.

The order is that of a person's questions: does it conform, what do I fix first, what exactly was wrong, what else is
there. Only the script and the style that stand here are allowed to act (`Content-Security-Policy`).
"""

import base64
import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from kafka_do_conformance.reports.card import anchor, card, cited
from kafka_do_conformance.reports.document import FAILED, Document, count
from kafka_do_conformance.reports.findings import Finding, by_chapter, findings
from kafka_do_conformance.reports.markup import Html, prose, raw, tag
from kafka_do_conformance.verdict import Result, Status

__all__ = ["page"]

_HERE = Path(__file__).resolve().parent
_FINDINGS = 5
_BRIEF = 160
_SECTIONS = {
    Status.HARNESS_ERROR: "errors",
    Status.WARN: "warnings",
    Status.NOT_APPLICABLE: "not-applicable",
    Status.PASS: "passes",
}


def page(document: Document) -> str:
    """Return a report as an HTML page."""
    verdict = document.verdict()
    style, script = _file("page.css"), _file("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{verdict.title}: {_names(document)}, kafka.do conformance"),
        raw("style", style),
    )
    main = tag(
        "main",
        _top(document),
        tag("div", *[_role(document, role) for role in document.roles], class_="roles"),
        _fix_first(document.having(*FAILED)),
        _failures(document),
        _errors(document),
        _warnings(document),
        _not_applicable(document.having(Status.NOT_APPLICABLE)),
        _passes(document.having(Status.PASS)),
    )
    return (
        "<!doctype html>\n" + tag("html", "\n", head, tag("body", "\n", main, raw("script", script)), lang="en") + "\n"
    )


def _top(document: Document) -> Html:
    verdict, header = document.verdict(), document.header
    ran = header["environment"]
    facts = {
        "Judged": tag("code", f"--impl={document.impl}"),
        "Revision": f"protocol {header['revision']}, suite {header['suite']}",
        "Run": f"{header['started'][:16].replace('T', ' ')} UTC, Python {ran['python']}, {ran['platform']}",
    }
    return tag(
        "header",
        tag("p", "kafka.do conformance", class_="eyebrow"),
        tag("h1", verdict.title),
        tag("p", verdict.sentence, class_="lead"),
        tag("dl", *[tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()]),
        class_=f"verdict {verdict.kind}",
    )


def _role(document: Document, role: str) -> Html:
    must = document.must.get(role, {"shown": 0, "total": 0})
    shown, total = str(must["shown"]), str(must["total"])
    label = f"{shown} of {total} MUST requirements shown"
    return tag(
        "section",
        tag("h2", tag("span", role.capitalize(), class_="role"), " ", document.name(role)),
        tag("ul", *[_chip(status, number) for status, number in document.statuses(role).items()], class_="chips"),
        tag("p", label),
        tag("progress", label, value=shown, max=total, aria_label=label),
        class_="card",
    )


def _chip(status: str, number: int) -> Html:
    target = _SECTIONS.get(Status(status), "failures")
    return tag("li", tag("a", tag("b", str(number)), f" {status}", href=f"#{target}", class_=f"status {status}"))


def _fix_first(failed: Sequence[Result]) -> Html:
    if not failed:
        return Html()
    found = findings(failed)
    more = len(found) - _FINDINGS
    return tag(
        "section",
        tag("h2", "Fix first"),
        tag("p", "Failed cases by the first difference that they saw. Cases that saw the same often have one cause."),
        tag("ol", *map(_finding, found[:_FINDINGS])),
        tag("p", f"and {count(more, 'other difference')}, in fewer cases", class_="quiet") if more > 0 else Html(),
        id="first",
    )


def _finding(found: Finding) -> Html:
    begin = found.begin
    return tag(
        "li",
        tag("b", count(len(found.results), "case"), class_="number"),
        tag(
            "div",
            tag("p", tag("code", _brief(found.member)), ": ", *_versus(found.allowed, found.seen)),
            tag("p", "Begin with ", tag("a", prose(begin.title), href=f"#{anchor(begin)}"), f" ({found.role})."),
        ),
    )


def _versus(allowed: str, seen: str) -> tuple[str, ...]:
    return (
        "allowed ",
        tag("code", _brief(allowed), class_="allowed"),
        ", seen ",
        tag("code", _brief(seen), class_="seen"),
    )


def _brief(text: str) -> str:
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…"


def _failures(document: Document) -> Html:
    chapters = by_chapter(document.having(*FAILED))
    if not chapters:
        return Html()
    links = [
        tag("li", tag("a", name.capitalize(), href=f"#chapter-{name}"), f" {len(results)}")
        for name, results in chapters.items()
    ]
    return tag(
        "section",
        tag("h2", "Failures by chapter"),
        tag("ul", *links, class_="inline"),
        *[_chapter(name, results, document.impl) for name, results in chapters.items()],
        id="failures",
    )


def _chapter(name: str, results: Sequence[Result], impl: str) -> Html:
    heading = tag("h3", name.capitalize(), " ", tag("span", count(len(results), "case"), class_="quiet"))
    return tag("section", heading, *[card(result, impl) for result in results], id=f"chapter-{name}")


def _errors(document: Document) -> Html:
    results = document.having(Status.HARNESS_ERROR)
    words = "In these cases the suite or the adapter failed, which says nothing about the implementation."
    return _cards("Not judged", words, results, document.impl, "errors")


def _warnings(document: Document) -> Html:
    words = "Recommendations that are not followed. The implementation conforms all the same."
    return _cards("Warnings", words, document.having(Status.WARN), document.impl, "warnings")


def _cards(title: str, words: str, results: Sequence[Result], impl: str, anchor: str) -> Html:
    if not results:
        return Html()
    return tag("section", tag("h2", title), tag("p", words), *[card(result, impl) for result in results], id=anchor)


def _not_applicable(results: Sequence[Result]) -> Html:
    if not results:
        return Html()
    rows = [_row(result, tag("td", result.detail)) for result in results]
    return tag("section", tag("h2", "Not applicable"), _table("Reason", rows), id="not-applicable")


def _passes(results: Sequence[Result]) -> Html:
    if not results:
        return Html()
    box = tag("input", type="search", id="filter", placeholder="Filter: name, title, role, requirement", hidden="")
    label = tag("label", tag("span", "Filter", class_="unseen"), box, tag("output", "", for_="filter"))
    rows = [_row(result, tag("td", f"{result.duration_ms} ms", class_="ms")) for result in results]
    heading = tag("h2", "Passes ", tag("span", str(len(results)), class_="quiet"))
    return tag("section", heading, label, _table("Time", rows), id="passes")


def _table(last: str, rows: Iterable[str]) -> Html:
    names = tag("tr", *[tag("th", name, scope="col") for name in ("Case", "Role", "Requirements", last)])
    return tag("table", tag("thead", names), tag("tbody", *rows), class_="cases")


def _row(result: Result, last: Html) -> Html:
    idents = [part for ident in result.requirements for part in (cited(ident), " ")]
    name = tag("td", prose(result.title), " ", tag("code", result.case))
    return tag("tr", name, tag("td", tag("span", result.role, class_="role")), tag("td", *idents), last)


def _names(document: Document) -> str:
    return ", ".join(document.name(role) for role in document.roles)


@functools.cache
def _file(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
