"""Known defects, planted in the reference one by one: each is found, by a case that cites what it breaks."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from kafka_do.spec import requirements
from kafka_do_conformance.case import Role
from kafka_do_conformance.mutants import __main__ as command
from kafka_do_conformance.mutants import mutant as mutant_module
from kafka_do_conformance.mutants.mutant import Mutant, MutantFileError, hunt, kills, missing, mutants
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


def test_every_patch_fits_its_file() -> None:
    assert [one.name for one in mutants() if (_LIBRARY / one.file).read_text("utf-8").count(one.old) != 1] == []


def test_every_requirement_that_must_be_kept_has_a_mutant_that_breaks_it() -> None:
    assert missing(mutants()) == []


def test_what_nobody_can_see_broken_needs_no_mutant(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = _REGISTRY["FETCH-002"]
    registry = {
        "FETCH-002": entry,
        "FETCH-005": msgspec.structs.replace(entry, by="review"),
        "FETCH-006": msgspec.structs.replace(entry, level="should"),
        "FETCH-008": entry,
    }
    monkeypatch.setattr(mutant_module, "requirements", lambda: registry)
    assert missing([Mutant("made-up", "FETCH-008", "server", "core/log.py", "a", "b")]) == ["FETCH-002"]


def test_there_are_mutants_in_both_roles() -> None:
    assert {mutant.role for mutant in mutants()} == {"server", "client"}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (["time-must-be-later"], ["time-must-be-later"]),
        (["TOPIC-018"], ["config-without-value-stays-set", "setting-one-config-unsets-the-others"]),
        (["OFFSETS-001", "time-must-be-later"], ["latest-is-the-last-record", "time-must-be-later"]),
    ],
)
def test_only_those_named_are_hunted(
    wanted: list[str], names: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "hunt", lambda *_: [])
    assert command.main(wanted) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines[:-1]] == [f"{name}:" for name in names]
    assert lines[-1] == f"mutants: {len(names)}, survivors: {len(names)}"


def test_a_name_that_no_mutant_has_is_a_fault_of_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["time-must-be-later", "no-such-mutant"])
    assert ended.value.code == 2
    assert "no-such-mutant" in capsys.readouterr().err


def test_a_sample_is_drawn_from_its_seed_and_tells_what_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def drawn(*arguments: str) -> tuple[list[str], str]:
        command.main(arguments)
        *lines, last = capsys.readouterr().out.splitlines()
        return [line.split()[2].rstrip(":") for line in lines], last

    monkeypatch.setattr(command, "hunt", lambda *_: [])
    names, last = drawn("--sample", "3", "--seed", "7")
    assert len(set(names)) == 3
    assert last == f"mutants: 3 (drawn with --seed 7, {len(mutants()) - 3} left out), survivors: 3"
    assert drawn("--sample", "3", "--seed", "7") == (names, last)
    assert drawn("--sample", "3", "--seed", "8")[0] != names
    assert drawn("--sample", "3", "TOPIC-018")[1] == "mutants: 2 (drawn with --seed 0, 0 left out), survivors: 2"


@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_sample_of_nothing_is_a_fault_of_the_call(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--matrix", "--sample", number])
    assert ended.value.code == 2
    assert f"--sample: 1 or more, not {number}" in capsys.readouterr().err


def test_what_is_missing_is_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--missing"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "MUST requirements without a mutant: 0"
    monkeypatch.setattr(command, "missing", lambda _: ["FETCH-002", "FETCH-008"])
    assert command.main(["--missing"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "FETCH-002",
        "FETCH-008",
        "MUST requirements without a mutant: 2",
    ]


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
