"""Bodies that are refused: each fault at every operation that has a body, with its pointer, and nothing done by any."""

import json
from collections.abc import Iterator
from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, fresh_name

_DEEP = 100_000

# The operations that take a body: method, path, a body that is taken, and the status of its answer.
_OPERATIONS = {
    "produce": ("POST", "/v1/topics/TOPIC/records", '{"records":[{"value":1}]}', 200),
    "batch": ("POST", "/v1/topics/TOPIC/partitions/0/records", '{"records":[{"value":1}]}', 200),
    "fetch": ("POST", "/v1/fetch", '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0}],"max_wait_ms":0}', 200),
    "offsets": ("POST", "/v1/offsets", '{"partitions":[{"topic":"TOPIC","partition":0,"at":"latest"}]}', 200),
    "create": ("POST", "/v1/topics", '{"topic":"OTHER","configs":{"max.message.bytes":"2000"}}', 201),
    "alter": ("PATCH", "/v1/topics/TOPIC", '{"partitions":2}', 200),
}
_EVERY = " ".join(_OPERATIONS)

_NO_INTEGER = ('"0"', "0.0", "1.0", "1e3", "0.5", "-1", "true", "null", "[]", "{}", "9007199254740992", "1e400")
_NO_COUNT = (*_NO_INTEGER, "0", "2147483648")
_NO_PARTITION = (*_NO_INTEGER, "2147483648")
_NO_WAIT = (*_NO_INTEGER, "2147483648")
_NO_TEXT = ("1", "1.5", "true", "[]", "{}")
_NO_OBJECT = ("1", '"a"', "true", "null", "[]")
_NO_ARRAY = ("1", '"a"', "true", "null", "{}", "[]")  # an empty one says nothing either

# A body in which @ stands for a value, the pointer to that place, and what may not stand there.
_VALUES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (_EVERY, "@", "", _NO_OBJECT),
    ("produce batch", '{"records":@}', "/records", _NO_ARRAY),
    ("produce batch", '{"records":[{"value":1},@]}', "/records/1", _NO_OBJECT),
    ("produce batch", '{"records":[{"value":1,"key":@}]}', "/records/0/key", _NO_TEXT),
    ("produce batch", '{"records":[{"value":1,"key_encoding":@}]}', "/records/0/key_encoding", ('"json"', "null", "1")),
    (
        "produce batch",
        '{"records":[{"value":1,"value_encoding":@}]}',
        "/records/0/value_encoding",
        ('"JSON"', "null", "1"),
    ),
    ("produce batch", '{"records":[{"value":@,"value_encoding":"string"}]}', "/records/0/value", _NO_TEXT),
    ("produce batch", '{"records":[{"value_encoding":"base64","value":@}]}', "/records/0/value", _NO_TEXT),
    ("produce batch", '{"records":[{"value":1,"timestamp_ms":@}]}', "/records/0/timestamp_ms", _NO_INTEGER),
    ("produce", '{"records":[{"value":1,"partition":@}]}', "/records/0/partition", _NO_PARTITION),
    ("batch", '{"records":[{"value":1,"partition":@}]}', "/records/0/partition", ("0", "null")),
    ("produce batch", '{"records":[{"value":1,"headers":@}]}', "/records/0/headers", ("1", '"a"', "null", "{}")),
    ("produce batch", '{"records":[{"value":1,"headers":[@]}]}', "/records/0/headers/0", _NO_OBJECT),
    (
        "produce batch",
        '{"records":[{"value":1,"headers":[{"key":@,"value":"a"}]}]}',
        "/records/0/headers/0/key",
        (*_NO_TEXT, "null"),
    ),
    (
        "produce batch",
        '{"records":[{"value":1,"headers":[{"key":"a","value":@}]}]}',
        "/records/0/headers/0/value",
        _NO_TEXT,
    ),
    (
        "produce batch",
        '{"records":[{"value":1,"headers":[{"key":"a","value":"b","value_encoding":@}]}]}',
        "/records/0/headers/0/value_encoding",
        ('"json"', "null", "1"),
    ),
    ("fetch offsets", '{"partitions":@}', "/partitions", _NO_ARRAY),
    ("fetch offsets", '{"partitions":[@]}', "/partitions/0", _NO_OBJECT),
    ("fetch", '{"partitions":[{"topic":@,"partition":0,"offset":0}]}', "/partitions/0/topic", (*_NO_TEXT, "null")),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":@,"offset":0}]}', "/partitions/0/partition", _NO_PARTITION),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":0,"offset":@}]}', "/partitions/0/offset", _NO_INTEGER),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0}],"max_records":@}', "/max_records", _NO_COUNT),
    (
        "fetch",
        '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0}],"max_bytes":@}',
        "/max_bytes",
        (*_NO_INTEGER, "0"),
    ),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0}],"min_bytes":@}', "/min_bytes", _NO_INTEGER),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0}],"max_wait_ms":@}', "/max_wait_ms", _NO_WAIT),
    (
        "fetch",
        '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0}],"encoding":@}',
        "/encoding",
        ('"hex"', "null", "1"),
    ),
    ("offsets", '{"partitions":[{"topic":@,"partition":0,"at":"latest"}]}', "/partitions/0/topic", (*_NO_TEXT, "null")),
    (
        "offsets",
        '{"partitions":[{"topic":"TOPIC","partition":@,"at":"latest"}]}',
        "/partitions/0/partition",
        _NO_PARTITION,
    ),
    ("offsets", '{"partitions":[{"topic":"TOPIC","partition":0,"at":@}]}', "/partitions/0/at", ('"now"', "null", "0")),
    (
        "offsets",
        '{"partitions":[{"topic":"TOPIC","partition":0,"timestamp_ms":@}]}',
        "/partitions/0/timestamp_ms",
        _NO_INTEGER,
    ),
    ("create", '{"topic":@}', "/topic", (*_NO_TEXT, "null")),
    ("create", '{"topic":"OTHER","partitions":@}', "/partitions", _NO_COUNT),
    ("create", '{"topic":"OTHER","configs":@}', "/configs", _NO_OBJECT),
    (
        "create",
        '{"topic":"OTHER","configs":{"max.message.bytes":@}}',
        "/configs/max.message.bytes",
        (*_NO_TEXT, "null"),
    ),
    ("create", '{"topic":"OTHER","validate_only":@}', "/validate_only", ("1", '"true"', "null", "[]")),
    ("alter", '{"partitions":@}', "/partitions", _NO_COUNT),
    ("alter", '{"configs":@}', "/configs", _NO_OBJECT),
    ("alter", '{"configs":{"max.message.bytes":@}}', "/configs/max.message.bytes", _NO_TEXT),
)

