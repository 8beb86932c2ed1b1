"""The catalogue of errors as pages: one for each code, and an index."""

from typing import Any

from kafka_do_spec.error_examples import codes_of_any_operation, make_example, write_type
from kafka_do_spec.markdown import (
    fence,
    lay_out_json,
    quote_code,
    say_yes,
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


def say_status(entry: dict[str, Any]) -> str:
    """Return a catalogue entry's status, or a word for its absence where only clients raise it."""
    return str(entry.get("status", _NO_STATUS))


def _write_index(sources: Sources) -> str:
    rows = [
        [
            f"[`{code}`]({code}.md)",
            entry["level"],
            say_status(entry),
            _say_retriable(entry),
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
        write_table(["Code", "Level", "Status", "Retriable", "Indeterminate", "Action", "In one line"], rows),
        write_section("Levels", write_list(f"`{name}`: {text}" for name, text in sources.protocol["levels"].items())),
        write_section("From Kafka's errors", *_write_mapping(sources)),
        "The same as data: [errors.yaml](../../errors.yaml).",
    )


def _write_mapping(sources: Sources) -> list[str]:
    """Return the table of Kafka's errors in words: the exceptions, and the constants that have a code of their own."""
    kafka = sources.kafka
    own = {constant: code for constant, code in kafka["default"].items() if code != "internal"}
    occasions: dict[tuple[str, str], list[str]] = {}
    for constant, code in kafka["when_topic_exists"].items():
        occasions.setdefault((constant, code), []).append("where the topic exists")
    for operation, codes in kafka["overrides"].items():
        for constant, code in codes.items():
            occasions.setdefault((constant, code), []).append(kafka["operations"][operation])
    exceptions = [
        [quote_code([constant]), "; ".join(places), _link_code(code)] for (constant, code), places in occasions.items()
    ]
    return [
        "Which code an error of Apache Kafka becomes. Every other constant is `internal`.",
        write_table(["Constant", "Code"], [[quote_code([name]), _link_code(code)] for name, code in own.items()]),
        "Except:",
        write_table(["Constant", "When", "Code"], exceptions),
    ]


def _link_code(code: str) -> str:
    return "no error, the request has succeeded" if code == "success" else f"[`{code}`]({code}.md)"


def _say_retriable(entry: dict[str, Any]) -> str:
    """Return whether a code is retriable, and where a produce with `producer` makes a difference."""
    said = say_yes(when=entry["retriable"])
    exception = entry.get("with_producer")
    return f"{said}; with `producer` {say_yes(when=exception['retriable'])}" if exception else said


def _name_constants(sources: Sources, code: str) -> str:
    """Return the constants of Kafka that become a code, each with the operations where only these do."""
    kafka = sources.kafka
    plain = quote_code(constant for constant, default in kafka["default"].items() if default == code)
    where: dict[str, list[str]] = {}
    for operation, codes in kafka["overrides"].items():
        for constant, override in codes.items():
            if override == code:
                where.setdefault(constant, []).append(operation)
    for constant, conditional in kafka["when_topic_exists"].items():
        if conditional == code:
            where.setdefault(constant, []).append("where the topic exists")
    limited = [f"{quote_code([constant])} ({', '.join(places)})" for constant, places in where.items()]
    return ", ".join(part for part in (plain, *limited) if part) or "none"


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
        "Level": entry["level"],
        "Status": say_status(entry),
        "Retriable": _say_retriable(entry),
        "Indeterminate": say_yes(when=entry["indeterminate"]),
        "Action": entry["action"],
        "Kafka's constants": _name_constants(sources, code),
    }
    if "status" in entry:
        facts["Type"] = quote_code([write_type(sources, code)])
    return write_table(["Fact", "Value"], facts.items())


def _write_members(sources: Sources, code: str) -> str:
    always = sources.errors[code]["fields"]
    fields = [*always, *sources.errors[code].get("optional", [])]
    if not fields:
        return ""
    problem = {member.name: member for member in list_members(sources, _problem_schema(sources))}
    members = [problem[field] for field in fields]
    objects: dict[str, dict[str, Any]] = {}
    for member in members:
        objects |= find_objects(sources, member.name, member.node)
    rows = [
        [
            quote_code([member.name]),
            describe_type(sources, member.name, member.node),
            "always" if member.name in always else "where known",
            _describe_field(sources, member),
        ]
        for member in members
    ]
    return write_section(
        "Members",
        "Beside the [members of every error](../../errors.md), it carries:",
        write_table(["Member", "Type", "Present", "Meaning"], rows),
        *write_objects(sources, objects),
    )


def _describe_field(sources: Sources, member: Member) -> str:
    """Return the schema's description; a member that is called like a limit tells that limit."""
    limit = sources.protocol["limits"].get(member.name, {})
    return describe(sources, member.node) or str(limit.get("meaning", ""))


def _write_origin(sources: Sources, code: str) -> str:
    if "status" not in sources.errors[code]:
        return "Only clients raise this code. No server answers it, so it has no status and no problem document."
    if code in codes_of_any_operation(sources):
        return "It is bound to no operation: a server can answer any request with it that its meaning fits."
    operations = write_list(
        f"[{operation['operationId']}](../operations/{operation['operationId']}.md): `{method} {path}`"
        for path, method, operation in sources.operations()
        if code in operation["x-errors"]
    )
    return operations or "No operation that is specified so far answers it."


def _write_example(sources: Sources, code: str) -> str:
    if "status" not in sources.errors[code]:
        return ""
    return write_section("Example", fence("json", lay_out_json(make_example(sources, code))))


def _problem_schema(sources: Sources) -> dict[str, Any]:
    schema: dict[str, Any] = sources.openapi["components"]["schemas"]["Problem"]
    return schema
