"""Names and parameters: which are refused, and how those on the wire are read."""

from urllib.parse import quote

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.wire import Response

_LONGEST = 249
_NO_INTEGERS = (
    *(
        "",
        "x",
        "null",
        "true",
        "1.0",
        "1e0",
        "0x0",
        "0b1",
        "1_0",
        "--1",
        "-1",
        "+1",
        "%2B1",
        "%201",
        "1%20",
        "1+",
        "%EF%BC%91",
    ),
    *("%2530", "%00", "0%00", "%220%22", "9007199254740992", "9" * 400),
)
# Which segment, and the name that it stands for.
_SEGMENTS = {
    "a%2Fb": "a/b",
    "%2F": "/",
    "%2E": ".",
    "%2e%2E": "..",
    "%2E%2E%2F%2E%2E%2Ftopics": "../../topics",
    "%252E%252E": "%2E%2E",
    "a%252Fb": "a%2Fb",
    "a+b": "a+b",
    "a%20b": "a b",
    "a%00b": "a\0b",
    "a%0Ab": "a\nb",
    "%C3%A9": "é",
    "a%3Fb%23c": "a?b#c",
    "x" * 250: "x" * 250,
    "y" * 2000: "y" * 2000,
}
_ILLEGAL = (
    *(
        "",
        ".",
        "..",
        "a/b",
        "/",
        "../a",
        "a\\b",
        "a b",
        " a",
        "a ",
        "a\n",
        "\ta",
        "a\0b",
        "a\x7fb",
        "a%2Fb",
        "%2E",
        "a:b",
        "a,b",
    ),
    *(
        "a*",
        "a?",
        "a#",
        "a@b",
        "a\u00e9",
        "\u65e5\u672c",
        "\U0001f600",
        "a\u202eb",
        "\uff41",
        "\u0661",
        "x" * 250,
        "y" * 100_000,
    ),
)


@server_case(
    title="Every name that Kafka does not allow is refused, and the longest that it allows is taken",
    requirements=["TOPIC-005", "CONV-010"],
    hint="Match the whole name: `$` matches before a line feed, and \\w matches letters of every alphabet.",
)
def names_of_topics(server: ServerSession) -> None:
    """Create topics of illegal names, tried only as well, and of awkward legal ones, which are deleted again."""
    for name in _ILLEGAL:
        for extra in ({}, {"validate_only": True}):
            response = server.send("POST", "/v1/topics", value={"topic": name, **extra})
            refused = {"status": 422, "problem": {"code": "invalid_topic_name", "topic": name}}
            server.expect(f"create {name[:60]!r}", response, refused)
    base = fresh_name()
    for name in (base.ljust(_LONGEST, "z"), f"{base}.", f"-{base}_", f"...{base}", f"{base}..__--"):
        server.create_topic(1, name)
        server.expect(f"delete {name}", server.send("DELETE", f"/v1/topics/{name}"), {"status": 204})


@server_case(
    title="A name that no topic can have is not found, wherever one asks for it",
    requirements=["TOPIC-015", "FETCH-006", "OFFSETS-005", "CONV-015"],
    hint="Split the path first, then decode each segment once; do not let a framework decode, resolve or reroute it.",
)
def names_that_no_topic_has(server: ServerSession) -> None:
    """Ask for them in the path of every operation, and in the bodies of those that ask about many."""
    topic = server.create_topic(1)
    for segment, name in _SEGMENTS.items():
        gone = {"status": 404, "problem": {"code": "topic_not_found", "topic": name}}
        path = f"/v1/topics/{segment}"
        for method, target, value in (
            ("GET", path, None),
            ("PATCH", path, {"partitions": 2}),
            ("DELETE", path, None),
            ("GET", f"{path}/partitions/0/records?offset=0", None),
        ):
            server.expect(f"{method} {target[:60]}", server.send(method, target, value=value), gone)
        place = {"topic": name, "partition": 0}
        failed = {
            "status": 200,
            "json": {"partitions": [{**place, "error": {"code": "topic_not_found", "topic": name}}]},
        }
        for target, item in (("/v1/fetch", {**place, "offset": 0}), ("/v1/offsets", {**place, "at": "latest"})):
            server.expect(f"{target} {name[:60]!r}", server.send("POST", target, value={"partitions": [item]}), failed)
    described = {"status": 200, "json": {"topic": topic, "partition_count": 1}}
    server.expect("describe the topic", server.send("GET", f"/v1/topics/{topic}"), described)


@server_case(
    title="A segment of a path is decoded once, after the path was split",
    requirements=["CONV-015"],
    hint="Route on the path as it stands on the wire; `%63` is `c`, and bytes that are no UTF-8 are no name.",
)
def encoded_segments(server: ServerSession) -> None:
    """Write the same name in different ways, and one that is no text."""
    topic = server.create_topic(2)
    for spelt in (topic, f"%63{topic[1:]}", "".join(f"%{ord(char):02X}" for char in topic), quote(topic, safe="")):
        server.expect(spelt, server.send("GET", f"/v1/topics/{spelt}"), {"status": 200, "json": {"topic": topic}})
        response = server.send("GET", f"/v1/topics/{spelt}/partitions/%31/records?offset=0&max_wait_ms=0")
        server.expect(f"{spelt}, partition %31", response, {"status": 200, "json": {"topic": topic, "partition": 1}})
    for spelt in ("%FF", f"{topic}%C3", "%ED%A0%80"):
        pointed = {"status": 400, "problem": {"code": "invalid_request", "errors": [{"pointer": "?topic"}]}}
        server.expect(spelt, server.send("GET", f"/v1/topics/{spelt}"), pointed)
    for path in (
        f"/v1/topics/{topic}/",
        f"/v1//topics/{topic}",
        f"/v1/topics%2F{topic}",
        f"/v1/topics/{topic}%2Frecords/x",
    ):
        gone = {"status": 404, "problem": {"code": "route_not_found"}}
        server.expect(path, server.send("GET", path), gone)


