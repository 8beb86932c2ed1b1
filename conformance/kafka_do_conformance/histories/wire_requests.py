"""What processes ask, as requests, and what the answers say, as results."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from kafka_do_conformance.group_members import group_path
from kafka_do_conformance.histories.calls import (
    Advance,
    Append,
    Call,
    Commit,
    Grow,
    Heartbeat,
    Leave,
    Page,
    Query,
    Read,
)
from kafka_do_conformance.histories.events import Partition, Told

__all__ = ["Place", "WireRequest", "request_of"]

SESSION_TIMEOUT_MS = 9_000  # what members wish for
_NUMBER = {"$type": "integer", "$min": 0}
_MEMBER_IS_GONE = ("unknown_member", "fenced_member_epoch", "fenced_instance_id", "unreleased_instance_id")
_COMMIT_IS_LATE = ("unknown_member", "rebalance_in_progress")


class Place(NamedTuple):
    """The topic and the group of a run."""

    topic: str
    topic_id: str
    group: str


class WireRequest(NamedTuple):
    """A request; `scope` is what tells a fault which requests of the `operation` it strikes.

    `refusals` are the codes that a correct server may answer, besides those of a fault, which is `fault_code`; `shape`
    is what a success has to look like, and `read` makes the result out of it.
    """

    operation: str
    method: str
    target: str
    value: Mapping[str, Any] | None
    status: int
    shape: Any = None
    read: Callable[[Any], Any] = lambda _: None
    scope: Mapping[str, Any] = {}
    fault_code: str = ""
    refusals: tuple[str, ...] = ()


def request_of(call: Call, place: Place) -> WireRequest:  # noqa: PLR0911  one for each kind of call
    """Return the request that asks for a call."""
    match call:
        case Append():
            return _append(call, place)
        case Heartbeat():
            return _heartbeat(call, place)
        case Leave():
            return _leave(call, place)
        case Commit():
            return _commit(call, place)
        case Read():
            return _read(call, place)
        case Query():
            return _query(call, place)
        case Advance():
            return _advance(call)
        case Grow():
            return _grow(call, place)


def _append(call: Append, place: Place) -> WireRequest:
    number = call.partition.number
    value: dict[str, Any] = {"records": [{"value": value, "value_encoding": "string"} for value in call.values]}
    if call.batch is not None:
        ident, epoch, sequence = call.batch
        value["producer"] = {"id": ident, "epoch": epoch, "base_sequence": sequence}
    result = {"partition": number, "offset": _NUMBER}
    return WireRequest(
        "produce_partition", "POST", f"/v1/topics/{place.topic}/partitions/{number}/records", value, 200,
        shape={"results": [result] * len(call.values)},
        read=lambda answer: tuple(result["offset"] for result in answer["results"]),
        scope={"topic": place.topic, "partition": number},
        fault_code="not_leader",
        refusals=("producer_fenced",) if call.batch is not None else (),
    )  # fmt: skip


def _heartbeat(call: Heartbeat, place: Place) -> WireRequest:
    owned = {"topic": place.topic, "topic_id": place.topic_id, "partitions": sorted(p.number for p in call.owned)}
    value: dict[str, Any] = {
        "member_epoch": call.epoch,
        "topics": [place.topic],
        "owned": [owned] if call.owned else [],
        "rebalance_timeout_ms": call.rebalance_ms,
        "session_timeout_ms": SESSION_TIMEOUT_MS,
    }
    if call.instance_id:
        value["instance_id"] = call.instance_id
    shape = {
        "member_epoch": {"$type": "integer", "$min": 1},
        "assignment": {"$type": "array"},
        "session_timeout_ms": {"$one_of": [None, {"$type": "integer", "$min": 1}]},
    }
    return WireRequest(
        "heartbeat", "PUT", _member_path(call.member, place), value, 200,
        shape=shape,
        read=_told,
        scope={"group": place.group, "member": call.member},
        fault_code="group_coordinator",
        refusals=_MEMBER_IS_GONE,
    )  # fmt: skip


def _told(answer: Any) -> Told:
    """Return what an answer to a heartbeat tells; where it tells no session timeout, none is certain."""
    entries = [(entry["topic_id"], number) for entry in answer["assignment"] for number in entry["partitions"]]
    assignment = frozenset(Partition(topic_id, number) for topic_id, number in entries)
    return Told(answer["member_epoch"], assignment, answer["session_timeout_ms"] or 0)


def _leave(call: Leave, place: Place) -> WireRequest:
    query = f"?temporary=true&instance_id={quote(call.instance_id, safe='')}" if call.instance_id else ""
    return WireRequest(
        "leave_group", "DELETE", f"{_member_path(call.member, place)}{query}", None, 204,
        scope={"group": place.group, "member": call.member},
        fault_code="group_coordinator",
        refusals=_MEMBER_IS_GONE,
    )  # fmt: skip


def _commit(call: Commit, place: Place) -> WireRequest:
    item = {"topic": place.topic, "topic_id": place.topic_id, "partition": call.partition.number}
    value = {"member": {"id": call.member, "epoch": call.epoch}, "offsets": [{**item, "offset": call.offset}]}
    return WireRequest(
        "commit_offsets", "POST", f"{group_path(place.group)}/offsets/commit", value, 200,
        scope={"group": place.group},
        fault_code="group_coordinator",
        refusals=_COMMIT_IS_LATE,
    )  # fmt: skip


def _read(call: Read, place: Place) -> WireRequest:
    query = f"offset={call.position}&max_records={call.limit}&max_wait_ms=0"
    target = f"/v1/topics/{place.topic}/partitions/{call.partition.number}/records?{query}"
    shape = {"records": {"$type": "array"}, "next_offset": _NUMBER, "log_start_offset": _NUMBER}
    return WireRequest("fetch_partition", "GET", target, None, 200, shape=shape, read=_page)


def _page(answer: Any) -> Page:
    records = tuple((record["offset"], str(record["value"])) for record in answer["records"])
    return Page(records, answer["next_offset"], answer["log_start_offset"])


def _query(call: Query, place: Place) -> WireRequest:
    value = {"partitions": [{"topic": place.topic, "partition": call.partition.number}]}
    return WireRequest(
        "query_offsets", "POST", f"{group_path(place.group)}/offsets/query", value, 200,
        shape={"partitions": [{"committed_offset": {"$one_of": [None, _NUMBER]}}]},
        read=lambda answer: answer["partitions"][0]["committed_offset"],
    )  # fmt: skip


def _advance(call: Advance) -> WireRequest:
    value = {"advance_ms": call.ms}
    return WireRequest(
        "advance_clock", "POST", "/v1/control/clock", value, 200,
        shape={"now_ms": _NUMBER},
        read=lambda answer: answer["now_ms"],
    )  # fmt: skip


def _grow(call: Grow, place: Place) -> WireRequest:
    count = call.number + 1
    return WireRequest(
        "alter_topic", "PATCH", f"/v1/topics/{place.topic}", {"partitions": count}, 200,
        shape={"partition_count": count},
        read=lambda _: Partition(place.topic_id, call.number),
    )  # fmt: skip


def _member_path(member: str, place: Place) -> str:
    return f"{group_path(place.group)}/members/{quote(member, safe='')}"
