"""Topologies, clients: for each requirement the vectors of `fixtures` that show it; JSON is compared."""

import json
from collections.abc import Iterator
from typing import Any

from kafka_do.spec import data_root
from kafka_do_conformance.case import client_case
from kafka_do_conformance.session import ClientSession
from kafka_do_conformance.verdict import Exchange, Mismatch, Violation

Vector = dict[str, Any]

_FILES = ("processing_documents", "processing_joins", "processing_operators", "processing_windows")
_RECORD = {"topic": "in", "key": "k", "value": [1], "timestamp_ms": 7}
_TRIVIAL = {
    "topology": {
        "version": 1,
        "nodes": [
            {"node": "in", "operator": "source", "topic": "in"},
            {"node": "out", "operator": "results", "from": "in"},
        ],
    },
    "steps": [{"record": _RECORD, "outputs": [{**_RECORD, "topic": None}]}],
}
_SHOWN = 1200


def _vectors() -> dict[str, list[Vector]]:
    """Return the vectors by the requirements that they show."""
    found: dict[str, list[Vector]] = {}
    for name in _FILES:
        for vector in json.loads((data_root() / "fixtures" / f"{name}.json").read_text("utf-8"))["vectors"]:
            for ident in vector["requirements"]:
                found.setdefault(ident, []).append(vector)
    return found


def _register(ident: str, vectors: list[Vector]) -> None:
    def judge(session: ClientSession) -> None:
        _expect(session, "a source and its results", _TRIVIAL)
        for vector in vectors:
            _expect(session, f"{vector['name']}: {vector['title']}", vector)

    judge.__name__ = f"topologies-{ident.lower()}"
    more = f", and {len(vectors) - 1} more" if len(vectors) > 1 else ""
    hint = "The topology and the records are in `fixtures/processing_*.json`, under the name of the step."
    client_case(title=f"{vectors[0]['title']}{more}", requirements=[ident], hint=hint)(judge)


def _expect(session: ClientSession, step: str, vector: Vector) -> None:
    """Expect what a vector says: a refusal, or for each record what comes out, and then the counts."""
    steps = vector.get("steps", [])
    answer = session.adapter.ask("process", topology=vector["topology"], records=[one["record"] for one in steps])
    found = [*(_refusal(vector, answer) if "refused" in vector else _results(vector, answer))]
    if found:
        raise Violation(step, found, [Exchange("adapter process", json.dumps(answer)[:_SHOWN])])


def _refusal(vector: Vector, answer: dict[str, Any]) -> Iterator[Mismatch]:
    words = answer.get("refused", {}).get("message")
    if words is None or vector["refused"] not in words:
        allowed = f"refused, with the pointer {vector['refused'] or 'to the whole'}"
        yield Mismatch("the document", allowed, json.dumps(answer)[:_SHOWN])


def _results(vector: Vector, answer: dict[str, Any]) -> Iterator[Mismatch]:
    steps = vector["steps"]
    found: Vector = answer.get("ok", {"steps": [], "failed": None, "left_out": {}})
    for number, step in enumerate(steps):
        got = found["steps"][number] if number < len(found["steps"]) else None
        if not _same(step["outputs"], got, any_order=vector.get("any_order", False)):
            yield Mismatch(f"record {number + 1}, {_shown(step['record'])}", _shown(step["outputs"]), _shown(got))
    if found["failed"] != steps[-1].get("failed"):
        yield Mismatch("the node that failed", _shown(steps[-1].get("failed")), _shown(found["failed"]))
    for node, counts in vector.get("left_out", {}).items():
        if found["left_out"].get(node) != counts:
            yield Mismatch(f"what {node} has left out", _shown(counts), _shown(found["left_out"].get(node)))


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


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


for _ident, _shown_by in sorted(_vectors().items()):
    _register(_ident, _shown_by)
