"""`pytest conformance --impl=…`, run as a person runs it, in the checkout and elsewhere."""

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kafka_do_conformance.load import load_all
from kafka_do_conformance.nulls.servers import NULL_SERVERS
from kafka_do_conformance.peer import Peer, ScriptedAnswer
from kafka_do_conformance.target import REFERENCE_ADAPTER, UnknownImplError, parse_impl

_ROOT = Path(__file__).resolve().parents[3]
_ADAPTER = f"cmd:{shlex.join(REFERENCE_ADAPTER)}"
_CHEAP = {"explicit-partition", "first-offset-and-order", "client-sends-json"}
_CHOOSE = ("-k", " or ".join(sorted(_CHEAP)))

Program = Callable[..., subprocess.CompletedProcess[str]]
_JSON = (("Content-Type", "application/json"),)


def _pytest(
    python: Program, report: Path, *arguments: str, folder: Path = _ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return python(
        *("-m", "pytest", str(_ROOT / "conformance") if folder != _ROOT else "conformance"),
        *("-q", "-p", "no:cacheprovider", "--report", str(report), *arguments),
        folder=folder,
        env=env,
    )


def _read(report: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return document


def _outcome(report: Path) -> list[tuple[str, str, str]]:
    return [(result["case"], result["role"], result["status"]) for result in _read(report)["results"]]


def _expected(*roles: str) -> list[tuple[str, str, str]]:
    """Return what a run gives in which every case of those slugs passes in those roles."""
    return sorted(
        (
            (case.slug, role, "pass")
            for case in load_all()
            if case.slug in _CHEAP
            for role in case.roles
            if role in roles
        ),
        key=lambda row: (row[1], row[0]),
    )


@pytest.fixture(scope="module")
def serial_run(
    python: Program, served: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Judge a server at its URL in one process, without --report; return the run and the folder it was called in."""
    folder = tmp_path_factory.mktemp("elsewhere")
    quiet = ("-q", "-p", "no:cacheprovider")
    run = python("-m", "pytest", str(_ROOT / "conformance"), *quiet, f"--impl={served}", *_CHOOSE, folder=folder)
    return run, folder


def test_the_reference_is_judged_in_both_roles(python: Program, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    run = _pytest(python, report, "--impl=reference", *_CHOOSE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert {row[1] for row in _expected("server", "client")} == {"server", "client"}
    assert _outcome(report) == _expected("server", "client")
    introduced = _read(report)["implementations"]
    assert introduced["server"]["name"] == "kafka-do-reference"
    assert introduced["client"]["name"] == "kafka-do-python"
    assert f"  report  {report.parent}" in run.stdout


def test_a_url_is_judged_as_a_server_only_and_the_report_lands_in_the_folder_of_the_call(
    serial_run: tuple[subprocess.CompletedProcess[str], Path], served: str
) -> None:
    run, folder = serial_run
    assert run.returncode == 0, run.stdout + run.stderr
    report = folder / "conformance-report" / "report.json"
    assert _outcome(report) == _expected("server")
    assert _read(report)["header"]["impl"] == served
    assert list(_read(report)["implementations"]) == ["server"]
    assert [path.name for path in folder.iterdir()] == ["conformance-report"]


def test_a_command_is_judged_as_a_client_only_from_another_folder(python: Program, tmp_path: Path) -> None:
    run = _pytest(python, Path("here.json"), f"--impl={_ADAPTER}", *_CHOOSE, folder=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert _outcome(tmp_path / "here.json") == _expected("client")
    assert list(_read(tmp_path / "here.json")["implementations"]) == ["client"]


def test_requirement_chooses_the_cases_that_cite_it_in_its_role(python: Program, tmp_path: Path) -> None:
    chosen = ("--requirement", "FETCH-006", "--requirement", "ERROR-007")
    run = _pytest(python, tmp_path / "report.json", "--collect-only", *chosen)
    assert run.returncode == 0, run.stdout + run.stderr
    wanted = {
        f"{case.slug}[{role}]"
        for case in load_all()
        for role in case.roles
        if {"FETCH-006", "ERROR-007"} & set(case.cites(role))
    }
    assert {name.rpartition("[")[2] for name in wanted} == {"server]", "client]"}
    assert {line.rpartition("::")[2] for line in run.stdout.splitlines() if "::" in line} == wanted


def test_two_processes_give_the_same_as_one(
    serial_run: tuple[subprocess.CompletedProcess[str], Path], served: str, python: Program, tmp_path: Path
) -> None:
    run = _pytest(python, tmp_path / "two.json", f"--impl={served}", *_CHOOSE, "-n", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    one = _read(serial_run[1] / "conformance-report" / "report.json")
    two = _read(tmp_path / "two.json")
    for document in (one, two):
        del document["header"]["started"]
        for result in document["results"]:
            del result["duration_ms"]
    assert two == one
    assert one["footer"]["results"] == len(_expected("server")) > 1


def test_a_server_that_does_nothing_right_fails_and_the_reason_is_shown(python: Program, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with Peer(always=NULL_SERVERS["always internal"]) as peer:
        run = _pytest(python, report, f"--impl={peer.url}", "-k", "create-topic-default or spread-without-key")
    assert run.returncode == 1
    assert "create-topic-default [server]: fail: " in run.stdout
    assert "  requirement  TOPIC-002  " in run.stdout
    assert "https://kafka.do/spec/topics/#TOPIC-002" in run.stdout
    assert "    allowed    201\n    seen       500" in run.stdout
    assert "  wire       > POST /v1/topics {" in run.stdout
    assert f"'{peer.url}'" in run.stdout or f"--impl={peer.url} " in run.stdout
    assert "  warning spread-without-key [server] " in run.stdout
    assert "Traceback" not in run.stdout
    assert [row[2] for row in _outcome(report)] == ["fail", "warn"]


def test_an_impl_that_makes_no_sense_is_refused_in_one_line(python: Program, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    run = _pytest(python, report, "--impl=referenz", "-k", "discovery", folder=tmp_path)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR, run.stdout + run.stderr
    (line,) = [line for line in (run.stdout + run.stderr).splitlines() if line.strip()]
    assert line.startswith("ERROR: --impl=referenz: ")
    assert "'cmd:program arguments'" in line
    assert not report.exists()


@pytest.mark.parametrize(
    "impl",
    [
        "",
        "https://127.0.0.1:1",
        "ftp://127.0.0.1:1",
        "cmd:",
        "cmd: ",
        "command:adapter",
        "cmd:adapter 'unclosed",
        "http://",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
    ],
)
def test_what_is_no_implementation_is_refused_before_anything_is_judged(impl: str) -> None:
    with pytest.raises(UnknownImplError) as refusal:
        parse_impl(impl)
    assert str(refusal.value).startswith(f"--impl={impl}: ")
    assert "\n" not in str(refusal.value)


def test_a_discovery_that_makes_no_sense_does_not_cost_the_report(python: Program, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with Peer(always=ScriptedAnswer(200, _JSON, b'{"server": "just a name"}')) as peer:
        run = _pytest(python, report, f"--impl={peer.url}", "-k", "discovery and not key")
    assert run.returncode == 1, run.stdout + run.stderr
    assert _outcome(report) == [("discovery", "server", "fail")]


def test_a_worker_that_dies_of_a_fault_of_its_own_does_not_look_like_a_success(python: Program, tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text(
        "def pytest_runtest_protocol(item):\n    raise RuntimeError('a fault of the worker')\n", "utf-8"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    run = _pytest(
        python, tmp_path / "report.json", "-p", "dying", "-n", "2", "-k", "discovery", env={"PYTHONPATH": path}
    )
    assert run.returncode not in (0, 5), run.stdout
