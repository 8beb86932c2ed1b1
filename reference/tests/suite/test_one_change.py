"""One change of a status in errors.yaml, and the generator, change server, client and site — and break a case."""

import contextlib
import http.client
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE_S = 30
_COPIED = ("spec", "fixtures", "reference", "conformance", "pyproject.toml", "README.md", "mkdocs.yml")
_PATH = "/v1/topics/nothing-here/partitions/0/records?offset=0"
_OLD, _NEW = 404, 410
_CLIENT = """
import sys, kafka_do
with kafka_do.Client(sys.argv[1]) as client:
    try:
        client.read("nothing-here", 0, offset=0)
    except kafka_do.KafkaError as error:
        print(error.code, error.retriable, error.indeterminate)
print(kafka_do.spec.SPEC.errors["topic_not_found"].status, kafka_do.__file__)
"""

Program = Callable[..., subprocess.CompletedProcess[str]]


class _Checkout:
    """A copy of the project, in which everything that runs is the copy."""

    def __init__(self, root: Path, python: Program) -> None:
        self.root = root
        self.env = {"PYTHONPATH": f"{root / 'reference'}:{root / 'conformance'}"}
        self._python = python

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._python(*arguments, folder=self.root, env=self.env)

    def page(self) -> str:
        return (self.root / "spec" / "generated" / "errors" / "topic_not_found.md").read_text("utf-8")

    def change(self) -> None:
        """Change the status of topic_not_found, which stands in one place."""
        catalogue = self.root / "spec" / "errors.yaml"
        pattern = rf"^(  topic_not_found:\n(?:    .*\n)*?    status: ){_OLD}$"
        text, times = re.subn(pattern, rf"\g<1>{_NEW}", catalogue.read_text("utf-8"), flags=re.MULTILINE)
        assert times == 1
        catalogue.write_text(text, "utf-8")

    def judge(self, report: Path) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
        """Judge the copy's server by the copy's cases about this status; return the run and case → status."""
        chosen = ("--requirement", "ERROR-002", "--requirement", "FETCH-006")
        options = ("-q", "-p", "no:cacheprovider", "--impl=reference", "--report", str(report))
        run = self.run("-m", "pytest", str(self.root / "conformance"), *chosen, *options)
        results = json.loads(report.read_text("utf-8"))["results"]
        return run, {result["case"]: result["status"] for result in results if result["role"] == "server"}


@pytest.fixture
def checkout(tmp_path: Path, python: Program) -> _Checkout:
    """Copy the project."""
    root = tmp_path / "checkout"
    root.mkdir()
    for name in _COPIED:
        if (_ROOT / name).is_dir():
            shutil.copytree(_ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "tests", ".*"))
        else:
            shutil.copy(_ROOT / name, root / name)
    return _Checkout(root, python)


@contextlib.contextmanager
def _serving(checkout: _Checkout) -> Iterator[str]:
    command = [sys.executable, "-m", "kafka_do", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=checkout.root, env=checkout.env, stdout=subprocess.PIPE, text=True) as server:
        guard = threading.Timer(_PATIENCE_S, server.kill)
        guard.start()
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            guard.cancel()
            server.kill()


def _status_of(url: str) -> int:
    """Return the status of a response, which its problem document has to repeat."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", _PATH)
        answer = connection.getresponse()
        assert json.load(answer)["status"] == answer.status
        return answer.status


def test_one_change_of_a_status_changes_everything_and_breaks_the_cases_that_carry_it(
    checkout: _Checkout, tmp_path: Path
) -> None:
    assert f"{_NEW}" not in checkout.page()
    checkout.change()
    generated = checkout.run("-m", "kafka_do_spec", "generate")
    assert generated.returncode == 0, generated.stderr
    written = {line.removeprefix("wrote ") for line in generated.stdout.splitlines()}
    assert {
        "spec/generated/spec.json",
        "spec/generated/openapi.json",
        "spec/generated/errors/topic_not_found.md",
    } <= written
    assert not any(name.endswith(".py") for name in written)

    with _serving(checkout) as url:
        assert _status_of(url) == _NEW
        client = checkout.run("-c", _CLIENT, url)
    assert client.stderr == ""
    reported, loaded = client.stdout.splitlines()
    assert reported == "topic_not_found False False"
    assert loaded == f"{_NEW} {checkout.root / 'reference' / 'kafka_do' / '__init__.py'}"

    assert f"{_NEW}" in checkout.page()
    assert f"{_OLD}" not in checkout.page()

    run, after = checkout.judge(tmp_path / "after.json")
    assert run.returncode == 1
    assert {"fetch-what-is-not-there", "problem-documents"} <= {case for case, one in after.items() if one == "fail"}
    assert f"allowed    {_OLD}\n    seen       {_NEW}" in run.stdout
