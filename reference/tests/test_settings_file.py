"""How a server is set up besides the command line: a file, the environment, limits."""

from pathlib import Path
from typing import Any

import pytest

from kafka_do.server.settings import Setting, check_environment, read_limits, read_settings
from kafka_do.spec import SPEC

_KNOWN = {
    "host": Setting(str),
    "port": Setting(int, 0, 65535),
    "auto_create_topics": Setting(bool),
    "cors_origin": Setting(list),
    "drain_ms": Setting(int, 0),
    "limit": Setting(list),
}


def _read(folder: Path, text: str) -> dict[str, Any]:
    file = folder / "server.toml"
    file.write_text(text, "utf-8")
    return read_settings(file, _KNOWN)


def test_a_file_has_settings_and_a_table_of_limits(tmp_path: Path) -> None:
    text = 'host = "::1"\nport = 0\nauto_create_topics = false\ncors_origin = ["https://a.example"]\n'
    text += "[limits]\nmax_wait_ms = 5\n"
    assert _read(tmp_path, text) == {
        "host": "::1",
        "port": 0,
        "auto_create_topics": False,
        "cors_origin": ["https://a.example"],
        "limit": ["max_wait_ms=5"],
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "there is no setting prot; did you mean 'port'?"),
        ("api_key = 'secret'", "there is no setting api_key; there are auto_create_topics, cors_origin"),
        ("limit = ['max_wait_ms=1']", "there is no setting limit"),
        ("port = '8082'", "port has to be a whole number, not '8082'"),
        ("port = true", "port has to be a whole number, not True"),
        ("port = 8082.5", "port has to be a whole number, not 8082.5"),
        ("port = 70000", "port has to be 0 or more, up to 65535, not 70000"),
        ("drain_ms = -1", "drain_ms has to be 0 or more, not -1"),
        ("auto_create_topics = 'no'", "auto_create_topics has to be true or false, not 'no'"),
        ("cors_origin = 'https://a.example'", "cors_origin has to be a list of texts"),
        ("cors_origin = [1]", "cors_origin has to be a list of texts"),
        ("limits = 5", r"limits is a table: \[limits\]"),
        ("[limits]\nmax_wait = 5", "there is no setting max_wait; did you mean 'max_wait_ms'?"),
        ("[limits]\nmax_wait_ms = '5'", "limits.max_wait_ms has to be a whole number"),
        ("[limits]\nmax_wait_ms = 0", "max_wait_ms is a whole number from 1 to 9007199254740991"),
        ("[limits]\nmax_wait_ms = -5", "max_wait_ms is a whole number from 1 to"),
        ("[limits]\nmax_wait_ms = 9007199254740992", "max_wait_ms is a whole number from 1 to"),
        ("[limits]\nmax_wait_ms = 1" + "0" * 3000, "max_wait_ms is a whole number from 1 to"),
        ("[limits]\nmax_batch_bytes = 10", "max_record_bytes, which is 1000000, has to be at most max_batch_bytes"),
        ("port = ", "Invalid value"),
        ("port = 1\nport = 2", "Cannot overwrite"),
        ("[servre]\nport = 1", "there is no setting servre"),
    ],
)
def test_a_faulty_file_is_named_with_the_setting_and_what_would_be_right(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"^.*server\.toml: .*{words}"):
        _read(tmp_path, text)


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"server\.toml: 'utf-8' codec"):
        read_settings(file, _KNOWN)
    with pytest.raises(ValueError, match=r"nowhere\.toml: No such file"):
        read_settings(tmp_path / "nowhere.toml", _KNOWN)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("S_PROT", "1", "there is no setting S_PROT; did you mean 'S_PORT'?"),
        ("S_PORT", "x", "S_PORT has to be a whole number, not 'x'"),
        ("S_PORT", "٣", "S_PORT has to be a whole number"),
        ("S_PORT", "70000", "S_PORT has to be 0 or more, up to 65535, not 70000"),
        ("S_AUTO_CREATE_TOPICS", "maybe", "S_AUTO_CREATE_TOPICS has to be true or false, not 'maybe'"),
    ],
)
def test_a_faulty_variable_is_named(variable: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_environment({variable: value, "OTHER": "x"}, "S_", _KNOWN)


def test_good_variables_and_those_of_others_are_taken() -> None:
    given = {
        "S_PORT": "0",
        "S_HOST": "a",
        "S_AUTO_CREATE_TOPICS": "false",
        "S_CORS_ORIGIN": "https://a https://b",
        "X": "",
    }
    check_environment(given, "S_", _KNOWN)


def test_limits_are_the_specifications_but_those_that_are_given() -> None:
    assert read_limits([]) == SPEC.limits
    assert read_limits(["max_wait_ms=1", "max_json_depth=7"]) == {**SPEC.limits, "max_wait_ms": 1, "max_json_depth": 7}


@pytest.mark.parametrize("one", ["max_wait_ms", "max_wait_ms=", "max_wait_ms=1.5", "max_wait_ms=+1", "max_wait_ms= 1"])
def test_a_limit_is_a_whole_number(one: str) -> None:
    with pytest.raises(ValueError, match="as in max_wait_ms=30000"):
        read_limits([one])
