"""`kafka-do conformance`: the same run as `pytest conformance`, from an installed package, in anybody's folder."""

import os
from collections.abc import Sequence

import pytest

from kafka_do_conformance.load import CASES, PACKAGE

__all__ = ["main"]

_USAGE_ERROR = 2
_EXITS = {
    int(pytest.ExitCode.OK): 0,
    int(pytest.ExitCode.TESTS_FAILED): 1,
    int(pytest.ExitCode.NO_TESTS_COLLECTED): 3,
    3: 3,
}


def main(arguments: Sequence[str]) -> int:
    """Run the suite with pytest's arguments and return the exit status.

    0: no violation; 1: a violation; 2: a usage error or a fault of the suite; 3: too little was proven. The pytest
    configuration, plugins and caches of the folder it is run in have no part in it.
    """
    os.environ.pop("PYTEST_ADDOPTS", None)
    isolated = [
        *("--rootdir", str(PACKAGE), "-c", str(PACKAGE / "pytest.ini"), "--confcutdir", str(CASES)),
        *("-p", "no:cacheprovider", "-p", "kafka_do_conformance.plugin", "--import-mode", "importlib"),
    ]
    return _EXITS.get(int(pytest.main([*isolated, *arguments, str(CASES)])), _USAGE_ERROR)
