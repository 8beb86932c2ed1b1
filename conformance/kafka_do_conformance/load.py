"""Cases from files; a file that is not as its schema says is a load error."""

import functools
import importlib
import json
from pathlib import Path
from typing import Any

import yaml

from kafka_do_conformance.case import Case, ExchangeCase, Step, code_cases
from kafka_do_conformance.form import Form
from kafka_do_conformance.matching import matcher_faults

__all__ = ["CASES", "CaseFileError", "form", "is_case_file", "load_all", "load_file"]

PACKAGE = Path(__file__).resolve().parent
CASES = PACKAGE / "cases"
_SUCCESS = range(200, 300)
_BASE_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CaseFileError(Exception):
    """A file of cases is not what it has to be."""


class _Loader(_BASE_LOADER):  # type: ignore[valid-type,misc]
    """A safe YAML loader that refuses a member which stands twice in an object."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001,FBT002
        names = [self.construct_object(name, deep=True) for name, _ in node.value]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"the member {twice[0]!r} stands twice", node.start_mark
            )
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


@functools.cache
def form(name: str) -> Form:
    """Return the form that one of the suite's own schemas says."""
    return Form(json.loads((PACKAGE / "schemas" / f"{name}.schema.json").read_text("utf-8")))


def is_case_file(path: Path) -> bool:
    """Whether a file holds cases."""
    return path.parent == CASES and path.suffix in (".yaml", ".py") and path.stem != "__init__"


def load_all() -> list[Case]:
    """Return every case of the suite."""
    cases = [case for path in sorted(CASES.iterdir()) if is_case_file(path) for case in load_file(path)]
    twice = {case.slug for case in cases if sum(case.slug == other.slug for other in cases) > 1}
    if twice:
        raise CaseFileError(f"two cases have the same slug: {', '.join(sorted(twice))}")
    return cases


def load_file(path: Path) -> list[Case]:
    """Return the cases of one file; raises CaseFileError."""
    if path.suffix == ".py":
        module = f"{__package__}.cases.{path.stem}"
        importlib.import_module(module)
        return list(code_cases(module))
    try:
        rows = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506  it is a safe loader
    except yaml.YAMLError as error:
        raise CaseFileError(f"{path.name}: {error}") from None
    if (fault := form("case").fault(rows)) is not None:
        raise CaseFileError(f"{path.name}: {fault}")
    return [_case(path, row) for row in rows]


def _case(path: Path, row: dict[str, Any]) -> ExchangeCase:
    case = ExchangeCase(
        slug=row["case"],
        title=row["title"],
        requirements=tuple(row["requirements"]),
        hint=row["hint"],
        wants=tuple(row.get("needs", ())),
        lacks=tuple(row.get("lacks", ())),
        partitions=row.get("partitions"),
        steps=tuple(
            Step(step["request"], step.get("response", {}), step.get("fault"), step.get("report"))
            for step in row["steps"]
        ),
    )
    _check(path, case)
    return case


def _check(path: Path, case: ExchangeCase) -> None:
    """Refuse a case that an implementation which does nothing right could pass, or one whose steps say nothing."""
    where = f"{path.name}: {case.slug}"
    for step in case.steps:
        if not step.response and step.fault is None:
            raise CaseFileError(f"{where}: a step has neither a response nor a fault")
        for template in (step.request, step.response):
            for fault in matcher_faults(template):
                raise CaseFileError(f"{where}: {fault}")
        if step.fault is not None and step.report is None:
            raise CaseFileError(f"{where}: a step with a fault needs a report")
    if "server" in case.roles:
        succeeds = any(step.response.get("status") in _SUCCESS for step in case.steps)
        if case.partitions is None and not succeeds:
            raise CaseFileError(f"{where}: no step succeeds, so a server that refuses everything would pass")
        if any(step.fault or step.report for step in case.steps):
            raise CaseFileError(f"{where}: a fault can only be judged in the client's role")
