"""The catalogue of errors as pages: one for each code, and an index."""

from collections.abc import Iterator
from typing import Any

from kafka_do_spec.markdown import (
    fence,
    lay_out_json,
    quote_code,
    say_yes,
    split_sentences,
    write_list,
    write_page,
    write_section,
    write_table,
)
from kafka_do_spec.schemas import Member, describe, describe_type, find_objects, list_members, write_objects
from kafka_do_spec.sources import Sources

_NO_STATUS = "none"


def error_pages(sources: Sources) -> dict[str, str]:
    """Return path → text of the index and of each code's page."""
    pages = {f"errors/{code}.md": _write_code(sources, code) for code in sources.errors}
    return {"errors/index.md": _write_index(sources), **pages}


def codes_of_no_operation(sources: Sources) -> list[str]:
    """Return the codes that a server raises and no operation lists: they can answer any request."""
    listed = {code for _, _, operation in sources.operations() for code in operation["x-errors"]}
    return [code for code, entry in sources.errors.items() if entry["raised_by"] == "server" and code not in listed]


def say_status(entry: dict[str, Any]) -> str:
    """Return a catalogue entry's status, or a word for its absence where only clients raise it."""
    return str(entry.get("status", _NO_STATUS))


def _write_index(sources: Sources) -> str:
    rows = [
        [
            f"[`{code}`]({code}.md)",
            say_status(entry),
            say_yes(when=entry["retriable"]),
            say_yes(when=entry["indeterminate"]),
            entry["action"],
            entry["title"],
        ]
        for code, entry in sources.errors.items()
    ]
    return write_page(
        "Error codes",
        "What a program decides on is `code`. What `retriable` and `indeterminate` mean, and which members every error "
        "has, is in the chapter [Errors](../../errors.md). Only clients raise the codes that have no status.",
        write_table(["Code", "Status", "Retriable", "Indeterminate", "Action", "In one line"], rows),
        "The same as data: [errors.yaml](../../errors.yaml).",
    )


def _write_code(sources: Sources, code: str) -> str:
    entry = sources.errors[code]
    return write_page(
        code,
        f"{entry['title']}.",
        _write_facts(sources, code),
        write_section("Meaning", entry["meaning"].strip()),
        write_section("What to do", entry["remedy"].strip()),
        _write_members(sources, code),
        write_section("Where it comes from", _write_origin(sources, code)),
        _write_example(sources, code),
    )


def _write_facts(sources: Sources, code: str) -> str:
    entry = sources.errors[code]
    facts = {
        "Status": say_status(entry),
        "Retriable": say_yes(when=entry["retriable"]),
        "Indeterminate": say_yes(when=entry["indeterminate"]),
        "Action": entry["action"],
        "Kafka's constants": quote_code(entry["kafka"]) or "none",
    }
    if "status" in entry:
        facts["Type"] = quote_code([_write_type(sources, code)])
    return write_table(["Fact", "Value"], facts.items())


def _write_members(sources: Sources, code: str) -> str:
    fields = sources.errors[code]["fields"]
    if not fields:
        return ""
    problem = {member.name: member for member in list_members(sources, _problem_schema(sources))}
    members = [problem[field] for field in fields]
    objects: dict[str, dict[str, Any]] = {}
    for member in members:
        objects |= find_objects(sources, member.name, member.node)
    rows = [
        [quote_code([member.name]), describe_type(sources, member.name, member.node), _describe_field(sources, member)]
        for member in members
    ]
    return write_section(
        "Members",
        "Beside the [members of every error](../../errors.md), it carries:",
        write_table(["Member", "Type", "Meaning"], rows),
        *write_objects(sources, objects),
    )


def _describe_field(sources: Sources, member: Member) -> str:
    """Return the schema's description; a member that is called like a limit tells that limit."""
    limit = sources.protocol["limits"].get(member.name, {})
    return describe(sources, member.node) or str(limit.get("meaning", ""))


def _write_origin(sources: Sources, code: str) -> str:
    if "status" not in sources.errors[code]:
        return "Only clients raise this code. No server answers it, so it has no status and no problem document."
    if code in codes_of_no_operation(sources):
        return "It belongs to no operation. A server can answer any request with it."
    return write_list(
        f"[{operation['operationId']}](../operations/{operation['operationId']}.md): `{method} {path}`"
        for path, method, operation in sources.operations()
        if code in operation["x-errors"]
    )


def _write_example(sources: Sources, code: str) -> str:
    if "status" not in sources.errors[code]:
        return ""
    example = _find_example(sources, code) or _make_example(sources, code)
    return write_section("Example", fence("json", lay_out_json(example)))


def _find_example(sources: Sources, code: str) -> dict[str, Any] | None:
    (content,) = sources.openapi["components"]["responses"]["Problem"]["content"].values()
    values = (example["value"] for example in content["examples"].values())
    return next((value for value in values if value["code"] == code), None)


def _make_example(sources: Sources, code: str) -> dict[str, Any]:
    """Return a problem made of the catalogue's entry, its members from the examples of `openapi.yaml`."""
    entry = sources.errors[code]
    examples = list(_walk_examples(sources.openapi))
    of_item = next((example for example in examples if example.get("code") == code), {})
    detail = of_item.get("detail", split_sentences(entry["meaning"])[0].replace("`", ""))
    members = {name: _find_value(name, [of_item, *examples]) for name in entry["fields"]}
    return {
        "type": _write_type(sources, code),
        "title": entry["title"],
        "status": entry["status"],
        "detail": detail,
        "code": code,
        "retriable": entry["retriable"],
        "indeterminate": entry["indeterminate"],
        **members,
    }


def _find_value(name: str, examples: list[dict[str, Any]]) -> Any:
    for example in examples:
        if name in example:
            return example[name]
    raise LookupError(f"openapi.yaml has no example with `{name}`, which errors.yaml lists among an error's members")


def _walk_examples(node: Any, *, inside: bool = False) -> Iterator[dict[str, Any]]:
    """Yield every object within the examples of `openapi.yaml`, outer ones first."""
    if isinstance(node, dict):
        if inside:
            yield node
        for name, value in node.items():
            yield from _walk_examples(value, inside=inside or name == "examples")
    elif isinstance(node, list):
        for item in node:
            yield from _walk_examples(item, inside=inside)


def _problem_schema(sources: Sources) -> dict[str, Any]:
    schema: dict[str, Any] = sources.openapi["components"]["schemas"]["Problem"]
    return schema


def _write_type(sources: Sources, code: str) -> str:
    return f"{sources.protocol['error_type_base']}{code}/"