# A body from which a member is missing, and the pointer to where it should stand.
_MISSING = (
    ("produce batch", "{}", "/records"),
    ("produce batch", '{"records":[{"value":1},{"key":"a"}]}', "/records/1/value"),
    ("produce batch", '{"records":[{"value":1,"headers":[{"value":"a"}]}]}', "/records/0/headers/0/key"),
    ("produce batch", '{"records":[{"value":1,"headers":[{"key":"a"}]}]}', "/records/0/headers/0/value"),
    ("fetch offsets", "{}", "/partitions"),
    ("fetch", '{"partitions":[{"partition":0,"offset":0}]}', "/partitions/0/topic"),
    ("fetch", '{"partitions":[{"topic":"TOPIC","offset":0}]}', "/partitions/0/partition"),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":0}]}', "/partitions/0/offset"),
    ("offsets", '{"partitions":[{"partition":0,"at":"latest"}]}', "/partitions/0/topic"),
    ("offsets", '{"partitions":[{"topic":"TOPIC","at":"latest"}]}', "/partitions/0/partition"),
    ("create", '{"partitions":1}', "/topic"),
)

# A body in which @ stands for a member, and the pointer to the object that it stands in.
_OBJECTS = (
    ("produce batch", '{"records":[{"value":1}],@}', ""),
    ("produce batch", '{"records":[{"value":1},{"value":2,@}]}', "/records/1"),
    (
        "produce batch",
        '{"records":[{"value":1,"headers":[{"key":"a","value":"b"},{"key":"a","value":"b",@}]}]}',
        "/records/0/headers/1",
    ),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0}],@}', ""),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0,@}]}', "/partitions/0"),
    ("offsets", '{"partitions":[{"topic":"TOPIC","partition":0,"at":"latest"}],@}', ""),
    ("offsets", '{"partitions":[{"topic":"TOPIC","partition":0,"at":"latest",@}]}', "/partitions/0"),
    ("create", '{"topic":"OTHER",@}', ""),
    ("alter", '{"partitions":2,@}', ""),
)
_NAMES = ("vlaue", "", "a/b", "~", "~1", "a.b", "[0]", "$", "`", "é", "a\nb", " ", "...", "x` - at `$.y", "long" * 1000)

