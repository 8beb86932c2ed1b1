"""What is judged: `--impl` read, processes started when they are first needed."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kafka_do_conformance.adapter import Adapter
from kafka_do_conformance.case import Role
from kafka_do_conformance.process import LineProcess
from kafka_do_conformance.verdict import Crashed, Mismatch, Timeout
from kafka_do_conformance.wire import Wire

__all__ = [
    "REFERENCE_ADAPTER",
    "REFERENCE_SERVER",
    "ClientTarget",
    "ServerTarget",
    "Targets",
    "UnknownImplError",
    "parse_impl",
]

# -P: modules in the folder that the command is run in are not taken for those of the reference
REFERENCE_SERVER = (sys.executable, "-P", "-m", "kafka_do", "serve", "--port", "0")
REFERENCE_ADAPTER = (sys.executable, "-P", "-m", "kafka_do_conformance.adapters.python")
_START_S = 20.0


class UnknownImplError(ValueError):
    """`--impl` is none of the forms that the suite knows."""


class ServerTarget:
    """A server: at a URL, or a process that prints its URL when it is ready and is replaced when it has ended."""

    def __init__(
        self,
        *,
        url: str | None = None,
        command: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        deadline_s: float = 10.0,
    ) -> None:
        self._url = url
        self._command = command
        self._env = env
        self.deadline_s = deadline_s
        self._process: LineProcess | None = None

    def prepare(self) -> None:
        """Start the process, if there is one, without waiting until it is ready."""
        if self._command and self._process is None:
            self._process = LineProcess(self._command, env=self._env)
            self._url = None

    def wire(self) -> Wire:
        """Return a new way to the server."""
        return Wire(self.url(), self.deadline_s)

    def url(self) -> str:
        """Return where the server is, started if it has to be; raises Timeout or Crashed where it does not start."""
        if not self._command:
            return str(self._url)
        if self._process is not None and not self._process.alive:
            self.close()
        self.prepare()
        if self._process is not None and self._url is None:
            self._url = self._first_line(self._process)
        return str(self._url)

    def describe(self) -> dict[str, Any]:
        """Return what discovery tells, as far as it tells anything."""
        wire = self.wire()
        try:
            found = wire.exchange("GET", "/v1").json()
        except (Timeout, Crashed, ValueError):
            return {}
        finally:
            wire.close()
        return found if isinstance(found, dict) else {}

    def close(self) -> None:
        """End the process, if there is one; what it holds in memory is nobody's, so it need not take its leave."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def _first_line(self, process: LineProcess) -> str:
        try:
            line = process.read_line(_START_S)
        except TimeoutError:
            process.kill()
            raise Timeout(
                "start the server", [Mismatch("its URL", "one line", f"none within {_START_S:g} s")]
            ) from None
        if line is None:
            raise Crashed("start the server", [Mismatch("its URL", "one line", process.obituary)])
        return line.decode("utf-8", "backslashreplace").strip()


class ClientTarget:
    """A client behind an adapter process."""

    def __init__(
        self, command: tuple[str, ...], *, env: dict[str, str] | None = None, deadline_s: float = 10.0
    ) -> None:
        self.adapter = Adapter(command, deadline_s=deadline_s, env=env)

    def close(self) -> None:
        """End the process."""
        self.adapter.close()


@dataclass(frozen=True)
class Targets:
    """What is under test; `counterpart` is a real server for the cases that send a client to one."""

    impl: str
    server: ServerTarget | None
    client: ClientTarget | None
    counterpart: Callable[[], ServerTarget]

    @property
    def roles(self) -> list[Role]:
        """The roles under test."""
        roles: list[Role] = []
        if self.server is not None:
            roles.append("server")
        if self.client is not None:
            roles.append("client")
        return roles

    def prepare(self) -> None:
        """Start what is under test, without waiting until it is ready."""
        if self.server is not None:
            self.server.prepare()
        if self.client is not None:
            self.client.adapter.prepare()

    def close(self) -> None:
        """End every process."""
        for target in (self.server, self.client, self.counterpart()):
            if target is not None:
                target.close()


def parse_impl(impl: str, *, env: dict[str, str] | None = None, deadline_s: float = 10.0) -> Targets:
    """Return what `--impl` names; raises UnknownImplError. `env` is the environment of the processes it starts."""
    reference = ServerTarget(command=REFERENCE_SERVER, env=env, deadline_s=deadline_s)
    if impl == "reference":
        return Targets(
            impl, reference, ClientTarget(REFERENCE_ADAPTER, env=env, deadline_s=deadline_s), lambda: reference
        )
    if impl.startswith("http://") and _is_address(impl):
        return Targets(impl, ServerTarget(url=impl, deadline_s=deadline_s), None, lambda: reference)
    kind, _, command = impl.partition(":")
    if kind == "cmd" and (words := _words(command)):
        client = ClientTarget(words, env=env, deadline_s=deadline_s)
        return Targets(impl, None, client, lambda: reference)
    raise UnknownImplError(
        f"--impl={impl}: it has to be reference, http://host:port for a server, or 'cmd:program arguments' for a client"
    )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _words(command: str) -> tuple[str, ...]:
    """Return a command's words as a shell would split them; none where it could not."""
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ()
