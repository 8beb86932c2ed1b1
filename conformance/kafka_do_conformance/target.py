"""What is judged: `--impl` read, processes started when they are first needed."""

import secrets
import shlex
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from kafka_do_conformance.adapter import Adapter
from kafka_do_conformance.case import Case, Role
from kafka_do_conformance.limited_keys import LIMITED_KEYS, make_keys, named_keys, write_keys
from kafka_do_conformance.process import LineProcess
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Crashed, Mismatch, NotApplicable, Timeout
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

# A reference with every feature, and one with none. The first does not wait long for requests that never finish.
_ORIGIN = "https://shop.example"
_EVERYTHING = ("--cors-origin", _ORIGIN, "--max-request-ms", "1000", "--max-streams", "50", "--test-control")
_NOTHING = (
    "--no-auto-create-topics",
    *("--without", "producers"),
    *("--without", "groups"),
    *("--without", "retention"),
    *("--without", "streams"),
    *("--without", "zstd"),
)


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
        api_key: str = "",
        keys: Mapping[str, str] | None = None,
        origin: str = "",
        is_shared: bool = False,
    ) -> None:
        self._url = url
        self._command = command
        self._env = env
        self.deadline_s = deadline_s
        self.api_key = api_key
        self.keys = keys or {}
        self.origin = origin
        self._is_shared = is_shared
        self._process: LineProcess | None = None
        self._features: list[str] | None = None

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

    def session(self, wire: Wire) -> ServerSession:
        """Return what a case works with."""
        return ServerSession(
            wire, api_key=self.api_key, keys=self.keys, origin=self.origin, listed=self._features or ()
        )

    def features(self) -> list[str]:
        """Return the features that discovery lists, asked once; none where it does not work."""
        if self._features is None:
            listed = self.describe().get("features")
            self._features = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
        return self._features

    def unfit(self, case: Case) -> str:
        """Say why a case cannot be judged here, nothing if it can."""
        listed = self.features()
        if missing := case.needs("server") - {*listed, "core"}:
            return f"the server does not list {', '.join(sorted(missing))}"
        if present := case.excludes("server") & set(listed):
            return f"the case is about servers without {', '.join(sorted(present))}"
        return next((reason for applies, reason in self._lacks(case.needs("server"), listed) if applies), "")

    def _lacks(self, needs: set[str], listed: Sequence[str]) -> Iterator[tuple[bool, str]]:
        """Yield whether something that the suite needs for a case is not there, and what that is."""
        missing = next((name for name in LIMITED_KEYS if not self.keys.get(name)), "")
        is_limited = not needs.isdisjoint(("scopes", "quotas"))
        yield "api_keys" in listed and not self.api_key, "the server asks for a key: give one with --api-key"
        yield is_limited and bool(missing), f"the server limits keys: give it those of the guide, --key {missing}=KEY"
        yield (
            "quotas" in needs and self._is_shared,
            "other cases use up the quotas of the keys at the same time: run without -n",
        )
        yield (
            "cors" in needs and not self.origin,
            "the server lists cors: give an origin of its list with --origin",
        )
        yield (
            "control" in needs and self._is_shared,
            "other cases use the server at the same time, and would see its clock jump: run without -n",
        )

    def describe(self) -> dict[str, Any]:
        """Return what discovery tells, as far as it tells anything."""
        wire = self.wire()
        try:
            found = self.session(wire).send("GET", "/v1").json()
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

    def features(self) -> list[str]:
        """Return the features that `hello` declares."""
        return list(self.adapter.hello()["features"])

    def close(self) -> None:
        """End the process."""
        self.adapter.close()


