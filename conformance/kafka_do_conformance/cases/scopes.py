"""What a key may do: scopes, for some topics and groups."""

import time
import uuid
from typing import Any, NamedTuple

from kafka_do_conformance.case import server_case
from kafka_do_conformance.limited_keys import BEGINNING, EXACT
from kafka_do_conformance.live import LiveStream
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch
from kafka_do_conformance.wire import Response

_FORBIDDEN: dict[str, Any] = {"status": 403, "problem": {"code": "forbidden", "retriable": False}}
_REFUSED: dict[str, Any] = {"error": {"code": "forbidden", "retriable": False, "indeterminate": False}}
_LEAKS = (
    "offset",
    "timestamp_ms",
    "records",
    "next_offset",
    "high_watermark",
    "log_start_offset",
    "committed_offset",
    "lag",
)
_PROMPT_S = 8.0
_WAIT_MS = 30_000


class _Ask(NamedTuple):
    """A request; `{topic}` and `{group}` stand for names."""

    method: str
    target: str
    value: Any = None


_RECORDS = {"records": [{"value": "mine"}]}
_JOIN = {"member_epoch": 0, "topics": ["{topic}"], "owned": [], "rebalance_timeout_ms": 10_000}
_COMMIT = {"offsets": [{"topic": "{topic}", "partition": 0, "offset": 1}]}
_RESET = {"partitions": [{"topic": "{topic}", "partition": 0, "at": "latest"}]}

_CREATE = _Ask("POST", "/v1/topics", {"topic": "{topic}", "partitions": 2})
_TRY = _Ask("POST", "/v1/topics", {"topic": "{topic}", "validate_only": True})
_ALTER = _Ask("PATCH", "/v1/topics/{topic}", {"configs": {"message.timestamp.type": "LogAppendTime"}})
_DELETE = _Ask("DELETE", "/v1/topics/{topic}")
_DESCRIBE = _Ask("GET", "/v1/topics/{topic}")
_PRODUCE = _Ask("POST", "/v1/topics/{topic}/records", _RECORDS)
_PRODUCE_ONE = _Ask("POST", "/v1/topics/{topic}/partitions/0/records", _RECORDS)
_FETCH = _Ask("GET", "/v1/topics/{topic}/partitions/0/records?offset=0&max_wait_ms=0")
_HEARTBEAT = _Ask("PUT", "/v1/groups/{group}/members/m", _JOIN)
_LEAVE = _Ask("DELETE", "/v1/groups/{group}/members/m")
_COMMIT_OFFSETS = _Ask("POST", "/v1/groups/{group}/offsets/commit", _COMMIT)
_QUERY = _Ask("POST", "/v1/groups/{group}/offsets/query", {})
_RESET_OFFSETS = _Ask("POST", "/v1/groups/{group}/offsets/reset", _RESET)
_DESCRIBE_GROUP = _Ask("GET", "/v1/groups/{group}")
_DELETE_GROUP = _Ask("DELETE", "/v1/groups/{group}")

_ON_TOPICS = (_CREATE, _TRY, _ALTER, _DELETE, _DESCRIBE, _PRODUCE, _PRODUCE_ONE, _FETCH)
_ON_GROUPS = (_HEARTBEAT, _LEAVE, _COMMIT_OFFSETS, _QUERY, _RESET_OFFSETS, _DESCRIBE_GROUP, _DELETE_GROUP)


def _not_allowed(holder: str) -> tuple[_Ask, ...]:
    """Return what a key may not do with its own topics and groups."""
    if holder == "reader":
        return (_CREATE, _TRY, _ALTER, _DELETE, _PRODUCE, _PRODUCE_ONE, _RESET_OFFSETS, _DELETE_GROUP)
    if holder == "writer":
        return (_CREATE, _TRY, _ALTER, _DELETE, _FETCH, *_ON_GROUPS)
    return (_PRODUCE, _PRODUCE_ONE, _FETCH, _HEARTBEAT, _LEAVE, _COMMIT_OFFSETS)


