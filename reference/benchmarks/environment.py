"""Where the figures were taken: without it they say nothing."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from benchmarks.contestants import PEER_PACKAGE, PEER_VERSION
from benchmarks.cores import load_core, server_core
from benchmarks.load import wrk_version

__all__ = ["describe"]

_PACKAGES = ("kafka-do", "uvicorn", "httptools", "uvloop", "msgspec")


def describe() -> dict[str, str]:
    """Return what stands above the table."""
    cores = f"{os.cpu_count()}; "
    cores += (
        "servers and load share them" if server_core() is None else f"servers on {server_core()}, load on {load_core()}"
    )
    return {
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}, {_processor()}",
        "cores": cores,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        "peer": f"{PEER_PACKAGE} {PEER_VERSION}, Node.js {_node()}",
        "load": f"wrk {wrk_version()}",
        "commit": _commit(),
        "neighbours": f"load average {os.getloadavg()[0]:.1f} before the first round",
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(missing)"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _node() -> str:
    return _said(["node", "--version"]) or "(missing)"


def _commit() -> str:
    """Return the checkout's commit, marked where the files differ from it."""
    return _said(["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]) or "(no checkout)"


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
