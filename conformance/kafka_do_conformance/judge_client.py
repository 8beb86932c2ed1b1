"""An exchange case in the client's role: the adapter is told what the request means, the peer watches and answers.

Two verdicts, and both have to agree with the specification: what the peer saw, and what the adapter reports.
"""

import base64
import json
import re
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from kafka_do_conformance.adapter import Adapter
from kafka_do_conformance.case import ExchangeCase, Step
from kafka_do_conformance.judge_server import fill
from kafka_do_conformance.matching import example_of, mismatches
from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest
from kafka_do_conformance.session import JSON, PROBLEM_JSON, fresh_name
from kafka_do_conformance.verdict import Exchange, Mismatch, NotApplicable, Violation
from kafka_do_conformance.wire import shorten
from kafka_do_conformance.wire_records import WireRecord, decode_record, json_text

__all__ = ["judge_client"]

_PRODUCE = re.compile(r"/v1/topics/([^/]+)/records")
_FETCH = re.compile(r"/v1/topics/([^/]+)/partitions/([0-9]+)/records")
_CLIENTS_CHOICE = "encoding"


def judge_client(case: ExchangeCase, adapter: Adapter, peer: Peer) -> None:
    """Judge a client by one case; raises Violation. Steps that no adapter can be told are passed over."""
    names = {"topic": fresh_name(), "other": fresh_name()}
    told = 0
    for number, step in enumerate(case.steps, start=1):
        filled = Step(fill(step.request, names), fill(step.response, names), step.fault, step.report)
        command = _command(filled)
        if command is not None:
            told += 1
            _step(f"step {number}, {command[0]}", adapter, peer, filled, command)
    if not told:
        raise RuntimeError(f"{case.slug} tells a client nothing")


def _step(where: str, adapter: Adapter, peer: Peer, step: Step, command: tuple[str, dict[str, Any]]) -> None:
    name, arguments = command
    answer = _answer(step)
    peer.script(answer)
    reported = adapter.ask(name, url=peer.url, **arguments)
    if "unsupported" in reported:
        _unsupported(where, adapter, reported["unsupported"]["feature"])
    seen = peer.seen()
    found = [*_check_seen(step.request, seen), *mismatches(_expected_report(name, step), _judged(reported), "report")]
    if found:
        shown = step.fault or f"{answer.status} {shorten(answer.body)}"
        exchanges = [Exchange(str(request), shown) for request in seen]
        raise Violation(where, found, [*exchanges, Exchange(f"adapter {name}", json.dumps(reported)[:1200])])


def _unsupported(where: str, adapter: Adapter, feature: str) -> NoReturn:
    """Say that the case is not applicable, unless `hello` declares the feature: then it has to be there."""
    declared = adapter.hello()["features"]
    if feature in declared:
        raise Violation(where, [Mismatch("answer", f"`{feature}`, which hello declares", f"unsupported: {feature}")])
    raise NotApplicable(f"the client does not declare {feature}")


def _command(step: Step) -> tuple[str, dict[str, Any]] | None:
    """Return the adapter command that means a step's request; None where a client would not send it."""
    request = step.request
    if step.response.get("problem", {}).get("code") == "invalid_request":
        return None
    parts = urlsplit(request["path"])
    if request["method"] == "POST" and (match := _PRODUCE.fullmatch(parts.path)) and "json" in request:
        records = [_told(decode_record(record)) for record in request["json"]["records"]]
        return "produce", {"topic": unquote(match[1]), "records": records}
    if request["method"] == "GET" and (match := _FETCH.fullmatch(parts.path)):
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        arguments = {"topic": unquote(match[1]), "partition": int(match[2]), "offset": _int64(int(query["offset"]))}
        return "read", {**arguments, "max_records": int(query["max_records"]) if "max_records" in query else None}
    return None


def _told(record: WireRecord) -> dict[str, Any]:
    value = _bytes(record.value)
    if record.is_json and record.value is not None:
        value = {"json": record.value.decode()}
    return {
        "key": _bytes(record.key),
        "value": value,
        "headers": [{"key": key, "value": _bytes(text)} for key, text in record.headers],
        "timestamp_ms": _int64(record.timestamp_ms),
        "partition": record.partition,
    }


def _answer(step: Step) -> ScriptedAnswer:
    response = step.response
    if step.fault is not None:
        body = b'{"results":[{"partition":0,"offset":0,"timestamp_ms":1760000000000}]}'
        return ScriptedAnswer(200, (("Content-Type", JSON),), body, step.fault)
    if "text" in response:
        headers = tuple((str(name), str(value)) for name, value in response.get("headers", {}).items())
        return ScriptedAnswer(response["status"], headers, response["text"].encode())
    if "problem" in response:
        code = response["problem"]["code"]
        problem = {
            "type": f"https://kafka.do/spec/generated/errors/{code}/",
            "title": "As the case has it",
            "status": response["status"],
            "detail": "The recording peer was told to answer so.",
            "retriable": False,
            "indeterminate": False,
            **example_of(response["problem"]),
        }
        return ScriptedAnswer(response["status"], (("Content-Type", PROBLEM_JSON),), json.dumps(problem).encode())
    return ScriptedAnswer(
        response["status"], (("Content-Type", JSON),), json.dumps(example_of(response["json"])).encode()
    )


