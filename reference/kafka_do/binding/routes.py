"""Which operation a request is for: openapi.yaml's paths and methods, matched on the path as it stands on the wire."""

import re

from kafka_do.binding import OPERATIONS
from kafka_do.binding.operation import Binding
from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError

__all__ = ["find_route", "methods_at"]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _table() -> list[tuple[re.Pattern[str], dict[str, Binding]]]:
    by_path: dict[str, dict[str, Binding]] = {}
    for binding in OPERATIONS:
        by_path.setdefault(binding.operation.path, {})[binding.operation.method] = binding
    return [(_pattern(template), methods) for template, methods in by_path.items()]


_TABLE = _table()


def find_route(method: str, path: str) -> tuple[Binding, dict[str, str]]:
    """Return the operation and the path's segments by parameter name, still percent-encoded.

    Raises KafkaError `route_not_found` (CONV-012) or `method_not_allowed` (CONV-013).
    """
    for pattern, methods in _TABLE:
        if match := pattern.fullmatch(path):
            if method in methods:
                return methods[method], match.groupdict()
            allow = ", ".join(sorted(methods))
            raise HeadedError("method_not_allowed", f"{path} has {allow}, not {method}", ("Allow", allow))
    raise KafkaError("route_not_found", f"there is nothing at {path}")


def methods_at(path: str) -> list[str]:
    """Return the methods that a path has, none where there is nothing."""
    return next((sorted(methods) for pattern, methods in _TABLE if pattern.fullmatch(path)), [])
