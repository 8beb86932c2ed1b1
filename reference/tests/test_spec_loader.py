"""The specification as data: found from wherever one stands, and a clear word where it is missing."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from kafka_do import _data
from kafka_do.spec import SPEC, data_root, load, requirements

_SPEC = data_root() / "spec"


def test_the_specification_is_found_from_another_working_directory(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from kafka_do.spec import SPEC, requirements; print(SPEC.revision, len(requirements()))",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.stderr) == (f"{SPEC.revision} {len(requirements())}\n", "")


def test_a_specification_in_the_working_directory_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoy = tmp_path / "spec" / "generated"
    decoy.mkdir(parents=True)
    (decoy / "spec.json").write_text("{}", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert load(data_root()) == SPEC


def test_loading_from_a_folder_without_a_specification_names_the_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"spec\.json") as missing:
        load(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(missing.value)


def test_a_package_without_its_specification_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_data, "__file__", str(tmp_path / "a" / "kafka_do" / "_data.py"))
    with pytest.raises(FileNotFoundError, match=r"installed without its specification: no spec/generated/spec\.json"):
        data_root()


@pytest.mark.parametrize("text", ['{"revision": 1}', "{}", '{"revision": "1.0", "surprise": 1}'])
def test_a_specification_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    generated = tmp_path / "spec" / "generated"
    generated.mkdir(parents=True)
    (generated / "spec.json").write_text(text, "utf-8")
    with pytest.raises(msgspec.ValidationError):
        load(tmp_path)


def test_what_is_loaded_is_what_the_sources_say() -> None:
    protocol = yaml.safe_load((_SPEC / "protocol.yaml").read_text("utf-8"))
    errors = yaml.safe_load((_SPEC / "errors.yaml").read_text("utf-8"))["codes"]
    assert SPEC.revision == protocol["revision"]
    assert SPEC.limits == {name: limit["reference"] for name, limit in protocol["limits"].items()}
    assert SPEC.defaults == protocol["defaults"]
    assert list(SPEC.features) == list(protocol["features"])
    assert {code: (entry.status, entry.retriable, entry.indeterminate) for code, entry in SPEC.errors.items()} == {
        code: (entry.get("status"), entry["retriable"], entry["indeterminate"]) for code, entry in errors.items()
    }


def test_a_code_has_a_status_exactly_if_servers_raise_it() -> None:
    assert {entry.raised_by == "server" for entry in SPEC.errors.values() if entry.status is not None} == {True}
    assert {entry.raised_by == "client" for entry in SPEC.errors.values() if entry.status is None} == {True}


def test_the_registry_gives_each_requirement_under_its_id() -> None:
    found = requirements()
    assert all(ident == requirement.id for ident, requirement in found.items())
    assert found["PRODUCE-006"].text == "The first record of a partition MUST have the offset 0."
