"""Control: the clock, faults, a fresh start."""

import time
from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Crashed, Mismatch
from kafka_do_conformance.waiting import Waiting
from kafka_do_conformance.wire import Response

_HOUR_MS = 3_600_000
_PATIENCE_MS = 20_000  # longer than any exchange with the server may take
_WAIT_MS = 30_000
_PROMPT_S = 8.0


@server_case(
    title="The clock jumps ahead by what is asked for, tells the time, and goes on from there",
    requirements=["CONTROL-001"],
    hint="The server's time is the machine's and the sum of all jumps.",
)
def clock_jumps_ahead(server: ServerSession) -> None:
    """Read the clock, set it ahead twice, and read it again."""
    first = server.advance(0)
    least_ms = time.time_ns() // 1_000_000 - _PATIENCE_MS
    if first < least_ms:
        server.require("read the clock", [Mismatch("now_ms", f"{least_ms} or later: it never goes back", str(first))])
    _between(server, "the jump", server.advance(_HOUR_MS) - first, _HOUR_MS)
    _between(server, "both jumps", server.advance(_HOUR_MS) - first, 2 * _HOUR_MS)
    _between(server, "both jumps, later", server.advance(0) - first, 2 * _HOUR_MS)


@server_case(
    title="Records get the time of the clock that was set ahead",
    requirements=["CONTROL-002"],
    hint="One clock for everything: whoever asks the machine lives in the past.",
)
def records_have_the_time_of_the_clock(server: ServerSession) -> None:
    """Append before and after a jump, and compare the times with what the clock told."""
    topic = server.create_topic(1)
    (before,) = server.produce(topic, [{"value": 1}])
    now_ms = server.advance(_HOUR_MS)
    (after,) = server.produce(topic, [{"value": 2}])
    _between(server, "the times of two records", after["timestamp_ms"] - before["timestamp_ms"], _HOUR_MS)
    _between(server, "the clock and the record behind it", after["timestamp_ms"] - now_ms, 0)


