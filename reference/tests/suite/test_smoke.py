"""`kafka-do conformance smoke`: what it says of implementations that keep the adapter protocol, or are servers."""

import shlex
from pathlib import Path

import pytest

from kafka_do_conformance import command, smoke
from kafka_do_conformance.load import load_all
from kafka_do_conformance.mutants.mutant import mutants, mutated
from kafka_do_conformance.nulls.adapters import NULL_ADAPTERS
from kafka_do_conformance.nulls.servers import NULL_SERVERS
from kafka_do_conformance.peer import Peer
from kafka_do_conformance.target import REFERENCE_ADAPTER, REFERENCE_SERVER, ServerTarget

_ADAPTER = f"cmd:{shlex.join(REFERENCE_ADAPTER)}"
_MUTANTS = {mutant.name: mutant for mutant in mutants()}


def _smoke(capsys: pytest.CaptureFixture[str], impl: str) -> tuple[int, str]:
    ended = command.main(["smoke", f"--impl={impl}"])
    return ended, capsys.readouterr().out


def test_nothing_is_wrong_with_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    ended, shown = _smoke(capsys, "reference")
    assert ended == 0
    assert "\nverdict: nobody\nnext: Judge it by every case: kafka-do conformance --impl=reference\n" in shown
    assert "FAIL" not in shown
    assert "not reached" not in shown


def test_a_server_is_judged_by_its_address(reference_server: ServerTarget, capsys: pytest.CaptureFixture[str]) -> None:
    ended, shown = _smoke(capsys, reference_server.url())
    assert ended == 0
    assert shown.count("  ok    ") == 5


def test_a_server_that_asks_for_keys_is_given_one_which_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    key = "key-that-nobody-may-see"
    server = ServerTarget(command=(*REFERENCE_SERVER, "--api-key", key))
    try:
        assert smoke.main([f"--impl={server.url()}", "--api-key", key]) == 0
        assert smoke.main([f"--impl={server.url()}", "--api-key", "another"]) == 1
    finally:
        server.close()
    shown = capsys.readouterr().out
    assert "401" in shown
    assert key not in shown


def test_a_defect_of_the_library_is_the_librarys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with mutated(_MUTANTS["flags-from-a-table-of-its-own"]) as env:
        monkeypatch.setenv("PYTHONPATH", env["PYTHONPATH"])
        ended, shown = _smoke(capsys, _ADAPTER)
    assert ended == 1
    assert "  FAIL  an error of the server is passed on with its code and flags\n" in shown
    assert "\nverdict: library\nnext: The adapter keeps its protocol." in shown


def test_a_defect_of_the_server_is_the_servers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with mutated(_MUTANTS["offsets-begin-at-one"]) as env:
        monkeypatch.setenv("PYTHONPATH", env["PYTHONPATH"])
        ended, shown = _smoke(capsys, "reference")
    assert ended == 1
    assert "  FAIL  records are produced, and fetched as they were\n" in shown
    assert "\nverdict: server\n" in shown
    assert "  -     the adapter starts, and runs until bye (not reached)" in shown


@pytest.mark.parametrize("name", NULL_SERVERS)
def test_a_server_that_does_nothing_right_fails(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke, "_ANSWER_S", 0.3)
    with Peer(always=NULL_SERVERS[name]) as peer:
        ended, shown = _smoke(capsys, peer.url)
    assert (ended, shown.count("\nverdict: server\n")) == (1, 1)


@pytest.mark.parametrize("mode", NULL_ADAPTERS)
def test_an_adapter_that_does_nothing_right_fails(
    mode: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke, "_ANSWER_S", 1.5)
    impl = _ADAPTER.replace("adapters.python", f"nulls.adapters {mode}")
    ended, shown = _smoke(capsys, impl)
    assert (ended, shown.count("\nverdict: adapter\n")) == (2, 1)


def test_a_server_that_is_not_there_is_said_to_be_unreachable(capsys: pytest.CaptureFixture[str]) -> None:
    ended, shown = _smoke(capsys, "http://127.0.0.1:9")
    assert ended == 1
    assert "  FAIL  the server is reached, and answers\n" in shown
    assert "Connection refused" in shown


@pytest.mark.parametrize("arguments", [["--impl=referenz"], ["--imp"], ["more"]], ids=str)
def test_a_call_that_makes_no_sense_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        ended: int | str | None = smoke.main(arguments)
    except SystemExit as error:
        ended = error.code
    assert ended == 2
    assert "kafka-do conformance smoke: " in capsys.readouterr().err


def test_a_fault_of_the_suite_blames_nobody_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(smoke, "judge_server", lambda *_: tmp_path.joinpath("nothing-there").read_text())
    ended, shown = _smoke(capsys, "reference")
    assert ended == 2
    assert "\nverdict: suite\n" in shown


def test_it_asks_by_cases_of_the_suite() -> None:
    assert {*smoke._SERVER.values(), *smoke._CLIENT.values()} <= {case.slug for case in load_all()}
