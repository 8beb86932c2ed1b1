"""Servers on one core, what loads them on another."""

import contextlib
import os
from collections.abc import Iterator

__all__ = ["all_cores", "load_core", "of_load", "of_server", "server_core"]


def _allowed() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


_CORES = _allowed()
_APART = len(_CORES) > 1


def server_core() -> int | None:
    """Return the core that servers are held on, None where they cannot be held apart from the load."""
    return _CORES[0] if _APART else None


def load_core() -> int | None:
    """Return the core that the load is held on, likewise."""
    return _CORES[1] if _APART else None


@contextlib.contextmanager
def _held(cores: list[int]) -> Iterator[None]:
    """Hold this thread, and so every process that it starts meanwhile, on `cores`."""
    if not _APART:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def of_server() -> contextlib.AbstractContextManager[None]:
    """Hold on the core of servers what is started within."""
    return _held(_CORES[:1])


def of_load() -> contextlib.AbstractContextManager[None]:
    """Hold on the core of the load what is started within."""
    return _held(_CORES[1:2])


def all_cores() -> contextlib.AbstractContextManager[None]:
    """Let what is started within use every core that this run may use."""
    return _held(_CORES)