@server_case(
    title="A key without the scope is refused everywhere, and nothing happens",
    requirements=["SCOPE-001"],
    hint="Look at the scopes that openapi.yaml names for the operation, for every topic and group of the request.",
)
def scopes_are_needed(server: ServerSession) -> None:
    """Try with each key all that it may not do, on its own names and on those of others, and look at what is left."""
    own, other = _Place.new(server, BEGINNING), _Place.new(server)
    for holder in ("reader", "writer", "manager"):
        session = server.holding(holder)
        for ask in _not_allowed(holder):
            session.expect(f"{holder}: {ask.method} {ask.target}", _send(session, ask, own), _FORBIDDEN)
        for ask in (*_ON_TOPICS, *_ON_GROUPS):
            session.expect(f"{holder}, not its own: {ask.method} {ask.target}", _send(session, ask, other), _FORBIDDEN)
    for holder in ("reader", "manager"):
        session = server.holding(holder)
        session.expect(f"{holder}: an id of a producer", session.send("POST", "/v1/producers"), _if_offered(server))
    for place in (own, other):
        place.is_unchanged(server)


@server_case(
    title="A key that does not reach everything may not control a server",
    requirements=["SCOPE-001"],
    needs=("control",),
    hint="Whoever may move the clock or reset the server may do everything.",
)
def control_needs_everything(server: ServerSession) -> None:
    """Try each operation of control with a key that may administer some topics."""
    place = _Place.new(server, BEGINNING)
    manager = server.holding("manager")
    for method, target, value in (
        ("POST", "clock", {"advance_ms": 0}),
        ("POST", "faults", {"operation": "fetch", "fault": "drop_before"}),
        ("GET", "faults", None),
        ("DELETE", "faults", None),
        ("POST", "reset", None),
    ):
        manager.expect(target, manager.send(method, f"/v1/control/{target}", value=value), _FORBIDDEN)
    place.is_unchanged(server)


@server_case(
    title="The refusal is the same whether a topic or group exists or not",
    requirements=["SCOPE-002"],
    hint="Look at the key before you look for the topic.",
)
def refusals_tell_nothing(server: ServerSession) -> None:
    """Ask for what exists and for what does not, and compare the answers."""
    there, missing = _Place.new(server), _Place(fresh_name(), fresh_name())
    for holder in ("reader", "writer", "manager"):
        session = server.holding(holder)
        for ask in (*_ON_TOPICS, *_ON_GROUPS):
            step = f"{holder}: {ask.method} {ask.target}"
            one, two = (_told(session, step, ask, place) for place in (there, missing))
            session.require(step, [] if one == two else [Mismatch("what is missing", one, two)])
    there.is_unchanged(server)


@server_case(
    title="A whole name is no beginning of others, and a beginning counts from the start",
    requirements=["SCOPE-003"],
    hint="Compare whole names; only a pattern that says so is a beginning.",
)
def names_are_whole(server: ServerSession) -> None:
    """Use names around the one that a key is for, and around the beginning that another key is for."""
    server.send("POST", "/v1/topics", value={"topic": EXACT, "partitions": 1})  # there may be one from an earlier run
    longer = server.create_topic(1, f"{EXACT}-{uuid.uuid4().hex}")
    exact, reader = server.holding("exact"), server.holding("reader")
    exact.expect("the whole name", _send(exact, _PRODUCE, _Place(EXACT, EXACT)), {"status": 200})
    commit = _send(exact, _COMMIT_OFFSETS, _Place(EXACT, EXACT))
    exact.expect("the whole name of a group", commit, {"status": 200, "json": {"results": [{"topic": EXACT}]}})
    for name in (longer, f"{EXACT}-", f"{EXACT}.1", EXACT[:-1], EXACT.upper(), f"x{EXACT}"):
        exact.expect(name, _send(exact, _PRODUCE, _Place(name, EXACT)), _FORBIDDEN)
        exact.expect(f"the group {name}", _send(exact, _COMMIT_OFFSETS, _Place(EXACT, name)), _FORBIDDEN)
    own = _Place.new(server, BEGINNING)
    reader.expect("a beginning", _send(reader, _FETCH, own), {"status": 200, "json": {"records": [{"value": "first"}]}})
    for name in (BEGINNING[:-1], f"x-{own.topic}", own.topic.upper(), own.topic.replace("-a-", "-b-")):
        reader.expect(name, _send(reader, _FETCH, _Place(name, own.group)), _FORBIDDEN)
        reader.expect(f"the group {name}", _send(reader, _DESCRIBE_GROUP, _Place(own.topic, name)), _FORBIDDEN)