@server_case(
    title="A parameter that is no integer, or not in its range, is refused by name, in the path and in the query",
    requirements=["CONV-007", "CONV-010"],
    hint="Only the digits 0 to 9; do not let a library trim, round or guess.",
)
def parameters_that_are_no_integers(server: ServerSession) -> None:
    """Give each integer parameter what lenient parsers take."""
    topic = server.create_topic(1)
    records = f"/v1/topics/{topic}/partitions/0/records?offset=0"
    for text in _NO_INTEGERS:
        for name in ("max_records", "max_bytes", "min_bytes", "max_wait_ms"):
            _refused(server, "GET", f"{records}&{name}={text}", name)
        _refused(server, "GET", f"{records[:-1]}{text}", "offset")
        _refused(server, "GET", f"/v1/topics?page_size={text}", "page_size")
        if text:
            _refused(server, "GET", f"/v1/topics/{topic}/partitions/{text}/records?offset=0", "partition")
            response = server.send(
                "POST", f"/v1/topics/{topic}/partitions/{text}/records", value={"records": [{"value": 1}]}
            )
            _pointed(server, text, response, "partition")
    for name, text in (
        ("max_records", "0"),
        ("max_bytes", "0"),
        ("max_records", "100001"),
        ("max_wait_ms", "2147483648"),
    ):
        _refused(server, "GET", f"{records}&{name}={text}", name)
    for size in (0, 1001):
        _refused(server, "GET", f"/v1/topics?page_size={size}", "page_size")
    empty = {"status": 200, "json": {"records": [], "high_watermark": 0}}
    server.expect("fetch", server.send("GET", f"{records}&max_wait_ms=0"), empty)


@server_case(
    title="A query parameter that is unknown is refused by name at every operation",
    requirements=["CONV-007", "CONV-010"],
    hint="Operations without parameters have unknown ones too.",
)
def unknown_parameters_everywhere(server: ServerSession) -> None:
    """Add one to each operation."""
    topic, other = server.create_topic(1), fresh_name()
    one = f"/v1/topics/{topic}"
    records = {"records": [{"value": 1}]}
    place = {"topic": topic, "partition": 0}
    for method, target, value in (
        ("GET", "/v1?", None),
        ("GET", "/v1/topics?page_size=1&", None),
        ("POST", "/v1/topics?", {"topic": other}),
        ("GET", f"{one}?", None),
        ("PATCH", f"{one}?", {"partitions": 2}),
        ("DELETE", f"{one}?", None),
        ("POST", f"{one}/records?", records),
        ("POST", f"{one}/partitions/0/records?", records),
        ("GET", f"{one}/partitions/0/records?offset=0&", None),
        ("POST", "/v1/fetch?", {"partitions": [{**place, "offset": 0}]}),
        ("POST", "/v1/offsets?", {"partitions": [{**place, "at": "latest"}]}),
    ):
        for query, name in (
            ("dry=1", "dry"),
            ("dry", "dry"),
            ("%64ry=", "dry"),
            ("a%20b=1", "a b"),
            ("Offset=0", "Offset"),
        ):
            _pointed(server, target + query, server.send(method, target + query, value=value), name)
    described = {"partition_count": 1, "partitions": [{"high_watermark": 0}]}
    server.expect("describe", server.send("GET", one), {"status": 200, "json": described})
    server.expect(
        "the other", server.send("GET", f"/v1/topics/{other}"), {"status": 404, "problem": {"code": "topic_not_found"}}
    )


@server_case(
    title="A query parameter that is given twice is refused by name, and each is decoded once",
    requirements=["CONV-016"],
    hint="Neither the first nor the last is right: one of them was not meant.",
)
def repeated_parameters(server: ServerSession) -> None:
    """Repeat parameters, also in other spellings, and write one of them encoded."""
    topic = server.create_topic(1)
    records = f"/v1/topics/{topic}/partitions/0/records"
    for query, name in (
        ("offset=0&offset=0", "offset"),
        ("offset=0&max_records=1&%6Fffset=1", "offset"),
        ("offset=0&encoding=auto&encoding=json", "encoding"),
        ("offset=0&max_records=1&max_records=", "max_records"),
    ):
        _refused(server, "GET", f"{records}?{query}", name)
    _refused(server, "GET", "/v1/topics?page_size=1&page_size=1", "page_size")
    empty = {"status": 200, "json": {"records": [], "next_offset": 0}}
    for query in ("%6Fffset=%30&max%5Fwait%5Fms=0", "max_wait_ms=0&offset=0", "offset=0&max_wait_ms=0&encoding=%61uto"):
        server.expect(query, server.send("GET", f"{records}?{query}"), empty)


def _refused(server: ServerSession, method: str, target: str, name: str) -> None:
    _pointed(server, target, server.send(method, target), name)


def _pointed(server: ServerSession, step: str, response: Response, name: str) -> None:
    pointed = {"code": "invalid_request", "errors": [{"pointer": f"?{name}", "detail": {"$type": "string"}}]}
    server.expect(step[:120], response, {"status": 400, "problem": pointed})
