"""Adapters that break their protocol: each gets the status that says so, none passes, and the run goes on."""

import os
import shlex
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kafka_do_conformance import adapter as adapter_module
from kafka_do_conformance import smoke
from kafka_do_conformance.adapter import Adapter
from kafka_do_conformance.case import Case
from kafka_do_conformance.load import load_all
from kafka_do_conformance.run import judge_all
from kafka_do_conformance.target import ClientTarget, ServerTarget, Targets
from kafka_do_conformance.verdict import Crashed, Result, Status, Timeout

_PATIENCE_S = 15.0
_DEADLINE_S = 1.5
_SHORT_DEADLINE_S = 0.8
_LATE_S = 2.5
_LONGEST_LINE = 100_000

# A whole adapter, into which each defect is put: `answer` is right, `misbehave` is called instead of writing it.
_ADAPTER = """
import json, os, signal, sys, threading, time
from pathlib import Path

def hello():
    return {"ok": {"protocol": 0, "name": "broken", "version": "1", "language": "python", "features": ["core"]}}

def right(command):
    if command["command"] == "hello":
        return hello()
    from kafka_do_conformance.adapters.python import _answer
    return _answer(command, CLIENTS)

def write(answer):
    sys.stdout.write((answer if isinstance(answer, str) else json.dumps(answer)) + "\\n")
    sys.stdout.flush()

CLIENTS = {}
STARTS = Path(STARTS_PATH)
with STARTS.open("a") as starts:
    starts.write("|")
BROKEN = len(STARTS.read_text()) <= BROKEN_STARTS
signal.alarm(30)
for line in sys.stdin:
    command = json.loads(line)
    answer = {"id": command["id"], **right(command)} if not BROKEN or NEEDS_ANSWER else {"id": command["id"], **hello()}
    if BROKEN and command["command"] in COMMANDS:
        misbehave(command, answer)
    else:
        write(answer)
    if command["command"] == "bye":
        break
"""

# name → (the commands at which it happens, whether the right answer is needed, what happens, the status)
_DEFECTS: dict[str, tuple[str, bool, str, Status]] = {
    "hangs at hello": ("hello", False, "time.sleep(60)", Status.TIMEOUT),
    "hangs": ("produce read", False, "time.sleep(60)", Status.TIMEOUT),
    "answers after the deadline": (
        "produce read",
        True,
        f"time.sleep({_LATE_S}); write(answer)",
        Status.TIMEOUT,
    ),
    "crashes at hello": ("hello", False, "sys.exit(70)", Status.CRASHED),
    "is ended by a signal": ("produce read", False, "os.kill(os.getpid(), signal.SIGKILL)", Status.CRASHED),
    "exits with 0 too early": ("produce read", False, "sys.exit(0)", Status.CRASHED),
    "closes its standard output": ("produce read", False, "os.close(1); time.sleep(60)", Status.CRASHED),
    "answers with another id": (
        "produce read",
        True,
        "write({**answer, 'id': answer['id'] + 1})",
        Status.HARNESS_ERROR,
    ),
    "answers with the id as a text": ("produce read", True, "write({**answer, 'id': '1'})", Status.HARNESS_ERROR),
    "answers twice": ("hello produce read", True, "write(answer); write(answer)", Status.HARNESS_ERROR),
    "answers what is not JSON": ("produce read", False, "write('Traceback: oh')", Status.HARNESS_ERROR),
    "answers bytes that are not UTF-8": (
        "produce read",
        False,
        "sys.stdout.buffer.write(b'\\xff\\n'); sys.stdout.flush()",
        Status.HARNESS_ERROR,
    ),
    "answers JSON that is no object": ("produce read", False, "write('[1]')", Status.HARNESS_ERROR),
    "answers nesting without end": ("produce read", False, "write('[' * 90000)", Status.HARNESS_ERROR),
    "answers a huge line": (
        "produce read",
        True,
        f"write(json.dumps(answer) + ' ' * {_LONGEST_LINE})",
        Status.HARNESS_ERROR,
    ),
    "speaks another version": ("hello", False, "answer['ok']['protocol'] = 1; write(answer)", Status.HARNESS_ERROR),
    "does not greet": (
        "hello",
        False,
        "write({'id': answer['id'], 'unsupported': {'feature': 'core'}})",
        Status.HARNESS_ERROR,
    ),
    "answers with an unknown member": ("produce read", True, "write({**answer, 'note': 1})", Status.HARNESS_ERROR),
    "answers ok with an unknown member": (
        "produce read",
        True,
        "answer['ok']['note'] = 1; write(answer)",
        Status.HARNESS_ERROR,
    ),
    "answers ok and error": (
        "produce read",
        True,
        "answer['error'] = {'code': 'x', 'retriable': False, 'indeterminate': False}; write(answer)",
        Status.HARNESS_ERROR,
    ),
    "answers neither": ("produce read", False, "write({'id': answer['id']})", Status.HARNESS_ERROR),
    "reports a defect": (
        "produce read",
        False,
        "write({'id': answer['id'], 'defect': {'message': 'not written yet'}})",
        Status.HARNESS_ERROR,
    ),
}

