"""Readers of live streams that are slow, many, or gone."""

import contextlib
import time

from kafka_do_conformance.case import server_case
from kafka_do_conformance.live import LiveStream
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch, NotApplicable

_HEARTBEAT = {"type": "heartbeat"}
_MOST_STREAMS = 200
_VALUE = "x" * 60_000
_OTHER = "y" * 60_000
_BATCH = 12  # of these values: 720 000 bytes
_BATCHES = 12  # more than any two kernels hold for a connection that is not read
_FREED_S = 5.0
_RETRY_S = 0.02


@server_case(
    title="A slow reader is slowed: its lines are made when it reads, and it misses nothing",
    requirements=["STREAM-007", "STREAM-025"],
    hint="Wait until the connection has room before you look into the log; what waits there needs no other place.",
)
def slow_reader(server: ServerSession) -> None:
    """Read nothing while much is appended, then read all: most lines know of records that came long after theirs."""
    topic, total = server.create_topic(1), _BATCH * _BATCHES
    with LiveStream(server, f"{_place(topic)}?offset=0", reads_little=True) as slow:
        slow.line("begin", _HEARTBEAT)
        _fill(server, topic)
        slow.hurry()
        made_late = position = 0
        while position < total:
            line = slow.line("a line", {"type": "records", "records": {"$type": "array"}})
            offsets = [record["offset"] for record in line["records"]]
            if offsets != list(range(position, position + len(offsets))) or line["next_offset"] != position + len(
                offsets
            ):
                server.require("a line", [Mismatch("offsets", f"from {position} on", str(offsets))])
            made_late += len(offsets) * (line["high_watermark"] == total)
            position += len(offsets)
        if made_late < total // 3:
            seen = f"{made_late} of {total} records in lines that were made after the last append"
            server.require("the lines", [Mismatch("when they were made", f"{total // 3} of them when read", seen)])


@server_case(
    title="A slow reader does not go on in another topic of the same name",
    requirements=["STREAM-019", "STREAM-020"],
    hint="A stream is of a topic with an id; nobody tells a reader that is behind when its name was given to another.",
)
def slow_reader_of_a_topic_made_again(server: ServerSession) -> None:
    """Read nothing while a topic is filled, deleted, made again and filled with other values; then read all."""
    topic = server.create_topic(1)
    with LiveStream(server, f"{_place(topic)}?offset=0", reads_little=True) as slow:
        slow.line("begin", _HEARTBEAT)
        _fill(server, topic)
        server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
        server.create_topic(1, topic)
        _fill(server, topic, _OTHER)
        slow.hurry()
        while (line := slow.next()).get("type") == "records":
            if any(record["value"] != _VALUE for record in line["records"]):
                server.require("a line", [Mismatch("its records", "those of the first topic", "others")])
        if (line.get("type"), line.get("error", {}).get("code")) != ("error", "topic_not_found"):
            server.require("the last but one line", [Mismatch("line", "the error topic_not_found", str(line)[:400])])
        slow.ends("errors")


@server_case(
    title="Readers that read nothing hold up nobody",
    requirements=["STREAM-010", "STREAM-025"],
    hint="No reader may make the server wait: neither those that append nor those that read.",
)
def readers_that_read_nothing(server: ServerSession) -> None:
    """Open many streams on much data and read none of them; append, fetch and read on others meanwhile."""
    topic, other = server.create_topic(1), server.create_topic(1)
    _fill(server, topic)
    with contextlib.ExitStack() as opened:
        lazy = [
            opened.enter_context(LiveStream(server, f"{_place(topic)}?offset=0", reads_little=True))
            for _ in range(min(_most(server) // 2, _MOST_STREAMS))
        ]
        reader = opened.enter_context(_patiently(server, f"{_place(other)}?offset=0"))
        reader.line("begin", _HEARTBEAT)
        for offset in range(3):
            server.produce(other, [{"value": offset}])
            reader.line("an append", {"type": "records", "records": [{"offset": offset, "value": offset}]})
            server.produce(topic, [{"value": "more"}])
        lazy[0].line("it is still there", {"type": "records", "records": {"$type": "array"}})


@server_case(
    title="There are no more streams than max_streams, and who leaves makes room",
    requirements=["STREAM-023", "STREAM-024"],
    hint="Count the open ones of a key; notice a closed connection when it closes, not with the next line.",
)
def no_more_than_max_streams(server: ServerSession) -> None:
    """Open as many as allowed and one more, close some in the middle of a line, open as many again."""
    limit = _most(server)
    if limit > _MOST_STREAMS:
        raise NotApplicable(f"max_streams is {limit}; the suite opens at most {_MOST_STREAMS}")
    topic = server.create_topic(1)
    server.produce(topic, [{"value": _VALUE}])
    target = f"{_place(topic)}?offset=0"
    asked = {"partitions": [{"topic": topic, "partition": 0, "offset": 0}]}
    refused = {"code": "quota_exceeded", "retriable": True, "retry_after_ms": {"$type": "integer", "$min": 1}}
    header = {"Retry-After": {"$type": "string", "$pattern": "^[1-9][0-9]*$"}}
    with contextlib.ExitStack() as opened:
        streams = [opened.enter_context(_patiently(server, target)) for _ in range(limit)]
        for place, value in ((target, None), ("/v1/fetch", asked)):
            with LiveStream(server, place, value=value) as stream:
                stream.expect("one more", {"status": 429, "headers": header, "problem": refused})
        answer = server.send("GET", f"{target}&max_records=1")
        server.expect("a fetch is none", answer, {"status": 200, "json": {"next_offset": 1}})
        for stream in streams[: limit // 2]:
            stream.close()
        for _ in range(limit // 2):
            opened.enter_context(_patiently(server, target)).line("a new one", {"type": "records", "next_offset": 1})
        with LiveStream(server, target) as stream:
            stream.expect("one more again", {"status": 429, "problem": {"code": "quota_exceeded"}})


@server_case(
    title="A stream that could not begin does not count",
    requirements=["STREAM-017", "STREAM-023"],
    hint="Give its place back where the first look fails.",
)
def refused_streams_do_not_count(server: ServerSession) -> None:
    """Fail to begin more often than there may be streams, then begin."""
    limit = _most(server)
    if limit > _MOST_STREAMS:
        raise NotApplicable(f"max_streams is {limit}; the suite opens at most {_MOST_STREAMS}")
    topic = server.create_topic(1)
    for _ in range(limit + 1):
        with _patiently(server, f"{_place(topic)}?offset=1") as stream:
            stream.expect("beyond the end", {"status": 416, "problem": {"code": "offset_out_of_range"}})
    with _patiently(server, f"{_place(topic)}?offset=0") as stream:
        stream.line("begin", _HEARTBEAT)


def _place(topic: str) -> str:
    return f"/v1/topics/{topic}/partitions/0/records"


def _most(server: ServerSession) -> int:
    return server.limit("max_streams")


def _fill(server: ServerSession, topic: str, value: str = _VALUE) -> None:
    for _ in range(_BATCHES):
        server.produce(topic, [{"value": value, "partition": 0}] * _BATCH)


def _patiently(server: ServerSession, target: str) -> LiveStream:
    """Open a stream; where there are too many, wait until the server has noticed which ones are gone."""
    ends = time.monotonic() + _FREED_S
    while True:
        stream = LiveStream(server, target)
        if stream.response.status != 429 or time.monotonic() > ends:  # noqa: PLR2004
            return stream
        stream.close()
        time.sleep(_RETRY_S)
