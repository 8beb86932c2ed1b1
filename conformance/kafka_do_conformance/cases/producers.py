"""Idempotent producers, servers: ids, numbers, epochs, and what changes when a batch is refused."""

import json
import threading
from contextlib import suppress
from typing import Any

from kafka_do.spec import data_root
from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession, fresh_name
from kafka_do_conformance.verdict import Crashed, Mismatch
from kafka_do_conformance.wire import Response

_ANY_TIME = {"$one_of": [{"$type": "integer", "$min": 0}, None]}
_MANY = 200
_AT_ONCE = 8
_LONGEST_JUMP_MS = 31_536_000_000

Batch = dict[str, Any]
Place = tuple[str, int]


def _allocate(server: ServerSession) -> str:
    producer = {"id": {"$type": "string", "$pattern": "^(0|[1-9][0-9]{0,17})$"}, "epoch": 0}
    answer = server.expect("allocate", server.send("POST", "/v1/producers"), {"status": 201, "json": producer})
    return str(answer["id"])


def _batch(producer: str, epoch: int, base_sequence: int, *values: Any) -> Batch:
    numbered = {"id": producer, "epoch": epoch, "base_sequence": base_sequence}
    return {"records": [{"value": value} for value in values], "producer": numbered}


def _send(server: ServerSession, place: Place, batch: Batch) -> Response:
    topic, partition = place
    return server.send("POST", f"/v1/topics/{topic}/partitions/{partition}/records", value=batch)


def _append(server: ServerSession, step: str, place: Place, batch: Batch, base_offset: int) -> None:
    """Send a batch that has to be appended there."""
    expected = place[1], base_offset, len(batch["records"])
    _expect_places(server, step, _send(server, place, batch), expected, repeats=False)


def _repeat(server: ServerSession, step: str, place: Place, batch: Batch, base_offset: int) -> None:
    """Send a batch that was appended there."""
    expected = place[1], base_offset, len(batch["records"])
    _expect_places(server, step, _send(server, place, batch), expected, repeats=True)


def _refuse(server: ServerSession, step: str, place: Place, batch: Batch, code: str) -> None:
    """Send a batch that has to be refused with 409."""
    told = {"code": code, "retriable": False, "indeterminate": False}
    wanted = {**told, "results": [{"error": told}] * len(batch["records"])}
    server.expect(step, _send(server, place, batch), {"status": 409, "problem": wanted})


def _expect_places(
    server: ServerSession, step: str, response: Response, expected: tuple[int, int, int], *, repeats: bool
) -> None:
    """Expect the places of a batch: its partition, its first offset, how many there are."""
    partition, base_offset, count = expected
    places = [{"partition": partition, "offset": base_offset + n, "timestamp_ms": _ANY_TIME} for n in range(count)]
    answer = server.expect(step, response, {"status": 200, "json": {"results": places}})
    if not repeats and None in [result["timestamp_ms"] for result in answer["results"]]:
        server.require(step, [Mismatch("results[].timestamp_ms", "a time, since it was appended now", "null")])
    if answer.get("duplicate", repeats) is not repeats:  # PRODUCER-007
        allowed = "true or absent" if repeats else "false or absent"
        server.require(step, [Mismatch("duplicate", allowed, json.dumps(answer["duplicate"]))])


def _check_values(server: ServerSession, topic: str, partition: int, wanted: list[Any]) -> None:
    found = server.fetch(topic, partition, "offset=0&max_records=1000&max_wait_ms=0")["records"]
    seen = [record.get("value") for record in found]
    if seen != wanted:
        server.require("read", [Mismatch(f"values in partition {partition}", json.dumps(wanted), json.dumps(seen))])