@dataclass(frozen=True)
class Targets:
    """What is under test; `counterpart` is a real server for the cases that send a client to one.

    `servers` are one implementation in different settings: a case is judged on the first that it is for.
    """

    impl: str
    servers: tuple[ServerTarget, ...]
    client: ClientTarget | None
    counterpart: Callable[[], ServerTarget]

    @property
    def roles(self) -> list[Role]:
        """The roles under test."""
        roles: list[Role] = []
        if self.servers:
            roles.append("server")
        if self.client is not None:
            roles.append("client")
        return roles

    def prepare(self) -> None:
        """Start what is under test, without waiting until it is ready."""
        for server in self.servers:
            server.prepare()
        if self.client is not None:
            self.client.adapter.prepare()

    @property
    def secrets(self) -> list[str]:
        """The keys that no report may show."""
        return [key for server in self.servers for key in (server.api_key, *server.keys.values()) if key]

    def server_for(self, case: Case) -> ServerTarget:
        """Return the server that a case is judged on; raises NotApplicable."""
        reasons = []
        for server in self.servers:
            if not (reason := server.unfit(case)):
                return server
            reasons.append(reason)
        raise NotApplicable(reasons[0] if reasons else "no server is under test")

    def offers(self, role: Role) -> list[list[str]]:
        """Return the features of each setting of what is under test in a role."""
        if role == "server":
            return [server.features() for server in self.servers]
        return [] if self.client is None else [self.client.features()]

    def close(self) -> None:
        """End every process."""
        for target in (*self.servers, self.client, self.counterpart()):
            if target is not None:
                target.close()


def parse_impl(
    impl: str,
    *,
    env: dict[str, str] | None = None,
    deadline_s: float = 10.0,
    api_key: str = "",
    keys: Sequence[str] = (),
    origin: str = "",
    is_shared: bool = False,
) -> Targets:
    """Return what `--impl` names; raises UnknownImplError. `env` is the environment of the processes it starts.

    `api_key`, `keys` (each `NAME=KEY`) and `origin` are what a server at an address takes; those of the reference are
    made here. The server `is_shared` if others judge it at the same time.
    """
    counterpart = ServerTarget(command=(*REFERENCE_SERVER, "--test-control"), env=env, deadline_s=deadline_s)
    if impl.startswith("http://") and _is_address(impl):
        server = ServerTarget(
            url=impl,
            deadline_s=deadline_s,
            api_key=api_key,
            keys=_named_keys(keys),
            origin=origin,
            is_shared=is_shared,
        )
        return Targets(impl, (server,), None, lambda: counterpart)
    if api_key or keys or origin:
        raise UnknownImplError(f"--api-key, --key and --origin are for --impl=http://host:port, not for {impl}")
    if impl == "reference":
        client = ClientTarget(REFERENCE_ADAPTER, env=env, deadline_s=deadline_s)
        with_nothing = ServerTarget(command=(*REFERENCE_SERVER, *_NOTHING), env=env, deadline_s=deadline_s)
        return Targets(impl, (_with_everything(env, deadline_s), with_nothing), client, lambda: counterpart)
    kind, _, command = impl.partition(":")
    if kind == "cmd" and (words := _words(command)):
        client = ClientTarget(words, env=env, deadline_s=deadline_s)
        return Targets(impl, (), client, lambda: counterpart)
    raise UnknownImplError(
        f"--impl={impl}: it has to be reference, http://host:port for a server, or 'cmd:program arguments' for a client"
    )


def _with_everything(env: dict[str, str] | None, deadline_s: float) -> ServerTarget:
    key, keys = secrets.token_urlsafe(24), make_keys()
    folder = TemporaryDirectory(prefix="conformance-keys-")  # it goes when nobody has it any more
    file = Path(folder.name) / "keys"
    write_keys(file, keys)
    command = (
        *REFERENCE_SERVER,
        *_EVERYTHING,
        f"--api-key={key}",
        "--api-key-file",
        str(file),
    )  # a key may begin with a dash
    target = ServerTarget(command=command, env=env, deadline_s=deadline_s, api_key=key, keys=keys, origin=_ORIGIN)
    weakref.finalize(target, folder.cleanup)
    return target


def _named_keys(given: Sequence[str]) -> dict[str, str]:
    try:
        return named_keys(given)
    except ValueError as error:
        raise UnknownImplError(str(error)) from None


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
