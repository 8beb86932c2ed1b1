"""Who may ask."""

import gc
import hashlib
import tracemalloc
from pathlib import Path

import pytest

from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError
from kafka_do.engines.clock import ManualClock
from kafka_do.server.authentication import Holder, Keys

_SECRET = "s3cret-key~1"  # noqa: S105


@pytest.mark.parametrize("key", [b"one", _SECRET.encode()])
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/topics"), ("DELETE", "/v1"), ("GET", "/elsewhere")])
def test_each_of_the_keys_is_taken(key: bytes, method: str, path: str) -> None:
    Keys(["one", _SECRET]).check(method, path, b"Bearer " + key)


@pytest.mark.parametrize(
    "authorization", [None, b"", b"Bearer wrong", b"Bearer " + _SECRET.encode() + b"x", b"Basic one"]
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/topics"), ("DELETE", "/v1"), ("GET", "/v1/"), ("GET", "/")])
def test_nothing_else_is_and_no_key_is_told(method: str, path: str, authorization: bytes | None) -> None:
    with pytest.raises(HeadedError) as refused:
        Keys([_SECRET]).check(method, path, authorization)
    assert (refused.value.code, refused.value.headers) == ("unauthorized", (("WWW-Authenticate", "Bearer"),))
    assert "wrong" not in str(refused.value)
    assert _SECRET not in str(refused.value)


@pytest.mark.parametrize("authorization", [None, b"Bearer wrong"])
def test_discovery_needs_no_key(authorization: bytes | None) -> None:
    Keys([_SECRET]).check("GET", "/v1", authorization)


@pytest.mark.parametrize("text", ["", "two words", "é", "sesame\n"])
def test_a_text_that_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^key 2 has to be made of letters") as refused:
        Keys(["one", text])
    assert not text.strip() or text.strip() not in str(refused.value)


def test_a_server_that_asks_for_a_key_has_one() -> None:
    with pytest.raises(ValueError, match="there is no key"):
        Keys([])


def test_keys_are_not_kept() -> None:
    keys = Keys([_SECRET])
    assert _SECRET not in repr(keys)
    assert _SECRET not in repr(vars(keys))


def test_an_unauthorized_request_is_not_retriable() -> None:
    with pytest.raises(KafkaError) as refused:
        Keys([_SECRET]).check("GET", "/v1/topics", None)
    assert (refused.value.retriable, refused.value.indeterminate) == (False, False)


_LOOK_MS = 1000


def _line(name: str, key: str, options: str) -> str:
    return f"{name} sha256:{hashlib.sha256(key.encode()).hexdigest()} {options}\n"


def _replace(file: Path, text: str) -> None:
    """Replace a file as editors do, so that it is another one even where its time and size are the same."""
    other = file.with_suffix(".new")
    other.write_text(text, "utf-8")
    other.replace(file)


def _holder(keys: Keys, key: str) -> Holder | None:
    try:
        return keys.check("GET", "/v1/topics", f"Bearer {key}".encode())
    except HeadedError:
        return None


def test_a_file_is_read_again_when_it_changes_and_a_key_that_is_gone_is_refused(tmp_path: Path) -> None:
    file, clock = tmp_path / "keys", ManualClock()
    file.write_text(_line("a", "key-a", "scopes=produce") + _line("b", "key-b", "scopes=consume"), "utf-8")
    keys = Keys(["given"], file=file, clock=clock)
    first, second = _holder(keys, "key-a"), _holder(keys, "key-b")
    assert first is not None
    assert second is not None
    assert (first.key.name, first.rights.scopes) == ("a", frozenset({"produce"}))
    _replace(file, _line("b", "key-b", "scopes=consume") + _line("c", "key-c", "scopes=admin"))
    assert _holder(keys, "key-a") is first  # it looks once a second
    clock.advance(_LOOK_MS)
    assert _holder(keys, "key-a") is None
    assert _holder(keys, "key-b") is second  # and so keeps what is left of its quota
    assert _holder(keys, "key-c") is not None
    assert _holder(keys, "given") is not None
    assert (keys.is_current(first), keys.is_current(second)) == (False, True)


def test_whoever_goes_on_for_long_is_told_that_a_key_allows_something_else_now(tmp_path: Path) -> None:
    file, clock = tmp_path / "keys", ManualClock()
    file.write_text(_line("a", "key-a", "scopes=consume"), "utf-8")
    keys = Keys(file=file, clock=clock)
    holder = _holder(keys, "key-a")
    assert holder is not None
    _replace(file, _line("a", "key-a", "scopes=produce"))
    clock.advance(_LOOK_MS)
    assert not keys.is_current(holder)
    now = _holder(keys, "key-a")
    assert now is not None
    assert now.rights.scopes == {"produce"}


@pytest.mark.parametrize("text", ["two words\n", "", None])
def test_a_faulty_or_missing_file_changes_nothing_and_is_told_once(
    text: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, clock = tmp_path / "keys", ManualClock()
    file.write_text(_line("a", "key-a", "scopes=consume"), "utf-8")
    keys = Keys(file=file, clock=clock)
    if text is None:
        file.unlink()
    else:
        _replace(file, text)
    for _ in range(3):
        clock.advance(_LOOK_MS)
        assert _holder(keys, "key-a") is not None
    assert len(caplog.records) == 1
    assert caplog.records[0].levelname == "ERROR"
    _replace(file, _line("b", "key-b", "scopes=consume"))
    clock.advance(_LOOK_MS)
    assert _holder(keys, "key-a") is None
    assert _holder(keys, "key-b") is not None


def test_a_hundred_thousand_wrong_keys_leave_nothing_behind() -> None:
    keys = Keys([_SECRET])

    def size_after(count: int, prefix: str) -> int:
        for number in range(count):
            assert _holder(keys, f"{prefix}-{number}") is None
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = size_after(1000, "a")
        after = size_after(100_000, "b")
    finally:
        tracemalloc.stop()
    assert after - before < 10_000
    assert len(keys._holders) == 1


def test_a_key_that_is_taken_back_stays_so_when_the_file_changes_until_it_is_restored(tmp_path: Path) -> None:
    file, clock = tmp_path / "keys", ManualClock()
    file.write_text(_line("a", "key-a", "scopes=produce"), "utf-8")
    keys = Keys(["given"], file=file, clock=clock)
    assert keys.revoke("key-a")
    assert not keys.revoke("key-a")
    assert not keys.revoke("\ud800")
    _replace(file, _line("a", "key-a", "scopes=produce") + _line("b", "key-b", "scopes=consume"))
    clock.advance(_LOOK_MS)
    assert _holder(keys, "key-b") is not None
    assert _holder(keys, "key-a") is None
    assert keys.revoke("given")
    assert _holder(keys, "given") is None
    keys.restore()
    assert _holder(keys, "given") is not None
    assert _holder(keys, "key-a") is not None
