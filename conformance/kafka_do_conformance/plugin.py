"""The suite as a pytest plugin: `pytest conformance --impl=SPEC`."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kafka_do_conformance import report, reports
from kafka_do_conformance.adapter import AdapterDefectError
from kafka_do_conformance.case import Case, Role
from kafka_do_conformance.judge import judge
from kafka_do_conformance.load import CASES, is_case_file, load_file
from kafka_do_conformance.reports.document import result_of
from kafka_do_conformance.target import Targets, UnknownImplError, parse_impl
from kafka_do_conformance.verdict import Crashed, Status, Timeout

__all__ = ["Recorder"]

_TARGETS = pytest.StashKey[Targets]()
_PROPERTY = "kafka_do_result"
_DEFAULT_REPORT = "conformance-report/report.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the suite's options."""
    group = parser.getgroup("kafka-do", "kafka.do conformance")
    group.addoption(
        "--impl",
        default="reference",
        metavar="SPEC",
        help="what is judged: reference (default), http://host:port for a server, 'cmd:program arguments' for a client",
    )
    group.addoption(
        "--api-key",
        default="",
        metavar="KEY",
        help="with http://host:port: a key that the server takes; no report shows it",
    )
    group.addoption(
        "--key",
        action="append",
        default=[],
        metavar="NAME=KEY",
        help="with http://host:port: a key that may not do everything, see the guide; may be repeated",
    )
    group.addoption(
        "--origin",
        default="",
        metavar="ORIGIN",
        help="with http://host:port: an origin of the list that the server has for browsers, like https://shop.example",
    )
    group.addoption(
        "--requirement",
        action="append",
        default=[],
        metavar="ID",
        help="only cases that cite this requirement; may be repeated",
    )
    group.addoption(
        "--report",
        default=_DEFAULT_REPORT,
        metavar="FILE",
        help=f"where to write the report (default: {_DEFAULT_REPORT})",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read `--impl`; the process that collects all results also records them."""
    for role in ("server", "client"):
        config.addinivalue_line("markers", f"{role}: a conformance case in the {role}'s role")
    impl = config.getoption("--impl")
    try:
        targets = parse_impl(
            impl,
            api_key=config.getoption("--api-key"),
            keys=config.getoption("--key"),
            origin=config.getoption("--origin"),
            is_shared=hasattr(config, "workerinput"),
        )
    except UnknownImplError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_TARGETS] = targets
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config, targets), report.RECORDER)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the suite's files of cases."""
    return CaseFile.from_parent(parent, path=file_path) if is_case_file(file_path) else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what was started."""
    targets = config.stash.get(_TARGETS, None)
    if targets is not None:
        targets.close()


class CaseFile(pytest.File):
    """A file of cases: each is an item in each role under test."""

    def collect(self) -> Iterator["CaseItem"]:
        """Yield the items."""
        if not self.config.option.collectonly:
            self.config.stash[_TARGETS].prepare()
        wanted = set(self.config.getoption("--requirement"))
        for case in load_file(self.path):
            for role in case.roles:
                if role in self.config.stash[_TARGETS].roles and (not wanted or wanted & set(case.cites(role))):
                    yield CaseItem.from_parent(self, name=f"{case.slug}[{role}]", case=case, role=role)


class CaseItem(pytest.Item):
    """One case in one role."""

    def __init__(self, *, case: Case, role: Role, **options: Any) -> None:
        super().__init__(**options)
        self._case = case
        self._role = role
        self.add_marker(role)

    def runtest(self) -> None:
        """Judge, keep the result, and fail or skip as it says."""
        result = judge(self._case, self._role, self.config.stash[_TARGETS])
        self.user_properties.append((_PROPERTY, json.dumps(dataclasses.asdict(result))))
        if result.status is Status.NOT_APPLICABLE:
            pytest.skip(result.detail)
        if result.status not in report.GOOD:
            raise CaseFailedError(report.explain(result, self.config.getoption("--impl")))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what was found, not where in the suite."""
        return (
            str(excinfo.value) if isinstance(excinfo.value, CaseFailedError) else super().repr_failure(excinfo, style)
        )

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where the item stands."""
        return self.path, None, self.name


class CaseFailedError(Exception):
    """A case that failed; its text is for a person."""


class Recorder:
    """Collects the results of all workers and writes the report."""

    def __init__(self, config: pytest.Config, targets: Targets) -> None:
        self._targets = targets
        self._path = Path(config.invocation_params.dir) / config.getoption("--report")
        self._page: Path | None = None
        self._unwritten = ""
        self._expected = False
        self.run = report.Run(targets.impl)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a case's result."""
        if report.when == "call":
            self.run.results += [
                result_of(json.loads(str(text))) for name, text in report.user_properties if name == _PROPERTY
            ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Remember that there are cases: a worker that dies of a fault of its own would end the run without a word."""
        self._expected = self._expected or any(f"{CASES.parent.name}/{CASES.name}/" in ident for ident in ids)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report if any case has run; a run that proves nothing does not end well."""
        if not self.run.results:
            if self._expected and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
            return
        self.run.results.sort(key=lambda result: (result.role, result.case))
        self.run.implementations = self._introductions()
        self.run.offers = self._offers()
        try:
            self._page = self._write()
        except OSError as error:
            self._unwritten = f"the report cannot be written to {self._path}: {error.strerror or error}"
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if self.run.proves_nothing and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write(self) -> Path:
        """Write every form of the report and return the one for people."""
        report.write(self.run, self._path)
        made = reports.beside(self._path)
        for path, text in made.items():
            report.put(path, text)
        return next(iter(made))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the summary."""
        if self.run.results:
            terminalreporter.section("conformance")
            for line in report.summarise(self.run, self._page):
                terminalreporter.write_line(line)
            if self._unwritten:
                terminalreporter.write_line(f"  {self._unwritten}")

    def _offers(self) -> dict[str, list[list[str]]]:
        """Return the features of what is under test, by role; a role that does not tell any has only the core."""
        offers: dict[str, list[list[str]]] = {}
        for role in self._targets.roles:
            try:
                offers[role] = self._targets.offers(role)
            except (Timeout, Crashed, AdapterDefectError):
                offers[role] = []
        return offers

    def _introductions(self) -> dict[str, dict[str, Any]]:
        """Return what each implementation says about itself."""
        said: dict[str, dict[str, Any]] = {}
        try:
            if self._targets.servers:
                named = self._targets.servers[0].describe().get("server")
                said["server"] = named if isinstance(named, dict) else {}
            if self._targets.client is not None:
                said["client"] = self._targets.client.adapter.hello()
        except (Timeout, Crashed, AdapterDefectError):
            pass
        return said