@server_case(
    title="Lists have only what the key may see",
    requirements=["SCOPE-004"],
    hint="Leave out first, then make pages: a token must not name what is left out either.",
)
def lists_leave_out(server: ServerSession) -> None:
    """List with keys that see some of it, page by page, and compare."""
    places = [_Place.new(server, BEGINNING) for _ in range(3)]
    for beginning in ("", "conformance-b-", "conformance-0-"):
        _Place.new(server, beginning)
    for holder, target, names in (
        ("reader", "topics", [place.topic for place in places]),
        ("writer", "topics", [place.topic for place in places]),
        ("manager", "topics", [place.topic for place in places]),
        ("reader", "groups", [place.group for place in places]),
        ("manager", "groups", [place.group for place in places]),
    ):
        session = server.holding(holder)
        seen = _all_pages(session, target, 1000)
        wrong = [name for name in seen if not name.startswith(BEGINNING)]
        session.require(f"{holder} lists {target}", [Mismatch("names", "its own", ", ".join(wrong))] if wrong else [])
        lacking = [name for name in names if name not in seen]
        session.require(f"{holder} lists {target}", [Mismatch("names", ", ".join(lacking), "none")] if lacking else [])
        if len(seen) <= 50:  # noqa: PLR2004  on a server that others use there may be many
            by_ones = _all_pages(session, target, 1)
            session.require(
                f"{holder} lists {target} one by one",
                [] if by_ones == seen else [Mismatch("names", ", ".join(seen), ", ".join(by_ones))],
            )
    writer = server.holding("writer")
    writer.expect("no groups", writer.send("GET", "/v1/groups"), {"status": 200, "json": {"groups": []}})


@server_case(
    title="What a group has committed for topics that the key may not see is left out",
    requirements=["SCOPE-004"],
    hint="The group is the key's, the topic is not.",
)
def groups_leave_topics_out(server: ServerSession) -> None:
    """Commit for two topics and join for both; look with a key that may see one."""
    own, other = _Place.new(server, BEGINNING), _Place.new(server)
    offsets = [{"topic": topic, "partition": 0, "offset": 0} for topic in (own.topic, other.topic)]
    target = f"/v1/groups/{own.group}"
    committed = server.send("POST", f"{target}/offsets/commit", value={"offsets": offsets})
    server.expect("commit for both", committed, {"status": 200})
    join = {**_JOIN, "topics": [own.topic, other.topic]}
    server.expect("join for both", server.send("PUT", f"{target}/members/m", value=join), {"status": 200})
    whole = server.send("GET", target)
    server.expect("whoever may see all", whole, {"status": 200, "json": {"total_lag": 2}})
    reader = server.holding("reader")
    mine = {"topic": own.topic, "partition": 0, "committed_offset": 0, "lag": 1}
    query = reader.send("POST", f"{target}/offsets/query", value={})
    reader.expect("query", query, {"status": 200, "json": {"partitions": [mine]}})
    member = {"topics": [own.topic], "assignment": [{"topic": own.topic}]}
    described = {"members": [member], "offsets": [mine], "total_lag": 1}
    reader.expect("describe", reader.send("GET", target), {"status": 200, "json": described})


@server_case(
    title="Of many topics the ones that the key may not use carry forbidden, and the others are answered",
    requirements=["SCOPE-005"],
    hint="The item has the error and nothing else, whether the topic exists or not; do not wait for the others.",
)
def items_are_refused(server: ServerSession) -> None:
    """Mix a topic of the key with two that are not, one of which does not exist, in every operation with items."""
    own, other = _Place.new(server, BEGINNING), _Place.new(server)
    missing = fresh_name()
    topics = (other.topic, own.topic, missing)
    reader = server.holding("reader")
    begun = time.monotonic()
    end = [{"topic": topic, "partition": 0, "offset": 1} for topic in topics]
    fetched = reader.send("POST", "/v1/fetch", value={"partitions": end, "max_wait_ms": _WAIT_MS})
    _mixed(reader, "fetch", fetched, member="partitions", own=own.topic, answered={"records": [], "next_offset": 1})
    took_s = time.monotonic() - begun
    late = [Mismatch("it took", f"less than {_PROMPT_S:g} s", f"{took_s:.1f} s")] if took_s > _PROMPT_S else []
    reader.require("fetch", late)
    latest = [{"topic": topic, "partition": 0, "at": "latest"} for topic in topics]
    found = reader.send("POST", "/v1/offsets", value={"partitions": latest})
    _mixed(reader, "offsets", found, member="partitions", own=own.topic, answered={"offset": 1})
    target = f"/v1/groups/{own.group}/offsets"
    committed = reader.send("POST", f"{target}/commit", value={"offsets": end})
    _mixed(
        reader, "commit", committed, member="results", own=own.topic, answered={"error": {"$absent": True}}, status=207
    )
    wanted = [{"topic": topic, "partition": 0} for topic in topics]
    asked = reader.send("POST", f"{target}/query", value={"partitions": wanted})
    _mixed(reader, "query", asked, member="partitions", own=own.topic, answered={"committed_offset": 1, "lag": 0})
    none = reader.send("POST", f"{target}/commit", value={"offsets": [end[0], end[2]]})
    problem = {"code": "forbidden", "results": [{**_REFUSED, "topic": topic} for topic in (other.topic, missing)]}
    reader.expect("commit for nothing of its own", none, {"status": 403, "problem": problem})
    every = server.send("POST", f"{target}/query", value={})
    kept = [{"topic": own.topic, "partition": 0, "committed_offset": 1}]
    server.expect("what is committed", every, {"status": 200, "json": {"partitions": kept}})


