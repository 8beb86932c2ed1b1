"""What a schema cannot see: contradictions between chapters, catalogue, operations and cases."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from kafka_do_spec.coverage import coverage
from kafka_do_spec.sources import LEVELS, PROOFS, ROLES, Paragraph, Sources, read

__all__ = ["check", "faults"]

_IDENT = re.compile(r"[A-Z]+-[0-9]{3}")
_WORDS = {"must": "MUST", "should": "SHOULD", "may": "MAY"}
_MOST_REVIEWED = 0.03


def check(root: Path) -> list[str]:
    """Return every fault of the specification in a checkout, each a line for a person."""
    return list(faults(read(root), coverage(root)))


def faults(sources: Sources, cases: dict[str, list[str]]) -> Iterator[str]:
    """Yield the faults of sources; `cases` maps requirement ids to the cases that cite them."""
    for paragraph in sources.paragraphs:
        yield from _paragraph_faults(sources, paragraph)
    yield from _ident_faults(sources)
    yield from _case_faults(sources, cases)
    yield from _operation_faults(sources)
    yield from _catalogue_faults(sources)


def _paragraph_faults(sources: Sources, paragraph: Paragraph) -> Iterator[str]:
    if paragraph.ident is None:
        if paragraph.normative and "note" not in paragraph.classes:
            yield f"{paragraph.place}: a normative sentence without an id: {paragraph.text[:80]}"
        return
    level = [name for name in paragraph.classes if name in LEVELS]
    if not _IDENT.fullmatch(paragraph.ident):
        yield f"{paragraph.place}: {paragraph.ident} does not have the form of an id, like PRODUCE-007"
    if len(level) != 1:
        yield f"{paragraph.place}: {paragraph.ident} has to have one of the classes .must .should .may"
    elif _WORDS[level[0]] not in paragraph.text:
        yield f"{paragraph.place}: {paragraph.ident} is .{level[0]}, but its sentence does not say {_WORDS[level[0]]}"
    for name, allowed in (("role", ROLES), ("by", PROOFS), ("feature", tuple(sources.protocol["features"]))):
        if paragraph.facts.get(name) not in allowed:
            said = f"{name}={paragraph.facts.get(name)}"
            yield f"{paragraph.place}: {paragraph.ident} has {said}; allowed: {', '.join(allowed)}"


def _ident_faults(sources: Sources) -> Iterator[str]:
    places = Counter(requirement.ident for requirement in sources.requirements)
    for requirement in sources.requirements:
        if places[requirement.ident] > 1:
            yield f"{requirement.place}: the id {requirement.ident} is used twice"


def _case_faults(sources: Sources, cases: dict[str, list[str]]) -> Iterator[str]:
    known = {str(requirement.ident): requirement for requirement in sources.requirements}
    for ident, slugs in cases.items():
        if ident not in known:
            yield f"case {slugs[0]} cites {ident}, which no chapter has"
    reviewed = [ident for ident, requirement in known.items() if requirement.facts.get("by") == "review"]
    for ident, requirement in known.items():
        if ident not in cases and ident not in reviewed:
            yield f"{requirement.place}: {ident} has no case"
    if len(reviewed) > _MOST_REVIEWED * len(known):
        yield f"{len(reviewed)} of {len(known)} requirements are excused from cases (by=review); at most 3% may be"


def _operation_faults(sources: Sources) -> Iterator[str]:
    for path, method, operation in sources.operations():
        where = f"openapi.yaml: {method} {path}"
        for member in ("operationId", "x-chapter", "x-errors", "summary"):
            if member not in operation:
                yield f"{where}: {member} is missing"
        if not (sources.root / "spec" / operation.get("x-chapter", "")).is_file():
            yield f"{where}: there is no chapter {operation.get('x-chapter')}"
        for code in operation.get("x-errors", []):
            if sources.errors.get(code, {}).get("raised_by") != "server":
                yield f"{where}: errors.yaml has no code {code} that servers raise"


def _catalogue_faults(sources: Sources) -> Iterator[str]:
    members = sources.openapi["components"]["schemas"]["ItemError"]["properties"]
    for code, entry in sources.errors.items():
        if ("status" in entry) != (entry["raised_by"] == "server"):
            yield f"errors.yaml: {code}: a code has a status exactly if servers raise it"
        for field in entry["fields"]:
            if field not in members:
                yield f"errors.yaml: {code}: the schema ItemError has no member {field}"
    if not sources.protocol["error_type_base"].startswith(sources.protocol["site_url"]):
        yield "protocol.yaml: error_type_base does not lie on the published site"
