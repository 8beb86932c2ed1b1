"""What is made from `report.json`: a page for people, JUnit XML for machines, Markdown for a comment."""

import copy
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from kafka_do.spec import SPEC, requirements
from kafka_do_conformance import report, reports
from kafka_do_conformance.reports import Document, ReportFileError, junit, markdown, page
from kafka_do_conformance.reports.document import parse
from kafka_do_conformance.reports.findings import by_chapter, findings
from kafka_do_conformance.verdict import Exchange, Mismatch, Result, Status
from kafka_do_conformance.visible import visible

_HOSTILE = (
    "</pre></script><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>"
    "\x00\x1b[31mred\x1b[0m\x9b2J\ud800-\udfff\ufffe\u202egnp.exe\u2028 ]]> &amp; \"'`` | @everyone"
    "[link](https://evil.example)\r\n# heading"
)
_FORMS = {"page": page, "junit": junit, "markdown": markdown}


def _result(case: str, status: Status, **others: Any) -> Result:
    given: dict[str, Any] = {
        "role": "server",
        "title": f"The title of {case}",
        "level": "must",
        "requirements": ["PRODUCE-008"],
        "duration_ms": 7,
        "hint": f"The hint of {case}.",
    }
    return Result(case=case, status=status, **(given | others))


def _failed(case: str, place: str = "status", allowed: str = "207", seen: str = "200", **others: Any) -> Result:
    exchanges = [Exchange("POST /v1/topics/t/records {}", "200 application/json {}")]
    mismatches = [Mismatch(place, allowed, seen)]
    return _result(case, Status.FAIL, step="step 1", mismatches=mismatches, exchanges=exchanges, **others)


_ONE_OF_EACH = (
    _failed("failing", requirements=["PRODUCE-008", "ERROR-004"]),
    _result("slow", Status.TIMEOUT, step="step 2", mismatches=[Mismatch("answer", "one", "none within 10 s")]),
    _result("dying", Status.CRASHED, role="client", mismatches=[Mismatch("answer", "one line", "exit status 3")]),
    _result("broken", Status.HARNESS_ERROR, role="client", detail="Traceback\nValueError: the id is not an integer"),
    replace(_failed("unspread", "partitions", "3", "1"), status=Status.WARN, level="should"),
    _result("absent", Status.NOT_APPLICABLE, detail="the limit is too high to be reached"),
    _result("fine", Status.PASS),
    _result("fine", Status.PASS, role="client", requirements=["CONV-003"]),
)


def _written(folder: Path, *results: Result, impl: str = "http://127.0.0.1:8082", name: str = "made-up") -> Path:
    run = report.Run(impl, started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), results=list(results))
    run.implementations = {"server": {"name": name, "version": "0.3"}}
    path = folder / "report.json"
    report.write(run, path)
    return path


@pytest.fixture
def whole(tmp_path: Path) -> Document:
    return _read(_written(tmp_path, *_ONE_OF_EACH))


@pytest.fixture
def hostile(tmp_path: Path) -> Document:
    """Return a report in which every text that can come from an implementation is hostile, and so is all else."""
    texts = {"step": _HOSTILE, "detail": _HOSTILE, "hint": _HOSTILE, "title": _HOSTILE}
    odd = {
        "mismatches": [Mismatch(_HOSTILE, _HOSTILE, _HOSTILE)] * 6,
        "exchanges": [Exchange(_HOSTILE, f"200 {_HOSTILE}{'x' * 1200}… (1048576 bytes)")],
    }
    results = [
        _result(f"{status}{_HOSTILE}", status, requirements=["PRODUCE-008", _HOSTILE], **texts, **odd)
        for status in Status
    ]
    return _read(_written(tmp_path, *results, impl=f"cmd:{_HOSTILE}", name=_HOSTILE))


def _read(path: Path) -> Document:
    return reports.read(path.read_text("utf-8"))