@server_case(
    title="A reset with a topic that the key may not see resets nothing",
    requirements=["SCOPE-006"],
    hint="All or nothing, and the answer does not tell what exists.",
)
def resets_are_refused_whole(server: ServerSession) -> None:
    """Reset a topic of the key together with another, and look at the commits; then only its own."""
    own, other = _Place.new(server, BEGINNING), _Place.new(server)
    manager = server.holding("manager")
    target = f"/v1/groups/{own.group}/offsets"
    mine = {"topic": own.topic, "partition": 0, "at": "latest"}
    for topic in (other.topic, fresh_name()):
        items = [mine, {"topic": topic, "partition": 0, "at": "latest"}]
        for dry_run in (True, False):
            value = {"partitions": items, "dry_run": dry_run}
            manager.expect(f"with {topic}", manager.send("POST", f"{target}/reset", value=value), _FORBIDDEN)
    own.is_unchanged(server)
    reset = manager.send("POST", f"{target}/reset", value={"partitions": [mine]})
    manager.expect("its own", reset, {"status": 200, "json": {"results": [{"topic": own.topic, "offset": 1}]}})


@server_case(
    title="A heartbeat for one topic that the key may not consume is refused, and nobody joins",
    requirements=["SCOPE-007"],
    hint="Else an assignment would tell which topics exist.",
)
def heartbeats_are_refused_whole(server: ServerSession) -> None:
    """Join for a topic of the key and another, see that there is no member, and join for its own."""
    own, other = _Place.new(server, BEGINNING), _Place.new(server)
    reader = server.holding("reader")
    for topic in (other.topic, fresh_name()):
        value = {**_JOIN, "topics": [own.topic, topic]}
        response = reader.send("PUT", f"/v1/groups/{own.group}/members/m", value=value)
        reader.expect(f"with {topic}", response, _FORBIDDEN)
    own.is_unchanged(server)
    assigned = {"assignment": [{"topic": own.topic, "partitions": [0]}]}
    reader.expect("its own", _send(reader, _HEARTBEAT, own), {"status": 200, "json": assigned})


@server_case(
    title="Producing creates no topic for a key that may not create one",
    requirements=["SCOPE-008"],
    needs=("auto_create_topics",),
    hint="It may produce there, so the answer is topic_not_found, as from a server that never creates.",
)
def producing_needs_the_right_to_create(server: ServerSession) -> None:
    """Produce to topics that do not exist, in both forms, and look whether they do now; then with a key that may."""
    writer = server.holding("writer")
    for ask in (_PRODUCE, _PRODUCE_ONE):
        place = _Place(_own_name(), "none")
        missing = {"status": 404, "problem": {"code": "topic_not_found", "topic": place.topic}}
        writer.expect(f"{ask.target}", _send(writer, ask, place), missing)
        server.expect("it does not exist", _send(server, _DESCRIBE, place), missing)
        server.create_topic(1, place.topic)
        writer.expect(
            "once it exists", _send(writer, ask, place), {"status": 200, "json": {"results": [{"offset": 0}]}}
        )
        created = _Place(_own_name(), "none")
        server.expect("whoever may create", _send(server, ask, created), {"status": 200})


