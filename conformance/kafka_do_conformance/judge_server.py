"""An exchange case in the server's role: the suite sends the requests."""

import base64
import json
import string
from typing import Any

from kafka_do_conformance.case import ExchangeCase
from kafka_do_conformance.session import JSON, ServerSession, fresh_name

__all__ = ["fill", "judge_server"]


def judge_server(case: ExchangeCase, session: ServerSession) -> None:
    """Judge a server by one case; raises Violation."""
    names = {"topic": fresh_name(), "other": fresh_name(), "api_key": session.api_key, "origin": session.origin}
    if case.partitions is not None:
        session.create_topic(case.partitions, names["topic"])
    for number, step in enumerate(case.steps, start=1):
        request = fill(step.request, names)
        headers = {"Content-Type": JSON if _has_body(request) else None, **request.get("headers", {})}
        response = session.send(
            request["method"],
            request["path"],
            body=_body(request),
            headers=tuple(headers.items()),
        )
        session.expect(f"step {number}", response, fill(step.response, names))


def fill(template: Any, names: dict[str, str]) -> Any:
    """Return a template with `${name}` replaced in every text."""
    if isinstance(template, str):
        return string.Template(template).safe_substitute(names)
    if isinstance(template, dict):
        return {fill(name, names): fill(value, names) for name, value in template.items()}
    return [fill(value, names) for value in template] if isinstance(template, list) else template


def _has_body(request: dict[str, Any]) -> bool:
    return any(form in request for form in ("json", "text", "base64"))


def _body(request: dict[str, Any]) -> bytes | None:
    if "json" in request:
        return json.dumps(request["json"], ensure_ascii=False).encode()
    if "text" in request:
        return str(request["text"]).encode()
    return base64.b64decode(request["base64"]) if "base64" in request else None
