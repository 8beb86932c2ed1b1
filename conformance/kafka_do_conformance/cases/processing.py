"""Topologies, clients: each vector of `fixtures/processing_*.json` is a case. What comes out is compared as JSON."""

import json
from collections.abc import Iterator
from typing import Any

from kafka_do.spec import data_root
from kafka_do_conformance.case import client_case
from kafka_do_conformance.session import ClientSession
from kafka_do_conformance.verdict import Exchange, Mismatch, Violation

Vector = dict[str, Any]

_FILES = ("processing_documents", "processing_joins", "processing_operators", "processing_windows")
_TRIVIAL = {
    "version": 1,
    "nodes": [
        {"node": "in", "operator": "source", "topic": "in"},
        {"node": "out", "operator": "results", "from": "in"},
    ],
}
_RECORD = {"topic": "in", "key": "k", "value": [1], "timestamp_ms": 7}
_SHOWN = 1200


def _vectors() -> Iterator[Vector]:
    for name in _FILES:
        yield from json.loads((data_root() / "fixtures" / f"{name}.json").read_text("utf-8"))["vectors"]


def _register(vector: Vector) -> None:
    def judge(session: ClientSession) -> None:
        (_refusal if "refused" in vector else _run)(session, vector)

    judge.__name__ = f"topology-{vector['name']}"
    hint = "See the requirement; the topology and the records are in `fixtures`, under the name of the case."
    client_case(title=vector["title"], requirements=vector["requirements"], hint=hint)(judge)


def _run(session: ClientSession, vector: Vector) -> None:
    """Expect for each record what the vector says, and then its counts."""
    steps = vector["steps"]
    records = [step["record"] for step in steps]
    answer = _ask(session, vector["topology"], records)
    found: Vector = answer.get("ok", {"steps": [], "failed": None, "left_out": {}})
    for number, step in enumerate(steps):
        got = found["steps"][number] if number < len(found["steps"]) else None
        if not _same(step["outputs"], got, any_order=vector.get("any_order", False)):
            _fail(answer, f"record {number + 1}, {_shown(step['record'])}", _shown(step["outputs"]), _shown(got))
    if found["failed"] != steps[-1].get("failed"):
        _fail(answer, "the node that failed", _shown(steps[-1].get("failed")), _shown(found["failed"]))
    for node, counts in vector.get("left_out", {}).items():
        if found["left_out"].get(node) != counts:
            _fail(answer, f"what {node} has left out", _shown(counts), _shown(found["left_out"].get(node)))


def _refusal(session: ClientSession, vector: Vector) -> None:
    """Expect that a good topology runs, and that this one is refused with a pointer to its fault."""
    good = _ask(session, _TRIVIAL, [_RECORD])
    if good.get("ok", {}).get("steps") != [[{**_RECORD, "topic": None}]]:
        _fail(good, "a source and its results", _shown(_RECORD), _shown(good.get("ok")))
    answer = _ask(session, vector["topology"], [])
    words = answer.get("refused", {}).get("message")
    if words is None or vector["refused"] not in words:
        _fail(
            answer, "the document", f"refused, with the pointer {vector['refused'] or 'to the whole'}", _shown(answer)
        )


def _ask(session: ClientSession, topology: Any, records: list[Any]) -> dict[str, Any]:
    return session.adapter.ask("process", topology=topology, records=records)


def _same(wanted: list[Any], got: list[Any] | None, *, any_order: bool) -> bool:
    if got is None or len(wanted) != len(got):
        return False
    one, other = ([_worth(output) for output in outputs] for outputs in (wanted, got))
    return sorted(one) == sorted(other) if any_order else one == other


def _worth(value: Any) -> str:
    """Return JSON that is the same for the same value: 1 and 1.0 are."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {name: _whole(member) for name, member in value.items()} if isinstance(value, dict) else value


def _fail(answer: dict[str, Any], place: str, allowed: str, seen: str) -> None:
    shown = Exchange("adapter process", json.dumps(answer)[:_SHOWN])
    raise Violation("process", [Mismatch(place, allowed, seen)], [shown])


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


for _vector in _vectors():
    _register(_vector)