@server_case(
    title="A fetch whose time is over when the clock has jumped is answered at once",
    requirements=["CONTROL-003", "FETCH-012"],
    needs=("control",),
    hint="A jump ends what is over, also the second half of a wait of which the first half was jumped over.",
)
def jump_ends_a_fetch(server: ServerSession) -> None:
    """Wait in both forms, jump over the first half, see that nobody is answered, and jump over the second."""
    topic = server.create_topic(2)
    place = f"/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms={_WAIT_MS}"
    asked = {"partitions": [{"topic": topic, "partition": 1, "offset": 0}], "max_wait_ms": _WAIT_MS}
    begun = time.monotonic()
    one, many = Waiting(server, place), Waiting(server, "/v1/fetch", asked)
    server.advance(_WAIT_MS // 3)
    for name, waiting in (("one partition", one), ("many", many)):
        if waiting.is_over:
            server.require(name, [Mismatch("the fetch", "waits on: its time is not over", "it was answered")])
    server.advance(_WAIT_MS - _WAIT_MS // 3)
    empty = {"records": [], "next_offset": 0}
    server.expect("one partition", one.response(), {"status": 200, "json": empty})
    server.expect("many", many.response(), {"status": 200, "json": {"partitions": [empty]}})
    _prompt(server, begun)


@server_case(
    title="A fetch that waits on behind a jump is answered by an append",
    requirements=["CONTROL-003"],
    hint="A jump that is too short to end a wait leaves it as it was, only shorter.",
)
def jump_leaves_what_is_not_over(server: ServerSession) -> None:
    """Wait, jump over a part of the time, and append."""
    topic = server.create_topic(2)
    begun = time.monotonic()
    waiting = Waiting(server, f"/v1/topics/{topic}/partitions/1/records?offset=0&max_wait_ms={_WAIT_MS}")
    server.advance(_WAIT_MS // 3)
    server.produce(topic, [{"value": "there", "partition": 1}])
    found = {"records": [{"offset": 0, "value": "there"}], "next_offset": 1}
    server.expect("the fetch that waited", waiting.response(), {"status": 200, "json": found})
    _prompt(server, begun)


@server_case(
    title="A request that an error strikes is answered with the problem, and does nothing",
    requirements=["CONTROL-004", "CONTROL-008", "ERROR-002"],
    needs=("control",),
    hint="Answer before anything is done. The next request is as ever.",
)
def error_strikes(server: ServerSession) -> None:
    """Plant an error of each code that any operation can have, and look what was appended."""
    topic = server.create_topic(2)
    problem = {"retriable": True, "indeterminate": False}
    for code, status, headers in (
        ("not_leader", 503, {}),
        ("quota_exceeded", 429, {"Retry-After": {"$type": "string", "$pattern": "^[1-9][0-9]*$"}}),
    ):
        server.inject("produce", "error", code=code)
        expected = {"status": status, "headers": headers, "problem": {"code": code, "status": status, **problem}}
        server.expect(code, _produce(server, topic, "lost"), expected)
        server.expect("the request behind it", _produce(server, topic, code), {"status": 200})
    _contains(server, topic, ["not_leader", "quota_exceeded"])


@server_case(
    title="quota_exceeded says the same in its member and in its header",
    requirements=["CONTROL-004", "ERROR-005"],
    needs=("control",),
    hint="retry_after_ms in the problem, Retry-After in whole seconds.",
)
def quota_says_when(server: ServerSession) -> None:
    """Compare both."""
    server.inject("list_topics", "error", code="quota_exceeded")
    wait = {"code": "quota_exceeded", "retry_after_ms": {"$type": "integer", "$min": 1}}
    response = server.send("GET", "/v1/topics")
    told = server.expect("list the topics", response, {"status": 429, "problem": wait})["retry_after_ms"]
    seconds = str(-(-told // 1000))
    server.expect("the header", response, {"status": 429, "headers": {"Retry-After": seconds}})
    server.expect("the request behind it", server.send("GET", "/v1/topics"), {"status": 200})


@server_case(
    title="A request that is delayed acts at once and is answered when its time has come",
    requirements=["CONTROL-003", "CONTROL-005"],
    hint="What is delayed is the answer, and the delay goes by the server's clock.",
)
def delay_strikes(server: ServerSession) -> None:
    """Delay an append, see the record before its answer, and jump to it."""
    topic = server.create_topic(2)
    server.inject("produce", "delay", delay_ms=10_000)
    begun = time.monotonic()
    waiting = Waiting(server, f"/v1/topics/{topic}/records", {"records": [{"value": "late", "partition": 1}]})
    _contains(server, topic, ["late"], wait_ms=1000)
    server.advance(9_000)
    if waiting.is_over:
        server.require("the delayed answer", [Mismatch("the answer", "none before its time", "it is there")])
    server.advance(1_000)
    server.expect("the delayed answer", waiting.response(), {"status": 200, "json": {"results": [{"offset": 0}]}})
    _prompt(server, begun)


@server_case(
    title="A refusal is delayed as any other answer",
    requirements=["CONTROL-005"],
    hint="What is delayed is the answer, whatever it is.",
)
def delay_strikes_a_refusal(server: ServerSession) -> None:
    """Delay the answer about a topic that does not exist."""
    missing = fresh_name()
    server.expect("there is something", server.send("GET", "/v1/topics"), {"status": 200})
    server.inject("describe_topic", "delay", delay_ms=10_000)
    waiting = Waiting(server, f"/v1/topics/{missing}")
    _used(server)
    if waiting.is_over:
        server.require("the delayed answer", [Mismatch("the answer", "none before its time", "it is there")])
    server.advance(10_000)
    gone = {"status": 404, "problem": {"code": "topic_not_found", "topic": missing}}
    server.expect("the delayed answer", waiting.response(), gone)


@server_case(
    title="A request that is dropped before it acts has no answer and no effect",
    requirements=["CONTROL-006"],
    hint="Close the connection where the request would have acted.",
)
def drop_before_acting(server: ServerSession) -> None:
    """Lose an append, and look what was appended."""
    topic = server.create_topic(2)
    server.inject("produce", "drop_before")
    _lose(server, topic, "lost")
    server.expect("the request behind it", _produce(server, topic, "kept"), {"status": 200})
    _contains(server, topic, ["kept"])


@server_case(
    title="A request whose answer is dropped has had its effect",
    requirements=["CONTROL-007"],
    hint="Act, then close the connection.",
)
def drop_after_acting(server: ServerSession) -> None:
    """Lose the answer of an append, and look what was appended."""
    topic = server.create_topic(2)
    server.inject("produce", "drop_after")
    _lose(server, topic, "kept")
    server.expect("the request behind it", _produce(server, topic, "too"), {"status": 200})
    _contains(server, topic, ["kept", "too"])


@server_case(
    title="The refusal of a request is dropped like a success",
    requirements=["CONTROL-007"],
    hint="Whatever the answer would have been, nobody hears it.",
)
def drop_a_refusal(server: ServerSession) -> None:
    """Lose the answer about a topic that does not exist."""
    topic = server.create_topic(1)
    server.inject("describe_topic", "drop_after")
    _unanswered(server, "GET", f"/v1/topics/{fresh_name()}")
    server.expect("the request behind it", server.send("GET", f"/v1/topics/{topic}"), {"status": 200})


@server_case(
    title="A fault strikes as often as it is to, first planted first, and only what fits it",
    requirements=["CONTROL-008", "CONTROL-009"],
    hint="Count down what fits operation and path; what does not fit is as ever and counts for nothing.",
)
def faults_are_counted(server: ServerSession) -> None:
    """Plant faults for one topic and for one partition, and send requests that fit and that do not."""
    topic, other = server.create_topic(2), server.create_topic(2)
    server.inject("fetch_partition", "error", code="not_leader", topic=topic, partition=1)
    server.inject("fetch_partition", "error", code="quota_exceeded", topic=topic, times=2)
    one = {"operation": "fetch_partition", "fault": "error", "code": "not_leader", "topic": topic, "partition": 1}
    two = {"operation": "fetch_partition", "fault": "error", "code": "quota_exceeded", "topic": topic}
    _left(server, [{**one, "times": 1}, {**two, "times": 2}])
    _fetch(server, other, 1, 200)
    server.expect("another operation", server.send("GET", f"/v1/topics/{topic}"), {"status": 200})
    _fetch(server, topic, 0, 429)
    _left(server, [{**one, "times": 1}, {**two, "times": 1}])
    _fetch(server, topic, 1, 503)
    _left(server, [{**two, "times": 1}])
    _fetch(server, other, 0, 200)
    _fetch(server, topic, 1, 429)
    _left(server, [])
    _fetch(server, topic, 1, 200)
    _fetch(server, topic, 0, 200)


@server_case(
    title="A request that is refused for its form uses up no fault",
    requirements=["CONTROL-008"],
    hint="A fault strikes requests of its operation; what is malformed is none.",
)
def malformed_requests_are_not_struck(server: ServerSession) -> None:
    """Plant a fault and send a malformed request before a good one."""
    topic = server.create_topic(2)
    server.inject("fetch_partition", "error", code="not_leader")
    response = server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=-1")
    server.expect("malformed", response, {"status": 400, "problem": {"code": "invalid_request"}})
    _fetch(server, topic, 0, 503)
    _fetch(server, topic, 0, 200)


@server_case(
    title="Faults that are taken back strike nobody, and nothing else is gone",
    requirements=["CONTROL-010"],
    hint="All of them; topics and the clock stay.",
)
def faults_are_taken_back(server: ServerSession) -> None:
    """Plant two faults, take them back, and go on."""
    topic = server.create_topic(2)
    before = server.advance(_HOUR_MS)
    server.inject("produce", "drop_before", times=3)
    server.inject("fetch_partition", "error", code="not_leader")
    server.reset_faults()
    _left(server, [])
    server.expect("append", _produce(server, topic, "kept"), {"status": 200})
    _contains(server, topic, ["kept"])
    _between(server, "the clock", server.advance(0) - before, 0)


@server_case(
    title="A fault that makes no sense is refused, and points to what is wrong",
    requirements=["CONTROL-011", "CONV-006"],
    needs=("control",),
    hint="A test with a misspelt fault must not pass because nothing happens.",
)
def senseless_faults_are_refused(server: ServerSession) -> None:
    """Plant every kind of senseless fault, see that none is there, and plant one that makes sense."""
    for pointer, fault in (
        ("/operation", {"operation": "fetsch", "fault": "drop_before"}),
        ("/operation", {"operation": "", "fault": "drop_before"}),
        ("/operation", {"operation": "advance_clock", "fault": "drop_before"}),
        ("/operation", {"operation": "clear_faults", "fault": "error", "code": "not_leader"}),
        ("/operation", {"fault": "drop_before"}),
        ("/fault", {"operation": "fetch"}),
        ("/fault", {"operation": "fetch", "fault": "explode"}),
        ("/code", {"operation": "fetch", "fault": "error"}),
        ("/code", {"operation": "fetch", "fault": "error", "code": "topic_not_found"}),
        ("/code", {"operation": "fetch", "fault": "drop_after", "code": "not_leader"}),
        ("/code", {"operation": "fetch", "fault": "error", "code": "group_coordinator"}),
        ("/delay_ms", {"operation": "fetch", "fault": "delay"}),
        ("/delay_ms", {"operation": "fetch", "fault": "delay", "delay_ms": 0}),
        ("/delay_ms", {"operation": "fetch", "fault": "delay", "delay_ms": 10_001}),
        ("/delay_ms", {"operation": "fetch", "fault": "error", "code": "not_leader", "delay_ms": 5}),
        ("/times", {"operation": "fetch", "fault": "drop_before", "times": 0}),
        ("/times", {"operation": "fetch", "fault": "drop_before", "times": 1001}),
        ("/topic", {"operation": "fetch", "fault": "drop_before", "topic": "orders"}),
        ("/partition", {"operation": "produce", "fault": "drop_before", "partition": 1}),
        ("/partition", {"operation": "fetch_partition", "fault": "drop_before", "partition": -1}),
        ("/group", {"operation": "describe_topic", "fault": "drop_before", "group": "g"}),
        ("/member", {"operation": "describe_topic", "fault": "drop_before", "member": "m"}),
        ("/topics", {"operation": "describe_topic", "fault": "drop_before", "topics": "t"}),
    ):
        response = server.send("POST", "/v1/control/faults", value=fault)
        problem = {"code": "invalid_request", "errors": [{"pointer": pointer}]}
        server.expect(f"plant {fault}", response, {"status": 400, "problem": problem})
    _left(server, [])
    server.inject("fetch_partition", "delay", delay_ms=10_000, times=1000, topic="orders", partition=1)


@server_case(
    title="A jump back, one without a length and one of more than a year are refused",
    requirements=["CONTROL-001", "CONV-006"],
    needs=("control",),
    hint="A clock that goes back would make offsets and times disagree.",
)
def senseless_jumps_are_refused(server: ServerSession) -> None:
    """Ask for jumps that are not possible, and look at the clock."""
    before = server.advance(0)
    for body in ({}, {"advance_ms": -1}, {"advance_ms": 31_536_000_001}, {"advance_ms": "1"}, {"advance_ms": None}):
        response = server.send("POST", "/v1/control/clock", value=body)
        problem = {"code": "invalid_request", "errors": [{"pointer": "/advance_ms"}]}
        server.expect(f"jump {body}", response, {"status": 400, "problem": problem})
    _between(server, "the clock", server.advance(0) - before, 0)


@server_case(
    title="After a reset there are no topics and no faults, and the clock goes on",
    requirements=["CONTROL-012"],
    hint="Whoever waits for a partition finds that its topic is gone; a topic of that name begins anew.",
)
def reset_begins_anew(server: ServerSession) -> None:
    """Fill a server, wait at the end of a partition, reset, and look at everything."""
    topic = server.create_topic(2)
    server.produce(topic, [{"value": 1, "partition": 1}])
    before = server.advance(_HOUR_MS)
    server.inject("produce", "drop_before")
    begun = time.monotonic()
    waiting = Waiting(server, f"/v1/topics/{topic}/partitions/1/records?offset=1&max_wait_ms={_WAIT_MS}")
    server.expect("reset", server.send("POST", "/v1/control/reset"), {"status": 204})
    gone = {"status": 404, "problem": {"code": "topic_not_found", "topic": topic}}
    server.expect("the fetch that waited", waiting.response(), gone)
    _prompt(server, begun)
    none: dict[str, Any] = {"topics": [], "next_page_token": {"$absent": True}}
    server.expect("list the topics", server.send("GET", "/v1/topics"), {"status": 200, "json": none})
    _left(server, [])
    server.create_topic(2, topic)
    (first,) = server.produce(topic, [{"value": "first", "partition": 1}])
    server.require("append", [] if first["offset"] == 0 else [Mismatch("offset", "0", str(first["offset"]))])
    _between(server, "the clock", server.advance(0) - before, 0)


def _produce(server: ServerSession, topic: str, value: str) -> Response:
    return server.send("POST", f"/v1/topics/{topic}/records", value={"records": [{"value": value, "partition": 1}]})


def _contains(server: ServerSession, topic: str, values: list[str], wait_ms: int = 0) -> None:
    """Require that partition 1 has these values, in this order."""
    response = server.send("GET", f"/v1/topics/{topic}/partitions/1/records?offset=0&max_wait_ms={wait_ms}")
    records = [{"offset": offset, "value": value} for offset, value in enumerate(values)]
    server.expect("read", response, {"status": 200, "json": {"records": records, "next_offset": len(values)}})


def _fetch(server: ServerSession, topic: str, partition: int, status: int) -> None:
    response = server.send("GET", f"/v1/topics/{topic}/partitions/{partition}/records?offset=0&max_wait_ms=0")
    server.expect(f"fetch partition {partition}", response, {"status": status})


def _lose(server: ServerSession, topic: str, value: str) -> None:
    """Append, and require that there is no answer."""
    _unanswered(server, "POST", f"/v1/topics/{topic}/records", {"records": [{"value": value, "partition": 1}]})


def _unanswered(server: ServerSession, method: str, target: str, value: Any = None) -> None:
    try:
        response = server.send(method, target, value=value)
    except Crashed:
        return
    seen = Mismatch("answer", "none: the connection is closed", str(response.status))
    server.require("the request whose answer is lost", [seen])


def _left(server: ServerSession, expected: list[dict[str, Any]]) -> None:
    response = server.send("GET", "/v1/control/faults")
    server.expect("the faults that are left", response, {"status": 200, "json": {"faults": expected}})


def _used(server: ServerSession) -> None:
    """Require that the only fault has struck, a moment later at most."""
    ends = time.monotonic() + _PROMPT_S
    while server.faults() and time.monotonic() < ends:
        pass
    _left(server, [])


def _between(server: ServerSession, what: str, seen_ms: int, least_ms: int) -> None:
    most_ms = least_ms + _PATIENCE_MS
    if not least_ms <= seen_ms <= most_ms:
        server.require(what, [Mismatch("milliseconds between", f"{least_ms} to {most_ms}", str(seen_ms))])


def _prompt(server: ServerSession, begun: float) -> None:
    took_s = time.monotonic() - begun
    if took_s > _PROMPT_S:
        server.require("look at the clock", [Mismatch("it took", f"less than {_PROMPT_S:g} s", f"{took_s:.1f} s")])
