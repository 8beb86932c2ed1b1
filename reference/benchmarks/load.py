"""Load by wrk: one request again and again over some connections, for some seconds."""

import itertools
import json
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cores import of_load
from benchmarks.processes import Server

__all__ = ["Load", "Run", "run_load", "wrk_is_there", "wrk_version"]

_SCRIPT = Path(__file__).with_name("fresh.lua")
_MARK = "MEASURED "
_ROOM = 1_000_000  # numbers that one run may use: more than it has requests
_first_numbers = itertools.count(_ROOM, _ROOM)


@dataclass(frozen=True)
class Load:
    """A request: `body` by `method`, GET without one. Marks in the body are replaced by the number of the request.

    `sequence_step` is by how much the sequence number of a request is higher than the one before: fresh.lua.
    """

    path: str
    body: str | None
    connections: int
    sequence_step: int = 0
    method: str = "POST"


@dataclass(frozen=True)
class Run:
    """What one run of the load showed; `failures` are answers above 299 and lost ones."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    failures: int
    server_cpu_s: float
    load_cpu_s: float

    @property
    def requests_per_s(self) -> float:
        """Return the rate."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """Return the server's processor time for one request, in µs; neighbours on the machine change it little."""
        return 1e6 * self.server_cpu_s / self.requests


def wrk_is_there() -> bool:
    """Whether wrk can be started."""
    return shutil.which("wrk") is not None


def wrk_version() -> str:
    """Return wrk's own word."""
    told = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return " ".join(told.split()[1:2])


def run_load(server: Server, load: Load, seconds: int) -> Run:
    """Load `server` for whole seconds."""
    with tempfile.TemporaryDirectory() as folder:
        body = "-"
        if load.body is not None:
            body = str(Path(folder, "body"))
            Path(body).write_text(load.body)
        command = ["wrk", "--threads=1", f"--connections={load.connections}", f"--duration={seconds}s"]
        command += ["--timeout=10s", f"--script={_SCRIPT}", server.url + load.path]
        command += ["--", body, str(next(_first_numbers)), str(load.sequence_step), load.method]
        server_before, load_before = server.cpu_s(), _children_cpu_s()
        with of_load():
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        server_cpu, load_cpu = server.cpu_s() - server_before, _children_cpu_s() - load_before
    figures = json.loads(told[told.index(_MARK) + len(_MARK) :])
    return Run(
        requests=figures["requests"],
        seconds=figures["duration_us"] / 1e6,
        p50_ms=figures["p50_us"] / 1e3,
        p99_ms=figures["p99_us"] / 1e3,
        failures=figures["failures"],
        server_cpu_s=server_cpu,
        load_cpu_s=load_cpu,
    )


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
