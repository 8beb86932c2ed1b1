"""The specification as data: what `spec/generated/spec.json` says, loaded once.

Codes, statuses, routes, limits and defaults are stated in the specification only. Everything in this library that needs
one of them takes it from `SPEC`.
"""

from pathlib import Path
from typing import Literal

import msgspec

from kafka_do._data import data_root

__all__ = ["SPEC", "ErrorCode", "Operation", "Parameter", "Requirement", "Spec", "data_root", "load", "requirements"]


class ErrorCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `errors.yaml`. `status` is None for a code that only clients raise."""

    title: str
    retriable: bool
    indeterminate: bool
    action: Literal["retry", "wait", "heartbeat", "rejoin", "reset", "fix", "ask"]
    fields: tuple[str, ...]
    raised_by: Literal["server", "client"]
    status: int | None = None


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A path or query parameter of an operation."""

    name: str
    place: Literal["path", "query"]
    type: Literal["integer", "string"]
    required: bool
    minimum: int | None = None
    maximum: int | None = None
    enum: tuple[str, ...] | None = None
    default: int | str | None = None


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One operation of `openapi.yaml`: `path` is its template, `success` the statuses that are no problem."""

    method: str
    path: str
    success: tuple[int, ...]
    parameters: tuple[Parameter, ...]
    errors: tuple[str, ...]


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The compiled specification. Durations are in milliseconds, sizes in bytes.

    `ranges` has the least and the greatest value of each kind of integer, by its name in `openapi.yaml`.
    """

    revision: str
    site_url: str
    error_type_base: str
    features: tuple[str, ...]
    limits: dict[str, int]
    defaults: dict[str, dict[str, int | str]]
    ranges: dict[str, tuple[int, int]]
    errors: dict[str, ErrorCode]
    operations: dict[str, Operation]


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One normative sentence of a chapter."""

    id: str
    level: Literal["must", "should", "may"]
    role: Literal["server", "client"]
    by: Literal["wire", "history", "control", "review"]
    feature: str
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
