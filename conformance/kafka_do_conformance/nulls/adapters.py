"""Adapters that do nothing right: `python -m kafka_do_conformance.nulls.adapters MODE`."""

import json
import sys
import time
from typing import Any

__all__ = ["NULL_ADAPTERS"]

NULL_ADAPTERS = ("error", "ok", "unsupported", "defect", "garbage", "silent", "crashing")

_HELLO = {
    "protocol": 0,
    "name": "null",
    "version": "0",
    "language": "none",
    "features": ["core", "api_keys", "groups", "processing", "producers", "running"],
}
_PLACE = {"partition": 0, "offset": {"int64": "0"}, "timestamp_ms": {"int64": "1760000000000"}}
_NOTHING = {
    "records": [],
    "next_offset": {"int64": "0"},
    "high_watermark": {"int64": "0"},
    "log_start_offset": {"int64": "0"},
}


def main(mode: str) -> None:
    """Greet, and then do nothing right."""
    for line in sys.stdin:
        command = json.loads(line)
        if command["command"] == "hello":
            answer: dict[str, Any] | None = {"ok": _HELLO}
        elif mode == "crashing":
            sys.exit(70)
        else:
            answer = _answer(mode, command)
        if mode == "garbage" and command["command"] != "hello":
            print("]{ this is no answer")  # noqa: T201  standard output is the protocol
        elif answer is not None:
            print(json.dumps({"id": command["id"], **answer}))  # noqa: T201
        sys.stdout.flush()


_WAITING: dict[str, dict[str, Any]] = {"consume_poll": {"records": []}, "run_poll": {"results": [], "failed": None}}
_ANSWERS: dict[str, dict[str, Any]] = {
    "error": {"error": {"code": "disconnected", "retriable": False, "indeterminate": True}},
    "unsupported": {"unsupported": {"feature": "core"}},
    "defect": {"defect": {"message": "nothing is implemented"}},
}


def _answer(mode: str, command: dict[str, Any]) -> dict[str, Any] | None:
    return {"ok": _success(command)} if mode == "ok" else _ANSWERS.get(mode)


def _success(command: dict[str, Any]) -> dict[str, Any]:
    if command["command"] == "produce":
        return {"results": [_PLACE] * len(command["records"])}
    if command["command"] == "process":
        return {"steps": [[] for _ in command["records"]], "failed": None, "left_out": {}}
    if command["command"] in _WAITING:
        time.sleep(command["timeout_ms"] / 1000)
        return _WAITING[command["command"]]
    return _NOTHING if command["command"] == "read" else {}


if __name__ == "__main__":
    main(sys.argv[1])
