"""Records as the specification writes them in JSON, decoded by the suite itself. (chapter records.md)"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

__all__ = ["WireRecord", "decode_record", "json_text"]


@dataclass(frozen=True)
class WireRecord:
    """What a record on the wire stands for. `is_json` tells that the value was sent as a JSON value."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int | None
    partition: int | None
    offset: int | None
    is_json: bool


def json_text(value: Any) -> str:
    """Return a JSON value as compact text in which nothing outside ASCII is escaped."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def decode_record(record: dict[str, Any]) -> WireRecord:
    """Return what a record of a request or response stands for; raises ValueError where it stands for nothing."""
    encoding = record.get("value_encoding", "json")
    value = record["value"]
    if value is None:
        data = None
    elif encoding == "json":
        data = json_text(value).encode()
    else:
        data = _bytes(value, encoding)
    return WireRecord(
        key=_bytes(record.get("key"), record.get("key_encoding", "string")),
        value=data,
        headers=tuple(
            (header["key"], _bytes(header["value"], header.get("value_encoding", "string")))
            for header in record.get("headers", [])
        ),
        timestamp_ms=record.get("timestamp_ms"),
        partition=record.get("partition"),
        offset=record.get("offset"),
        is_json=encoding == "json" and value is not None,
    )


def _bytes(text: Any, encoding: str) -> bytes | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a text")  # noqa: TRY004  a wrong answer, not a wrong call
    if encoding == "string":
        return text.encode()
    if encoding == "base64":
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError(f"{text!r} is not base64: {error}") from None
        if len(text) != len(base64.b64encode(data)):
            raise ValueError(f"{text!r} is not base64: more padding than there should be")
        return data
    raise ValueError(f"{encoding!r} is not an encoding")