_NO_BASE64 = (
    "3q0",
    "3q0==",
    "3q=0",
    "=",
    "3",
    "3q 0=",
    "3q0=\\n",
    " 3q0=",
    "-_8=",
    "3q0=3q0=",
    "AAAA=",
    "AAAA====",
    "3q2!",
    "é",
)
# A body in which @ stands for a text in base64, and the pointer to it.
_BINARY = (
    ('{"records":[{"value":"@","value_encoding":"base64"}]}', "/records/0/value"),
    ('{"records":[{"value":1},{"value":2,"key_encoding":"base64","key":"@"}]}', "/records/1/key"),
    (
        '{"records":[{"value":1,"headers":[{"key":"a","value":"@","value_encoding":"base64"}]}]}',
        "/records/0/headers/0/value",
    ),
)

_NO_UNICODE = (r"\ud800", r"\udfff", r"a\ud83d", r"\ude00\ud83d", r"\ud83d\ud83d\ude00", r"\uD83Dx\uDE00")
# A body in which @ stands inside a text.
_TEXTS = (
    ("produce batch", '{"records":[{"value":1,"key":"@"}]}'),
    ("produce batch", '{"records":[{"value":"@"}]}'),
    ("produce batch", '{"records":[{"value":[{"a":"@"}]}]}'),
    ("produce batch", '{"records":[{"value":{"@":1}}]}'),
    ("produce batch", '{"records":[{"value":"@","value_encoding":"string"}]}'),
    ("produce batch", '{"records":[{"value":1,"headers":[{"key":"@","value":"a"}]}]}'),
    ("produce batch", '{"records":[{"value":1,"headers":[{"key":"a","value":"@"}]}]}'),
    ("produce batch", '{"records":[{"value":1,"@":1}]}'),
    ("fetch", '{"partitions":[{"topic":"@","partition":0,"offset":0}]}'),
    ("offsets", '{"partitions":[{"topic":"@","partition":0,"at":"latest"}]}'),
    ("create", '{"topic":"@"}'),
    ("create", '{"topic":"OTHER","configs":{"@":"1"}}'),
    ("alter", '{"configs":{"max.message.bytes":"@"}}'),
)


# A body with a member twice in one object, and the pointer to it.
_TWICE = (
    ("produce batch", '{"records":[{"value":1}],"records":[{"value":1}]}', "/records"),
    ("produce batch", '{"records":[{"value":1}], "re\\u0063ords" : []}', "/records"),
    ("produce batch", '{"records":[{"value":1},{"value":1,"value":2}]}', "/records/1/value"),
    ("produce batch", '{"records":[{"value":1,"value":1}]}', "/records/0/value"),
    ("produce batch", '{"records":[{"value":[{"value":1,"value":1}],"value":null}]}', "/records/0/value"),
    ("produce batch", '{"records":[{"value":1,"key":"a","key":"a"}]}', "/records/0/key"),
    ("produce batch", '{"records":[{"value":1,"key":"a","key":null}]}', "/records/0/key"),
    (
        "produce batch",
        '{"records":[{"value":"","value_encoding":"string","value_encoding":"json"}]}',
        "/records/0/value_encoding",
    ),
    ("produce batch", '{"records":[{"value":1,"timestamp_ms":1,"timestamp_ms":1}]}', "/records/0/timestamp_ms"),
    ("produce batch", '{"records":[{"value":1,"headers":[],"headers":[]}]}', "/records/0/headers"),
    (
        "produce batch",
        '{"records":[{"value":1,"headers":[{"key":"a","value":"b"},{"key":"a","value":"b","value":"c"}]}]}',
        "/records/0/headers/1/value",
    ),
    (
        "produce batch",
        '{"records":[{"value":1,"headers":[{"key":"a","value":"b","key":"a"}]}]}',
        "/records/0/headers/0/key",
    ),
    ("produce", '{"records":[{"value":1,"partition":0,"partition":0}]}', "/records/0/partition"),
    ("fetch", '{"partitions":[],"partitions":[{"topic":"TOPIC","partition":0,"offset":0}]}', "/partitions"),
    ("fetch", '{"partitions":[{"topic":"TOPIC","partition":0,"offset":0,"offset":0}]}', "/partitions/0/offset"),
    (
        "fetch",
        '{"max_wait_ms":0,"partitions":[{"topic":"TOPIC","partition":0,"offset":0}],"max_wait_ms":0}',
        "/max_wait_ms",
    ),
    ("offsets", '{"partitions":[{"topic":"TOPIC","partition":0,"at":"latest","at":"earliest"}]}', "/partitions/0/at"),
    (
        "offsets",
        '{"partitions":[{"topic":"OTHER","topic":"TOPIC","partition":0,"at":"latest"}]}',
        "/partitions/0/topic",
    ),
    ("create", '{"topic":"OTHER","topic":"OTHER"}', "/topic"),
    ("create", '{"topic":"OTHER","partitions":1,"partitions":2}', "/partitions"),
    ("create", '{"topic":"OTHER","validate_only":true,"validate_only":false}', "/validate_only"),
    (
        "create",
        '{"topic":"OTHER","configs":{"max.message.bytes":"1","max.message.bytes":"1"}}',
        "/configs/max.message.bytes",
    ),
    ("alter", '{"partitions":2,"partitions":3}', "/partitions"),
    ("alter", '{"configs":{},"configs":{}}', "/configs"),
    (
        "alter",
        '{"configs":{"max.message.bytes":"1","message.timestamp.type":"CreateTime","max.message.bytes":null}}',
        "/configs/max.message.bytes",
    ),
)


