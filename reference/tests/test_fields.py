"""Header fields of a request, read without a request."""

import pytest

from kafka_do.binding.fields import accepts_json, bearer_key, combine, content_codings, is_key, is_request_id


def test_fields_are_found_by_name_and_one_that_is_repeated_is_one_list() -> None:
    headers = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]
    assert combine(headers) == {b"a": b"1, 3", b"b": b"2"}
    assert combine(headers[:2]) == {b"a": b"1", b"b": b"2"}
    assert combine([]) == {}


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (b"*/*", True),
        (b"", True),
        (b"application/json", True),
        (b"APPLICATION/JSON", True),
        (b"application/*", True),
        (b"text/html, application/json;q=0.001", True),
        (b"application/json; charset=utf-8", True),
        (b"application/*;q=0, application/json", True),
        (b"*/*;q=0, application/*;q=0.5", True),
        (b"text/html", False),
        (b"application/problem+json", False),
        (b"application/json-seq", False),
        (b"application/json;q=0", False),
        (b"application/json;q=0.000", False),
        (b"application/json; Q=0", False),
        (b"*/*, application/json;q=0", False),
        (b"*/*, application/*;q=0", False),
        (b"application/json;q=nothing", False),
        (b"application/json;q=-1", False),
        (b"application/json;q=1e9", False),
        (b"json", False),
        (b"\xff", False),
    ],
)
def test_the_most_specific_range_of_accept_decides(value: bytes, *, allowed: bool) -> None:
    assert accepts_json(value) is allowed


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b"Bearer abc", b"abc"),
        (b"bEARER   a-b._~+/c==", b"a-b._~+/c=="),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"Bearerabc", None),
        (b"Bearer a b", None),
        (b"Bearer a, Bearer b", None),
        (b"Bearer a=b", None),
        (b"Bearer \xc3\xa9", None),
        (b"Basic abc", None),
        (b" Bearer abc", None),
        (b"abc", None),
        (b"", None),
    ],
)
def test_a_key_stands_behind_bearer_and_nothing_stands_behind_it(value: bytes, key: bytes | None) -> None:
    assert bearer_key(value) == key


@pytest.mark.parametrize(
    ("key", "valid"), [(b"a", True), (b"A-z09._~+/=", True), (b"", False), (b"=", False), (b"a\n", False)]
)
def test_a_key_has_characters_that_may_stand_in_a_header(key: bytes, *, valid: bool) -> None:
    assert is_key(key) is valid


@pytest.mark.parametrize(
    ("value", "codings"),
    [
        (b"", []),
        (b"identity", []),
        (b"Identity , identity", []),
        (b"GZip", ["gzip"]),
        (b"gzip, identity", ["gzip"]),
        (b"gzip, gzip", ["gzip", "gzip"]),
        (b"br,gzip", ["br", "gzip"]),
        (b"x-gzip", ["x-gzip"]),
        (b"\xff", ["ÿ"]),
    ],
)
def test_the_codings_of_a_body(value: bytes, codings: list[str]) -> None:
    assert content_codings(value) == codings


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (b"a", True),
        (b"A.b_c-9" * 18, True),
        (b"a" * 129, False),
        (b"", False),
        (b"a b", False),
        (b"a\n", False),
        (b"\xe9", False),
    ],
)
def test_the_id_of_a_request_has_few_characters_and_not_many(value: bytes, *, taken: bool) -> None:
    assert is_request_id(value) is taken
