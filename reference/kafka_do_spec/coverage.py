"""Which cases judge which requirement."""

from pathlib import Path

from kafka_do_conformance.load import load_all

__all__ = ["coverage"]


def coverage(root: Path) -> dict[str, list[str]]:
    """Return requirement id → slugs of the cases that cite it; `root` has to be the checkout that is running."""
    if not Path(__file__).resolve().is_relative_to(root):
        raise ValueError(f"the cases that are loaded are not those of {root}")
    found: dict[str, list[str]] = {}
    for case in load_all():
        for ident in case.requirements:
            found.setdefault(ident, []).append(case.slug)
    return found
