"""Everything that is made from the specification, as path → text."""

import json
from pathlib import Path
from typing import Any

from kafka_do_spec import compile as compiler
from kafka_do_spec import pages
from kafka_do_spec.coverage import coverage
from kafka_do_spec.sources import read


def made(root: Path) -> dict[Path, str]:
    """Return each generated file's path and text."""
    sources = read(root)
    cases = coverage(root)
    generated = root / "spec" / "generated"
    return {
        root / "reference" / "kafka_do" / "core" / "messages.py": compiler.messages(sources),
        generated / "spec.json": _json(compiler.compiled(sources)),
        generated / "requirements.json": _json(compiler.registry(sources)),
        generated / "openapi.json": _json(compiler.openapi(sources)),
        **{generated / name: text for name, text in pages.pages(sources, cases).items()},
    }


def generate(root: Path) -> list[Path]:
    """Write what is not current, remove pages that nothing makes any more, and return what was written."""
    files = made(root)
    for path in _orphans(root, files):
        path.unlink()
    written = [path for path, text in files.items() if not _is(path, text)]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], "utf-8")
    return written


def stale(root: Path) -> list[Path]:
    """Return the files that `generate` would write or remove."""
    files = made(root)
    return [*(path for path, text in files.items() if not _is(path, text)), *_orphans(root, files)]


def _orphans(root: Path, files: dict[Path, str]) -> list[Path]:
    return [path for path in (root / "spec" / "generated").rglob("*") if path.is_file() and path not in files]


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
