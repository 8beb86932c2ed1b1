"""Processes that the suite starts: what they print is kept, every wait is bounded, none outlives the run."""

import contextlib
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import IO, Self

__all__ = ["LineProcess"]

_TAIL = 40
_GRACE_S = 3.0


class LineProcess:
    """A process with which lines are exchanged; the last lines of its standard error are kept for reports."""

    def __init__(self, command: Sequence[str], *, env: dict[str, str] | None = None) -> None:
        self.command = list(command)
        self._process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        )
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._outgoing: queue.Queue[bytes | None] = queue.Queue()
        self._stderr: deque[str] = deque(maxlen=_TAIL)
        self._threads = [
            threading.Thread(target=self._pump, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._keep, args=(self._process.stderr,), daemon=True),
            threading.Thread(target=self._push, args=(self._process.stdin,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def obituary(self) -> str:
        """Say how the process ended and what it said last."""
        status = self._process.poll()
        if status is None:
            how = "still runs"
        elif status < 0:
            how = f"was ended by {signal.Signals(-status).name}"
        else:
            how = f"exited with status {status}"
        last = " | ".join(list(self._stderr)[-5:])
        return f"the process {how}" + (f"; its standard error ends: {last}" if last else "")

    def write_line(self, line: bytes) -> None:
        """Send one line, without waiting for the process to take it."""
        self._outgoing.put(line + b"\n")

    def read_line(self, deadline_s: float) -> bytes | None:
        """Return the next line, None when there will be no more; raises TimeoutError."""
        try:
            line = self._lines.get(timeout=deadline_s)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            self._lines.put(None)
        return line

    def wait(self, deadline_s: float) -> int:
        """Wait for the process to end and return its status; raises TimeoutError."""
        try:
            return self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None

    def stop(self) -> None:
        """End the process: by SIGTERM, and after three seconds by SIGKILL."""
        if self.alive:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                self.wait(_GRACE_S)
        self.kill()

    def kill(self) -> None:
        """End the process at once and close its pipes."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._outgoing.put(None)
        ends = time.monotonic() + _GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _pump(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in pipe:
                self._lines.put(line)
        self._lines.put(None)

    def _push(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):
            while (line := self._outgoing.get()) is not None:
                pipe.write(line)
                pipe.flush()

    def _keep(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in pipe:
                self._stderr.append(line.decode("utf-8", "backslashreplace").rstrip())
