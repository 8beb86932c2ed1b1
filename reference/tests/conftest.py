"""What several test files need: a server in a process of its own."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

_PATIENCE_S = 30


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """Start `kafka-do serve` on a free port of the loopback interface and yield its URL."""
    with _serve() as url:
        yield url


@pytest.fixture(scope="module")
def served_alone() -> Iterator[str]:
    """Serve as `served` does, for the tests of one file only."""
    with _serve() as url:
        yield url


@pytest.fixture(scope="module")
def served_for_tests() -> Iterator[str]:
    """Serve with the feature `control`, for the tests of one file only."""
    with _serve("--test-control") as url:
        yield url


@contextlib.contextmanager
def _serve(*options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "kafka_do", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        guard = threading.Timer(_PATIENCE_S, server.kill)
        guard.start()
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            guard.cancel()
            assert url.startswith("http://127.0.0.1:"), f"the server said {url!r} instead of its URL"
            yield url
        finally:
            guard.cancel()
            server.kill()