class _Ground:
    """A topic with one partition and nothing in it, a name that no topic has, and the operations on them."""

    def __init__(self, server: ServerSession) -> None:
        self._server = server
        self._topic = server.create_topic(1)
        self._other = fresh_name()

    def refuses(self, operation: str, body: str | bytes, pointer: str | None = None) -> None:
        """Send a body that has to be refused; with a pointer, the refusal has to name that place and no other."""
        problem: dict[str, Any] = {"code": "invalid_request"}
        if pointer is not None:
            problem["errors"] = [{"pointer": pointer, "detail": {"$type": "string", "$pattern": "."}}]
        self._send(operation, body, {"status": 400, "problem": problem})

    def is_untouched(self) -> None:
        """Look that nothing was done, and that the operations take a good body."""
        empty = {"partition_count": 1, "partitions": [{"partition": 0, "high_watermark": 0}]}
        configs = {"configs": {"max.message.bytes": "1048588"}}
        response = self._server.send("GET", f"/v1/topics/{self._topic}")
        self._server.expect("describe the topic", response, {"status": 200, "json": {**empty, **configs}})
        response = self._server.send("GET", f"/v1/topics/{self._other}")
        self._server.expect("describe the other", response, {"status": 404, "problem": {"code": "topic_not_found"}})
        for operation, (_, _, body, status) in _OPERATIONS.items():
            self._send(operation, body, {"status": status})

    def _send(self, operation: str, body: str | bytes, expected: dict[str, Any]) -> None:
        method, path, _, _ = _OPERATIONS[operation]
        text = body.encode() if isinstance(body, str) else body
        text = text.replace(b"TOPIC", self._topic.encode()).replace(b"OTHER", self._other.encode())
        response = self._server.send(method, path.replace("TOPIC", self._topic), body=text)
        self._server.expect(f"{operation} {text[:120]!r}", response, expected)


@server_case(
    title="A body that is no JSON in UTF-8 is refused by every operation, and nothing is done",
    requirements=["CONV-004", "CONV-010"],
    hint="Decode strictly: one JSON text, in UTF-8, without a byte order mark; nesting without end is not followed.",
)
def bodies_that_are_no_json(server: ServerSession) -> None:
    """Spoil a good body of each operation in each way."""
    ground = _Ground(server)
    for operation, (_, _, body, _) in _OPERATIONS.items():
        for spoilt in _spoilt(body.encode()):
            ground.refuses(operation, spoilt)
    ground.is_untouched()


