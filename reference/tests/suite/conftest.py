"""What several self-tests need: programs that are started and always ended, in an environment of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from kafka_do_conformance.target import REFERENCE_SERVER, ServerTarget

_PATIENCE_S = 60


class Program(Protocol):
    """Run a program to its end."""

    def __call__(
        self, *arguments: str, folder: Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments in `folder`; `env` is added to the environment."""


@pytest.fixture(scope="session")
def python() -> Program:
    """Return a way to run Python as a person would: without what the running pytest has put into the environment."""

    def run(*arguments: str, folder: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "KAFKA_DO_"))}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**inherited, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )

    return run


@pytest.fixture(scope="session")
def reference_server() -> Iterator[ServerTarget]:
    """Serve the reference, started when it is first needed."""
    server = ServerTarget(command=REFERENCE_SERVER)
    yield server
    server.close()
