"""`kafka-do conformance` in the folder of somebody else's project."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kafka_do_conformance import command
from kafka_do_conformance.load import PACKAGE
from kafka_do_conformance.nulls.servers import NULL_SERVERS
from kafka_do_conformance.peer import Peer

Program = Callable[..., subprocess.CompletedProcess[str]]

_FILES = {
    "pyproject.toml": (
        '[tool.pytest.ini_options]\naddopts = "--bogus-option -p no_such_plugin"\nminversion = "99"\n'
        'filterwarnings = ["error"]\npython_files = "*"\n'
    ),
    "pytest.ini": "[pytest]\naddopts = --another-bogus-option\nrequired_plugins = no-such-plugin\n",
    "conftest.py": "raise RuntimeError('the configuration of a stranger was loaded')\n",
    "test_of_theirs.py": "raise RuntimeError('a test of a stranger was loaded')\n",
    "sub/conftest.py": "raise RuntimeError('the configuration of a stranger was loaded')\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project whose pytest configuration would break everything."""
    for name, text in _FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path / "project"


def _judge(python: Program, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(
        "-m", "kafka_do", "conformance", *arguments, folder=project, env={"PYTEST_ADDOPTS": "--bogus", "COLUMNS": "200"}
    )


def _files(project: Path) -> set[str]:
    return {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}


def test_it_runs_in_a_strangers_folder_and_leaves_nothing_but_the_report(python: Program, project: Path) -> None:
    run = _judge(python, project, "--impl=reference", "-k", "create-topic-default")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "configfile: pytest.ini\n" in run.stdout
    assert f"rootdir: {PACKAGE}\n" in run.stdout
    assert not (PACKAGE / ".pytest_cache").exists()
    assert {name for name in _files(project) if not name.startswith("conformance-report/")} == set(_FILES)
    report = json.loads((project / "conformance-report" / "report.json").read_text("utf-8"))
    assert [(result["role"], result["status"]) for result in report["results"]] == [("server", "pass")]


def test_modules_in_a_strangers_folder_are_not_taken_for_those_of_the_reference(python: Program, project: Path) -> None:
    (project / "uvicorn.py").write_text("raise RuntimeError('a module of a stranger was loaded')\n", "utf-8")
    # -P stands for the installed command, which does not look into the working directory either
    run = python("-P", "-m", "kafka_do", "conformance", "-q", "-k", "create-topic-default", folder=project)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_violation_ends_with_1_and_is_explained(python: Program, project: Path) -> None:
    with Peer(always=NULL_SERVERS["always internal"]) as peer:
        run = _judge(python, project, f"--impl={peer.url}", "-q", "-k", "create-topic-default", "-n", "2")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "create-topic-default [server]: fail: " in run.stdout


@pytest.mark.parametrize("arguments", [["--impl=referenz"], ["--impl=cmd:adapter 'unclosed"]], ids=str)
def test_a_call_that_makes_no_sense_ends_with_2(arguments: list[str], python: Program, project: Path) -> None:
    run = _judge(python, project, *arguments)
    assert run.returncode == 2, run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    assert "INTERNALERROR" not in run.stdout + run.stderr
    assert _files(project) == set(_FILES)


@pytest.mark.parametrize(
    ("of_pytest", "status"),
    [
        (pytest.ExitCode.OK, 0),
        (pytest.ExitCode.TESTS_FAILED, 1),
        (pytest.ExitCode.INTERRUPTED, 2),
        (pytest.ExitCode.INTERNAL_ERROR, 2),
        (pytest.ExitCode.USAGE_ERROR, 2),
        (pytest.ExitCode.NO_TESTS_COLLECTED, 3),
    ],
)
def test_each_way_in_which_pytest_ends_has_its_status(
    of_pytest: pytest.ExitCode, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--bogus")  # main removes it; the test gives it back
    monkeypatch.setattr(pytest, "main", lambda _, plugins: of_pytest)  # noqa: ARG005
    assert command.main([]) == status


def test_a_report_that_cannot_be_written_ends_with_2_in_few_words(python: Program, project: Path) -> None:
    run = _judge(
        python, project, "--impl=http://127.0.0.1:9", "-q", "-k", "discovery", "--report", "pyproject.toml/report.json"
    )
    assert run.returncode == 2, run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


def test_an_adapter_that_is_broken_is_no_violation_and_ends_with_2(python: Program, project: Path) -> None:
    run = _judge(python, project, "--impl=cmd:./nothing-there", "-q", "-k", "client-sends-json")
    assert "1 harness-error" in run.stdout
    assert run.returncode == 2, run.stdout + run.stderr


def test_a_run_without_a_case_ends_with_3(python: Program, project: Path) -> None:
    run = _judge(python, project, "-q", "-k", "nothing-matches")
    assert run.returncode == 3, run.stdout + run.stderr


def test_a_run_that_looks_at_recommendations_only_ends_with_3(python: Program, project: Path) -> None:
    with Peer(always=NULL_SERVERS["always internal"]) as peer:
        run = _judge(python, project, f"--impl={peer.url}", "-q", "-k", "spread-without-key")
    assert run.returncode == 3, run.stdout + run.stderr
    assert "too little was proven" in run.stdout
