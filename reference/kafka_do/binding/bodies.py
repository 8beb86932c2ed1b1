"""JSON bodies: decoded and checked against the message types in one pass, faults named by JSON pointers."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args

import msgspec

from kafka_do.binding.duplicates import find_duplicate
from kafka_do.binding.http import JSON, HttpRequest, HttpResponse, media_type
from kafka_do.core import json_text
from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.core.misspelt import did_you_mean

__all__ = ["decode_body", "encode_body", "json_response", "text_response"]

_M = TypeVar("_M", bound=msgspec.Struct)
_JSON_HEADERS = (("Content-Type", JSON),)

# msgspec's words for a fault: "Object contains unknown field `x` - at `$.records[0]`"
_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]|(?P<entry>\[\.\.\.\])")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<name>.*)`$")


def encode_body(message: msgspec.Struct) -> bytes:
    """Return a message as compact JSON."""
    return msgspec.json.encode(message)


def json_response(status: int, message: msgspec.Struct) -> HttpResponse:
    """Return a successful response. (CONV-002)"""
    return text_response(status, encode_body(message))


def text_response(status: int, text: bytes) -> HttpResponse:
    """Return a successful response whose JSON is written already. (CONV-002)"""
    return HttpResponse(status, _JSON_HEADERS, text)


def decode_body(
    request: HttpRequest,
    decoder: msgspec.json.Decoder[_M],
    *,
    usual: msgspec.json.Decoder[_M] | None = None,
    check: Callable[[_M], None] = lambda _: None,
) -> _M:
    """Return the message in a request's body, as the decoder `usual` has it if that takes it.

    JSON within the message has no white space between its tokens. `check` is called before members that stand twice are
    looked for. Raises KafkaError `unsupported_media_type` (CONV-008) or `invalid_request` (CONV-004 to CONV-006,
    CONV-014), which says what `decoder` finds wrong.
    """
    declared = media_type(request.headers)
    if declared != JSON:
        raise KafkaError(
            "unsupported_media_type", f"the body is declared as {declared or 'nothing'}; it has to be {JSON}"
        )
    try:
        if not request.body.isascii():
            request.body.decode()
        body = json_text.compact_body(request.body)
        message = decoder.decode(body) if usual is None else _decode(body, decoder, usual)
        check(message)
        repeated = find_duplicate(body, message)
    except msgspec.ValidationError as error:
        raise invalid_request([_fault(str(error), decoder.type, request.body)]) from None
    except UnicodeDecodeError as error:
        raise invalid_request([("", f"not UTF-8: byte 0x{request.body[error.start]:02x} at {error.start}")]) from None
    except msgspec.DecodeError as error:
        raise invalid_request([("", f"not JSON: {error}")]) from None
    except RecursionError:
        raise invalid_request([("", "nested too deep")]) from None
    if repeated is not None:
        raise invalid_request([(_pointer(repeated), "this member stands twice")])
    return message


def _decode(body: bytes, decoder: msgspec.json.Decoder[_M], usual: msgspec.json.Decoder[_M]) -> _M:
    try:
        return usual.decode(body)
    except msgspec.ValidationError:
        return decoder.decode(body)


def _fault(words: str, message: type[msgspec.Struct], body: bytes) -> tuple[str, str]:
    """Return the fault of a body: behind the first member that is wrong it need not be JSON at all."""
    try:
        whole = json.loads(body, parse_int=float, parse_constant=_refuse)  # msgspec does not read the number 1e400
    except (ValueError, RecursionError) as error:
        return "", f"not JSON: {error}"
    return _explain(words, message, whole)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _explain(words: str, message: type[msgspec.Struct], body: Any) -> tuple[str, str]:
    """Turn msgspec's words into a JSON pointer and what would be right."""
    whole = _UNKNOWN.match(words)
    if whole and whole["name"] in body:  # a member at the top, whose name may look like a place
        return _unknown([], whole["name"], message)
    place = _PLACE.search(words)
    fault = _PLACE.sub("", words)
    steps = _steps(place["path"], body) if place else []
    if unknown := _UNKNOWN.match(fault):
        return _unknown(steps, unknown["name"], message)
    if missing := _MISSING.match(fault):
        return _pointer([*steps, missing["name"]]), "this member is required"
    return _pointer(steps), fault[:1].lower() + fault[1:]


def _steps(path: str, body: Any) -> list[str]:
    """Return the steps of a place; of an object that may have any names msgspec does not tell the one that is wrong."""
    steps: list[str] = []
    for step in _STEP.finditer(path):
        name = _wrong_entry(body) if step["entry"] else step["name"] or step["index"]
        body = body[int(name) if step["index"] else name]
        steps.append(name)
    return steps


def _wrong_entry(entries: dict[str, Any]) -> str:
    """Return the name of the first entry that is no text; null is one only where nothing else is wrong."""
    wrong = [name for name, value in entries.items() if not isinstance(value, str)]
    return next((name for name in wrong if entries[name] is not None), wrong[0])


def _unknown(steps: list[str], name: str, message: type[msgspec.Struct]) -> tuple[str, str]:
    return _pointer([*steps, name]), f"unknown member{did_you_mean(name, _members(message))}"


def _pointer(steps: list[str]) -> str:
    """Return a JSON pointer. (RFC 6901)"""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def _members(message: Any) -> Iterator[str]:
    """Yield the names of all members that a message type and those within it know."""
    if isinstance(message, type) and issubclass(message, msgspec.Struct):
        for field in msgspec.structs.fields(message):
            yield field.encode_name
            yield from _members(field.type)
    for argument in get_args(message):
        yield from _members(argument)
