"""What a schema cannot see: contradictions between chapters, catalogue, operations and cases."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kafka_do_spec.coverage import coverage
from kafka_do_spec.machines import machine_faults
from kafka_do_spec.sources import LEVELS, PROOFS, ROLES, Paragraph, Sources, read

__all__ = ["check", "faults"]

_IDENT = re.compile(r"[A-Z]+-[0-9]{3}")
_WORDS = {"must": "MUST", "should": "SHOULD", "may": "MAY"}
_MOST_REVIEWED = 0.03
_FIRST_STATUS_OF_SERVER_FAULTS = 500


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
    yield from _kafka_faults(sources)
    yield from machine_faults(sources)


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
    if (lacking := paragraph.facts.get("lacks")) and lacking not in sources.protocol["features"]:
        yield f"{paragraph.place}: {paragraph.ident} has lacks={lacking}, which is no feature"


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
        if "x-chapter" in operation and not (sources.root / "spec" / operation["x-chapter"]).is_file():
            yield f"{where}: there is no chapter {operation['x-chapter']}"
        if (feature := operation.get("x-feature", "core")) not in sources.protocol["features"]:
            yield f"{where}: x-feature: protocol.yaml has no feature {feature}"
        yield from _access_faults(sources, where, operation)
        for code in (*operation.get("x-errors", []), *operation.get("x-item-errors", [])):
            if sources.errors.get(code, {}).get("raised_by") != "server":
                yield f"{where}: errors.yaml has no code {code} that servers raise"
        for code in operation.get("x-error-examples", {}):
            if code not in operation.get("x-errors", []):
                yield f"{where}: there is an example of {code}, which is none of its x-errors"


def _access_faults(sources: Sources, where: str, operation: dict[str, Any]) -> Iterator[str]:
    access = operation.get("x-access", {})
    if "x-access" not in operation or bool(access) == (operation.get("security") == []):
        yield f"{where}: x-access has to say which scopes are needed, or be empty where no key is"
    for place, scopes in access.items():
        if place not in ("topic", "group", "anywhere", "everywhere"):
            yield f"{where}: x-access: there is no {place}"
        for scope in scopes:
            if scope not in sources.protocol["scopes"]:
                yield f"{where}: x-access: protocol.yaml has no scope {scope}"


def _catalogue_faults(sources: Sources) -> Iterator[str]:
    members = sources.openapi["components"]["schemas"]["ItemError"]["properties"]
    for code, entry in sources.errors.items():
        if ("status" in entry) != (entry["raised_by"] == "server"):
            yield f"errors.yaml: {code}: a code has a status exactly if servers raise it"
        if entry.get("level") not in sources.protocol["levels"]:
            yield f"errors.yaml: {code}: protocol.yaml has no level {entry.get('level')}"
        yield from _flag_faults(code, entry)
        for field in (*entry["fields"], *entry.get("optional", ())):
            if field not in members:
                yield f"errors.yaml: {code}: the schema ItemError has no member {field}"
    if not sources.protocol["error_type_base"].startswith(sources.protocol["site_url"]):
        yield "protocol.yaml: error_type_base does not lie on the published site"


def _flag_faults(code: str, entry: dict[str, Any]) -> Iterator[str]:
    if entry["retriable"] and entry["action"] not in ("retry", "wait"):
        yield f"errors.yaml: {code} is retriable, so its action is retry or wait, not {entry['action']}"
    if entry["retriable"] and entry["indeterminate"]:
        yield f"errors.yaml: {code}: a plain request whose effect is unknown is not retriable"
    if entry["indeterminate"] and entry.get("status", 500) < _FIRST_STATUS_OF_SERVER_FAULTS:
        yield f"errors.yaml: {code}: the status {entry['status']} says that nothing was done: not indeterminate"
    if entry.get("with_producer") != ({"retriable": True} if entry["indeterminate"] else None):
        yield f"errors.yaml: {code}: with_producer is {{retriable: true}} exactly if the code is indeterminate"


def _kafka_faults(sources: Sources) -> Iterator[str]:
    kafka = sources.kafka
    tables = {"default": kafka["default"], "when_topic_exists": kafka["when_topic_exists"], **kafka["overrides"]}
    for name, table in tables.items():
        for constant, code in table.items():
            yield from _mapping_faults(sources, name, constant, code)
    for operation, table in kafka["overrides"].items():
        if operation not in kafka["operations"]:
            yield f"errors.yaml: kafka: {operation} is none of the operations"
        for constant in table.keys() & kafka["when_topic_exists"].keys():
            yield f"errors.yaml: kafka: {operation}: {constant} has two codes where the topic exists"
    fixture = json.loads((sources.root / "fixtures" / "kafka_errors.json").read_text("utf-8"))
    constants = {row["constant"] for row in fixture["rows"]}
    for constant in sorted(constants ^ kafka["default"].keys()):
        yield f"errors.yaml: kafka: {constant} stands in only one of the default table and fixtures/kafka_errors.json"


def _mapping_faults(sources: Sources, table: str, constant: str, code: str) -> Iterator[str]:
    where = f"errors.yaml: kafka: {table}: {constant}"
    default = sources.kafka["default"].get(constant)
    if code not in sources.errors and code != "success":
        yield f"{where}: there is no code {code}"
    elif sources.errors.get(code, {}).get("raised_by") == "client":
        yield f"{where}: only clients raise {code}"
    if default is None:
        yield f"{where} is not in the default table"
    elif table != "default" and code == default:
        yield f"{where} repeats the default"
