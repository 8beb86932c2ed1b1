"""One case on the page: what it is about, what was seen instead, and how to see it again."""

from collections.abc import Sequence
from urllib.parse import quote

from kafka_do_conformance.citation import cite
from kafka_do_conformance.report import reproduce
from kafka_do_conformance.reports.document import count
from kafka_do_conformance.reports.markup import Html, join, prose, tag
from kafka_do_conformance.verdict import Exchange, Mismatch, Result

__all__ = ["anchor", "card", "cited"]

_MISMATCHES = 4


def card(result: Result, impl: str) -> Html:
    """Return all that a report says of one case."""
    return tag(
        "article",
        tag("h4", prose(result.title)),
        tag(
            "p",
            tag("span", str(result.status), class_=f"status {result.status}"),
            " ",
            tag("span", result.role, class_="role"),
            " ",
            tag("code", result.case),
            class_="marks",
        ),
        tag("ul", *[_requirement(ident) for ident in result.requirements], class_="requirements"),
        _mismatches(result.step, result.mismatches),
        tag("pre", result.detail) if result.detail else Html(),
        tag("p", tag("b", "Hint"), " ", prose(result.hint), class_="hint"),
        _wire(result.exchanges),
        tag("p", tag("b", "Reproduce"), tag("code", reproduce(result, impl)), class_="reproduce"),
        class_="card",
        id=anchor(result),
    )


def _requirement(ident: str) -> Html:
    return tag("li", cited(ident), " ", prose(cite(ident).text))


def cited(ident: str) -> Html:
    """Return a requirement's id, linked to where it stands."""
    url = cite(ident).url
    return tag("code", ident) if url is None else tag("a", ident, href=url, class_="id")


def _mismatches(step: str, mismatches: Sequence[Mismatch]) -> Html:
    if not mismatches:
        return Html()
    names = tag("tr", *[tag("th", name, scope="col") for name in ("Place", "Allowed", "Seen")])
    shown, others = mismatches[:_MISMATCHES], mismatches[_MISMATCHES:]
    more = Html()
    if others:
        more = _fold(f"{count(len(others), 'difference')} more", tag("table", *map(_mismatch, others)))
    at = tag("caption", "At ", tag("code", step)) if step else Html()
    return join([tag("table", at, names, *map(_mismatch, shown), class_="differences"), more])


def _mismatch(mismatch: Mismatch) -> Html:
    return tag(
        "tr",
        tag("td", tag("code", mismatch.place)),
        tag("td", tag("code", mismatch.allowed, class_="allowed"), data_name="allowed"),
        tag("td", tag("code", mismatch.seen, class_="seen"), data_name="seen"),
    )


def _wire(exchanges: Sequence[Exchange]) -> Html:
    if not exchanges:
        return Html()
    shown = [
        part
        for exchange in exchanges
        for part in (tag("pre", exchange.request, class_="sent"), tag("pre", exchange.response, class_="received"))
    ]
    return _fold(f"On the wire: {count(len(exchanges), 'exchange')}", *shown)


def _fold(summary: str, *content: str) -> Html:
    return tag("details", tag("summary", summary), *content)


def anchor(result: Result) -> str:
    """Return the id of a case's card."""
    return quote(f"{result.role}-{result.case}", safe="", errors="backslashreplace")
