"""The documentation does what it says: its Python runs, its addresses are those of the protocol."""

import contextlib
import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from kafka_do.spec import SPEC
from tests.conftest import serving

_ROOT = Path(__file__).resolve().parents[2]
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def in_process() -> str:
    """Return the address of a broker in this process, which nobody else uses."""
    return f"memory://{uuid.uuid4()}"


@pytest.mark.parametrize(
    ("page", "server"),
    [
        ("README.md", "served"),
        ("spec/quickstart.md", "served"),
        ("spec/client.md", "served"),
        ("spec/producers.md", "served"),
        ("spec/processing.md", "served"),
        ("spec/running.md", "served"),
        ("spec/pipelines.md", "served"),
        ("spec/pipelines.md", "in_process"),
        ("spec/example.md", "served"),
        ("spec/control.md", "served_for_tests"),
    ],
)
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: str, server: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_DO_URL", request.getfixturevalue(server))
    blocks = _PYTHON.findall((_ROOT / page).read_text("utf-8"))
    assert blocks
    assert all("assert " in block for block in blocks)
    names: dict[str, Any] = {}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"{page}, block {number}", "exec"), names)  # noqa: S102


def test_the_page_of_the_client_runs_with_servers_in_place_of_brokers_in_this_process() -> None:
    page = "\n".join(_PYTHON.findall((_ROOT / "spec" / "client.md").read_text("utf-8")))
    brokers = sorted(set(re.findall(r"memory://[\w-]+", page)), key=len, reverse=True)
    assert len(brokers) > 3
    with contextlib.ExitStack() as servers:
        for broker in brokers:
            page = page.replace(broker, servers.enter_context(serving()))
        exec(compile(page, "spec/client.md", "exec"), {})  # noqa: S102


def test_the_type_of_an_error_is_the_address_of_its_page() -> None:
    site = yaml.safe_load((_ROOT / "mkdocs.yml").read_text("utf-8"))
    assert SPEC.error_type_base.startswith(site["site_url"])
    folder = _ROOT / site["docs_dir"] / SPEC.error_type_base.removeprefix(site["site_url"])
    assert {page.stem for page in folder.glob("*.md")} == {*SPEC.errors, "index"}


def test_the_readme_has_the_two_commands_each_on_one_line() -> None:
    commands = re.findall(r"^python3 -m venv .*$", (_ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [command.rpartition("&& ")[2] for command in commands] == [
        ".venv/bin/pytest conformance --impl=reference",
        ".venv/bin/pytest -n auto --maxprocesses 4",
    ]


def test_the_commands_that_generate_clients_are_those_that_are_run() -> None:
    clients = _ROOT / "conformance" / "clients" / "generated"
    page = (_ROOT / "spec" / "generate.md").read_text("utf-8")
    run = (clients / "run").read_text("utf-8")
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)).splitlines()
    generating = [line for line in shell if "openapi.json" in line]
    assert len(generating) == 3
    assert [line for line in generating if line not in run] == []
    asked_for = {name: version for line in shell for name, version in re.findall(r"([a-z-]+)(?:@|==)([0-9.]+)", line)}
    package = json.loads((clients / "typescript" / "package.json").read_text("utf-8"))
    held = {**package["dependencies"], **package["devDependencies"]}
    held |= dict(re.findall(r"([a-z-]+)==([0-9.]+)", run))
    assert len(asked_for) == 4
    assert asked_for.items() <= held.items()
    assert (clients / "go" / "oapi-codegen.yaml").read_text("utf-8") in page
