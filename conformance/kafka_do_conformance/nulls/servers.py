"""Servers that do nothing right, by name."""

import json

from kafka_do.spec import SPEC
from kafka_do_conformance.peer import ScriptedAnswer

__all__ = ["NULL_SERVERS"]

_JSON = (("Content-Type", "application/json"), ("Kafka-Do-Revision", "1.0"))
_PROBLEM = (("Content-Type", "application/problem+json"), ("Kafka-Do-Revision", "1.0"))

# Every member that any answer has, so that this server is as plausible as one can be without doing anything.
_EVERYTHING = {
    "revision": "1.0",
    "server": {"name": "null", "version": "0"},
    "features": [],
    "limits": {},
    "topic": "orders",
    "topic_id": "0",
    "partition": 0,
    "partition_count": 1,
    "results": [{"partition": 0, "offset": 0, "timestamp_ms": 0}],
    "records": [],
    "next_offset": 0,
    "high_watermark": 0,
    "log_start_offset": 0,
}


# The same, and it claims all features: else the cases about these would not apply. Its revision is none.
_CLAIMING = {**_EVERYTHING, "revision": "0", "features": list(SPEC.features), "limits": dict(SPEC.limits)}


def _problem(status: int, code: str) -> ScriptedAnswer:
    problem = {
        "type": f"https://kafka.do/spec/generated/errors/{code}/",
        "title": "No",
        "status": status,
        "detail": "no",
        "code": code,
        "retriable": False,
        "indeterminate": False,
        "errors": [{"pointer": "", "detail": "no"}],
    }
    return ScriptedAnswer(status, _PROBLEM, json.dumps(problem).encode())


NULL_SERVERS: dict[str, ScriptedAnswer] = {
    "always invalid_request": _problem(400, "invalid_request"),
    "always topic_not_found": _problem(404, "topic_not_found"),
    "always internal": _problem(500, "internal"),
    "always 200 with everything": ScriptedAnswer(200, _JSON, json.dumps(_EVERYTHING).encode()),
    "always 200 with all features": ScriptedAnswer(200, _JSON, json.dumps(_CLAIMING).encode()),
    "always 201 with everything": ScriptedAnswer(201, _JSON, json.dumps(_EVERYTHING).encode()),
    "always 200 without a body": ScriptedAnswer(200, _JSON),
    "garbage": ScriptedAnswer(200, _JSON, b"\x00\xff{]"),
    "crashing": ScriptedAnswer(fault="drop-before-answer"),
    "silent": ScriptedAnswer(fault="silence"),
}
