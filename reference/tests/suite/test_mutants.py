"""Known defects, planted in the reference one by one: each is found, by a case that cites what it breaks."""

from dataclasses import replace
from pathlib import Path

import pytest

from kafka_do.spec import requirements
from kafka_do_conformance.case import Role
from kafka_do_conformance.mutants import mutant as mutant_module
from kafka_do_conformance.mutants.mutant import Mutant, MutantFileError, hunt, kills, mutants
from kafka_do_conformance.verdict import Result, Status

_REGISTRY = requirements()
_LIBRARY = Path(mutant_module._LIBRARY)


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_the_defect_is_found_for_the_right_reason(mutant: Mutant) -> None:
    results = hunt(mutant)
    assert kills(mutant, results)
    assert all(result.status is not Status.HARNESS_ERROR for result in results)


@pytest.mark.parametrize(("role", "breaks"), [("server", "FETCH-006"), ("client", "PRODUCE-017")])
def test_a_patch_that_changes_nothing_is_not_found(role: Role, breaks: str) -> None:
    harmless = Mutant("harmless", breaks, role, "client/reading.py", "next_offset=found", "next_offset=found")
    results = hunt(harmless)
    assert [result.status for result in results] == [Status.PASS] * len(results)
    assert results
    assert kills(harmless, results) == []


def test_there_are_at_least_ten_mutants_in_both_roles() -> None:
    assert len(mutants()) >= 10
    assert {mutant.role for mutant in mutants()} == {"server", "client"}


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_what_a_mutant_breaks_is_a_requirement_of_its_role(mutant: Mutant) -> None:
    assert _REGISTRY[mutant.breaks].role == mutant.role


def test_no_two_mutants_have_the_same_name() -> None:
    names = [mutant.name for mutant in mutants()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("old", ["this text stands nowhere", "offset"], ids=["absent", "more than once"])
def test_a_patch_whose_old_text_does_not_stand_there_once_is_refused(old: str, tmp_path: Path) -> None:
    path = tmp_path / "core" / "log.py"
    path.parent.mkdir()
    source = (_LIBRARY / "core" / "log.py").read_text("utf-8")
    path.write_text(source, "utf-8")
    mutant = Mutant("made-up", "FETCH-002", "server", "core/log.py", old, "something else")
    times = source.count(old)
    with pytest.raises(MutantFileError, match=rf"made-up: `old` stands {times} times in core/log\.py, not once"):
        mutant.apply(tmp_path)
    assert path.read_text("utf-8") == source


def test_a_hunt_leaves_the_library_as_it_is() -> None:
    mutant = next(mutant for mutant in mutants() if mutant.role == "server")
    before = {path: path.read_bytes() for path in _LIBRARY.rglob("*.py")}
    assert hunt(mutant, []) == []
    assert {path: path.read_bytes() for path in _LIBRARY.rglob("*.py")} == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  role: server\n", "", "'role' is a required property"),
        ("role: server", "role: broker", "broker"),
        ("  new: b", "  new: b\n  note: c", "note"),
        ("made-up", "Made Up", "Made Up"),
        ("  old: a", '  old: ""', "old"),
    ],
)
def test_a_file_that_is_not_as_its_schema_says_is_refused_with_its_place(
    old: str, new: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = "- mutant: made-up\n  breaks: FETCH-002\n  role: server\n  file: core/log.py\n  old: a\n  new: b\n"
    assert good.count(old) == 1
    monkeypatch.setattr(mutant_module, "_PATCHES", tmp_path)
    path = tmp_path / "made_up.yaml"
    path.write_text(good, "utf-8")
    assert mutants() == [Mutant("made-up", "FETCH-002", "server", "core/log.py", "a", "b")]
    path.write_text(good.replace(old, new), "utf-8")
    with pytest.raises(MutantFileError, match=r"^made_up\.yaml: \$\[0\]") as refusal:
        mutants()
    assert words in str(refusal.value)


def test_only_a_case_that_cites_what_is_broken_counts_as_a_kill() -> None:
    mutant = Mutant("made-up", "FETCH-002", "server", "core/log.py", "a", "b")
    result = Result("right", "server", "A title", "must", ["FETCH-001", "FETCH-002"], Status.FAIL, 1)
    results = [
        result,
        replace(result, case="wrong-reason", requirements=["FETCH-001"]),
        replace(result, case="passed", status=Status.PASS),
        replace(result, case="suite-failed", status=Status.HARNESS_ERROR),
        replace(result, case="not-judged", status=Status.NOT_APPLICABLE),
        replace(result, case="crashed", status=Status.CRASHED),
        replace(result, case="warned", status=Status.WARN),
        replace(result, case="late", status=Status.TIMEOUT),
    ]
    assert kills(mutant, results) == ["right", "crashed", "warned", "late"]
