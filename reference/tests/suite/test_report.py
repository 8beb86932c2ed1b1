"""The report of a run: what stands in it, what a person reads, and that it is written whole or not at all."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kafka_do.spec import SPEC, requirements
from kafka_do_conformance.judge import judge
from kafka_do_conformance.load import form, load_all
from kafka_do_conformance.nulls.servers import NULL_SERVERS
from kafka_do_conformance.peer import Peer
from kafka_do_conformance.report import GOOD, Run, explain, summarise, write
from kafka_do_conformance.target import ServerTarget, Targets
from kafka_do_conformance.verdict import Exchange, Mismatch, Result, Status

_REGISTRY = requirements()
_SERVER_MUSTS = [one for one in _REGISTRY.values() if (one.level, one.role) == ("must", "server")]
_CLIENT_MUSTS = [one for one in _REGISTRY.values() if (one.level, one.role) == ("must", "client")]
_SERVER_CORE = [one for one in _SERVER_MUSTS if one.feature == "core" and one.by != "control"]
_CLIENT_CORE = [one for one in _CLIENT_MUSTS if one.feature == "core" and one.by != "control"]
_SERVER_SHOULD = "PRODUCE-004"

_PASSED = Result("passes", "server", "A title", "must", ["FETCH-001"], Status.PASS, 3)
_FAILED = Result(
    "fails",
    "server",
    "A promise",
    "must",
    ["FETCH-006", "ERROR-002"],
    Status.FAIL,
    4,
    step="step 2",
    mismatches=[Mismatch("status", "404", "200"), Mismatch("body.code", '"topic_not_found"', "absent")],
    exchanges=[Exchange("GET /v1/topics/x/partitions/0/records?offset=0", "200 application/json {}")],
    hint="Reading creates nothing.",
)


def _written(run: Run, folder: Path) -> dict[str, Any]:
    path = folder / "report.json"
    write(run, path)
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def _run(*results: Result, impl: str = "http://127.0.0.1:1") -> Run:
    return Run(impl, results=list(results))


def test_a_report_is_as_its_schema_says_and_has_header_results_summary_and_footer(tmp_path: Path) -> None:
    run = _run(_PASSED, _FAILED)
    run.implementations["server"] = {"name": "made-up", "version": "1"}
    document = _written(run, tmp_path)
    assert form("report").fault(document) is None
    assert document["header"]["impl"] == "http://127.0.0.1:1"
    assert document["header"]["revision"] == SPEC.revision
    assert document["header"]["schema"] == 1
    assert document["implementations"] == {"server": {"name": "made-up", "version": "1"}}
    assert [result["case"] for result in document["results"]] == ["passes", "fails"]
    assert document["results"][1]["mismatches"][0] == {"place": "status", "allowed": "404", "seen": "200"}
    assert document["footer"] == {"results": 2}
    assert list(document) == ["header", "implementations", "results", "summary", "footer"]


@pytest.mark.parametrize("missing", ["header", "results", "summary", "footer"])
def test_a_report_without_one_of_its_parts_is_not_valid(missing: str, tmp_path: Path) -> None:
    document = _written(_run(_PASSED), tmp_path)
    del document[missing]
    assert missing in str(form("report").fault(document))


def test_the_summary_counts_each_status(tmp_path: Path) -> None:
    run = _run(
        _PASSED, _FAILED, *(replace(_PASSED, case=f"c{number}", status=one) for number, one in enumerate(Status))
    )
    statuses = _written(run, tmp_path)["summary"]["statuses"]
    assert statuses == {**{str(one): 1 for one in Status}, "pass": 2, "fail": 2}
    assert sum(statuses.values()) == len(run.results)


def test_a_requirement_is_shown_when_every_case_that_cites_it_passed(tmp_path: Path) -> None:
    run = _run(
        replace(_PASSED, requirements=["FETCH-001", "FETCH-002", "FETCH-003"]),
        replace(_PASSED, requirements=["FETCH-004"], status=Status.NOT_APPLICABLE),
        replace(_PASSED, requirements=["FETCH-003"], status=Status.NOT_APPLICABLE),
        replace(_PASSED, requirements=["FETCH-002"], status=Status.TIMEOUT),
        replace(_PASSED, requirements=[_SERVER_SHOULD], level="should"),
        replace(_PASSED, requirements=["PRODUCE-017"], role="client", status=Status.HARNESS_ERROR),
    )
    assert _written(run, tmp_path)["summary"]["must"] == {
        "server": {
            "total": len(_SERVER_CORE),
            "shown": 2,
            "not_applicable": len(_SERVER_MUSTS) - len(_SERVER_CORE),
        },
        "client": {
            "total": len(_CLIENT_CORE),
            "shown": 0,
            "not_applicable": len(_CLIENT_MUSTS) - len(_CLIENT_CORE),
        },
    }


def test_only_requirements_of_the_features_that_were_judged_are_counted() -> None:
    everything, nothing = list(SPEC.features), ["core"]
    run = _run(_PASSED)
    excluded = [one for one in _SERVER_MUSTS if one.lacks]
    assert excluded
    for settings, other in (([everything, nothing], 0), ([everything], len(excluded))):
        run.offers = {"server": settings}
        assert run.must()["server"] == {"total": len(_SERVER_MUSTS) - other, "shown": 1, "not_applicable": other}


def test_what_takes_the_clock_or_faults_is_counted_only_where_they_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    one = msgspec.structs.replace(_REGISTRY["FETCH-001"], by="control")
    monkeypatch.setattr("kafka_do_conformance.report._REGISTRY", {one.id: one})
    run = _run(_PASSED)
    for features, total in ((["core"], 0), (["core", "control"], 1)):
        run.offers = {"server": [features]}
        assert run.must()["server"]["total"] == total


def test_only_the_roles_that_were_judged_are_counted() -> None:
    assert list(_run(_PASSED).must()) == ["server"]
    assert list(_run(replace(_PASSED, role="client", requirements=["PRODUCE-017"])).must()) == ["client"]


@pytest.mark.parametrize(
    ("results", "proves_nothing"),
    [
        ([], True),
        ([_PASSED], False),
        ([_FAILED], False),
        ([replace(_PASSED, status=Status.NOT_APPLICABLE)], True),
        ([replace(_PASSED, level="should")], True),
        ([replace(_PASSED, status=Status.HARNESS_ERROR)], True),
        ([replace(_PASSED, status=Status.HARNESS_ERROR), _PASSED], False),
    ],
    ids=["no-result", "pass", "fail", "not-applicable", "should", "harness-error", "harness-error-and-pass"],
)
def test_a_run_in_which_nothing_that_decides_was_judged_proves_nothing(
    results: list[Result], *, proves_nothing: bool
) -> None:
    assert _run(*results).proves_nothing is proves_nothing


def test_what_failed_is_explained_to_a_person() -> None:
    lines = explain(_FAILED, "http://127.0.0.1:1").splitlines()
    assert lines[0] == "fails [server]: fail: A promise"
    for ident, chapter in (("FETCH-006", "fetch"), ("ERROR-002", "errors")):
        (at,) = (number for number, line in enumerate(lines) if line.startswith(f"  requirement  {ident}  "))
        assert lines[at].endswith(_REGISTRY[ident].text)
        assert lines[at + 1].strip() == f"https://kafka.do/spec/{chapter}/#{ident}"
    text = "\n".join(line.strip() for line in lines)
    assert "step         step 2" in text
    assert "place        status\nallowed    404\nseen       200" in text
    assert 'place        body.code\nallowed    "topic_not_found"\nseen       absent' in text
    assert "wire       > GET /v1/topics/x/partitions/0/records?offset=0\n< 200 application/json {}" in text
    assert "hint         Reading creates nothing." in text
    assert "reproduce    pytest conformance --impl=" in text


def test_a_fault_of_the_suite_is_explained_line_by_line() -> None:
    broken = replace(_PASSED, status=Status.HARNESS_ERROR, detail="Traceback\n  oh")
    lines = explain(broken, "reference").splitlines()
    assert lines[0] == "passes [server]: harness-error: A title"
    assert "  detail       Traceback" in lines
    assert "  detail         oh" in lines


@pytest.mark.parametrize(
    "impl", ["reference", "http://127.0.0.1:1", "cmd:./adapter --its-own arguments", "cmd:./adapter 'two words'"]
)
def test_the_line_that_reproduces_a_failure_survives_a_shell(impl: str) -> None:
    (line,) = (line for line in explain(_FAILED, impl).splitlines() if line.startswith("  reproduce"))
    words = shlex.split(line.removeprefix("  reproduce"))
    assert words == ["pytest", "conformance", f"--impl={impl}", "-k", "fails and server"]


def test_a_real_failure_has_everything_that_its_explanation_needs() -> None:
    case = next(case for case in load_all() if case.slug == "fetch-what-is-not-there")
    with Peer(always=NULL_SERVERS["always internal"]) as peer:
        server = ServerTarget(url=peer.url)
        result = judge(case, "server", Targets(peer.url, (server,), None, lambda: server))
    assert result.status is Status.FAIL
    assert ("status", "201", "500") in [(m.place, m.allowed, m.seen) for m in result.mismatches]
    (exchange,) = result.exchanges
    assert exchange.request.startswith("POST /v1/topics {")
    assert exchange.response.startswith("500 application/problem+json {")
    assert (result.requirements, result.hint) == (["FETCH-006"], case.hint)


def test_a_recommendation_that_is_not_followed_is_a_warning_and_no_failure() -> None:
    case = next(case for case in load_all() if case.slug == "spread-without-key")
    assert (case.level("server"), case.cites("server")) == ("should", [_SERVER_SHOULD])
    with Peer(always=NULL_SERVERS["always internal"]) as peer:
        server = ServerTarget(url=peer.url)
        result = judge(case, "server", Targets(peer.url, (server,), None, lambda: server))
    assert result.status is Status.WARN
    assert result.status in GOOD
    (line,) = (line for line in summarise(_run(result), None) if "warning" in line)
    assert line == f"  warning spread-without-key [server] {_SERVER_SHOULD}: {case.title}"


def test_a_warning_is_told_and_a_failure_is_not_among_the_warnings() -> None:
    lines = summarise(_run(_FAILED, _PASSED), None)
    assert not any("warning" in line for line in lines)


def test_the_summary_names_the_implementation_and_what_it_gave(tmp_path: Path) -> None:
    run = _run(_PASSED, _FAILED, replace(_PASSED, case="again"))
    run.implementations["server"] = {"name": "made-up", "version": "1.2"}
    lines = summarise(run, tmp_path / "report.json")
    assert lines[0] == f"kafka.do conformance, protocol revision {SPEC.revision}, --impl=http://127.0.0.1:1"
    other = len(_SERVER_MUSTS) - len(_SERVER_CORE)
    shown = f"1 of {len(_SERVER_CORE)} MUST requirements shown ({other} do not apply)"
    assert lines[1] == f"  server  made-up 1.2: 1 fail, 2 pass; {shown}"
    assert lines[-1] == f"  report  {tmp_path / 'report.json'}"
    assert not any("too little" in line for line in lines)


def test_the_summary_says_when_too_little_was_proven() -> None:
    lines = summarise(_run(replace(_PASSED, status=Status.NOT_APPLICABLE)), None)
    assert "  too little was proven: no MUST requirement was judged" in lines


def test_a_report_makes_the_folder_that_it_is_to_lie_in(tmp_path: Path) -> None:
    write(_run(_PASSED), tmp_path / "a" / "b" / "report.json")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["report.json"]


def test_a_report_that_is_not_valid_is_not_written_and_the_last_one_stays(tmp_path: Path) -> None:
    before = _written(_run(_PASSED), tmp_path)
    with pytest.raises(ValueError, match="does not have its form"):
        write(_run(replace(_PASSED, role="broker")), tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_whose_writing_breaks_off_leaves_the_last_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _written(_run(_PASSED), tmp_path)
    whole = Path.write_text

    def run_full(path: Path, data: str, *options: Any) -> int:
        whole(path, data[: len(data) // 2], *options)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", run_full)
        with pytest.raises(OSError, match="No space left"):
            write(_run(_PASSED, _FAILED), tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == before


def test_a_report_keeps_texts_that_no_encoding_knows(tmp_path: Path) -> None:
    odd = replace(_FAILED, mismatches=[Mismatch("body", "ü", "\ud800\x00")])
    (result,) = _written(_run(odd), tmp_path)["results"]
    assert result["mismatches"][0]["seen"] == "\ud800\x00"
    explain(odd, "reference").encode("utf-8")
