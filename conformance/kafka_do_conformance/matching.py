"""Expectations written in cases, and what was seen.

A plain value stands for itself; an object allows further members (CONV-011), an array no further items. An object whose
 members begin with `$` is a matcher:

    {$type: integer, $min: 0, $max: 9, $example: 5}   a value of that type, in that range
    {$type: string, $pattern: "^a"}                   a text that the pattern is found in
    {$contains: [a], $example: [a, b]}                an array with these items among others
    {$one_of: [a, b]}                                 one of the allowed alternatives
    {$absent: true}                                   no such member

`$example` is what the suite itself answers when it plays the server.
"""

import re
from collections.abc import Iterator
from typing import Any

from kafka_do_conformance.verdict import Mismatch
from kafka_do_conformance.wire_records import json_text

__all__ = ["example_of", "is_matcher", "matcher_faults", "mismatches"]

_TYPES: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
}
_KINDS = {"$type", "$contains", "$one_of", "$absent"}
_KNOWN = _KINDS | {"$min", "$max", "$pattern", "$example"}
_ABSENT = object()


def is_matcher(expected: Any) -> bool:
    """Whether an expectation is a matcher."""
    return isinstance(expected, dict) and bool(expected) and all(name.startswith("$") for name in expected)


def matcher_faults(template: Any) -> Iterator[str]:
    """Yield what is wrong with the matchers of a template: one that does not exist would match nothing."""
    if isinstance(template, list):
        for value in template:
            yield from matcher_faults(value)
    elif isinstance(template, dict):
        names = {name for name in template if str(name).startswith("$") and not str(name).startswith("${")}
        if names and (unknown := names - _KNOWN):
            yield f"there is no matcher {', '.join(sorted(unknown))}"
        elif names and (len(names) != len(template) or len(names & _KINDS) != 1):
            yield f"a matcher has exactly one of {', '.join(sorted(_KINDS))}: {json_text(template)}"
        elif "$type" in names and template["$type"] not in _TYPES:
            yield f"$type: {template['$type']} is none of {', '.join(_TYPES)}"
        for value in template.values():
            yield from matcher_faults(value)


def mismatches(expected: Any, seen: Any, place: str = "") -> Iterator[Mismatch]:
    """Yield each place where `seen` is not as expected."""
    if is_matcher(expected):
        if not _matches(expected, seen):
            yield Mismatch(place or "body", _describe(expected), _show(seen))
    elif isinstance(expected, dict) and isinstance(seen, dict):
        for name, value in expected.items():
            yield from mismatches(value, seen.get(name, _ABSENT), f"{place}.{name}" if place else name)
    elif isinstance(expected, list) and isinstance(seen, list) and len(expected) == len(seen):
        for index, (wanted, found) in enumerate(zip(expected, seen, strict=True)):
            yield from mismatches(wanted, found, f"{place}[{index}]")
    elif type(expected) is not type(seen) or expected != seen:
        yield Mismatch(place or "body", _show(expected), _show(seen))


def example_of(expected: Any) -> Any:
    """Return a value that an expectation allows: the suite's own answer when it plays the server."""
    if is_matcher(expected):
        if "$example" in expected:
            return expected["$example"]
        if "$one_of" in expected:
            return expected["$one_of"][0]
        raise ValueError(f"a case for clients needs an $example in {expected}")
    if isinstance(expected, dict):
        return {name: example_of(value) for name, value in expected.items() if value != {"$absent": True}}
    return [example_of(value) for value in expected] if isinstance(expected, list) else expected


def _matches(matcher: dict[str, Any], seen: Any) -> bool:
    if "$absent" in matcher:
        return seen is _ABSENT
    if "$one_of" in matcher:
        return any(not list(mismatches(allowed, seen)) for allowed in matcher["$one_of"])
    if "$contains" in matcher:
        return isinstance(seen, list) and all(
            any(not list(mismatches(wanted, item)) for item in seen) for wanted in matcher["$contains"]
        )
    kind = matcher["$type"]
    if not isinstance(seen, _TYPES[kind]) or (kind == "integer" and isinstance(seen, bool)):
        return False
    if "$pattern" in matcher:
        return re.search(matcher["$pattern"], str(seen)) is not None
    low, high = matcher.get("$min"), matcher.get("$max")
    return (low is None or seen >= low) and (high is None or seen <= high)


def _describe(matcher: dict[str, Any]) -> str:
    if "$absent" in matcher:
        return "absent"
    if "$one_of" in matcher:
        return " or ".join(_show(allowed) for allowed in matcher["$one_of"])
    if "$contains" in matcher:
        return f"an array with {json_text(matcher['$contains'])}"
    bounds = "".join(
        f" {word} {matcher[name]}"
        for name, word in (("$min", "from"), ("$max", "to"), ("$pattern", "like"))
        if name in matcher
    )
    return f"{matcher['$type']}{bounds}"


def _show(value: Any) -> str:
    return "absent" if value is _ABSENT else json_text(value)
