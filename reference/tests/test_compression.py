"""Compressed bodies."""

import gzip
import tracemalloc
import zlib

import pytest

from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError
from kafka_do.server.compression import check_coding, inflate

_TEXT = b'{"records":[]}'


@pytest.mark.parametrize(
    ("value", "compressed"), [(b"gzip", True), (b"GZIP", True), (b"identity", False), (b"", False)]
)
def test_gzip_and_identity_are_taken(value: bytes, *, compressed: bool) -> None:
    assert check_coding(value) is compressed


@pytest.mark.parametrize("value", [b"br", b"x-gzip", b"gzip, gzip", b"gzip, br", b"deflate", b"\xff"])
def test_other_codings_are_refused_with_the_one_that_is_known(value: bytes) -> None:
    with pytest.raises(HeadedError) as refused:
        check_coding(value)
    assert (refused.value.code, refused.value.headers) == (
        "unsupported_content_encoding",
        (("Accept-Encoding", "gzip"),),
    )


@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_body_is_what_it_inflates_to(level: int) -> None:
    assert inflate(gzip.compress(_TEXT, level), len(_TEXT)) == _TEXT


def test_an_empty_text_is_a_text() -> None:
    assert inflate(gzip.compress(b""), 1) == b""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (_TEXT, "not gzip"),
        (zlib.compress(_TEXT), "not gzip"),
        (gzip.compress(_TEXT)[:-1], "cut short"),
        (gzip.compress(_TEXT)[:15], "cut short"),
        (b"\x1f", "cut short"),
        (gzip.compress(_TEXT) + b"\0", "1 bytes stand behind"),
        (gzip.compress(_TEXT) * 2, "one member"),
        (gzip.compress(_TEXT)[:-8] + bytes(8), "not gzip"),
    ],
    ids=["plain", "zlib", "without-its-end", "without-its-middle", "begun", "trailing-byte", "two-members", "checksum"],
)
def test_broken_gzip_is_refused_with_what_is_wrong(body: bytes, words: str) -> None:
    with pytest.raises(KafkaError, match=words) as refused:
        inflate(body, 1000)
    assert refused.value.code == "invalid_request"
    assert [fault["pointer"] for fault in refused.value.fields["errors"]] == [""]


def test_inflating_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(KafkaError) as refused:
            inflate(bomb, 1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (refused.value.code, refused.value.fields) == ("request_too_large", {"max_request_bytes": 1_000_000})
    assert peak < 5_000_000


def test_a_text_as_long_as_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    body = gzip.compress(bytes(1000))
    assert len(inflate(body, 1000)) == 1000
    with pytest.raises(KafkaError, match="max_request_bytes, which is 999"):
        inflate(body, 999)
