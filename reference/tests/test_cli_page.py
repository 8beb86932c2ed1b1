"""The page of the command line: each of its commands is run against a server, and prints what stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kafka_do.cli.ending import ExitStatus

_PAGE = (Path(__file__).resolve().parents[2] / "spec" / "cli.md").read_text("utf-8")
_BLOCKS = re.findall(r"^```console\n(.*?)^```", _PAGE, re.DOTALL | re.MULTILINE)
_PATIENCE_S = 40


def _exchanges() -> list[tuple[str, str]]:
    """Return each command with the output below it."""
    parts = [part for block in _BLOCKS for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def test_the_commands_of_the_page_print_what_stands_below_them(
    served_alone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kafka-do").write_text(f'#!/bin/sh\nexec {sys.executable} -m kafka_do "$@"\n', "utf-8")
    (tmp_path / "kafka-do").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("KAFKA_DO_URL", served_alone)
    exchanges = _exchanges()
    assert len(exchanges) > 20
    for command, expected in exchanges:
        run = subprocess.run(
            ["/bin/sh", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
        assert run.stdout == expected, command


def test_the_table_of_exit_statuses_is_complete() -> None:
    listed = re.findall(r"^\| ([0-9]+) \|", _PAGE, re.MULTILINE)
    assert [int(one) for one in listed] == [one.value for one in ExitStatus]
