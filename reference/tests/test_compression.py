"""Compressed bodies."""

import asyncio
import gzip
import random
import tracemalloc
import zlib

import pytest
import zstandard

from kafka_do.binding.http import HttpResponse
from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError
from kafka_do.server.compression import inflate_gzip as inflate
from kafka_do.server.compression import inflate_zstd, inflater
from kafka_do.server.deflating import deflated

_TEXT = b'{"records":[]}'


@pytest.mark.parametrize(
    ("value", "compressed"), [(b"gzip", True), (b"GZIP", True), (b"identity", False), (b"", False)]
)
def test_gzip_and_identity_are_taken(value: bytes, *, compressed: bool) -> None:
    assert (inflater(value, with_zstd=False) is not None) is compressed


@pytest.mark.parametrize("value", [b"br", b"x-gzip", b"gzip, gzip", b"gzip, br", b"deflate", b"\xff"])
def test_other_codings_are_refused_with_the_one_that_is_known(value: bytes) -> None:
    with pytest.raises(HeadedError) as refused:
        inflater(value, with_zstd=False)
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
        (gzip.compress(_TEXT) * 2, "one piece"),
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


_ZSTD = zstandard.ZstdCompressor().compress(_TEXT)


def test_a_zstd_body_is_what_it_inflates_to_whether_its_size_stands_in_it_or_not() -> None:
    assert inflater(b"ZSTD", with_zstd=True) is inflate_zstd
    assert inflate_zstd(_ZSTD, len(_TEXT)) == _TEXT
    stream = zstandard.ZstdCompressor().compressobj()
    assert inflate_zstd(stream.compress(_TEXT) + stream.flush(), len(_TEXT)) == _TEXT
    assert inflate_zstd(zstandard.ZstdCompressor().compress(b""), 1) == b""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (_ZSTD[:-1], "cut short"),
        (_ZSTD + b"x", "1 bytes stand behind the end"),
        (_ZSTD + _ZSTD, "stand behind the end"),
        (gzip.compress(_TEXT), "this is not zstd"),
        (b"{", "this is not zstd|cut short"),
        (b"\x50\x2a\x4d\x18\x01\x00\x00\x00x" + _ZSTD, "stand behind the end|this is not zstd"),
    ],
    ids=["cut", "tail", "two", "gzip", "text", "skippable"],
)
def test_a_broken_zstd_body_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(KafkaError, match=words) as refused:
        inflate_zstd(body, 10_000)
    assert refused.value.code == "invalid_request"


def test_a_zstd_bomb_stops_at_the_limit() -> None:
    stream = zstandard.ZstdCompressor().compressobj()
    bomb = b"".join([*(stream.compress(bytes(1 << 20)) for _ in range(200)), stream.flush()])
    assert len(bomb) < 50_000
    for limit in (1000, 1_000_000):
        with pytest.raises(KafkaError, match="inflates to more than max_request_bytes") as refused:
            inflate_zstd(bomb, limit)
        assert refused.value.code == "request_too_large"


def test_a_window_above_what_the_rfc_asks_for_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = stream.compress(_TEXT) + stream.flush()
    with pytest.raises(KafkaError, match="this is not zstd"):
        inflate_zstd(body, 10_000)


_LONG = HttpResponse(200, (("Content-Type", "application/json"),), b'{"a":"' + b"abc" * 3000 + b'"}')


def _deflated(accept: bytes | None, response: HttpResponse = _LONG, *, with_zstd: bool = True) -> HttpResponse:
    return asyncio.run(deflated(response, accept, with_zstd=with_zstd, waits=True))


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, None),
        (b"", None),
        (b"identity", None),
        (b"gzip", "gzip"),
        (b"GZIP;q=0.5", "gzip"),
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"zstd;q=0.1, gzip", "gzip"),
        (b"gzip;q=0", None),
        (b"gzip;q=0.3, identity;q=0.5", None),
        (b"*", "zstd"),
        (b"*;q=0", None),
        (b"zstd;q=0, *", "gzip"),
        (b"br", None),
        (b"gzip;q=2", None),
    ],
)
def test_an_answer_has_the_coding_that_the_client_likes_best(accept: bytes | None, coding: str | None) -> None:
    answer = _deflated(accept)
    headers = dict(answer.headers)
    assert headers.get("Content-Encoding") == coding
    assert headers["Vary"] == "Accept-Encoding"
    if coding == "gzip":
        assert gzip.decompress(answer.body) == _LONG.body
    elif coding == "zstd":
        assert zstandard.ZstdDecompressor().decompress(answer.body) == _LONG.body
    else:
        assert answer.body == _LONG.body
    assert coding is None or len(answer.body) < len(_LONG.body) // 10


def test_a_server_without_zstd_answers_in_gzip() -> None:
    assert dict(_deflated(b"gzip, zstd", with_zstd=False).headers)["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in dict(_deflated(b"zstd", with_zstd=False).headers)


def test_short_answers_stay_as_they_are_and_long_ones_are_compressed_beside_the_loop() -> None:
    short = HttpResponse(200, (), b"{}")
    assert _deflated(b"gzip", short) is short
    long = HttpResponse(200, (), random.Random(1).randbytes(300_000))  # noqa: S311
    assert gzip.decompress(_deflated(b"gzip", long).body) == long.body
    at_once = deflated(long, b"gzip", with_zstd=False, waits=False)
    with pytest.raises(StopIteration) as done:
        at_once.send(None)
    assert gzip.decompress(done.value.value.body) == long.body
