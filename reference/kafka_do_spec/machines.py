"""The state machines of `spec/machines`: their faults, and a page with a diagram for each."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import jsonschema

from kafka_do_spec.markdown import fence, quote_code, write_list, write_page, write_section, write_table
from kafka_do_spec.requirement_page import chapter_title, link_requirement
from kafka_do_spec.sources import Sources

__all__ = ["machine_faults", "machine_pages"]

_KINDS = ("states", "events", "guards", "effects")
_COLUMNS = ("From", "Event", "If", "To", "Does", "Requirements")


def machine_faults(sources: Sources) -> Iterator[str]:
    """Yield what contradicts itself in the machines."""
    for name, machine in sources.machines.items():
        faults = list(_form_faults(sources.root, machine)) or [*_name_faults(sources, machine), *_row_faults(machine)]
        yield from (f"machines/{name}.yaml: {fault}" for fault in faults)


def machine_pages(sources: Sources) -> dict[str, str]:
    """Return path below `spec/generated` → Markdown: the machines and an index, if there are any."""
    if not sources.machines:
        return {}
    index = write_page(
        "State machines",
        "What the parties remember of each other, as tables: states, events and what follows.",
        write_list(f"[{machine['title']}]({name}.md)" for name, machine in sources.machines.items()),
    )
    pages = {f"machines/{name}.md": _write_page(sources, name) for name in sources.machines}
    return {"machines/index.md": index, **pages}


def _form_faults(root: Path, machine: dict[str, Any]) -> Iterator[str]:
    schema = json.loads((root / "spec" / "machine.schema.json").read_text("utf-8"))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(machine):
        yield f"{error.json_path}: {error.message}"


def _name_faults(sources: Sources, machine: dict[str, Any]) -> Iterator[str]:
    """Yield names that are used and not explained, or explained and not used."""
    if not (sources.root / "spec" / machine["chapter"]).is_file():
        yield f"there is no chapter {machine['chapter']}"
    rows = machine["transitions"]
    used = {
        "states": {machine["start"], *(row["to"] for row in rows), *(row["from"] for row in rows)},
        "events": {row["event"] for row in rows},
        "guards": {row["if"] for row in rows if "if" in row},
        "effects": {effect for row in rows for effect in row.get("do", ())},
    }
    for kind in _KINDS:
        known = machine.get(kind, {}).keys()
        yield from (f"{kind} has no {name}, which is used" for name in sorted(used[kind] - known))
        yield from (f"{kind} has {name}, which is not used" for name in sorted(known - used[kind]))
    idents = {requirement.ident for requirement in sources.requirements}
    for cited in sorted({ident for row in rows for ident in row.get("cites", ())} - idents):
        yield f"{cited} is cited, which no chapter has"


def _row_faults(machine: dict[str, Any]) -> Iterator[str]:
    """Yield rows that can never be taken, places where no row need be taken, and states that nothing leads to."""
    for (state, event), rows in groupby(machine["transitions"], key=_place):
        guards = [row.get("if") for row in rows]
        where = f"{state}, {event}"
        if guards[-1] is not None:
            yield f"{where}: the last transition has a guard, so there may be none to take"
        if None in guards[:-1]:
            yield f"{where}: behind a transition without a guard there is another, which is never taken"
        if len(set(guards)) < len(guards):
            yield f"{where}: a guard stands twice"
    places = [place for place, _ in groupby(machine["transitions"], key=_place)]
    yield from (
        f"{state}, {event}: the transitions do not stand together"
        for state, event in sorted({place for place in places if places.count(place) > 1})
    )
    reached = {machine["start"]}
    for _ in machine["states"]:
        reached |= {row["to"] for row in machine["transitions"] if row["from"] in reached}
    yield from (f"nothing leads to the state {state}" for state in machine["states"] if state not in reached)


def _place(row: dict[str, Any]) -> tuple[str, str]:
    return row["from"], row["event"]


def _write_page(sources: Sources, name: str) -> str:
    machine = sources.machines[name]
    chapter = machine["chapter"]
    return write_page(
        machine["title"],
        machine["about"],
        f"Chapter: [{chapter_title(sources, chapter)}](../../{chapter}). "
        f"As data: [{name}.yaml](../../machines/{name}.yaml).",
        fence("mermaid", _draw(machine)),
        write_section(
            "Transitions",
            "In a state an event takes the first row whose condition holds. An event without a row cannot happen.",
            write_table(_COLUMNS, [_write_row(sources, row) for row in machine["transitions"]]),
        ),
        *(write_section(kind.capitalize(), _write_meanings(machine.get(kind, {}))) for kind in _KINDS),
    )


def _draw(machine: dict[str, Any]) -> str:
    """Return the diagram; transitions between the same states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in machine["transitions"]:
        guard = f" [{row['if']}]" if "if" in row else ""
        effects = f" / {', '.join(row['do'])}" if "do" in row else ""
        arrows.setdefault((row["from"], row["to"]), []).append(f"{row['event']}{guard}{effects}")
    lines = ["stateDiagram-v2", f"    [*] --> {machine['start']}"]
    lines += [f"    {start} --> {end}: {'<br>'.join(labels)}" for (start, end), labels in arrows.items()]
    return "\n".join(lines)


def _write_row(sources: Sources, row: dict[str, Any]) -> list[str]:
    known = {requirement.ident: requirement for requirement in sources.requirements}
    return [
        quote_code([row["from"]]),
        quote_code([row["event"]]),
        quote_code([row["if"]]) if "if" in row else "",
        quote_code([row["to"]]),
        quote_code(row.get("do", ())),
        ", ".join(link_requirement(known[ident], "../../") for ident in row.get("cites", ())),
    ]


def _write_meanings(meanings: dict[str, str]) -> str:
    return write_table(("Name", "Meaning"), [[quote_code([name]), meaning] for name, meaning in meanings.items()])