@server_case(
    title="Each producer gets an id of its own, and the epoch 0",
    requirements=["PRODUCER-001"],
    hint="The body of the request is empty; the answer is 201.",
)
def allocated_ids(server: ServerSession) -> None:
    """Allocate some ids, and begin with each."""
    ids = [_allocate(server) for _ in range(20)]
    if len(set(ids)) < len(ids):
        server.require("allocate", [Mismatch("ids", "all different", ", ".join(ids))])
    topic = server.create_topic(2)
    for place, producer in enumerate(ids):
        _append(server, f"producer {place}", (topic, place % 2), _batch(producer, 0, 0, place), place // 2)


@server_case(
    title="An id that was not allocated here is taken or not known, one of another form is malformed",
    requirements=["PRODUCER-002", "CONV-006", "CONV-005"],
    hint="Ids are no capability: keep what you need for each partition, and do not look whether you gave the id.",
)
def foreign_ids(server: ServerSession) -> None:
    """Send ids that nobody allocated, and members that are none of the form."""
    topic = server.create_topic(2)
    known = _allocate(server)
    end = 0
    for producer in ("0", "7", "999999999999999999"):
        response = _send(server, (topic, 0), _batch(producer, 0, 0, producer))
        if response.status == 409:  # noqa: PLR2004  of a server that knows its own ids only
            unknown = {"code": "unknown_producer", "retriable": False}
            server.expect(f"id {producer}", response, {"status": 409, "problem": unknown})
        else:
            _expect_places(server, f"id {producer}", response, (0, end, 1), repeats=False)
            end += 1
    members = {"id": known, "epoch": 0, "base_sequence": 0}
    wrong: list[tuple[str, Any]] = [
        *(
            ("id", value)
            for value in ("", "-1", "+1", "1.0", "01", "0x1", "one", " 1", "1\n", "\u0661", "1" * 19, 1, None)
        ),
        *(("epoch", value) for value in (-1, 32768, 0.5, "0", None)),
        *(("base_sequence", value) for value in (-1, 2147483648, 9007199254740992, 0.5, "0", None)),
    ]
    for member, value in wrong:
        batch = {"records": [{"value": 1}], "producer": {**members, member: value}}
        _malformed(server, f"{member} {json.dumps(value)}", _send(server, (topic, 1), batch), f"/producer/{member}")
    for member in members:
        fewer = {name: value for name, value in members.items() if name != member}
        batch = {"records": [{"value": 1}], "producer": fewer}
        _malformed(server, f"no {member}", _send(server, (topic, 1), batch), f"/producer/{member}")
    more = {"records": [{"value": 1}], "producer": {**members, "sequence": 0}}
    _malformed(server, "a member too many", _send(server, (topic, 1), more), "/producer/sequence")
    spread = {**_batch(known, 0, 0, 1), "records": [{"value": 1, "partition": 1}]}
    response = server.send("POST", f"/v1/topics/{topic}/records", value=spread)
    _malformed(server, "without a partition", response, "/producer")
    _append(server, "nothing of that was appended", (topic, 1), _batch(known, 0, 0, "the first"), 0)
    _check_values(server, topic, 1, ["the first"])


def _malformed(server: ServerSession, step: str, response: Response, pointer: str) -> None:
    wanted = {"code": "invalid_request", "errors": {"$contains": [{"pointer": pointer}]}}
    server.expect(step, response, {"status": 400, "problem": wanted})


@server_case(
    title="A server without producers says so",
    requirements=["PRODUCER-003"],
    hint="501 unsupported_feature with feature producers; nothing is appended.",
)
def numbers_without_the_feature(server: ServerSession) -> None:
    """Ask a server for what it does not list."""
    topic = server.create_topic(2)
    wanted = {"status": 501, "problem": {"code": "unsupported_feature", "feature": "producers", "retriable": False}}
    server.expect("allocate", server.send("POST", "/v1/producers"), wanted)
    server.expect("produce", _send(server, (topic, 1), _batch("1", 0, 0, 1)), wanted)
    _check_values(server, topic, 1, [])


@server_case(
    title="Batches are appended, recognised or refused as Kafka does it",
    requirements=[
        "PRODUCER-004", "PRODUCER-005", "PRODUCER-006", "PRODUCER-007", "PRODUCER-008", "PRODUCER-009",
        "PRODUCER-010", "PRODUCER-013", "PRODUCER-014",
    ],
    hint="First the last five batches, then the epoch, then the number; all for each partition and producer.",
)  # fmt: skip
def sequence_vectors(server: ServerSession) -> None:
    """Play each group of the fixture in two partitions, the second one step behind the first."""
    groups = json.loads((data_root() / "fixtures" / "idempotence.json").read_text("utf-8"))["groups"]
    for group in groups:
        topic = server.create_topic(2)
        ids = {name: _allocate(server) for name in sorted({step["producer"] for step in group["steps"]})}
        steps = [(number, step) for number, step in enumerate(group["steps"], start=1)]
        stored: list[list[str]] = [[], []]
        refused_to_begin = False
        for (number, step), behind in zip([*steps, (0, None)], [(0, None), *steps], strict=True):
            for partition, (place, one) in enumerate(((number, step), behind)):
                if one is not None and not refused_to_begin:
                    values = [f"{place}-{record}" for record in range(one["records"])]
                    batch = _batch(ids[one["producer"]], one["epoch"], one["base_sequence"], *values)
                    where = f"{group['note']}: step {place} in partition {partition}"
                    refused_to_begin = _play(server, where, (topic, partition), batch, one["result"])
                    if one["result"].get("status") == "appended" and not refused_to_begin:
                        stored[partition] += values
        for partition in (0, 1):
            _check_values(server, topic, partition, stored[partition])


def _play(server: ServerSession, where: str, place: Place, batch: Batch, result: dict[str, Any]) -> bool:
    """Play one step; return whether the server made use of its choice not to begin there. (PRODUCER-004)"""
    if "code" in result:
        _refuse(server, where, place, batch, result["code"])
    elif result["status"] == "duplicate":
        _repeat(server, where, place, batch, result["base_offset"])
    else:
        response = _send(server, place, batch)
        if "or" in result and response.status == 409:  # noqa: PLR2004
            server.expect(where, response, {"status": 409, "problem": {"code": result["or"]}})
            return True
        _expect_places(server, where, response, (place[1], result["base_offset"], len(batch["records"])), repeats=False)
    return False


@server_case(
    title="A batch that is sent many times at once is appended once, and every answer tells its place",
    requirements=["PRODUCER-006"],
    hint="Between looking whether the batch is there and appending it nothing else may happen in that partition.",
)
def repetitions_at_once(server: ServerSession) -> None:
    """Send the same batch over several connections at the same time, a few times, beside another producer's."""
    topic = server.create_topic(2)
    one, other = _allocate(server), _allocate(server)
    for turn in range(5):
        batch = _batch(one, 0, 2 * turn, f"{turn}-0", f"{turn}-1")
        sessions = [server.beside() for _ in range(_AT_ONCE)]
        responses: list[Response | None] = [None] * _AT_ONCE

        def send(place: int, session: ServerSession, batch: Batch = batch, found: Any = responses) -> None:
            found[place] = _send(session, (topic, 1), batch)

        threads = [threading.Thread(target=send, args=each) for each in enumerate(sessions)]
        for thread in threads:
            thread.start()
        for thread, session in zip(threads, sessions, strict=True):
            thread.join()
            session.wire.close()
        places = [{"partition": 1, "offset": 3 * turn}, {"partition": 1, "offset": 3 * turn + 1}]
        for response in responses:
            if response is None:
                server.require(f"turn {turn}", [Mismatch("answers", str(_AT_ONCE), "one is missing")])
            else:
                server.expect(f"turn {turn}", response, {"status": 200, "json": {"results": places}})
        _append(server, f"turn {turn}, another producer", (topic, 1), _batch(other, 0, turn, "other"), 3 * turn + 2)
    values = [value for turn in range(5) for value in (f"{turn}-0", f"{turn}-1", "other")]
    _check_values(server, topic, 1, values)


@server_case(
    title="A batch that is too large uses up no numbers, and fences nobody",
    requirements=["PRODUCER-010", "PRODUCER-005", "PRODUCER-014"],
    hint="Remember a batch when it is appended, not when it is looked at.",
)
def refused_batches(server: ServerSession) -> None:
    """Have batches refused for their size, at the number that comes next and at the beginning of an epoch."""
    topic = fresh_name()
    configs = {"max.message.bytes": "500"}
    response = server.send("POST", "/v1/topics", value={"topic": topic, "partitions": 2, "configs": configs})
    server.expect("create", response, {"status": 201})
    too_large = {"status": 413, "problem": {"code": "message_too_large"}}
    producer = _allocate(server)
    large = "x" * 600
    server.expect("too large at first", _send(server, (topic, 0), _batch(producer, 0, 0, large, 1)), too_large)
    _append(server, "the first", (topic, 0), _batch(producer, 0, 0, "a", "b"), 0)
    server.expect("too large", _send(server, (topic, 0), _batch(producer, 0, 2, large)), too_large)
    _append(server, "the same number again", (topic, 0), _batch(producer, 0, 2, "c"), 2)
    server.expect("too large in a new epoch", _send(server, (topic, 0), _batch(producer, 1, 0, large)), too_large)
    _append(server, "the old epoch goes on", (topic, 0), _batch(producer, 0, 3, "d"), 3)
    _repeat(server, "and remembers", (topic, 0), _batch(producer, 0, 2, "c"), 2)
    missing = {"status": 404, "problem": {"code": "partition_not_found", "partition": 2}}
    server.expect("no such partition", _send(server, (topic, 2), _batch(producer, 0, 0, 1)), missing)
    _append(server, "another partition begins at 0", (topic, 1), _batch(producer, 0, 0, "e"), 0)
    _check_values(server, topic, 0, ["a", "b", "c", "d"])


@server_case(
    title="More partitions make no partition forget its producers",
    requirements=["PRODUCER-011", "PRODUCER-006"],
    hint="Add the new partitions beside the old ones.",
)
def grown_topic(server: ServerSession) -> None:
    """Append, add partitions, and repeat; then change a config and repeat again."""
    topic = server.create_topic(2)
    producer = _allocate(server)
    for partition in (0, 1):
        _append(server, "append", (topic, partition), _batch(producer, 3, 0, "a", "b"), 0)
    for change in ({"partitions": 4}, {"configs": {"message.timestamp.type": "LogAppendTime"}}):
        server.expect("alter", server.send("PATCH", f"/v1/topics/{topic}", value=change), {"status": 200})
        for partition in (0, 1):
            _repeat(server, f"{change}: repeat", (topic, partition), _batch(producer, 3, 0, "a", "b"), 0)
            _refuse(server, f"{change}: gap", (topic, partition), _batch(producer, 3, 5, "x"), "out_of_order_sequence")
            _refuse(server, f"{change}: old epoch", (topic, partition), _batch(producer, 2, 2, "x"), "producer_fenced")
    _append(server, "a new partition", (topic, 3), _batch(producer, 3, 0, "c"), 0)
    _append(server, "an old partition", (topic, 1), _batch(producer, 3, 2, "c"), 2)
    _check_values(server, topic, 0, ["a", "b"])


@server_case(
    title="A topic that is made again knows nothing of the old one's producers",
    requirements=["PRODUCER-012", "PRODUCER-004"],
    hint="What is known of producers belongs to the partition's log, not to its name.",
)
def producers_of_a_topic_made_again(server: ServerSession) -> None:
    """Append to a topic, delete it, make it again, and begin anew with the same producer and a lower epoch."""
    topic = server.create_topic(2)
    producer = _allocate(server)
    for partition in (0, 1):
        _append(server, "append", (topic, partition), _batch(producer, 1, 0, "old"), 0)
    server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
    server.create_topic(2, topic)
    for partition in (0, 1):
        _append(server, "the same again", (topic, partition), _batch(producer, 0, 0, "new"), 0)
        _append(server, "the next", (topic, partition), _batch(producer, 0, 1, "newer"), 1)
        _check_values(server, topic, partition, ["new", "newer"])


@server_case(
    title="Without an acknowledgement there is no idempotent produce",
    requirements=["PRODUCER-015"],
    hint="Refuse producer with acks none, and append nothing.",
)
def no_acknowledgement(server: ServerSession) -> None:
    """Send a numbered batch with each value of acks."""
    topic = server.create_topic(2)
    producer = _allocate(server)
    batch = _batch(producer, 0, 0, 1)
    _malformed(server, "acks none", _send(server, (topic, 1), {**batch, "acks": "none"}), "/acks")
    _append(server, "acks leader", (topic, 1), {**batch, "acks": "leader"}, 0)
    _repeat(server, "acks all", (topic, 1), {**batch, "acks": "all"}, 0)


@server_case(
    title="A producer is remembered while many others append",
    requirements=["PRODUCER-006", "PRODUCER-013", "PRODUCER-005"],
    hint="Forget by time, not by number: the limit producer_expiration_ms says after how long, at the earliest.",
)
def many_producers(server: ServerSession) -> None:
    """Append as many producers to two partitions, and repeat the first batches."""
    topic = server.create_topic(2)
    first = _allocate(server)
    for partition in (0, 1):
        _append(server, "the first", (topic, partition), _batch(first, 2, 0, "first"), 0)
    for number in range(1, _MANY):
        producer = _allocate(server)
        for partition in (0, 1):
            _append(server, f"producer {number}", (topic, partition), _batch(producer, 0, 0, number), number)
    for partition in (0, 1):
        _repeat(server, "the first again", (topic, partition), _batch(first, 2, 0, "first"), 0)
        _refuse(server, "its old epoch", (topic, partition), _batch(first, 1, 1, "x"), "producer_fenced")
        _append(server, "its next", (topic, partition), _batch(first, 2, 1, "second"), _MANY)


@server_case(
    title="A producer is remembered for as long as discovery says, counted from its last batch in the partition",
    requirements=["PRODUCER-016", "PRODUCER-006", "PRODUCER-013"],
    hint="Each batch that is appended starts the time anew, for all that the partition knows of its producer.",
)
def remembered_producers(server: ServerSession) -> None:
    """Append to two partitions, later to one of them again, and look at both a little before their time is over."""
    wanted = {"limits": {"producer_expiration_ms": {"$type": "integer", "$min": 1}}}
    limits = server.expect("discovery", server.send("GET", "/v1"), {"status": 200, "json": wanted})["limits"]
    tenth_ms: int = limits["producer_expiration_ms"] // 10
    topic = server.create_topic(2)
    producer = _allocate(server)
    firsts = [_batch(producer, 2, first, first, first + 1) for first in range(0, 10, 2)]
    for partition in (0, 1):
        for place, batch in enumerate(firsts):
            _append(server, f"batch {place}", (topic, partition), batch, 2 * place)
    _let_pass(server, 6 * tenth_ms)
    later = _batch(producer, 2, 10, "later")
    _append(server, "later", (topic, 1), later, 10)
    _let_pass(server, 3 * tenth_ms)
    for place, batch in enumerate(firsts):
        _repeat(server, f"batch {place} again", (topic, 0), batch, 2 * place)
    _refuse(server, "its old epoch", (topic, 0), _batch(producer, 1, 0, "x"), "producer_fenced")
    _let_pass(server, 5 * tenth_ms)
    for place, batch in enumerate([*firsts[1:], later], start=1):
        _repeat(server, f"batch {place} once more", (topic, 1), batch, 2 * place)
    _refuse(server, "its old epoch, later", (topic, 1), _batch(producer, 1, 0, "x"), "producer_fenced")
    _append(server, "the next", (topic, 1), _batch(producer, 2, 11, "the next"), 11)


def _let_pass(server: ServerSession, ms: int) -> None:
    """Set the clock ahead, in jumps that are allowed."""
    for done in range(0, ms, _LONGEST_JUMP_MS):
        server.advance(min(ms - done, _LONGEST_JUMP_MS))


@server_case(
    title="A batch whose answer was lost is appended once, and its repetition tells where",
    requirements=["PRODUCER-006", "PRODUCER-005"],
    needs=("control",),
    hint="Remember a batch when it is appended, whatever becomes of the answer.",
)
def lost_answer_of_a_batch(server: ServerSession) -> None:
    """Lose the answers to two batches, one before and one after the server acted, and send each of them again."""
    topic = server.create_topic(2)
    producer = _allocate(server)
    for turn, fault in enumerate(("drop_after", "drop_before")):
        server.inject("produce_partition", fault, topic=topic, partition=1)
        batch = _batch(producer, 0, 2 * turn, f"{turn}-0", f"{turn}-1")
        with suppress(Crashed):
            response = _send(server, (topic, 1), batch)
            server.require(fault, [Mismatch("answer", "none: the connection is closed", str(response.status))])
        (_repeat if fault == "drop_after" else _append)(server, fault, (topic, 1), batch, 2 * turn)
        _repeat(server, f"{fault}, a second time", (topic, 1), batch, 2 * turn)
    _append(server, "another partition was not struck", (topic, 0), _batch(producer, 0, 0, "first"), 0)
    _check_values(server, topic, 1, ["0-0", "0-1", "1-0", "1-1"])


@server_case(
    title="A produce goes to the topic with the id that it names, or nowhere",
    requirements=["PRODUCE-027"],
    hint="A topic made again has another id. Look at it before anything is created or appended.",
)
def produce_by_topic_id(server: ServerSession) -> None:
    """Produce in both forms with the right id, the one of a topic that is gone, and to a topic that is not there."""
    topic = server.create_topic(2)
    described = {"topic_id": {"$type": "string", "$pattern": "."}}
    old = server.expect("describe", server.send("GET", f"/v1/topics/{topic}"), {"status": 200, "json": described})
    paths = (f"/v1/topics/{topic}/records", f"/v1/topics/{topic}/partitions/1/records")
    for path in paths:
        value = {"records": [{"key": "a", "value": 1}], "topic_id": old["topic_id"]}
        server.expect("its id", server.send("POST", path, value=value), {"status": 200})
    server.expect("delete", server.send("DELETE", f"/v1/topics/{topic}"), {"status": 204})
    server.create_topic(2, topic)
    gone = {"status": 404, "problem": {"code": "topic_not_found", "topic": topic, "retriable": False}}
    plain: dict[str, Any] = {"records": [{"key": "a", "value": 1}]}
    for path in paths:
        for value in ({**plain, "topic_id": old["topic_id"]}, {**plain, "topic_id": ""}):
            server.expect("another id", server.send("POST", path, value=value), gone)
    for partition in (0, 1):
        _check_values(server, topic, partition, [])
    other = fresh_name()
    response = server.send("POST", f"/v1/topics/{other}/records", value={**plain, "topic_id": old["topic_id"]})
    server.expect("no such topic", response, {"status": 404, "problem": {"code": "topic_not_found", "topic": other}})
    response = server.send("GET", f"/v1/topics/{other}")
    server.expect("was not created", response, {"status": 404, "problem": {"code": "topic_not_found"}})