# Seen from outside, a library whose call takes too long looks the same: the request was sent and answered.
_LOOKS_LIKE_THE_LIBRARY = "answers after the deadline"
_SMOKE_S = 5.0

Write = Callable[..., tuple[str, ...]]
Judge = Callable[[tuple[str, ...], list[Case], float], list[Result]]


@pytest.fixture
def write_adapter(tmp_path: Path) -> Write:
    """Return a way to write an adapter of which the first processes are broken; it returns the command."""

    def write(misbehaves: str, *, at: str, needs_answer: bool = False, broken_starts: int = 1) -> tuple[str, ...]:
        program = tmp_path / "adapter.py"
        program.write_text(
            f"COMMANDS = {at.split()!r}\nNEEDS_ANSWER = {needs_answer}\nBROKEN_STARTS = {broken_starts}\n"
            f"STARTS_PATH = {str(tmp_path / 'starts')!r}\n"
            "def misbehave(command, answer):\n" + textwrap.indent(misbehaves, "    ") + "\n" + _ADAPTER,
            "utf-8",
        )
        return (sys.executable, str(program))

    return write


@pytest.fixture
def judged() -> Iterator[Judge]:
    """Return a way to judge an adapter by cases; its process ends with the test."""
    with ExitStack() as stack:

        def judge(command: tuple[str, ...], cases: list[Case], deadline_s: float) -> list[Result]:
            client = ClientTarget(command, deadline_s=deadline_s)
            stack.callback(client.close)
            nowhere = ServerTarget(url="http://127.0.0.1:9")
            results = judge_all(Targets("broken", (), client, lambda: nowhere), cases)
            return [result for result in results if result.role == "client"]

        yield judge


def _cases(*slugs: str) -> list[Case]:
    by_slug = {case.slug: case for case in load_all()}
    return [by_slug[slug] for slug in slugs]


@pytest.mark.parametrize("name", _DEFECTS)
def test_a_broken_adapter_gets_its_status_and_is_replaced_and_the_next_case_is_judged(
    name: str, write_adapter: Write, judged: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_module, "_LONGEST_LINE", _LONGEST_LINE)
    at, needs_answer, misbehaves, status = _DEFECTS[name]
    command = write_adapter(misbehaves, at=at, needs_answer=needs_answer)
    begun = time.monotonic()
    deadline_s = _DEADLINE_S if status is Status.TIMEOUT else _PATIENCE_S
    broken, replaced = judged(command, _cases("explicit-partition", "client-sends-json"), deadline_s)
    took_s = time.monotonic() - begun
    assert (broken.status, replaced.status) == (status, Status.PASS)
    assert broken.mismatches or broken.detail
    assert took_s < _PATIENCE_S


@pytest.mark.parametrize("name", _DEFECTS)
def test_smoke_says_whose_fault_it_is_and_ends_in_time(
    name: str, write_adapter: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adapter_module, "_LONGEST_LINE", _LONGEST_LINE)
    at, needs_answer, misbehaves, status = _DEFECTS[name]
    if status is Status.TIMEOUT:
        monkeypatch.setattr(smoke, "_ANSWER_S", _DEADLINE_S)
    command = write_adapter(misbehaves, at=at, needs_answer=needs_answer, broken_starts=9)
    begun = time.monotonic()
    ended = smoke.main([f"--impl=cmd:{shlex.join(command)}"])
    took_s = time.monotonic() - begun
    shown = capsys.readouterr().out
    whose, code = ("library", 1) if name == _LOOKS_LIKE_THE_LIBRARY else ("adapter", 2)
    assert f"verdict: {whose}\nnext: " in shown
    assert shown.count("\n  FAIL  ") == 1
    assert ended == code
    assert took_s < _SMOKE_S


