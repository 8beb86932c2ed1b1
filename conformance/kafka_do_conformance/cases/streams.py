"""Live streams: what asks for one, what comes, and in which order."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.live import EVENTS, LINES, LiveStream
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch

_NOW = {"$type": "integer", "$min": 1_600_000_000_000}
_HEARTBEAT = {"type": "heartbeat", "now_ms": _NOW}
_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no", "Content-Encoding": None}
_FIVE = 5
_BREAKS = "one\ntwo\rthree\u2028four\u0085five"


@server_case(
    title="A stream has the records that are there and those that are appended, in the order of offsets",
    requirements=["STREAM-001", "STREAM-005", "STREAM-007", "STREAM-010"],
    hint="A stream is a fetch that goes on at next_offset whenever there is something to read.",
)
def stream_of_lines(server: ServerSession) -> None:
    """Read from the middle of a log, append twice, and compare with a fetch."""
    topic = server.create_topic(2)
    server.produce(topic, [{"value": number, "partition": 1} for number in range(3)])
    place = _place(topic, 1)
    with LiveStream(server, f"{place}?offset=1") as stream:
        stream.expect("begin", {"status": 200, "headers": {"Content-Type": LINES}})
        found = [{"offset": 1, "value": 1}, {"offset": 2, "value": 2}]
        what_is_there = {"records": found, "next_offset": 3, "high_watermark": 3, "log_start_offset": 0}
        stream.line("what is there", _records(topic, 1, **what_is_there))
        server.produce(topic, [{"key": "k", "value": _BREAKS, "headers": [{"key": "h", "value": "1"}], "partition": 1}])
        fetched = server.fetch(topic, 1, "offset=3")
        stream.line("what is appended", {"type": "records", **fetched})
        server.produce(topic, [{"value": None, "partition": 1}])
        stream.line("what is appended next", _records(topic, 1, records=[{"offset": 4, "value": None}], next_offset=5))
        stream.stays_silent("everything was said")


@server_case(
    title="A stream of events has the same lines as data, and positions as ids",
    requirements=["STREAM-001", "STREAM-006", "STREAM-007"],
    hint="data: the line, id: next_offset for records only, no event: a browser takes 'error' for its own.",
)
def stream_of_events(server: ServerSession) -> None:
    """Read events: a heartbeat, then records."""
    topic = server.create_topic(2)
    with LiveStream(server, f"{_place(topic, 1)}?offset=0", accept=EVENTS) as stream:
        stream.expect("begin", {"status": 200, "headers": {"Content-Type": EVENTS}})
        _has_id(server, "a heartbeat", stream.event("a heartbeat", _HEARTBEAT), None)
        server.produce(topic, [{"value": "one", "partition": 1}, {"value": _BREAKS, "partition": 1}])
        found = [{"offset": 0, "value": "one"}, {"offset": 1, "value": _BREAKS}]
        event = stream.event("records", _records(topic, 1, records=found, next_offset=2))
        _has_id(server, "records", event, "2")
        server.produce(topic, [{"value": "three", "partition": 1}])
        event = stream.event("one more", _records(topic, 1, records=[{"offset": 2, "value": "three"}], next_offset=3))
        _has_id(server, "one more", event, "3")


@server_case(
    title="Accept decides between one answer, lines and events",
    requirements=["STREAM-001", "STREAM-002"],
    hint="A stream is asked for by its name: the name with the greatest q, and of equals the first. */* is no name.",
)
def accept_decides(server: ServerSession) -> None:
    """Ask in many ways, and look at the type of the answer."""
    topic = server.create_topic(1)
    one, many = f"{_place(topic, 0)}?offset=0&max_wait_ms=0", {"partitions": [_position(topic, 0, 0)], "max_wait_ms": 0}
    json = "application/json"
    for accept, of_one, of_many in (
        (LINES, LINES, LINES),
        (f"{LINES};q=0.1", LINES, LINES),
        (f"{LINES}, {json}", LINES, LINES),
        (f"*/*, {LINES.upper()}", LINES, LINES),
        (f"{LINES};q=0.5, {json};q=0.4, {EVENTS};q=0.3", LINES, LINES),
        (f"{json}, {LINES}", json, json),
        (f"{LINES};q=0.4, {json};q=0.5", json, json),
        (f"{LINES};q=0, */*", json, json),
        ("*/*", json, json),
        ("application/*, text/*", json, json),
        (f"{EVENTS}, */*;q=0.1", EVENTS, json),
        (f"{EVENTS};q=0.9, {LINES}", LINES, LINES),
        (f"{EVENTS}, {LINES}", EVENTS, LINES),
    ):
        for target, value, wanted in ((one, None, of_one), ("/v1/fetch", many, of_many)):
            with LiveStream(server, target, value=value, accept=accept) as stream:
                stream.expect(accept, {"status": 200, "headers": {"Content-Type": wanted}})
    answer = server.send("GET", one)
    server.expect("without Accept", answer, {"status": 200, "headers": {"Content-Type": json}})


@server_case(
    title="A stream tells everybody between that nothing may be kept back",
    requirements=["STREAM-004"],
    hint="no-transform keeps proxies from compressing, X-Accel-Buffering keeps nginx from waiting for more.",
)
def streams_are_not_held_back(server: ServerSession) -> None:
    """Look at the header fields of all three forms."""
    topic = server.create_topic(1)
    expected = {"status": 200, "headers": {name: text for name, text in _HEADERS.items() if text is not None}}
    for target, value, accept in _forms(topic):
        with LiveStream(server, target, value=value, accept=accept, headers=(("Accept-Encoding", "gzip"),)) as stream:
            stream.expect(accept, expected)
            if (length := stream.response.header("Content-Length")) is not None:
                server.require(accept, [Mismatch("Content-Length", "none: it has no end yet", length)])


@server_case(
    title="Media types of streams are none of those of other answers",
    requirements=["HTTP-003", "STREAM-001"],
    hint="Events are for one partition; an operation that does not stream has JSON only.",
)
def streams_where_there_are_none(server: ServerSession) -> None:
    """Ask for events of many partitions, and for lines of a description."""
    topic = server.create_topic(1)
    asked = {"partitions": [_position(topic, 0, 0)]}
    refused = {"status": 406, "problem": {"code": "not_acceptable"}}
    events = (("Content-Type", "application/json"), ("Accept", EVENTS))
    server.expect("events of many", server.send("POST", "/v1/fetch", value=asked, headers=events), refused)
    for accept in (LINES, EVENTS):
        answer = server.send("GET", f"/v1/topics/{topic}", headers=(("Accept", accept),))
        server.expect(f"a topic as {accept}", answer, refused)
    with LiveStream(server, "/v1/fetch", value=asked) as stream:
        stream.line("lines of many", _HEARTBEAT)


@server_case(
    title="A stream of many partitions has lines of each, and an error for the one that is not there",
    requirements=["STREAM-001", "STREAM-007", "STREAM-018", "ERROR-004"],
    hint="Only a stream of one partition turns its error into the status.",
)
def stream_of_many(server: ServerSession) -> None:
    """Read two partitions of two topics and one that does not exist, and append to each."""
    topic, other = server.create_topic(2), server.create_topic(1)
    server.produce(topic, [{"value": "a", "partition": 1}, {"value": "b", "partition": 1}])
    asked = [_position(topic, 2, 0), _position(topic, 1, 1), _position(other, 0, 0)]
    error = {"code": "partition_not_found", "partition_count": 2, "retriable": False, "indeterminate": False}
    with LiveStream(server, "/v1/fetch", value={"partitions": asked}) as stream:
        stream.expect("begin", {"status": 200, "headers": {"Content-Type": LINES}})
        _any_order(
            stream,
            _records(topic, 1, records=[{"offset": 1, "value": "b"}], next_offset=2),
            {"type": "error", "topic": topic, "partition": 2, "error": error, "records": {"$absent": True}},
        )
        for name, partition, offset in ((other, 0, 0), (topic, 1, 2), (other, 0, 1)):
            server.produce(name, [{"value": offset, "partition": partition}])
            found = [{"offset": offset, "value": offset}]
            stream.line(f"append to {partition}", _records(name, partition, records=found, next_offset=offset + 1))
        stream.stays_silent("the partition that is not there says nothing more")


@server_case(
    title="Streams are written in the encoding that was asked for",
    requirements=["STREAM-007"],
    hint="encoding means for each line what it means for an answer.",
)
def streams_are_encoded(server: ServerSession) -> None:
    """Read base64 in all three forms."""
    topic = server.create_topic(1)
    server.produce(topic, [{"key": "k", "value": {"a": 1}}])
    record = {"key": "aw==", "key_encoding": "base64", "value": "eyJhIjoxfQ==", "value_encoding": "base64"}
    line = _records(topic, 0, records=[{"offset": 0, **record}], next_offset=1)
    for target, value, accept in _forms(topic, encoding="base64"):
        with LiveStream(server, target, value=value, accept=accept) as stream:
            (stream.event if accept == EVENTS else stream.line)(accept, line)


@server_case(
    title="The limits hold for each line",
    requirements=["STREAM-007", "STREAM-008"],
    hint="max_records and max_bytes cut a line, and the next one goes on behind it; one record always fits.",
)
def lines_within_limits(server: ServerSession) -> None:
    """Read records of ten bytes, at most two and then at most 25 bytes in a line."""
    topic = server.create_topic(1)
    server.produce(topic, [{"value": "0123456789", "value_encoding": "string"}] * _FIVE)
    for limit, most in (("max_records=2", 2), ("max_bytes=25", 2), ("max_bytes=1", 1)):
        with LiveStream(server, f"{_place(topic, 0)}?offset=0&{limit}") as stream:
            offset = 0
            while offset < _FIVE:
                line = stream.line(limit, _records(topic, 0, records={"$type": "array"}))
                found = [record["offset"] for record in line["records"]]
                if found != list(range(offset, offset + len(found))) or not 1 <= len(found) <= most:
                    allowed = f"at most {most} from {offset} on"
                    server.require(limit, [Mismatch("the offsets of a line", allowed, str(found))])
                offset = line["next_offset"]


@server_case(
    title="A stream begins at once, also where there is nothing",
    requirements=["STREAM-009"],
    hint="Send a heartbeat where there are no records: who reads knows that somebody is there.",
)
def streams_begin_at_once(server: ServerSession) -> None:
    """Read an empty partition and the end of one in all three forms."""
    topic = server.create_topic(1)
    for target, value, accept in _forms(topic):
        with LiveStream(server, target, value=value, accept=accept) as stream:
            (stream.event if accept == EVENTS else stream.line)(accept, _HEARTBEAT)
            stream.stays_silent("there is nothing more to say")
    server.produce(topic, [{"value": 1}])
    with LiveStream(server, f"{_place(topic, 0)}?offset=1") as stream:
        stream.line("the end", _HEARTBEAT)


@server_case(
    title="An append reaches those who read its partition, and nobody else",
    requirements=["STREAM-010"],
    hint="Wake the streams of the partition; the others have nothing to say.",
)
def appends_reach_their_readers(server: ServerSession) -> None:
    """Three streams of two partitions; append to one of them."""
    topic = server.create_topic(2)
    with (
        LiveStream(server, f"{_place(topic, 0)}?offset=0") as other,
        LiveStream(server, f"{_place(topic, 1)}?offset=0") as one,
        LiveStream(server, f"{_place(topic, 1)}?offset=0", accept=EVENTS) as events,
    ):
        other.line("begin", _HEARTBEAT)
        one.line("begin", _HEARTBEAT)
        events.event("begin", _HEARTBEAT)
        for offset in range(3):
            server.produce(topic, [{"value": offset, "partition": 1}])
            line = _records(topic, 1, records=[{"offset": offset, "value": offset}], next_offset=offset + 1)
            one.line("a reader", line)
            events.event("a browser", line)
        other.stays_silent("the other partition")


@server_case(
    title="A busy partition hides no other",
    requirements=["STREAM-007", "STREAM-011"],
    hint="Begin each line's search behind the partition that had the last one.",
)
def no_partition_is_hidden(server: ServerSession) -> None:
    """Read three partitions of different length one record a line, and count."""
    topic = server.create_topic(3)
    lengths = (9, 3, 6)
    for partition, length in enumerate(lengths):
        server.produce(topic, [{"value": number, "partition": partition} for number in range(length)])
    asked = {"partitions": [_position(topic, partition, 0) for partition in range(3)], "max_records": 1}
    said = [0, 0, 0]
    with LiveStream(server, "/v1/fetch", value=asked) as stream:
        for _ in range(sum(lengths)):
            line = stream.line("a line", {"type": "records", "topic": topic, "records": {"$type": "array"}})
            partition = line["partition"]
            wanted = [{"offset": said[partition], "value": said[partition]}]
            if [{name: one[name] for name in ("offset", "value")} for one in line["records"]] != wanted:
                server.require("a line", [Mismatch("its records", str(wanted), str(line["records"]))])
            said[partition] += 1
            behind = [other for other in range(3) if said[other] < min(said[partition] - 1, lengths[other])]
            if behind:
                seen = f"line {said[partition]} of {partition}, and {said[behind[0]]} of {behind[0]}"
                server.require("turns", [Mismatch("the lines", "each partition in its turn", seen)])
        stream.stays_silent("everything was said")


@server_case(
    title="A stream of one partition that cannot begin is a problem with its status",
    requirements=["STREAM-017"],
    hint="Look before the head is sent: what is known then is told by the status, as for a fetch.",
)
def problems_before_streams(server: ServerSession) -> None:
    """Ask for what is not there and what is wrong, as lines and as events."""
    topic, missing = server.create_topic(1), fresh_name()
    ident = server.topic_id(topic)
    for accept in (LINES, EVENTS):
        for target, status, problem in (
            (f"{_place(missing, 0)}?offset=0", 404, {"code": "topic_not_found", "topic": missing}),
            (f"{_place(topic, 1)}?offset=0", 404, {"code": "partition_not_found", "partition_count": 1}),
            (f"{_place(topic, 0)}?offset=1", 416, {"code": "offset_out_of_range", "high_watermark": 0}),
            (f"{_place(topic, 0)}?offset=0&topic_id=x{ident}", 404, {"code": "topic_not_found"}),
            (f"{_place(topic, 0)}?offset=0&heartbeat_ms=0", 400, {"errors": [{"pointer": "?heartbeat_ms"}]}),
            (f"{_place(topic, 0)}?offset=0&max_stream_ms=0", 400, {"errors": [{"pointer": "?max_stream_ms"}]}),
        ):
            with LiveStream(server, target, accept=accept) as stream:
                stream.expect(target, {"status": status, "problem": problem})
    asked: dict[str, Any] = {"partitions": []}
    with LiveStream(server, "/v1/fetch", value=asked) as stream:
        wrong = {"code": "invalid_request", "errors": [{"pointer": "/partitions"}]}
        stream.expect("no partitions", {"status": 400, "problem": wrong})
    with LiveStream(server, f"{_place(topic, 0)}?offset=0&topic_id={ident}") as stream:
        stream.line("what is right", _HEARTBEAT)


@server_case(
    title="A deleted topic ends its partitions of a stream, and the last one ends the stream",
    requirements=["STREAM-014", "STREAM-018", "STREAM-019", "STREAM-020"],
    hint="An error line for each partition that is gone, the others go on, and end when none is left.",
)
def deleted_under_a_stream(server: ServerSession) -> None:
    """Read two topics, delete one, append to the other, delete that too."""
    topic, other = server.create_topic(2), server.create_topic(1)
    asked = {"partitions": [_position(topic, 0, 0), _position(other, 0, 0), _position(topic, 1, 0)]}
    with LiveStream(server, "/v1/fetch", value=asked) as stream:
        stream.line("begin", _HEARTBEAT)
        server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
        _any_order(stream, _gone(topic, 0), _gone(topic, 1))
        server.produce(other, [{"value": 1}])
        stream.line("the other one", _records(other, 0, records=[{"offset": 0, "value": 1}], next_offset=1))
        stream.stays_silent("what is gone was told once")
        server.expect("delete", server.send("DELETE", f"/v1/topics/{other}"), {"status": 204})
        stream.line("the last one", _gone(other, 0))
        stream.ends("errors")


@server_case(
    title="A stream does not go on in another topic of the same name",
    requirements=["STREAM-014", "STREAM-019", "STREAM-020"],
    hint="Deleting wakes its streams; a topic that is made again has other records at the same offsets.",
)
def topic_made_again_under_a_stream(server: ServerSession) -> None:
    """Read a topic as lines and as events, delete it, make it again, append."""
    topic = server.create_topic(1)
    place = f"{_place(topic, 0)}?offset=0"
    with LiveStream(server, place) as lines, LiveStream(server, place, accept=EVENTS) as events:
        lines.line("begin", _HEARTBEAT)
        events.event("begin", _HEARTBEAT)
        server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
        server.create_topic(1, topic)
        server.produce(topic, [{"value": "new"}])
        lines.line("the topic is gone", _gone(topic, 0))
        lines.ends("errors")
        events.event("the topic is gone", _gone(topic, 0))
        events.event("the end", {"type": "end", "reason": "errors"})
    with LiveStream(server, place) as stream:
        stream.line("the new one", _records(topic, 0, records=[{"offset": 0, "value": "new"}]))


@server_case(
    title="A browser that comes back goes on behind the last event that it saw",
    requirements=["STREAM-021"],
    hint="Last-Event-ID wins over offset, in streams of events only. An empty one is none.",
)
def browsers_come_back(server: ServerSession) -> None:
    """Come back with ids, without, and to a stream of lines."""
    topic = server.create_topic(1)
    server.produce(topic, [{"value": number} for number in range(4)])
    for offset, ident, accept, first in (
        (0, "3", EVENTS, 3),
        (3, "0", EVENTS, 0),
        (9, "2", EVENTS, 2),
        (1, "", EVENTS, 1),
        (1, "3", LINES, 1),
    ):
        target, header = f"{_place(topic, 0)}?offset={offset}&max_records=1", (("Last-Event-ID", ident),)
        line = _records(topic, 0, records=[{"offset": first, "value": first}], next_offset=first + 1)
        with LiveStream(server, target, accept=accept, headers=header) as stream:
            step = f"offset={offset}, Last-Event-ID: {ident}, {accept}"
            (stream.event if accept == EVENTS else stream.line)(step, line)
    header = (("Last-Event-ID", "5"),)
    with LiveStream(server, f"{_place(topic, 0)}?offset=0", accept=EVENTS, headers=header) as stream:
        stream.expect("beyond the end", {"status": 416, "problem": {"code": "offset_out_of_range"}})


@server_case(
    title="A Last-Event-ID that is no offset is refused",
    requirements=["STREAM-022"],
    hint="Whoever begins anew instead gives a reader everything twice.",
)
def browsers_come_back_from_nowhere(server: ServerSession) -> None:
    """Send ids of other streams."""
    topic = server.create_topic(1)
    problem = {"code": "invalid_request", "errors": [{"pointer": "Last-Event-ID"}]}
    target = f"{_place(topic, 0)}?offset=0"
    for ident in ("x", "-1", "1.0", "1 2", "0x1", "9007199254740992", "1" * 400, "\u00b2"):
        with LiveStream(server, target, accept=EVENTS, headers=(("Last-Event-ID", ident),)) as stream:
            stream.expect(ident[:20], {"status": 400, "problem": problem})
    with LiveStream(server, target, accept=EVENTS, headers=(("Last-Event-ID", "0"),)) as stream:
        stream.event("an offset", _HEARTBEAT)


@server_case(
    title="A server without streams says so to whoever asks for one",
    requirements=["STREAM-003"],
    hint="unsupported_feature, and not one answer that a reader of lines would not understand.",
)
def without_streams(server: ServerSession) -> None:
    """Ask for all three forms, and for one answer."""
    topic = server.create_topic(1)
    for target, value, accept in _forms(topic):
        with LiveStream(server, target, value=value, accept=accept) as stream:
            problem = {"code": "unsupported_feature", "feature": "streams"}
            stream.expect(accept, {"status": 501, "problem": problem})
    both = (("Accept", f"application/json, {LINES}"),)
    answer = server.send("GET", f"{_place(topic, 0)}?offset=0&max_wait_ms=0", headers=both)
    server.expect("one answer", answer, {"status": 200, "json": {"records": []}})


def _place(topic: str, partition: int) -> str:
    return f"/v1/topics/{topic}/partitions/{partition}/records"


def _position(topic: str, partition: int, offset: int) -> dict[str, Any]:
    return {"topic": topic, "partition": partition, "offset": offset}


def _forms(topic: str, **query: str) -> list[tuple[str, Any, str]]:
    """Return target, body and Accept of each form of a stream of partition 0."""
    target = f"{_place(topic, 0)}?offset=0" + "".join(f"&{name}={text}" for name, text in query.items())
    many = {"partitions": [_position(topic, 0, 0)], **query}
    return [(target, None, LINES), (target, None, EVENTS), ("/v1/fetch", many, LINES)]


def _records(topic: str, partition: int, **members: Any) -> dict[str, Any]:
    return {"type": "records", "topic": topic, "partition": partition, **members}


def _gone(topic: str, partition: int) -> dict[str, Any]:
    error = {"code": "topic_not_found", "topic": topic, "retriable": False, "indeterminate": False}
    return {"type": "error", "topic": topic, "partition": partition, "error": error}


def _any_order(stream: LiveStream, *expected: dict[str, Any]) -> None:
    """Check lines that may come in any order."""
    left = list(expected)
    while left:
        seen = stream.line("a line", {"$one_of": left})
        left = [one for one in left if (one["topic"], one["partition"]) != (seen["topic"], seen["partition"])]


def _has_id(server: ServerSession, step: str, event: dict[str, str], wanted: str | None) -> None:
    if event.get("id") != wanted:
        server.require(step, [Mismatch("id", wanted or "none", event.get("id") or "none")])