@server_case(
    title="A key may do all that its scopes allow",
    requirements=["SCOPE-009"],
    hint="One of the scopes that an operation names is enough.",
)
def scopes_are_enough(server: ServerSession) -> None:
    """Do with each key what it is for, from the topic's beginning to its end."""
    reader, writer, manager = (server.holding(holder) for holder in ("reader", "writer", "manager"))
    place = _Place(_own_name(), _own_name())
    manager.expect("try", _send(manager, _TRY, place), {"status": 200})
    manager.expect("create", _send(manager, _CREATE, place), {"status": 201, "json": {"topic": place.topic}})
    for session in (manager, reader, writer):
        described = {"topic": place.topic, "partitions": [{"partition": 0}, {"partition": 1}]}
        session.expect("describe", _send(session, _DESCRIBE, place), {"status": 200, "json": described})
        at = {"partitions": [{"topic": place.topic, "partition": 1, "at": "latest"}]}
        found = session.send("POST", "/v1/offsets", value=at)
        session.expect("offsets", found, {"status": 200, "json": {"partitions": [{"offset": 0}]}})
    configs = {"message.timestamp.type": "LogAppendTime"}
    manager.expect("alter", _send(manager, _ALTER, place), {"status": 200, "json": {"configs": configs}})
    writer.expect("produce", _send(writer, _PRODUCE, place), {"status": 200})
    writer.expect("one partition", _send(writer, _PRODUCE_ONE, place), {"status": 200})
    fetched = reader.send("GET", f"/v1/topics/{place.topic}/partitions/0/records?offset=0&max_records=1")
    reader.expect("fetch", fetched, {"status": 200, "json": {"records": [{"offset": 0, "value": "mine"}]}})
    many = {"partitions": [{"topic": place.topic, "partition": 0, "offset": 0}]}
    fetched = reader.send("POST", "/v1/fetch", value=many)
    reader.expect("fetch many", fetched, {"status": 200, "json": {"partitions": [{"topic": place.topic}]}})
    joined = reader.expect(
        "join", _send(reader, _HEARTBEAT, place), {"status": 200, "json": {"member_epoch": {"$type": "integer"}}}
    )
    commit = {**_fill(_COMMIT, place), "member": {"id": "m", "epoch": joined["member_epoch"]}}
    response = reader.send("POST", f"/v1/groups/{place.group}/offsets/commit", value=commit)
    reader.expect("commit", response, {"status": 200, "json": {"results": [{"error": {"$absent": True}}]}})
    reader.expect("leave", _send(reader, _LEAVE, place), {"status": 204})
    for session in (reader, manager):
        committed = {"partitions": [{"topic": place.topic, "committed_offset": 1}]}
        session.expect("query", _send(session, _QUERY, place), {"status": 200, "json": committed})
        session.expect("describe the group", _send(session, _DESCRIBE_GROUP, place), {"status": 200})
    manager.expect("reset", _send(manager, _RESET_OFFSETS, place), {"status": 200})
    manager.expect("delete the group", _send(manager, _DELETE_GROUP, place), {"status": 204})
    manager.expect("delete", _send(manager, _DELETE, place), {"status": 204})


class _Place(NamedTuple):
    """A topic and a group."""

    topic: str
    group: str

    @classmethod
    def new(cls, server: ServerSession, beginning: str = "") -> "_Place":
        """Make a topic of one partition with one record, and a group that has committed its beginning."""
        place = cls(beginning + fresh_name(), beginning + fresh_name())
        server.create_topic(1, place.topic)
        server.produce(place.topic, [{"value": "first"}])
        value = {"offsets": [{"topic": place.topic, "partition": 0, "offset": 0}]}
        committed = server.send("POST", f"/v1/groups/{place.group}/offsets/commit", value=value)
        server.expect("commit", committed, {"status": 200, "json": {"results": [{"topic": place.topic}]}})
        return place

    def is_unchanged(self, server: ServerSession) -> None:
        """Require that the topic and the group are as they were made."""
        described = {
            "partitions": [{"high_watermark": 1}],
            "configs": {"message.timestamp.type": "CreateTime"},
        }
        server.expect("the topic", _send(server, _DESCRIBE, self), {"status": 200, "json": described})
        group = {
            "state": "empty",
            "members": [],
            "offsets": [{"topic": self.topic, "partition": 0, "committed_offset": 0}],
        }
        server.expect("the group", _send(server, _DESCRIBE_GROUP, self), {"status": 200, "json": group})


