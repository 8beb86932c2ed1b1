"""`kafka-do conformance`: the same run as `pytest conformance`, from an installed package, in anybody's folder."""

import os
from collections.abc import Sequence

import pytest

from kafka_do_conformance import smoke
from kafka_do_conformance.load import CASES, PACKAGE
from kafka_do_conformance.report import RECORDER, Run

__all__ = ["main"]

_VIOLATION = 1
_USAGE_ERROR = 2
_TOO_LITTLE = 3


def main(arguments: Sequence[str]) -> int:
    """Run the suite with pytest's arguments and return the exit status.

    0: no violation; 1: a violation; 2: a usage error or a fault of the suite; 3: too little was proven. The pytest
    configuration, plugins and caches of the folder it is run in have no part in it. `smoke` is a command of its own.
    """
    if arguments[:1] == ["smoke"]:
        return smoke.main(arguments[1:])
    os.environ.pop("PYTEST_ADDOPTS", None)
    isolated = [
        *("--rootdir", str(PACKAGE), "-c", str(PACKAGE / "pytest.ini"), "--confcutdir", str(CASES)),
        *("-p", "no:cacheprovider", "-p", "kafka_do_conformance.plugin", "--import-mode", "importlib"),
    ]
    outcome = _Outcome()
    ended = pytest.main([*isolated, *arguments, str(CASES)], plugins=[outcome])
    return _status(int(ended), outcome)


class _Outcome:
    """Looks at the run when it is over."""

    is_broken = False
    proves_nothing = False

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        run = getattr(session.config.pluginmanager.get_plugin(RECORDER), "run", None)
        if isinstance(run, Run) and run.results:
            self.is_broken = run.is_broken
            self.proves_nothing = run.proves_nothing


def _status(ended: int, outcome: _Outcome) -> int:
    if ended == pytest.ExitCode.NO_TESTS_COLLECTED:
        return _TOO_LITTLE
    if ended == pytest.ExitCode.TESTS_FAILED:
        if outcome.is_broken:
            return _USAGE_ERROR
        return _TOO_LITTLE if outcome.proves_nothing else _VIOLATION
    return 0 if ended == pytest.ExitCode.OK else _USAGE_ERROR
