"""Files of cases: what is no case is refused when it is loaded, and the shipped ones are what they have to be."""

from collections import Counter
from pathlib import Path

import pytest

from kafka_do.spec import requirements
from kafka_do_conformance.case import Case, CodeCase, ExchangeCase
from kafka_do_conformance.judge import judge
from kafka_do_conformance.load import CASES, CaseFileError, is_case_file, load_all, load_file
from kafka_do_conformance.matching import example_of
from kafka_do_conformance.target import REFERENCE_ADAPTER, ClientTarget, ServerTarget, Targets
from kafka_do_conformance.verdict import Status

_REGISTRY = requirements()
_SERVERS = "FETCH-006"
_CLIENTS = "ERROR-007"
_GOOD = """
- case: made-up
  title: A case that was made up
  requirements: [FETCH-006]
  hint: Look at the statuses.
  steps:
    - request: {method: GET, path: /v1}
      response: {status: 200, json: {revision: "1.0"}}
"""


def _load(folder: Path, text: str) -> list[Case]:
    path = folder / "made_up.yaml"
    path.write_text(text, "utf-8")
    return load_file(path)


def _refuses(folder: Path, old: str, new: str) -> str:
    """Load the good case with one text replaced; return what the refusal says."""
    assert _GOOD.count(old) == 1
    with pytest.raises(CaseFileError) as refusal:
        _load(folder, _GOOD.replace(old, new))
    message = str(refusal.value)
    assert message.startswith("made_up.yaml: ")
    return message.removeprefix("made_up.yaml: ")


def test_a_good_file_gives_its_cases(tmp_path: Path) -> None:
    (case,) = _load(tmp_path, _GOOD)
    assert isinstance(case, ExchangeCase)
    assert (case.slug, case.title, case.hint) == ("made-up", "A case that was made up", "Look at the statuses.")
    assert (case.requirements, case.roles, case.partitions) == ((_SERVERS,), ["server"], None)
    (step,) = case.steps
    assert step.request == {"method": "GET", "path": "/v1"}
    assert step.response == {"status": 200, "json": {"revision": "1.0"}}
    assert (step.fault, step.report) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("  title:", "  titel: x\n  title:", "$[0]:", "titel"),
        ("- request:", "- repeat: 2\n      request:", "$[0].steps[0]:", "repeat"),
        ("path: /v1}", "path: /v1, body: x}", "$[0].steps[0].request:", "body"),
        ("status: 200,", "status: 200, staus: 200,", "$[0].steps[0].response:", "staus"),
        ("  hint: Look at the statuses.\n", "", "$[0]:", "'hint' is a required property"),
        ("  title: A case that was made up\n", "", "$[0]:", "'title' is a required property"),
        ("[FETCH-006]", "[]", "$[0].requirements:", ""),
        ("[FETCH-006]", "[fetch-6]", "$[0].requirements[0]:", "fetch-6"),
        ("[FETCH-006]", "[FETCH-006, FETCH-006]", "$[0].requirements:", "non-unique"),
        ("made-up", "Made Up", "$[0].case:", "Made Up"),
        ("made-up", "made_up", "$[0].case:", "made_up"),
        ("made-up", "made-up-", "$[0].case:", "made-up-"),
        ("path: /v1}", "path: v1}", "$[0].steps[0].request.path:", "v1"),
        ("status: 200,", "", "$[0].steps[0].response:", "'status' is a required property"),
        ("json: {revision", "problem: {title", "$[0].steps[0].response.problem:", "'code' is a required property"),
        ("      response:", "      fault: earthquake\n      response:", "$[0].steps[0].fault:", "earthquake"),
    ],
)
def test_what_the_schema_does_not_know_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, place: str, words: str
) -> None:
    message = _refuses(tmp_path, old, new)
    assert message.startswith(place)
    assert words in message


def test_a_step_that_says_nothing_is_refused(tmp_path: Path) -> None:
    message = _refuses(tmp_path, '      response: {status: 200, json: {revision: "1.0"}}\n', "")
    assert message == "made-up: a step has neither a response nor a fault"


def test_a_fault_without_a_report_is_refused(tmp_path: Path) -> None:
    text = _GOOD.replace(_SERVERS, _CLIENTS).replace(
        'response: {status: 200, json: {revision: "1.0"}}', "fault: drop-before-answer"
    )
    with pytest.raises(CaseFileError, match=r"^made_up\.yaml: made-up: a step with a fault needs a report$"):
        _load(tmp_path, text)


