"""What is imported, and when: a client loads what a client needs, and pytest without the fixture nothing at all."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import kafka_do
import kafka_do.aio
import kafka_do.blocking

_NOT_A_CLIENTS = [
    "click",
    "hypothesis",
    "kafka_do.cli",
    "kafka_do.engines",
    "kafka_do.client.running",
    "kafka_do.server",
    "kafka_do.streams",
    "kafka_do.testing",
    "kafka_do.transports.direct",
    "kafka_do_conformance",
    "opentelemetry",
    "pydantic",
    "pytest",
    "rich",
    "typer",
    "uvicorn",
    "yaml",
]


def _loaded(statement: str, *, without: str = "") -> set[str]:
    """Return what a new interpreter has loaded after a statement and had not loaded after `without`."""
    told = "print(json.dumps([*set(sys.modules) - before]))"
    program = f"import json, sys\n{without}\nbefore = set(sys.modules)\n{statement}\n{told}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout))


def _under(modules: set[str], names: list[str]) -> list[str]:
    return sorted(module for module in modules for name in names if f"{module}.".startswith(f"{name}."))


def test_importing_the_library_loads_what_a_client_of_a_server_needs() -> None:
    loaded = _loaded("import kafka_do", without="import httpx")
    assert "kafka_do.blocking.client" in loaded
    assert _under(loaded, _NOT_A_CLIENTS) == []


@pytest.mark.parametrize("skin", [kafka_do, kafka_do.blocking, kafka_do.aio], ids=lambda skin: skin.__name__)
def test_what_is_loaded_later_is_there_all_the_same(skin: ModuleType) -> None:
    assert [name for name in skin.__all__ if getattr(skin, name, None) is None] == []
    with pytest.raises(AttributeError, match="has no attribute 'Pipelines'"):
        skin.Pipelines  # noqa: B018  reading it is the test


@pytest.mark.parametrize("skin", ["kafka_do", "kafka_do.aio"])
def test_the_broker_in_the_process_is_loaded_when_it_is_asked_for(skin: str) -> None:
    assert "kafka_do.engines.memory" in _loaded(f"import {skin}; {skin}.Client('memory://')")
    assert "kafka_do.engines.memory" not in _loaded(f"import {skin}; {skin}.Client('http://127.0.0.1:1')")


def test_a_pytest_run_that_does_not_ask_for_the_fixture_loads_nothing_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'kafka_do_pytest' in sys.modules\n"
        "    assert [name for name in sys.modules if name.split('.')[0] in ('kafka_do', 'msgspec')] == []\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(tmp_path), "-p", "no:schemathesis"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