def _expected_report(name: str, step: Step) -> dict[str, Any]:
    """Return the answer of the adapter that follows from a response."""
    if step.report is not None:
        return step.report
    if "problem" in step.response:
        problem = {"retriable": False, "indeterminate": False, **example_of(step.response["problem"])}
        if name == "produce" and "results" in problem:
            return {"ok": {"results": [_expected_result(result) for result in problem["results"]]}}
        return {"error": {member: problem[member] for member in ("code", "retriable", "indeterminate")}}
    body = example_of(step.response["json"])
    if name == "produce":
        return {"ok": {"results": [_expected_result(result) for result in body["results"]]}}
    positions = {member: _int64(body[member]) for member in ("next_offset", "high_watermark", "log_start_offset")}
    return {"ok": {"records": [_expected_record(record) for record in body["records"]], **positions}}


def _expected_result(result: dict[str, Any]) -> dict[str, Any]:
    if "error" in result:
        return {"error": {member: result["error"][member] for member in ("code", "retriable", "indeterminate")}}
    return {
        "partition": result["partition"],
        "offset": _int64(result["offset"]),
        "timestamp_ms": _int64(result["timestamp_ms"]),
    }


def _expected_record(record: dict[str, Any]) -> dict[str, Any]:
    decoded = decode_record(record)
    return {
        "offset": _int64(decoded.offset),
        "timestamp_ms": _int64(decoded.timestamp_ms),
        "key": _bytes(decoded.key),
        "value": _bytes(decoded.value),
        "headers": [{"key": key, "value": _bytes(value)} for key, value in decoded.headers],
    }


def _check_seen(request: dict[str, Any], seen: list[SeenRequest]) -> list[Mismatch]:
    """Compare what the peer saw with the request of the case."""
    if len(seen) != 1:
        return [Mismatch("requests on the wire", "1", f"{len(seen)}: " + " and ".join(str(one) for one in seen))]
    sent = seen[0]
    wanted, found = urlsplit(request["path"]), urlsplit(sent.target)
    mismatch = list(
        mismatches(f"{request['method']} {unquote(wanted.path)}", f"{sent.method} {unquote(found.path)}", "wire")
    )
    given = {name: values[0] for name, values in parse_qs(found.query).items()}
    for name, values in parse_qs(wanted.query).items():
        if name != _CLIENTS_CHOICE:
            mismatch += mismatches({name: values[0]}, given, "wire ?")
    if "json" in request:
        declared = (sent.header("Content-Type") or "absent").partition(";")[0].strip().lower()
        mismatch += mismatches(JSON, declared, "wire Content-Type")
        mismatch += _check_records(request["json"]["records"], sent.body)
    return mismatch


def _check_records(wanted: list[dict[str, Any]], body: bytes) -> list[Mismatch]:
    try:
        sent = [decode_record(record) for record in json.loads(body)["records"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [Mismatch("wire body", "records", f"{type(error).__name__} {error}: {body[:300]!r}")]
    meant = [decode_record(record) for record in wanted]
    if len(meant) != len(sent):
        return [Mismatch("wire records", f"{len(meant)} of them", str(len(sent)))]
    found: list[Mismatch] = []
    for index, (one, other) in enumerate(zip(meant, sent, strict=True)):
        found += mismatches(_comparable(one, one.is_json), _comparable(other, one.is_json), f"wire records[{index}]")
    return found


def _comparable(record: WireRecord, is_json: bool) -> dict[str, Any]:  # noqa: FBT001
    """Return a record so that two are equal if they mean the same; JSON counts by its value, others by bytes."""
    value: Any = _bytes(record.value)
    if is_json and record.value is not None:
        try:
            value = {"json": json_text(json.loads(record.value))}
        except ValueError:
            value = {"not json": str(record.value)}
    return {
        "key": _bytes(record.key),
        "value": value,
        "headers": [[key, _bytes(text)] for key, text in record.headers],
        "timestamp_ms": record.timestamp_ms,
        "partition": record.partition,
    }


def _judged(reported: dict[str, Any]) -> dict[str, Any]:
    """Leave out the id; the words of an error are not compared because no case expects any."""
    return {name: value for name, value in reported.items() if name != "id"}


def _bytes(data: bytes | None) -> dict[str, str] | None:
    return None if data is None else {"bytes": base64.b64encode(data).decode()}


def _int64(number: int | None) -> dict[str, str] | None:
    return None if number is None else {"int64": str(number)}
