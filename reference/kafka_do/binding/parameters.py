"""Path and query parameters, as openapi.yaml states them. (CONV-007)"""

import functools
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes, urlencode

from kafka_do.core.errors import invalid_request
from kafka_do.core.misspelt import did_you_mean
from kafka_do.spec import Operation, Parameter

__all__ = ["Values", "format_path", "format_query", "parse_path", "parse_query"]

Values = Mapping[str, int | str]

_INTEGER = re.compile(r"-?[0-9]+")
_LONGEST_INTEGER = 20
_BOOLEANS = {"true": True, "false": False}


def format_path(operation: Operation, values: Mapping[str, int | str]) -> str:
    """Return the operation's path with each value percent-encoded as one segment."""
    return operation.path.format_map({name: _segment(str(value)) for name, value in values.items()})


def _segment(text: str) -> str:
    """Percent-encode a segment, also `.` and `..`, which HTTP libraries would otherwise resolve."""
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


def format_query(operation: Operation, values: Mapping[str, int | str]) -> str:
    """Return the query string; a value that is the parameter's default is left out."""
    defaults = {parameter.name: parameter.default for parameter in operation.parameters}
    return urlencode([(name, _text(value)) for name, value in values.items() if value != defaults[name]])


def _text(value: int | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_path(operation: Operation, segments: Mapping[str, str]) -> Values:
    """Return the values of the path's parameters; `segments` are percent-encoded and decoded here, once.

    Raises KafkaError `invalid_request` whose pointer is `?name`.
    """
    return _parse(operation, "path", {name: _decode(name, text) for name, text in segments.items()})


def parse_query(operation: Operation, query: str) -> Values:
    """Return the values of all query parameters, defaults filled in.

    Raises KafkaError `invalid_request` for an unknown, repeated, missing or faulty parameter.
    """
    if not query:
        return _without_query(operation)
    given: dict[str, str] = {}
    for pair in query.split("&"):
        encoded_name, _, encoded_value = pair.partition("=")
        name = _decode(encoded_name, encoded_name)
        if name in given:
            raise invalid_request([(f"?{name}", "given twice")])
        given[name] = _decode(name, encoded_value.replace("+", " "))
    return _parse(operation, "query", given)


@functools.cache
def _without_query(operation: Operation) -> Values:
    return _parse(operation, "query", {})


def _parse(operation: Operation, place: str, given: Mapping[str, str]) -> Values:
    known = _known(operation, place)
    faults = [(f"?{name}", _unknown(name, list(known))) for name in given if name not in known]
    values: dict[str, int | str] = {}
    for name, parameter in known.items():
        try:
            if name in given:
                values[name] = _value(parameter, given[name])
            elif parameter.default is not None:
                values[name] = parameter.default
            elif parameter.required:
                raise ValueError("this parameter is required")  # noqa: TRY301
        except ValueError as error:
            faults.append((f"?{name}", str(error)))
    if faults:
        raise invalid_request(faults)
    return values


@functools.cache
def _known(operation: Operation, place: str) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in operation.parameters if parameter.place == place}


def _value(parameter: Parameter, text: str) -> int | str:
    if parameter.type == "string":
        if parameter.enum is not None and text not in parameter.enum:
            raise ValueError(f"'{text}' is none of {', '.join(parameter.enum)}")
        return text
    if parameter.type == "boolean":
        if text not in _BOOLEANS:
            raise ValueError(f"'{text}' is none of {', '.join(_BOOLEANS)}")
        return _BOOLEANS[text]
    if not _INTEGER.fullmatch(text) or len(text) > _LONGEST_INTEGER:
        raise ValueError(f"'{text}' is not an integer")
    number = int(text)
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{number} is not in the range {low} to {high}")
    return number


def _decode(name: str, text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise invalid_request([(f"?{name}", "not UTF-8")]) from None


def _unknown(name: str, known: list[str]) -> str:
    return f"unknown parameter{did_you_mean(name, known)}"
