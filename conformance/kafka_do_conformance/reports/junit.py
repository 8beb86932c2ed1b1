"""The report as JUnit XML, for continuous integration.

It keeps to the schema that consumers share (`junit-10.xsd`), in which a test case has no `<properties>`: a case's
requirements stand in its output, in the `[[PROPERTY|name=value]]` form that tools read, and what became of each
requirement stands in the properties of the suite, one of which there is for each role.
"""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from kafka_do_conformance.citation import cite
from kafka_do_conformance.report import explain
from kafka_do_conformance.reports.document import FAILED, Document
from kafka_do_conformance.reports.findings import first_mismatch
from kafka_do_conformance.verdict import Result, Status
from kafka_do_conformance.visible import visible

__all__ = ["junit"]

_MESSAGE = 300


def junit(document: Document) -> str:
    """Return a report as JUnit XML."""
    root = ET.Element("testsuites", {"name": "kafka.do conformance", **_counts(document.results)})
    for role in document.roles:
        root.append(_suite(document, role))
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(document: Document, role: str) -> ET.Element:
    results = [result for result in document.results if result.role == role]
    skipped = sum(result.status is Status.NOT_APPLICABLE for result in results)
    about = {"name": role, **_counts(results), "skipped": str(skipped), "timestamp": str(document.header["started"])}
    suite = ET.Element("testsuite", {name: visible(text) for name, text in about.items()})
    properties = ET.SubElement(suite, "properties")
    for name, value in (*_facts(document, role), *_requirements(results)):
        ET.SubElement(properties, "property", {"name": name, "value": visible(value)})
    suite.extend(_case(result, document.impl) for result in results)
    return suite


def _counts(results: Iterable[Result]) -> dict[str, str]:
    statuses = [result.status for result in results]
    return {
        "tests": str(len(statuses)),
        "failures": str(sum(status in FAILED for status in statuses)),
        "errors": str(statuses.count(Status.HARNESS_ERROR)),
        "time": _seconds(sum(result.duration_ms for result in results)),
    }


def _facts(document: Document, role: str) -> Iterable[tuple[str, str]]:
    yield "impl", document.impl
    yield "implementation", document.name(role)
    yield "revision", str(document.header["revision"])
    yield "suite", str(document.header["suite"])
    for name, number in document.must.get(role, {}).items():
        yield f"must.{name}", str(number)


def _requirements(results: Iterable[Result]) -> Iterable[tuple[str, str]]:
    """Yield each requirement cited and what became of it; `shown` is what the summary of `report.json` counts."""
    seen: dict[str, set[Status]] = {}
    for result in results:
        for ident in result.requirements:
            seen.setdefault(ident, set()).add(result.status)
    for ident, statuses in sorted(seen.items()):
        outcome = "shown" if statuses - {Status.NOT_APPLICABLE} == {Status.PASS} else "not shown"
        yield f"requirement.{visible(ident)}", "broken" if statuses & {*FAILED, Status.WARN} else outcome


def _case(result: Result, impl: str) -> ET.Element:
    classname = f"{result.role}.{cite(result.requirements[0]).chapter}"
    named = {"name": visible(result.case), "classname": classname, "time": _seconds(result.duration_ms)}
    case = ET.Element("testcase", named)
    if result.status is Status.NOT_APPLICABLE:
        ET.SubElement(case, "skipped", {"message": visible(result.detail)[:_MESSAGE]})
    elif result.status is Status.HARNESS_ERROR:
        case.append(_trouble("error", result, impl))
    elif result.status in FAILED:
        case.append(_trouble("failure", result, impl))
    output = [f"[[PROPERTY|requirement={visible(ident)}]]" for ident in result.requirements]
    if result.status is Status.WARN:
        output.append(explain(result, impl))
    ET.SubElement(case, "system-out").text = "\n".join(output)
    return case


def _trouble(kind: str, result: Result, impl: str) -> ET.Element:
    first = first_mismatch(result)
    message = f"{first.place}: allowed {first.allowed}, seen {first.seen}" if result.mismatches else first.seen
    trouble = ET.Element(kind, {"type": str(result.status), "message": visible(message)[:_MESSAGE]})
    trouble.text = explain(result, impl)
    return trouble


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
