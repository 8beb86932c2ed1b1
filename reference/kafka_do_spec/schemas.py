"""The schemas of `openapi.yaml` as tables of members, for people."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kafka_do_spec.markdown import quote_code, say_yes, write_table
from kafka_do_spec.sources import Sources

_COLUMNS = ("Member", "Type", "Required", "Default", "Meaning")


@dataclass(frozen=True)
class Member:
    """A member of an object, or a parameter: `node` is its schema, perhaps with a `$ref`."""

    name: str
    node: dict[str, Any]
    required: bool


def list_members(sources: Sources, node: dict[str, Any]) -> list[Member]:
    """Return the members of an object's schema, those of its `allOf` first."""
    schema = sources.resolve(node)
    inherited = [member for part in schema.get("allOf", []) for member in list_members(sources, part)]
    required = schema.get("required", [])
    return inherited + [Member(name, node, name in required) for name, node in schema.get("properties", {}).items()]


def find_objects(sources: Sources, name: str, node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each object with members within a schema, itself included, by the name under which a page shows it."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [(name, node)]
    while waiting:
        fallback, part = waiting.pop(0)
        title, schema = _name(fallback, part), sources.resolve(part)
        if title in found:
            continue
        if _has_members(schema):
            found[title] = schema
            waiting += [(member.name, member.node) for member in list_members(sources, schema)]
        waiting += [(fallback, child) for child in _parts(schema)]
    return found


def write_objects(sources: Sources, objects: dict[str, dict[str, Any]]) -> list[str]:
    """Return for each object a heading, which is the anchor that a type links to, its description and its members."""
    return [_write_object(sources, title, schema) for title, schema in objects.items()]


def describe_type(sources: Sources, name: str, node: dict[str, Any]) -> str:
    """Return a schema's type and range in words; an object is a link to its table on the same page."""
    schema = sources.resolve(node)
    if _has_members(schema):
        title = _name(name, node)
        return f"[{title}](#{title.lower()})"
    if "oneOf" in schema:
        return " or ".join(describe_type(sources, name, variant) for variant in schema["oneOf"])
    if "items" in schema:
        return f"array of {describe_type(sources, name, schema['items'])}{_describe_range(schema)}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {describe_type(sources, name, schema['additionalProperties'])}"
    types = schema.get("type", "any JSON value")
    return (types if isinstance(types, str) else " or ".join(types)) + _describe_range(schema)


def describe_default(sources: Sources, node: dict[str, Any]) -> str:
    """Return a schema's default as code, or nothing."""
    schema = sources.resolve(node)
    return quote_code([schema["default"]]) if "default" in schema else ""


def describe(sources: Sources, node: dict[str, Any]) -> str:
    """Return a schema's description, or nothing."""
    return str(sources.resolve(node).get("description", ""))


def _write_object(sources: Sources, title: str, schema: dict[str, Any]) -> str:
    members = write_table(_COLUMNS, [_describe_member(sources, member) for member in list_members(sources, schema)])
    return "\n\n".join(block for block in (f"### {title}", describe(sources, schema), members) if block)


def _describe_member(sources: Sources, member: Member) -> list[str]:
    return [
        quote_code([member.name]),
        describe_type(sources, member.name, member.node),
        say_yes(when=member.required),
        describe_default(sources, member.node),
        describe(sources, member.node),
    ]


def _describe_range(schema: dict[str, Any]) -> str:
    match schema:
        case {"enum": values}:
            return f" ({quote_code(values)})"
        case {"minimum": low, "maximum": high}:
            return f" ({low} to {high})"
        case {"minimum": low} | {"minItems": low}:
            return f" (at least {low})"
        case {"maximum": high} | {"maxItems": high}:
            return f" (at most {high})"
        case _:
            return ""


def _has_members(schema: dict[str, Any]) -> bool:
    return "properties" in schema or "allOf" in schema


def _parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from schema.get("oneOf", [])
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield schema[keyword]


def _name(fallback: str, node: dict[str, Any]) -> str:
    """Return under which name a schema is shown: its own, or that of the member that it describes."""
    return str(node["$ref"]).rsplit("/", 1)[-1] if "$ref" in node else fallback
