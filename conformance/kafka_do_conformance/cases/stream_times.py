"""Live streams and time: heartbeats, the end, what ends a stream early."""

from kafka_do_conformance.case import server_case
from kafka_do_conformance.live import EVENTS, LiveStream
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

_HEARTBEAT = {"type": "heartbeat", "now_ms": {"$type": "integer", "$min": 1_600_000_000_000}}
_BEAT_MS = 8_000  # longer than any case takes
_YEAR_MS = 31_536_000_000


@server_case(
    title="A stream that says nothing says so after heartbeat_ms, again and again",
    requirements=["STREAM-012"],
    hint="Count from the last line, whatever it was, on the server's clock.",
)
def heartbeats(server: ServerSession) -> None:
    """Jump nearly to a heartbeat and then to it, in both forms, three times."""
    topic = server.create_topic(1)
    target = f"{_place(topic)}?offset=0&heartbeat_ms={_BEAT_MS}"
    with LiveStream(server, target) as lines, LiveStream(server, target, accept=EVENTS) as events:
        lines.line("begin", _HEARTBEAT)
        events.event("begin", _HEARTBEAT)
        for _ in range(3):
            server.advance(_BEAT_MS // 2)
            lines.stays_silent("half of the time")
            now_ms = server.advance(_BEAT_MS // 2)
            told = lines.line("a heartbeat", _HEARTBEAT)["now_ms"]
            events.event("a heartbeat", _HEARTBEAT)
            if abs(told - now_ms) > _BEAT_MS // 4:
                server.require("a heartbeat", [Mismatch("now_ms", f"about {now_ms}", str(told))])


@server_case(
    title="Without heartbeat_ms a heartbeat comes after fifteen seconds",
    requirements=["STREAM-012"],
    hint="15 000 is the default of heartbeat_ms; max_heartbeat_ms only caps what is asked for.",
)
def heartbeats_by_default(server: ServerSession) -> None:
    """Jump, in both operations."""
    default_ms = 15_000
    limits = {name: server.limit(name) for name in ("min_heartbeat_ms", "max_heartbeat_ms")}
    topic = server.create_topic(1)
    asked = {"partitions": [{"topic": topic, "partition": 0, "offset": 0}]}
    beat_ms = min(max(default_ms, limits["min_heartbeat_ms"]), limits["max_heartbeat_ms"])
    with LiveStream(server, f"{_place(topic)}?offset=0") as one, LiveStream(server, "/v1/fetch", value=asked) as many:
        for stream in (one, many):
            stream.line("begin", _HEARTBEAT)
        server.advance(beat_ms // 2)
        for stream in (one, many):
            stream.stays_silent("half of the time")
        server.advance(beat_ms - beat_ms // 2)
        for stream in (one, many):
            stream.line("all of the time", _HEARTBEAT)


@server_case(
    title="Records put a heartbeat off",
    requirements=["STREAM-012"],
    hint="A heartbeat is for silence: count anew from each line.",
)
def records_instead_of_heartbeats(server: ServerSession) -> None:
    """Append in the middle of the silence."""
    topic = server.create_topic(1)
    with LiveStream(server, f"{_place(topic)}?offset=0&heartbeat_ms={_BEAT_MS}") as stream:
        stream.line("begin", _HEARTBEAT)
        server.advance(_BEAT_MS // 2)
        server.produce(topic, [{"value": 1}])
        stream.line("records", {"type": "records", "next_offset": 1})
        server.advance(_BEAT_MS * 3 // 4)
        stream.stays_silent("the time counts from the records on")
        server.advance(_BEAT_MS // 4)
        stream.line("a heartbeat", _HEARTBEAT)


@server_case(
    title="heartbeat_ms is taken into the server's limits",
    requirements=["STREAM-013"],
    hint="Cap it in both directions; neither a wish for a storm nor one for silence is refused.",
)
def heartbeats_within_limits(server: ServerSession) -> None:
    """Ask for a heartbeat every millisecond, and for none in weeks."""
    topic = server.create_topic(1)
    for wish, name in ((1, "min_heartbeat_ms"), (2_147_483_647, "max_heartbeat_ms")):
        limit = server.limit(name)
        with LiveStream(server, f"{_place(topic)}?offset=0&heartbeat_ms={wish}") as stream:
            stream.expect(name, {"status": 200})
            stream.line("begin", _HEARTBEAT)
            stream.stays_silent(f"not every {wish} ms")
            server.advance(limit // 2)
            stream.stays_silent(f"not after {limit // 2} ms")
            server.advance(limit - limit // 2)
            stream.line(f"after {limit} ms", _HEARTBEAT)


@server_case(
    title="A stream ends when its time is over, and says so",
    requirements=["STREAM-014", "STREAM-015"],
    hint="end is the last line, and the answer is complete: whoever reads knows that nothing was lost.",
)
def streams_end_in_time(server: ServerSession) -> None:
    """Jump nearly to the end and then to it, silent and not, as lines and as events."""
    topic = server.create_topic(1)
    target = f"{_place(topic)}?offset=0&max_stream_ms={_BEAT_MS}"
    with LiveStream(server, target) as lines, LiveStream(server, target, accept=EVENTS) as events:
        lines.line("begin", _HEARTBEAT)
        events.event("begin", _HEARTBEAT)
        server.advance(_BEAT_MS // 2)
        lines.stays_silent("half of the time")
        server.produce(topic, [{"value": 1}])
        lines.line("records", {"type": "records", "next_offset": 1})
        events.event("records", {"type": "records", "next_offset": 1})
        server.advance(_BEAT_MS // 2)
        lines.ends("time")
        events.event("the end", {"type": "end", "reason": "time"})


@server_case(
    title="A stream is no longer than max_stream_ms, the limit, allows",
    requirements=["STREAM-015"],
    hint="A year is not refused, and not granted.",
)
def streams_within_limits(server: ServerSession) -> None:
    """Ask for a year, for more, and for nothing."""
    limit, topic = server.limit("max_stream_ms"), server.create_topic(1)
    quiet = "heartbeat_ms=2147483647"
    for wish in (f"&max_stream_ms={_YEAR_MS}", "&max_stream_ms=9007199254740991", ""):
        with LiveStream(server, f"{_place(topic)}?offset=0&{quiet}{wish}") as stream:
            stream.expect(wish, {"status": 200})
            stream.line("begin", _HEARTBEAT)
            server.advance(limit // 2)
            if server.limit("max_heartbeat_ms") <= limit // 2:
                stream.line("half of the time", _HEARTBEAT)
            stream.stays_silent("half of the time")
            server.advance(limit - limit // 2)
            stream.ends("time")


@server_case(
    title="A fresh start ends every stream as a deleted topic does",
    requirements=["CONTROL-012", "STREAM-019"],
    hint="Whoever waits for a partition is told that its topic is gone.",
)
def fresh_start_under_streams(server: ServerSession) -> None:
    """Read two topics, and begin anew."""
    topics = [server.create_topic(1), server.create_topic(1)]
    asked = {"partitions": [{"topic": topic, "partition": 0, "offset": 0} for topic in topics]}
    with LiveStream(server, "/v1/fetch", value=asked) as stream:
        stream.line("begin", _HEARTBEAT)
        server.expect("begin anew", server.send("POST", "/v1/control/reset"), {"status": 204})
        for _ in topics:
            stream.line("a topic is gone", {"type": "error", "error": {"code": "topic_not_found"}})
        stream.ends("errors")


@server_case(
    title="A fault strikes a stream when it begins",
    requirements=["CONTROL-004", "STREAM-017"],
    needs=("control",),
    hint="What happens before the first line is told by the status, also for a stream of many.",
)
def faults_before_streams(server: ServerSession) -> None:
    """Plant an error in both operations."""
    topic = server.create_topic(1)
    asked = {"partitions": [{"topic": topic, "partition": 0, "offset": 0}]}
    for operation, target, value in (
        ("fetch_partition", f"{_place(topic)}?offset=0", None),
        ("fetch", "/v1/fetch", asked),
    ):
        server.inject(operation, "error", code="not_leader")
        with LiveStream(server, target, value=value) as stream:
            stream.expect(operation, {"status": 503, "problem": {"code": "not_leader", "retriable": True}})
        with LiveStream(server, target, value=value) as stream:
            stream.line("the next one", _HEARTBEAT)


def _place(topic: str) -> str:
    return f"/v1/topics/{topic}/partitions/0/records"