class _Page(HTMLParser):
    """Reads a page and fails where an element is not closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style", "title"):
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [str(attributes[attribute]) for _, attributes in self.tags if attribute in attributes]


@pytest.mark.parametrize("form", _FORMS.values(), ids=_FORMS)
def test_the_same_report_gives_the_same_text(form: Any, tmp_path: Path) -> None:
    path = _written(tmp_path, *_ONE_OF_EACH)
    assert form(_read(path)) == form(_read(path))


@pytest.mark.parametrize("form", _FORMS.values(), ids=_FORMS)
def test_hostile_text_can_be_seen_and_does_nothing(form: Any, hostile: Document) -> None:
    text = form(hostile)
    assert text == visible(text)
    text.encode("utf-8")
    for escape in (r"\x00", r"\x1b[31m", r"\ud800", r"\u202e", r"\ufffe", r"\x9b"):
        assert escape in text


def test_a_page_is_well_formed_and_asks_nobody_for_anything(whole: Document, hostile: Document) -> None:
    for document in (whole, hostile):
        found = _Page(page(document))
        assert {"src", "srcset", "style", "action", "onerror"}.isdisjoint(
            {name for _, attributes in found.tags for name in attributes}
        )
        assert {"img", "link", "iframe", "object", "base"}.isdisjoint({tag for tag, _ in found.tags})
        assert [tag for tag, _ in found.tags].count("script") == 1
        for target in found.values("href"):
            assert target.startswith(("#", SPEC.site_url))
        assert not re.search(r"url\(|@import|https?:", _styles(page(document)))


def test_a_page_lets_only_its_own_style_and_script_act(whole: Document) -> None:
    (policy,) = [one for one in _Page(page(whole)).values("content") if "default-src" in one]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_links_inside_a_page_lead_somewhere_and_no_place_is_named_twice(whole: Document, hostile: Document) -> None:
    for document in (whole, hostile):
        found = _Page(page(document))
        ids = found.values("id")
        assert len(ids) == len(set(ids))
        assert {target[1:] for target in found.values("href") if target.startswith("#")} <= set(ids)


def test_a_page_says_first_what_came_of_it_and_then_what_to_do(whole: Document) -> None:
    text = _Page(page(whole)).text
    core = [one for one in requirements().values() if one.feature == "core" and one.role == "server"]
    total = sum(one.level == "must" for one in core)
    said = [
        "Does not conform",
        "3 of 7 cases failed. In 1 more the suite or the adapter failed.",
        "--impl=http://127.0.0.1:8082",
        "made-up 0.3",
        "1 fail",
        "1 timeout",
        f"0 of {total} MUST requirements shown",
        "Fix first",
        "Failures by chapter",
        "Not judged",
        "Warnings",
        "Not applicable",
        "the limit is too high to be reached",
        "Passes",
    ]
    places = [text.find(words) for words in said]
    assert -1 not in places, said[places.index(-1)]
    assert places == sorted(places)


def test_a_failure_on_the_page_has_all_that_a_person_needs_to_mend_it(whole: Document) -> None:
    found = _Page(page(whole))
    for words in (
        "The title of failing",
        requirements()["PRODUCE-008"].text.replace("`", ""),
        "At step 1",
        "POST /v1/topics/t/records {}",
        "200 application/json {}",
        "The hint of failing.",
        "pytest conformance --impl='http://127.0.0.1:8082' -k 'failing and server'",
    ):
        assert words in found.text
    assert f"{SPEC.site_url}produce/#PRODUCE-008" in found.values("href")


def test_what_most_cases_saw_first_is_to_be_fixed_first() -> None:
    shared = [
        _failed(f"shared-{number}", f"body.results[{number}].offset", "0", "1", requirements=["RECORD-005"])
        for number in range(3)
    ]
    telling = _failed("telling", "body.records[0].offset", "0", "1", requirements=["PRODUCE-006"])
    found = findings([_failed("other"), *shared, telling])
    assert [(one.member, one.seen, len(one.results)) for one in found] == [("offset", "1", 4), ("status", "200", 1)]
    assert found[0].begin is telling, "the requirement that speaks of an offset 0 is where to begin"


def test_names_that_the_suite_made_up_do_not_keep_alike_failures_apart() -> None:
    failed = [_failed(str(one), "topic", '"a"', f'"conformance-{one:032x}"') for one in range(2)]
    assert len(findings(failed)) == 1


def test_failures_stand_by_chapter_the_most_broken_first() -> None:
    failed = [_failed("a", requirements=["FETCH-001"]), _failed("b"), _failed("c"), _failed("d", requirements=["X-1"])]
    assert {name: len(results) for name, results in by_chapter(failed).items()} == {
        "produce": 2,
        "fetch": 1,
        "unknown": 1,
    }
    assert next(iter(by_chapter(failed))) == "produce"


@pytest.mark.parametrize(
    ("results", "title", "sentence"),
    [
        ([_failed("a"), _result("b", Status.PASS)], "Does not conform", "1 of 2 cases failed."),
        ([_result("a", Status.CRASHED)], "Does not conform", "1 of 1 case failed."),
        ([_result("a", Status.HARNESS_ERROR)], "Not decided", "In 1 of 1 case the suite or the adapter failed."),
        ([_result("a", Status.NOT_APPLICABLE)], "Too little was proven", "No MUST requirement was judged."),
        ([_result("a", Status.PASS, level="should")], "Too little was proven", "No MUST requirement was judged."),
        ([_result("a", Status.PASS)], "No violation found", "MUST requirements were not shown"),
        (
            [_result("a", Status.PASS, requirements=list(requirements()))],
            "Conforms",
            "Every MUST requirement of the server was",
        ),
    ],
)
def test_the_verdict_claims_no_more_than_was_shown(
    results: list[Result], title: str, sentence: str, tmp_path: Path
) -> None:
    verdict = _read(_written(tmp_path, *results)).verdict()
    assert verdict.title == title
    assert sentence in verdict.sentence


def test_junit_has_a_suite_for_each_role_and_counts_as_consumers_do(whole: Document) -> None:
    root = ET.fromstring(junit(whole))  # noqa: S314  it is our own
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "8", "3", "1")
    counts = {
        suite.get("name"): [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] for suite in root
    }
    assert counts == {"server": ["5", "2", "0", "1"], "client": ["3", "1", "1", "0"]}
    assert root.find("testsuite").get("timestamp") == "2026-01-02T03:04:05+00:00"  # type: ignore[union-attr]


def test_junit_says_of_each_case_what_became_of_it(whole: Document) -> None:
    cases = {
        (str(case.get("classname")), str(case.get("name"))): case
        for case in ET.fromstring(junit(whole)).iter("testcase")  # noqa: S314
    }
    failure = cases["server.produce", "failing"].find("failure")
    assert failure is not None
    assert failure.attrib == {"type": "fail", "message": "status: allowed 207, seen 200"}
    assert failure.text == report.explain(_ONE_OF_EACH[0], whole.impl)
    error = cases["client.produce", "broken"].find("error")
    assert error is not None
    assert error.get("message") == "ValueError: the id is not an integer"
    skipped = cases["server.produce", "absent"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "the limit is too high to be reached"
    assert [child.tag for child in cases["client.conventions", "fine"]] == ["system-out"]
    warned = cases["server.produce", "unspread"]
    assert [child.tag for child in warned] == ["system-out"]
    assert "partitions" in str(warned.findtext("system-out"))
    assert cases["server.produce", "slow"].get("time") == "0.007"


def test_junit_tells_the_requirements_of_a_case_and_what_became_of_each(whole: Document) -> None:
    root = ET.fromstring(junit(whole))  # noqa: S314
    outputs = [case.findtext("system-out") for case in root.iter("testcase")]
    assert outputs[0] == "[[PROPERTY|requirement=PRODUCE-008]]\n[[PROPERTY|requirement=ERROR-004]]"
    server, client = ({one.get("name"): one.get("value") for one in suite.iter("property")} for suite in root)
    assert server["requirement.PRODUCE-008"] == "broken"
    assert client["requirement.CONV-003"] == "shown"
    assert (server["implementation"], server["revision"]) == ("made-up 0.3", SPEC.revision)


def test_junit_has_only_what_the_schema_of_consumers_knows(whole: Document, hostile: Document) -> None:
    known: dict[str, tuple[set[str], set[str]]] = {
        "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
        "testsuite": (
            {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
            {"properties", "testcase"},
        ),
        "properties": (set(), {"property"}),
        "property": ({"name", "value"}, set()),
        "testcase": ({"name", "classname", "time"}, {"skipped", "error", "failure", "system-out"}),
        **dict.fromkeys(("error", "failure"), ({"type", "message"}, set())),
        "skipped": ({"message"}, set()),
        "system-out": (set(), set()),
    }
    for document in (whole, hostile):
        for element in ET.fromstring(junit(document)).iter():  # noqa: S314
            attributes, children = known[element.tag]
            assert set(element.attrib) <= attributes
            assert {child.tag for child in element} <= children


def test_markdown_says_what_to_fix_first_and_links_the_requirement(whole: Document) -> None:
    text = markdown(whole)
    assert text.startswith("# kafka.do conformance: does not conform\n\n3 of 7 cases failed.")
    assert "1. `status`: allowed `207`, seen `200` (1 server case; begin with `failing`)" in text
    assert f"[PRODUCE-008]({SPEC.site_url}produce/#PRODUCE-008): " in text
    assert "`pytest conformance --impl='http://127.0.0.1:8082' -k 'failing and server'`" in text
    assert "## Not applicable (1)\n\n- `absent`" in text


def test_in_markdown_what_an_implementation_said_stands_in_code(hostile: Document) -> None:
    outside = re.sub(r"(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)", "", markdown(hostile))
    assert not re.search(r"(?<!\\)<|(?<!\\)\]\(https://evil", outside)
    assert "\n# heading" not in outside


def test_markdown_stays_short_enough_for_a_comment(tmp_path: Path) -> None:
    document = _read(_written(tmp_path, *(_failed(f"case-{number}", seen="x" * 5000) for number in range(200))))
    text = markdown(document)
    assert len(text) < 65_536
    assert "`case-199`" in text


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda found: found.pop("footer"), "cut: it has no footer"),
        (lambda found: found["results"].pop(), "its footer tells of 8 results, 7 are there"),
        (lambda found: found["header"].update(schema=2), r"\$.header.schema"),
        (lambda found: found["results"][0].update(role="broker"), r"\$.results\[0\].role"),
    ],
    ids=["no-footer", "results-lost", "another-schema", "unknown-role"],
)
def test_a_report_that_is_not_whole_is_refused(change: Any, fault: str, tmp_path: Path) -> None:
    found = copy.deepcopy(json.loads(_written(tmp_path, *_ONE_OF_EACH).read_text("utf-8")))
    change(found)
    with pytest.raises(ReportFileError, match=fault):
        parse(found)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"header": {}}', "null"])
def test_a_file_that_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ReportFileError):
        reports.read(text)


@pytest.mark.parametrize(
    ("name", "made"),
    [("report.json", ["report.html", "report.xml", "report.md"]), ("a.xml", ["a.xml.html", "a.xml.xml", "a.xml.md"])],
)
def test_what_is_made_lies_beside_the_report_and_replaces_it_never(name: str, made: list[str], tmp_path: Path) -> None:
    path = _written(tmp_path, *_ONE_OF_EACH).rename(tmp_path / name)
    assert [one.name for one in reports.beside(path)] == made


def test_a_run_writes_them_all_and_names_the_page(served: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kafka_do", "conformance", f"--impl={served}", "-k", "discovery and server"]
    ran = subprocess.run([*command, "--report=out/r.json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["r.html", "r.json", "r.md", "r.xml"]
    assert f"report  {tmp_path / 'out' / 'r.html'}" in ran.stdout


def _styles(text: str) -> str:
    return "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
