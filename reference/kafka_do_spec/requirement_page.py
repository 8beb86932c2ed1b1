"""The registry of requirements as a page."""

from collections import Counter
from itertools import groupby
from operator import attrgetter

from kafka_do_spec.markdown import quote_code, rebase_links, write_page, write_section, write_table
from kafka_do_spec.sources import LEVELS, ROLES, Paragraph, Sources

_COLUMNS = ("Id", "Level", "Role", "Shown by", "Text", "Cases")


def requirement_page(sources: Sources, cases: dict[str, list[str]]) -> str:
    """Return the page that lists each chapter's requirements and the slugs of the cases that judge them."""
    return write_page(
        "Requirements",
        "Every requirement of this specification, by chapter. What the columns mean is in the chapter "
        "[Conventions](../conventions.md). The same as data: [requirements.json](requirements.json).",
        _write_summary(sources, cases),
        *(
            write_section(chapter_title(sources, chapter), _write_chapter(list(requirements), cases))
            for chapter, requirements in groupby(sources.requirements, key=attrgetter("chapter"))
        ),
    )


def chapter_title(sources: Sources, chapter: str) -> str:
    """Return a chapter's title: its first heading, or its file name where it has none."""
    headings = (part.text for part in sources.paragraphs if part.chapter == chapter and part.text.startswith("# "))
    return next(headings, chapter).removeprefix("# ")


def level_of(requirement: Paragraph) -> str:
    """Return a requirement's level, in small letters."""
    return next((name for name in requirement.classes if name in LEVELS), "")


def link_requirement(requirement: Paragraph, prefix: str) -> str:
    """Return a link to the requirement in its chapter; the chapters lie at `prefix`."""
    return f"[{requirement.ident}]({prefix}{requirement.chapter}#{requirement.ident})"


def _write_summary(sources: Sources, cases: dict[str, list[str]]) -> str:
    counts = _count(sources.requirements)
    covered = _count([requirement for requirement in sources.requirements if cases.get(str(requirement.ident))])
    rows = [
        [level, role, str(counts[level, role]), str(covered[level, role])]
        for level in LEVELS
        for role in ROLES
        if counts[level, role]
    ]
    return write_table(["Level", "Role", "Requirements", "With a case"], rows)


def _count(requirements: list[Paragraph]) -> Counter[tuple[str, str]]:
    return Counter((level_of(requirement), requirement.facts.get("role", "")) for requirement in requirements)


def _write_chapter(requirements: list[Paragraph], cases: dict[str, list[str]]) -> str:
    return write_table(
        _COLUMNS,
        [
            [
                link_requirement(requirement, "../"),
                level_of(requirement),
                requirement.facts.get("role", ""),
                requirement.facts.get("by", ""),
                rebase_links(requirement.text, "../"),
                quote_code(cases.get(str(requirement.ident), []), "<br>") or "none",
            ]
            for requirement in requirements
        ],
    )