def _own_name() -> str:
    return BEGINNING + fresh_name()


def _send(session: ServerSession, ask: _Ask, place: _Place) -> Response:
    return session.send(
        ask.method, _fill(ask.target, place), value=None if ask.value is None else _fill(ask.value, place)
    )


def _fill(template: Any, place: _Place) -> Any:
    if isinstance(template, str):
        return template.replace("{topic}", place.topic).replace("{group}", place.group)
    if isinstance(template, dict):
        return {name: _fill(value, place) for name, value in template.items()}
    return [_fill(value, place) for value in template] if isinstance(template, list) else template


def _told(session: ServerSession, step: str, ask: _Ask, place: _Place) -> str:
    """Return what a refusal tells, without the names that were sent and the id of the request."""
    problem = session.expect(step, _send(session, ask, place), _FORBIDDEN)
    told = ", ".join(f"{name}: {value}" for name, value in sorted(problem.items()) if name != "request_id")
    return told.replace(place.topic, "TOPIC").replace(place.group, "GROUP")


def _if_offered(server: ServerSession) -> dict[str, Any]:
    """Return what is expected of a key that may not produce: it is refused, where there are producers at all."""
    wanted = {"features": {"$contains": ["core"]}}
    listed = server.expect("discovery", server.send("GET", "/v1"), {"status": 200, "json": wanted})["features"]
    return _FORBIDDEN if "producers" in listed else {"status": 501}


def _all_pages(session: ServerSession, target: str, page_size: int) -> list[str]:
    """Return the names of a list, page by page; a page behind a token is never empty."""
    names: list[str] = []
    query = f"?page_size={page_size}"
    while True:
        wanted = {target: {"$type": "array"}}
        page = session.expect("list", session.send("GET", f"/v1/{target}{query}"), {"status": 200, "json": wanted})
        found = [one[target.removesuffix("s")] for one in page[target]]
        session.require("list", [] if found or not names else [Mismatch("the page behind a token", "names", "none")])
        names += found
        if "next_page_token" not in page:
            return names
        query = f"?page_size={page_size}&page_token={page['next_page_token']}"


def _mixed(
    session: ServerSession,
    step: str,
    response: Response,
    *,
    member: str,
    own: str,
    answered: dict[str, Any],
    status: int = 200,
) -> None:
    """Require three items: refused, answered, refused."""
    refused = {**_REFUSED, "partition": 0, **{name: {"$absent": True} for name in _LEAKS}}
    items = [refused, {"topic": own, "partition": 0, **answered}, refused]
    found = session.expect(step, response, {"status": status, "json": {member: items}})[member]
    told = [str(item["error"]).replace(item["topic"], "TOPIC") for item in (found[0], found[2])]
    session.require(step, [] if told[0] == told[1] else [Mismatch("what is missing", told[0], told[1])])


@server_case(
    title="A live stream reads only what the key allows",
    requirements=["SCOPE-001", "SCOPE-005"],
    needs=("streams",),
    hint="A stream is a fetch that goes on: each of its fetches is one with the reader's key.",
)
def streams_are_restricted(server: ServerSession) -> None:
    """Stream a topic of the key beside one that is not and one that does not exist; append to both that exist."""
    own, other = _Place.new(server, BEGINNING), _Place.new(server)
    reader, missing = server.holding("reader"), fresh_name()
    for topic in (other.topic, missing):
        with LiveStream(reader, f"/v1/topics/{topic}/partitions/0/records?offset=0") as stream:
            stream.expect("one partition that is not its own", _FORBIDDEN)
    positions = [{"topic": topic, "partition": 0, "offset": 0} for topic in (other.topic, missing, own.topic)]
    with LiveStream(reader, "/v1/fetch", value={"partitions": positions}) as stream:
        for topic in (other.topic, missing):
            stream.line(f"{topic}, not its own", {"type": "error", "topic": topic, "partition": 0, **_REFUSED})
        first = [{"offset": 0, "value": "first"}]
        stream.line("its own", {"type": "records", "topic": own.topic, "records": first, "next_offset": 1})
        server.produce(other.topic, [{"value": "hidden"}])
        server.produce(own.topic, [{"value": "second"}])
        second = [{"offset": 1, "value": "second"}]
        stream.line("an append", {"type": "records", "topic": own.topic, "records": second, "next_offset": 2})