def _spoilt(good: bytes) -> Iterator[bytes]:
    text = good.decode()
    begun = good[:-1] + b',"x":'
    yield from (b"", b" ", b"\0", b"x", b"{", b"}", b"null x", b"'a'", b"\xff")
    yield from (good[:-1], good[1:], good[: len(good) // 2], good[:-1] + b",}", b"[" + good)
    yield from (good + good, good + b" " + good, good + b"\n1", good + b"]", good + b"\0", good + b"//", b"/**/" + good)
    yield from (b"\xef\xbb\xbf" + good, text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-32-be"))
    for value in (b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b".5", b"1.", b"1e", b"0x1", b"-", b"True", b"'a'"):
        yield begun + value + b"}"
    for data in (
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe6\x97",
        b"\n",
        b"\0",
        b"\\x41",
        b"\\u12",
    ):
        yield begun + b'"' + data + b'"}'
        yield good[:-1] + b',"' + data + b'":1}'
    yield from (b"[" * _DEEP, b'{"a":' * _DEEP, begun + b"[" * _DEEP + b"]" * _DEEP + b"}")


@server_case(
    title="A value that nests 100 000 deep is refused, and the server goes on",
    requirements=["RECORD-007", "CONV-010"],
    hint="Bound the depth before, or while, you decode: the stack is not the limit.",
)
def values_without_a_floor(server: ServerSession) -> None:
    """Send arrays, objects and both as a value, whole and cut, in both forms."""
    ground = _Ground(server)
    for operation in ("produce", "batch"):
        for opening, closing in (("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")):
            value = opening * _DEEP + "1" + closing * _DEEP
            ground.refuses(operation, f'{{"records":[{{"value":1}},{{"value":{value}}}]}}')
            ground.refuses(operation, f'{{"records":[{{"value":{opening * _DEEP}')
    ground.is_untouched()


@server_case(
    title="A member of the wrong type, out of its range or missing is refused and pointed to in every message",
    requirements=["CONV-006", "RECORD-001", "CONV-010"],
    hint='1.0, 1e3, "1" and true are no integers, and no member is null that is not said to be.',
)
def wrong_members_everywhere(server: ServerSession) -> None:
    """Give every member of every message each value that it cannot have, and leave out those that are required."""
    ground = _Ground(server)
    for operations, template, pointer, values in _VALUES:
        for operation in operations.split():
            for value in values:
                ground.refuses(operation, template.replace("@", value), pointer)
    for operations, body, pointer in _MISSING:
        for operation in operations.split():
            ground.refuses(operation, body, pointer)
    ground.is_untouched()


@server_case(
    title="An unknown member is refused and pointed to in every object, whatever its name",
    requirements=["CONV-005", "CONV-010"],
    hint="In a pointer `~` is `~0` and `/` is `~1` (RFC 6901); make it from the path, not from the words of a decoder.",
)
def unknown_members_everywhere(server: ServerSession) -> None:
    """Put a member with each awkward name into each object."""
    ground = _Ground(server)
    for operations, template, pointer in _OBJECTS:
        for name in _NAMES:
            place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            for operation in operations.split():
                ground.refuses(operation, template.replace("@", f"{json.dumps(name)}:1"), place)
    ground.is_untouched()


@server_case(
    title="Base64 that is none is refused and pointed to wherever it stands",
    requirements=["RECORD-006", "CONV-010"],
    hint="RFC 4648 section 4: this alphabet, full padding, and nothing else, line feeds included.",
)
def no_base64(server: ServerSession) -> None:
    """Send what lenient decoders take, as a value, a key and a header's value, in both forms."""
    ground = _Ground(server)
    for template, pointer in _BINARY:
        for text in _NO_BASE64:
            for operation in ("produce", "batch"):
                ground.refuses(operation, template.replace("@", text), pointer)
    ground.is_untouched()


@server_case(
    title="A text with half of a surrogate pair is refused wherever it stands",
    requirements=["CONV-017", "CONV-010"],
    hint="It has no UTF-8. Do not replace it, and do not store it as three bytes.",
)
def halves_of_surrogate_pairs(server: ServerSession) -> None:
    """Escape them into keys, values, headers, names of members, topics and configs."""
    ground = _Ground(server)
    for operations, template in _TEXTS:
        for text in _NO_UNICODE:
            for operation in operations.split():
                ground.refuses(operation, template.replace("@", text))
    ground.is_untouched()


@server_case(
    title="A member that stands twice in an object of the protocol's is refused and pointed to",
    requirements=["CONV-014", "CONV-010"],
    hint="Decoders take the first or the last in silence. Only what is inside a record's value is not yours to check.",
)
def members_that_stand_twice(server: ServerSession) -> None:
    """Repeat members in every object of every message; then, within a value, where it is allowed."""
    ground = _Ground(server)
    for operations, body, pointer in _TWICE:
        for operation in operations.split():
            ground.refuses(operation, body, pointer)
    ground.is_untouched()
    topic = server.create_topic(1)
    value = '{"a":1,"a":2,"value":[],"value":{}}'
    for record in ('{"value":VALUE}', '{"key":null,"value":VALUE}', '{"k\\u0065y":"a","headers":[],"value":VALUE}'):
        inside = f'{{"records":[{record.replace("VALUE", value)}]}}'.encode()
        response = server.send("POST", f"/v1/topics/{topic}/records", body=inside)
        server.expect("within a value", response, {"status": 200})
    read = {"status": 200, "values": [value] * 3}
    server.expect("read it", server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0"), read)
