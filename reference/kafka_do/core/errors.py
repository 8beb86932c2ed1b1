"""The one exception of this library: an error of the protocol's catalogue. Its subclasses are in `kafka_do.errors`."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, TypeVar, cast

from kafka_do.spec import SPEC

__all__ = ["KafkaError", "decisive", "invalid_request"]


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


E = TypeVar("E", bound=_Coded)


class KafkaError(Exception):
    """An operation was refused or failed.

    `code` is what a program decides on; the codes are those of the catalogue (`errors.yaml`). `message` is for a
    person. `retriable`: the identical request may be sent again and cannot apply twice. `indeterminate`: it is unknown
    whether the request took effect. `fields` holds what the code carries besides, such as
    `topic` or `high_watermark`. `request_id` is the one that the server told, for the people who run it. (ERROR-006)
    """

    request_id: str | None = None
    classes: ClassVar[dict[str, type["KafkaError"]]] = {}
    """The class of each code that has one. An error is made with its code, and is of that class."""

    def __init_subclass__(cls, *, code: str | None = None) -> None:
        if code is not None:
            cls.classes[code] = cls

    def __new__(cls, code: str, *_args: Any, **_fields: Any) -> Self:
        """Return an error of the code's own class, where `KafkaError` itself is asked for."""
        kind = cls.classes.get(code, cls) if cls is KafkaError else cls
        return cast("Self", super().__new__(kind))

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retriable: bool | None = None,
        indeterminate: bool | None = None,
        **fields: Any,
    ) -> None:
        """Take the flags from the catalogue unless a server said otherwise."""
        entry = SPEC.errors.get(code)
        super().__init__(message)
        self.code = code
        self.message = message
        self.retriable = retriable if retriable is not None else entry is not None and entry.retriable
        self.indeterminate = indeterminate if indeterminate is not None else entry is None or entry.indeterminate
        self.fields: Mapping[str, Any] = fields

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Let errors pass between processes, with everything they carry."""
        return _remade, (type(self), vars(self), self.args)


def _remade(kind: type[KafkaError], state: dict[str, Any], args: tuple[Any, ...]) -> KafkaError:
    error = kind.__new__(kind, state["code"])
    error.args = args
    vars(error).update(state)
    return error


def decisive(errors: Sequence[E]) -> E:
    """Return the first of errors, at least one, that is not only another item's. (PRODUCE-009, PRODUCE-018)"""
    return next((error for error in errors if error.code != "not_attempted"), errors[0])


def invalid_request(faults: Sequence[tuple[str, str]]) -> KafkaError:
    """Make the error for faults of form, each a (JSON pointer or `?parameter`, what would be right). (CONV-006)"""
    message = "; ".join(f"{pointer or 'the body'}: {detail}" for pointer, detail in faults)
    return KafkaError(
        "invalid_request", message, errors=[{"pointer": pointer, "detail": detail} for pointer, detail in faults]
    )
