"""The pytest fixture `kafka`, as the tests of another program use it."""

import subprocess
import sys
from pathlib import Path

from kafka_do.testing import MockClient
from kafka_do_pytest import kafka as kafka  # noqa: PLC0414  also where the installed entry point is an older one


def test_the_fixture_is_a_mock_client_of_its_own(kafka: MockClient) -> None:
    kafka.seed("orders", [1, 2])
    assert [message.value for message in kafka.get_messages("orders")] == [1, 2]


def test_the_next_test_finds_nothing_of_the_one_before(kafka: MockClient) -> None:
    assert kafka.get_messages("orders") == []


def test_the_entry_point_gives_it_to_every_test(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(kafka):\n    assert kafka.producer('t').send(1).offset == 0\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
