"""The specification as data: what `spec/generated/spec.json` says, loaded once.

Codes, statuses, routes, limits and defaults are stated in the specification only. Everything in this library that needs
one of them takes it from `SPEC`.
"""

from pathlib import Path
from typing import Literal

import msgspec

from kafka_do._data import data_root

__all__ = [
    "SPEC",
    "Access",
    "ErrorCode",
    "KafkaErrors",
    "Operation",
    "Parameter",
    "Requirement",
    "Spec",
    "data_root",
    "load",
    "requirements",
]


class WithProducer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The flags of an error that differ when the request was a produce with `producer`."""

    retriable: bool


class ErrorCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `errors.yaml`. `status` is None for a code that only clients raise.

    An error always carries its `fields`, and those of `optional` that the server knows.
    """

    level: str
    title: str
    retriable: bool
    indeterminate: bool
    action: Literal["retry", "wait", "heartbeat", "rejoin", "reset", "fix", "ask"]
    fields: tuple[str, ...]
    raised_by: Literal["server", "client"]
    optional: tuple[str, ...] = ()
    with_producer: WithProducer | None = None
    status: int | None = None


class KafkaErrors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which code an error of Apache Kafka becomes; constants have the names of Kafka's class `Errors`."""

    operations: tuple[str, ...]
    default: dict[str, str]
    when_topic_exists: dict[str, str]
    overrides: dict[str, dict[str, str]]

    def code_of(self, operation: str, constant: str, *, topic_exists: bool = False) -> str | None:
        """Return the code of a constant that answers one of `operations`, or None if it means success.

        Raises ValueError for an operation that the table does not have. A constant that it does not have is `internal`.
        """
        if operation not in self.operations:
            raise ValueError(f"the table of Kafka's errors has no operation {operation}")
        tables = (self.overrides.get(operation, {}), self.when_topic_exists if topic_exists else {}, self.default)
        code = next((table[constant] for table in tables if constant in table), "internal")
        return None if code == "success" else code


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A path or query parameter of an operation."""

    name: str
    place: Literal["path", "query"]
    type: Literal["integer", "string", "boolean"]
    required: bool
    minimum: int | None = None
    maximum: int | None = None
    enum: tuple[str, ...] | None = None
    default: int | str | bool | None = None


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scopes that an operation needs, one of each that are named. (SCOPE-001)

    `topic` for every topic that a request names, `group` for its group, `anywhere` for some topic, `everywhere` for all
    topics and groups.
    """

    topic: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()
    everywhere: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One operation of `openapi.yaml`: `path` is its template, `success` the statuses that are no problem.

    Servers with `feature` have it. (CONV-018)
    """

    method: str
    path: str
    feature: str
    access: Access
    success: tuple[int, ...]
    parameters: tuple[Parameter, ...]
    errors: tuple[str, ...]

    def __hash__(self) -> int:
        return hash((self.method, self.path))  # which no two operations share


class TopicConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic config of `protocol.yaml`: one of `values`, an integer in `range`, or a number in `decimal_range`.

    Servers with `feature` know it.
    """

    default: str
    feature: str = "core"
    values: tuple[str, ...] | None = None
    range: tuple[int, int] | None = None
    decimal_range: tuple[int, int] | None = None


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The compiled specification. Durations are in milliseconds, sizes in bytes.

    `ranges` has the least and the greatest value of each kind of integer, by its name in `openapi.yaml`.
    """

    revision: str
    site_url: str
    error_type_base: str
    features: tuple[str, ...]
    scopes: tuple[str, ...]
    limits: dict[str, int]
    defaults: dict[str, dict[str, int | str]]
    ranges: dict[str, tuple[int, int]]
    topic_configs: dict[str, TopicConfig]
    assignors: tuple[str, ...]
    errors: dict[str, ErrorCode]
    kafka: KafkaErrors
    operations: dict[str, Operation]


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One normative sentence of a chapter. It holds where `feature` is offered and `lacks`, if it is one, is not."""

    id: str
    level: Literal["must", "should", "may"]
    role: Literal["server", "client"]
    by: Literal["wire", "history", "control", "review"]
    feature: str
    lacks: str
    chapter: str
    text: str


def load(root: Path) -> Spec:
    """Read the compiled specification below `root`.

    Raises `msgspec.ValidationError` if it does not have the form that this library was built for.
    """
    return msgspec.json.decode((root / "spec" / "generated" / "spec.json").read_bytes(), type=Spec)


def requirements() -> dict[str, Requirement]:
    """Read the requirement registry, id → requirement, in the order of the chapters."""
    registry = (data_root() / "spec" / "generated" / "requirements.json").read_bytes()
    return {entry.id: entry for entry in msgspec.json.decode(registry, type=list[Requirement])}


SPEC = load(data_root())
