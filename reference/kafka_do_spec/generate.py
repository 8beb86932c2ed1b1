"""Everything that is made from the specification, as path → text.

First what the library loads, then the pages, which tell the cases: reading these takes a library that loads.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka_do_spec import compile as compiler
from kafka_do_spec import pages
from kafka_do_spec.error_classes import error_classes
from kafka_do_spec.openapi_document import openapi
from kafka_do_spec.sources import Sources, read

__all__ = ["generate", "stale"]


def _for_the_library(sources: Sources) -> dict[Path, str]:
    generated = sources.root / "spec" / "generated"
    return {
        sources.root / "reference" / "kafka_do" / "core" / "messages.py": compiler.messages(sources),
        sources.root / "reference" / "kafka_do" / "errors.py": error_classes(sources),
        generated / "spec.json": _json(compiler.compiled(sources)),
        generated / "requirements.json": _json(compiler.registry(sources)),
        generated / "openapi.json": _json(openapi(sources)),
    }


def _for_readers(sources: Sources) -> dict[Path, str]:
    from kafka_do_spec.coverage import coverage  # noqa: PLC0415  it loads the library, see above

    generated = sources.root / "spec" / "generated"
    return {generated / name: text for name, text in pages.pages(sources, coverage(sources.root)).items()}


_STAGES: tuple[Callable[[Sources], dict[Path, str]], ...] = (_for_the_library, _for_readers)


def generate(root: Path) -> list[Path]:
    """Write what is not current, remove pages that nothing makes any more, and return what was written."""
    sources = read(root)
    made: dict[Path, str] = {}
    written: list[Path] = []
    for stage in _STAGES:
        files = stage(sources)
        for path, text in files.items():
            if not _is(path, text):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
                written.append(path)
        made |= files
    for path in _orphans(root, made):
        path.unlink()
    return written


def stale(root: Path) -> list[Path]:
    """Return the files that `generate` would write or remove."""
    sources = read(root)
    made = {path: text for stage in _STAGES for path, text in stage(sources).items()}
    return [*(path for path, text in made.items() if not _is(path, text)), *_orphans(root, made)]


def _orphans(root: Path, made: dict[Path, str]) -> list[Path]:
    return [path for path in (root / "spec" / "generated").rglob("*") if path.is_file() and path not in made]


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
