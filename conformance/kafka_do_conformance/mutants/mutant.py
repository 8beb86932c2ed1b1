"""A mutant: the reference with one defect, made in a folder of its own."""

import atexit
import compileall
import functools
import importlib.util
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory

import yaml

import kafka_do.spec
from kafka_do.spec import data_root, requirements
from kafka_do_conformance.case import Case, Role
from kafka_do_conformance.load import form, load_all
from kafka_do_conformance.run import judge_all
from kafka_do_conformance.target import parse_impl
from kafka_do_conformance.verdict import Result, Status

__all__ = ["Mutant", "MutantFileError", "hunt", "kills", "missing", "mutants"]

_LIBRARY = Path(kafka_do.spec.__file__).resolve().parent
_PATCHES = Path(__file__).resolve().parent
_FOUND = (Status.FAIL, Status.WARN, Status.TIMEOUT, Status.CRASHED)
_DEADLINE_S = 5.0


class MutantFileError(Exception):
    """A patch is not what it has to be, or the reference has changed below it."""


@dataclass(frozen=True)
class Mutant:
    """One defect: in `file` of the library, the text `old` becomes `new`; it breaks the requirement `breaks`."""

    name: str
    breaks: str
    role: Role
    file: str
    old: str
    new: str

    def apply(self, library: Path) -> None:
        """Patch a copy of the library; raises MutantFileError unless `old` stands there exactly once."""
        path = library / self.file
        source = path.read_text("utf-8")
        if source.count(self.old) != 1:
            raise MutantFileError(f"{self.name}: `old` stands {source.count(self.old)} times in {self.file}, not once")
        path.unlink()  # it may be a link to the reference's copy, as may the byte code
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
        path.write_text(source.replace(self.old, self.new), "utf-8")


def mutants() -> list[Mutant]:
    """Return all mutants; raises MutantFileError."""
    found: list[Mutant] = []
    for path in sorted(_PATCHES.glob("*.yaml")):
        rows = yaml.safe_load(path.read_text("utf-8"))
        if (fault := form("mutant").fault(rows)) is not None:
            raise MutantFileError(f"{path.name}: {fault}")
        found += [
            Mutant(row["mutant"], row["breaks"], row["role"], row["file"], row["old"], row["new"]) for row in rows
        ]
    return found


def missing(present: Iterable[Mutant]) -> list[str]:
    """Return the MUST requirements that a case can show broken and none of the mutants breaks."""
    broken = {mutant.breaks for mutant in present}
    return [
        ident
        for ident, entry in requirements().items()
        if entry.level == "must" and entry.by != "review" and ident not in broken
    ]


@contextmanager
def mutated(mutant: Mutant) -> Iterator[dict[str, str]]:
    """Make the mutant and yield the environment in which processes use it instead of the reference."""
    with TemporaryDirectory(prefix="mutant-") as folder:
        library = Path(folder) / "kafka_do"
        shutil.copytree(_compiled_library(), library, copy_function=os.link)
        (library / "_data").mkdir()
        for name in ("spec", "fixtures"):
            (library / "_data" / name).symlink_to(data_root() / name)
        mutant.apply(library)
        yield {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}


def hunt(mutant: Mutant, cases: list[Case] | None = None) -> list[Result]:
    """Judge a mutant in its role: by the cases that cite what it breaks, or by those given."""
    if cases is None:
        cases = [case for case in _all_cases() if mutant.breaks in case.cites(mutant.role)]
    with mutated(mutant) as env:
        targets = parse_impl("reference", env=env, deadline_s=_DEADLINE_S)
        try:
            return judge_all(targets, cases, roles=[mutant.role])
        finally:
            targets.close()


def kills(mutant: Mutant, results: list[Result]) -> list[str]:
    """Return the cases that found the defect for the right reason: they failed and cite what it breaks."""
    return [result.case for result in results if result.status in _FOUND and mutant.breaks in result.requirements]


@functools.cache
def _compiled_library() -> Path:
    """Copy the library and compile it, once in a process: a mutant then compiles one module when it starts, not 150."""
    folder = TemporaryDirectory(prefix="mutants-")
    atexit.register(folder.cleanup)
    library = Path(folder.name, "kafka_do")
    shutil.copytree(_LIBRARY, library, ignore=shutil.ignore_patterns("__pycache__", "_data"))
    compileall.compile_dir(library, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return library


@functools.cache
def _all_cases() -> tuple[Case, ...]:
    return tuple(load_all())
