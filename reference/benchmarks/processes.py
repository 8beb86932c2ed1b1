"""Servers as processes: started on their core, measured from outside, always stopped."""

import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from benchmarks.cores import of_server

__all__ = ["Server"]

_READY_S = 20.0
_GRACE_S = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server that prints its URL when it is ready, on a core of its own. Use it as a context manager."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        with of_server():
            self._process = subprocess.Popen(
                command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
            )
        try:
            self.url = self._first_line()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process: by SIGTERM, and after some seconds by SIGKILL."""
        self._process.terminate()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def resident_mib(self) -> float:
        """Return what the process holds in memory now, in MiB."""
        return self._status_kib("VmRSS") / 1024

    def peak_mib(self) -> float:
        """Return the most that the process held in memory so far, in MiB."""
        return self._status_kib("VmHWM") / 1024

    def cpu_s(self) -> float:
        """Return the processor time that the process, with all its threads, has used so far, in seconds."""
        fields = self._proc("stat").rpartition(")")[2].split()
        user, system = fields[11:13]
        return (int(user) + int(system)) / _TICKS

    def _first_line(self) -> str:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101  it was asked for
        if not select.select([pipe], [], [], _READY_S)[0]:
            raise TimeoutError(f"{self._process.args!r} was not ready after {_READY_S:g} s")
        line = pipe.readline().decode().strip()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended before it was ready, with {self._process.wait()}")
        return line

    def _status_kib(self, name: str) -> int:
        for line in self._proc("status").splitlines():
            label, _, rest = line.partition(":")
            if label == name:
                return int(rest.split()[0])
        raise RuntimeError(f"/proc tells no {name}")

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._process.pid}/{name}").read_text()