def test_a_fault_in_the_servers_role_is_refused(tmp_path: Path) -> None:
    fault = (
        "    - {request: {method: GET, path: /v1}, fault: drop-before-answer, report: {error: {code: disconnected}}}\n"
    )
    with pytest.raises(CaseFileError, match=r"made-up: a fault can only be judged in the client's role"):
        _load(tmp_path, _GOOD + fault)
    assert _load(tmp_path, (_GOOD + fault).replace(_SERVERS, _CLIENTS))


def test_a_case_for_servers_in_which_nothing_succeeds_is_refused(tmp_path: Path) -> None:
    message = _refuses(tmp_path, "status: 200,", "status: 404,")
    assert message == "made-up: no step succeeds, so a server that refuses everything would pass"


def test_a_case_that_finds_a_topic_needs_no_step_that_succeeds(tmp_path: Path) -> None:
    assert _load(
        tmp_path, _GOOD.replace("status: 200,", "status: 404,").replace("  steps:", "  partitions: 1\n  steps:")
    )


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", "just a text"):
        with pytest.raises(CaseFileError, match=r"^made_up\.yaml: \$: "):
            _load(tmp_path, text)


def test_a_file_that_is_not_yaml_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match=r"^made_up\.yaml: "):
        _load(tmp_path, "- case: [")


def test_a_member_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert "response" in _refuses(tmp_path, "      response:", "      response: {status: 500}\n      response:")


@pytest.mark.parametrize("matcher", ["{$type: integer, $mim: 1}", "{$typ: integer}", "{$type: int}", "{$example: 1}"])
def test_a_matcher_that_does_not_exist_is_refused(tmp_path: Path, matcher: str) -> None:
    assert "$" in _refuses(tmp_path, 'revision: "1.0"', f"revision: {matcher}")


def test_only_files_of_cases_in_the_suites_own_folder_are_collected(tmp_path: Path) -> None:
    assert is_case_file(CASES / "produce.yaml")
    assert is_case_file(CASES / "limits.py")
    assert not is_case_file(CASES / "__init__.py")
    assert not is_case_file(CASES / "produce.yaml.orig")
    assert not is_case_file(CASES.parent / "load.py")
    assert not is_case_file(tmp_path / "produce.yaml")


@pytest.mark.parametrize("path", [path for path in sorted(CASES.iterdir()) if is_case_file(path)], ids=lambda p: p.name)
def test_every_shipped_file_has_cases(path: Path) -> None:
    assert load_file(path)


def test_no_two_cases_have_the_same_slug() -> None:
    assert [slug for slug, count in Counter(case.slug for case in load_all()).items() if count > 1] == []


def test_two_files_with_the_same_slug_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kafka_do_conformance.load.CASES", tmp_path)
    for name in ("one.yaml", "other.yaml"):
        (tmp_path / name).write_text(_GOOD, "utf-8")
    with pytest.raises(CaseFileError, match="the same slug: made-up"):
        load_all()


def test_every_case_cites_requirements_that_exist() -> None:
    cited = {(case.slug, ident) for case in load_all() for ident in case.requirements}
    assert [(slug, ident) for slug, ident in sorted(cited) if ident not in _REGISTRY] == []


def test_every_case_judges_a_role_and_says_what_is_promised_and_a_hint() -> None:
    for case in load_all():
        assert case.roles, case.slug
        assert case.title, case.slug
        assert case.hint, case.slug


def test_every_requirement_has_a_case_in_its_own_role() -> None:
    shown = {(ident, role) for case in load_all() for role in case.roles for ident in case.cites(role)}
    wanted = {(ident, entry.role) for ident, entry in _REGISTRY.items() if entry.by != "review"}
    assert sorted(wanted - shown) == []


def test_every_code_case_has_a_program_for_each_role_whose_requirements_it_cites() -> None:
    for case in load_all():
        if isinstance(case, CodeCase):
            programs = {"server": case.run_server, "client": case.run_client}
            assert [role for role, program in programs.items() if program is not None] == case.roles, case.slug


def test_a_code_case_does_not_pass_in_a_role_that_it_has_no_program_for() -> None:
    case = CodeCase("made-up", "Made up", (_CLIENTS,), "None.", __name__, run_server=lambda _: None)
    server = ServerTarget(url="http://127.0.0.1:9")
    client = ClientTarget(REFERENCE_ADAPTER)
    try:
        result = judge(case, "client", Targets("made-up", (), client, lambda: server))
    finally:
        client.close()
    assert result.status is not Status.PASS


def test_every_case_for_clients_can_be_answered_by_the_suite() -> None:
    for case in load_all():
        if isinstance(case, ExchangeCase) and "client" in case.roles:
            for step in case.steps:
                if step.response.get("problem", {}).get("code") != "invalid_request" and step.fault is None:
                    example_of(step.response.get("json", {}))
                    example_of(step.response.get("problem", {}))
