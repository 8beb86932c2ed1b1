"""Who may ask."""

import pytest

from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError
from kafka_do.server.authentication import Keys

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