@pytest.mark.parametrize(
    "misbehaves",
    ["write(answer); sys.exit(3)", "write(answer); time.sleep(60)", "time.sleep(60)", "write({'id': 0, 'ok': {}})"],
)
def test_smoke_sees_an_adapter_that_does_not_leave_as_it_should(
    misbehaves: str, write_adapter: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smoke, "_ANSWER_S", _DEADLINE_S)
    command = write_adapter(misbehaves, at="bye", needs_answer=True)
    ended = smoke.main([f"--impl=cmd:{shlex.join(command)}"])
    shown = capsys.readouterr().out
    assert "verdict: adapter\n" in shown
    assert "  ok    an error of the server is passed on" in shown
    assert ended == 2


def test_smoke_gives_up_on_an_adapter_whose_children_hold_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smoke, "_ANSWER_S", _SHORT_DEADLINE_S)
    program = tmp_path / "parent.py"
    program.write_text("import subprocess, time\nsubprocess.Popen(['sleep', '9'])\ntime.sleep(9)\n", "utf-8")
    begun = time.monotonic()
    assert smoke.main([f"--impl=cmd:{shlex.join((sys.executable, str(program)))}"]) == 2
    assert time.monotonic() - begun < _SMOKE_S
    assert "verdict: adapter\n" in capsys.readouterr().out


def test_the_report_of_a_crash_says_how_the_process_ended(write_adapter: Write) -> None:
    said = "print('last words', file=sys.stderr, flush=True); os.close(1); time.sleep(0.2); os.kill(os.getpid(), 9)"
    adapter = Adapter(write_adapter(said, at="read"), deadline_s=_PATIENCE_S)
    with pytest.raises(Crashed) as found:
        _read(adapter)
    adapter.close()
    assert found.value.step == "adapter command read"
    (mismatch,) = found.value.mismatches
    assert "was ended by SIGKILL" in mismatch.seen
    assert "last words" in mismatch.seen


def test_an_adapter_that_dies_between_two_commands_has_crashed(write_adapter: Write) -> None:
    dies = "write(answer); os._exit(3)"
    adapter = Adapter(write_adapter(dies, at="hello"), deadline_s=_PATIENCE_S)
    try:
        assert adapter.hello()["name"] == "broken"
        process = adapter._process
        assert process is not None
        assert process.wait(_PATIENCE_S) == 3
        with pytest.raises(Crashed, match="exited with status 3"):
            _read(adapter)
    finally:
        adapter.close()


def test_an_adapter_that_does_not_read_its_commands_is_a_timeout(tmp_path: Path) -> None:
    program = tmp_path / "deaf.py"
    program.write_text(
        "import json, signal, sys, time\n"
        "signal.alarm(4)\n"
        "command = json.loads(sys.stdin.readline())\n"
        "said = {'protocol': 0, 'name': 'deaf', 'version': '1', 'language': 'python', 'features': ['core']}\n"
        "print(json.dumps({'id': command['id'], 'ok': said}), flush=True)\n"
        "time.sleep(60)\n",
        "utf-8",
    )
    adapter = Adapter((sys.executable, str(program)), deadline_s=_SHORT_DEADLINE_S)
    adapter.hello()
    with pytest.raises(Timeout):
        adapter.ask("produce", url="http://127.0.0.1:9", topic="t", records=[_record(1_000_000)])
    adapter.close()


def test_a_program_that_cannot_be_started_is_no_fault_of_a_library(tmp_path: Path, judged: Judge) -> None:
    (result,) = judged((str(tmp_path / "nothing-there"),), _cases("client-sends-json"), _PATIENCE_S)
    assert result.status is Status.HARNESS_ERROR
    assert "cannot start" in result.detail
    assert "nothing-there" in result.detail


def test_a_goodbye_that_is_not_answered_ends_the_process_all_the_same(write_adapter: Write) -> None:
    adapter = Adapter(write_adapter("time.sleep(60)", at="bye"), deadline_s=_SHORT_DEADLINE_S)
    adapter.hello()
    process = adapter._process
    assert process is not None
    adapter.close()
    assert not process.alive


def test_a_broken_adapter_leaves_no_process_behind(write_adapter: Write, tmp_path: Path) -> None:
    tells = f"Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(60)"
    adapter = Adapter(write_adapter(tells, at="read"), deadline_s=_DEADLINE_S)
    with pytest.raises(Timeout):
        _read(adapter)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def _read(adapter: Adapter) -> None:
    adapter.ask("read", url="http://127.0.0.1:9", topic="t", partition=0, offset={"int64": "0"}, max_records=None)


def _record(size: int) -> dict[str, object]:
    value = {"json": '"' + "x" * size + '"'}
    return {"key": None, "value": value, "headers": [], "timestamp_ms": None, "partition": None}
