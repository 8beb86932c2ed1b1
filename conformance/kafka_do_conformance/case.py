"""A case: what it is about, and how it is judged in each role."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from kafka_do.spec import requirements

if TYPE_CHECKING:
    from kafka_do_conformance.session import ClientSession, ServerSession

__all__ = ["Case", "CodeCase", "ExchangeCase", "Role", "Step", "client_case", "code_cases", "server_case"]

Role = Literal["server", "client"]
_LEVELS = ("must", "should", "may")
_REGISTRY = requirements()


@dataclass(frozen=True)
class Case:
    """What every case has: a stable slug, a title, requirements that it can see broken, a hint for who must fix it.

    It is for implementations with the features of its requirements and those that it `wants` besides, and without those
    that they, or `lacks`, exclude.
    """

    slug: str
    title: str
    requirements: tuple[str, ...]
    hint: str
    lacks: tuple[str, ...] = field(default=(), kw_only=True)
    wants: tuple[str, ...] = field(default=(), kw_only=True)

    def cites(self, role: Role) -> list[str]:
        """Return the requirements that the case is about in a role."""
        return [ident for ident in self.requirements if ident in _REGISTRY and _REGISTRY[ident].role == role]

    def needs(self, role: Role) -> set[str]:
        """Return the features that what is judged has to offer; a requirement is `by=control` where it takes that."""
        cited = [_REGISTRY[ident] for ident in self.cites(role)]
        controlled = ["control"] if any(entry.by == "control" for entry in cited) else []
        return {*(entry.feature for entry in cited), *self.wants, *controlled}

    def excludes(self, role: Role) -> set[str]:
        """Return the features that it must not offer."""
        return {*self.lacks, *(_REGISTRY[ident].lacks for ident in self.cites(role))} - {""}

    def level(self, role: Role) -> str:
        """Return the strictest level among the requirements that the case is about in a role."""
        return min((_REGISTRY[ident].level for ident in self.cites(role)), key=_LEVELS.index)

    @property
    def roles(self) -> list[Role]:
        """The roles that the case judges."""
        return [role for role in ("server", "client") if self.cites(role)]


@dataclass(frozen=True)
class Step:
    """One exchange.

    As a server's judge the suite sends `request` and expects `response`; as a client's, the other way round.
    `fault` is what the recording peer does instead of answering, `report` what the client then has to report.
    """

    request: dict[str, Any]
    response: dict[str, Any]
    fault: str | None
    report: dict[str, Any] | None


@dataclass(frozen=True)
class ExchangeCase(Case):
    """A case that is data. `partitions` is the size of the topic `${topic}` that it finds, None for no topic."""

    partitions: int | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class CodeCase(Case):
    """A case that needs a program: limits that a server chooses for itself, vectors, whole data sets."""

    module: str
    run_server: "Callable[[ServerSession], None] | None" = None
    run_client: "Callable[[ClientSession], None] | None" = None


_registered: list[CodeCase] = []


def server_case(
    *,
    title: str,
    requirements: list[str],
    hint: str,
    needs: tuple[str, ...] = (),
    lacks: tuple[str, ...] = (),
) -> "Callable[[Callable[[ServerSession], None]], Callable[[ServerSession], None]]":
    """Register a function as a case for servers; its name is the slug.

    It is for servers with the features of its requirements and `needs`, and without those in `lacks`.
    """

    def register(function: "Callable[[ServerSession], None]") -> "Callable[[ServerSession], None]":
        case = CodeCase(
            _slug(function),
            title,
            tuple(requirements),
            hint,
            function.__module__,
            run_server=function,
            wants=needs,
            lacks=lacks,
        )
        _registered.append(case)
        return function

    return register


def client_case(
    *, title: str, requirements: list[str], hint: str
) -> "Callable[[Callable[[ClientSession], None]], Callable[[ClientSession], None]]":
    """Register a function as a case for clients; its name is the slug."""

    def register(function: "Callable[[ClientSession], None]") -> "Callable[[ClientSession], None]":
        case = CodeCase(_slug(function), title, tuple(requirements), hint, function.__module__, run_client=function)
        _registered.append(case)
        return function

    return register


def code_cases(module: str) -> list[CodeCase]:
    """Return the cases that a module has registered."""
    return [case for case in _registered if case.module == module]


def _slug(function: Callable[..., None]) -> str:
    return str(getattr(function, "__name__", "")).replace("_", "-")
