"""What a case cites: a requirement's text, where it stands, and its address."""

import functools
import re
from dataclasses import dataclass

from kafka_do.spec import SPEC, Requirement, requirements

__all__ = ["Citation", "cite"]

_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")  # relative to the chapter, so of no use elsewhere


@dataclass(frozen=True)
class Citation:
    """A requirement as reports show it; one that this revision does not have has neither chapter nor address."""

    ident: str
    text: str
    chapter: str
    url: str | None


def cite(ident: str) -> Citation:
    """Return what is known of a requirement; a report from another revision may cite one that is not known."""
    entry = _registry().get(ident)
    if entry is None:
        return Citation(ident, f"not a requirement of revision {SPEC.revision}", "unknown", None)
    chapter = entry.chapter.removesuffix(".md")
    return Citation(ident, _LINK.sub(r"\1", entry.text), chapter, f"{SPEC.site_url}{chapter}/#{ident}")


@functools.cache
def _registry() -> dict[str, Requirement]:
    return requirements()
