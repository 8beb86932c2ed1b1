"""Which pages may read the answers."""

import pytest

from kafka_do.server.cors import Cors

_PREFLIGHT = {b"origin": b"https://shop.example", b"access-control-request-method": b"POST"}


def _allowed(cors: Cors, origin: bytes) -> str | None:
    return dict(cors.headers({b"origin": origin})).get("Access-Control-Allow-Origin")


@pytest.mark.parametrize(
    ("listed", "sent"),
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.Example", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
def test_an_origin_is_compared_as_browsers_send_it(listed: str, sent: str) -> None:
    assert _allowed(Cors([listed]), sent.encode()) == sent


@pytest.mark.parametrize(
    "text",
    ["*", "https://*", "https://*.example", "null", "", "shop.example", "https://shop.example/", "https://shop.example/a",
     "https://a b", "https://user@shop.example", "https://shop.example:0", "https://shop.example:65536", "https://é.example",
     "https://", "https://shop.example:", "https://shop.example\n"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        Cors([text])


@pytest.mark.parametrize(
    "origin",
    [
        b"",
        b"null",
        b"https://shop.example.evil",
        b"https://shop.example:444",
        b"http://shop.example",
        b"https://SHOP.example",
    ],
)
def test_other_origins_get_nothing_but_vary(origin: bytes) -> None:
    assert Cors(["https://shop.example"]).headers({b"origin": origin}) == (("Vary", "Origin"),)


def test_a_preflight_tells_the_methods_of_its_path() -> None:
    answer = Cors(["https://shop.example"]).preflight("OPTIONS", "/v1/topics/t", _PREFLIGHT)
    assert answer is not None
    assert answer.status == 204
    assert dict(answer.headers)["Access-Control-Allow-Methods"] == "DELETE, GET, PATCH"


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", "/v1/topics", _PREFLIGHT),
        ("OPTIONS", "/v1/nothing", _PREFLIGHT),
        ("OPTIONS", "/v1/topics", {b"origin": b"https://shop.example"}),
        ("OPTIONS", "/v1/topics", {b"access-control-request-method": b"POST"}),
        ("OPTIONS", "/v1/topics", {**_PREFLIGHT, b"origin": b"https://somebody.else"}),
    ],
)
def test_other_requests_are_no_preflight(method: str, path: str, fields: dict[bytes, bytes]) -> None:
    assert Cors(["https://shop.example"]).preflight(method, path, fields) is None
