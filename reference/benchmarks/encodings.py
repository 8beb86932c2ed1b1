"""What the ways of writing the same records cost: headers, base64, whitespace; and reading otherwise than `auto`."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.bodies import BATCH, batch, key, value
from benchmarks.contestants import Entry, Ours
from benchmarks.report import Measurement, ratio
from benchmarks.rounds import Effort, compete
from benchmarks.throughput import Field

__all__ = ["encodings"]

_CONNECTIONS = 8
_MOST_ROUNDS = 3  # processor time hardly differs from round to round
_NUMBERS = range(BATCH)
_MEMBERS = {"headers": '[{"key":"trace-id","value":"4bf92f3577b34da6"}]', "timestamp": "1760000000000"}


def _record(number: int, value_text: str, more: str = "") -> str:
    return f'{{"key":"{key(number)}","value":{value_text}{more}}}'


def _base64(number: int) -> str:
    return json.dumps(base64.b64encode(value(number).encode()).decode())


def _produced() -> dict[str, list[str]]:
    """Return the same 1 000 keys and values, written in several ways; the first is the plain one."""
    return {
        "plain": batch(),
        "a header each": [_record(n, value(n), f',"headers":{_MEMBERS["headers"]}') for n in _NUMBERS],
        "a timestamp each": [_record(n, value(n), f',"timestamp_ms":{_MEMBERS["timestamp"]}') for n in _NUMBERS],
        "values as base64": [_record(n, _base64(n), ',"value_encoding":"base64"') for n in _NUMBERS],
        "values as text": [_record(n, json.dumps(value(n)), ',"value_encoding":"string"') for n in _NUMBERS],
        "spaces as json.dumps makes them": [json.dumps(json.loads(one)) for one in batch()],
        "indented": [json.dumps(json.loads(one), indent=2) for one in batch()],
    }


def encodings(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Produce and read 1 000 records in each way."""
    effort = replace(effort, rounds=min(effort.rounds, _MOST_ROUNDS))
    for ours in field.ours:
        writes = [(name, ours.produce(records, connections=_CONNECTIONS)) for name, records in _produced().items()]
        yield _compared("encodings-produce", f"{ours.name}, producing {BATCH} records", writes, effort)
        yield _compared("encodings-read", f"{ours.name}, reading {BATCH} records", _reads(ours), effort)


def _reads(ours: Ours) -> list[tuple[str, Entry]]:
    produced = _produced()
    binary = [
        _record(n, json.dumps(base64.b64encode(b"\xff" * 100).decode()), ',"value_encoding":"base64"') for n in _NUMBERS
    ]

    def entry(records: list[str], encoding: str) -> Entry:
        query = f"offset=0&max_records={BATCH}&encoding={encoding}"
        return ours.read([records], query, connections=_CONNECTIONS)

    return [
        ("auto", entry(produced["plain"], "auto")),
        ("json", entry(produced["plain"], "json")),
        ("string", entry(produced["plain"], "string")),
        ("base64", entry(produced["plain"], "base64")),
        ("auto, a header each", entry(produced["a header each"], "auto")),
        ("auto, values that are no text", entry(binary, "auto")),
    ]


def _compared(name: str, title: str, entries: list[tuple[str, Entry]], effort: Effort) -> Measurement:
    outcomes = compete([entry for _, entry in entries], effort)
    found = Measurement(name, title)
    for (label, _), outcome in zip(entries, outcomes, strict=True):
        found.series.append(outcome.cpu_per_record(BATCH, label))
    plain, *others = found.series
    found.ratios = [ratio(other, plain) for other in others]
    found.notes = [f"{other.name}: {other.median - plain.median:+.3f} µs/record" for other in others]
    return found
