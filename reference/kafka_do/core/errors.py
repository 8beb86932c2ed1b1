"""The one exception of this library: an error of the protocol's catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any

from kafka_do.spec import SPEC

__all__ = ["KafkaError", "invalid_request"]


class KafkaError(Exception):
    """An operation was refused or failed.

    `code` is what a program decides on; the codes are those of the catalogue (`errors.yaml`). `message` is for a
    person. `retriable`: the identical request may be sent again and cannot apply twice. `indeterminate`: it is unknown
    whether the request took effect. `fields` holds what the code carries besides, such as
    `topic` or `high_watermark`. `request_id` is the one that the server told, for the people who run it. (ERROR-006)
    """

    request_id: str | None = None

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


def invalid_request(faults: Sequence[tuple[str, str]]) -> KafkaError:
    """Make the error for faults of form, each a (JSON pointer or `?parameter`, what would be right). (CONV-006)"""
    message = "; ".join(f"{pointer or 'the body'}: {detail}" for pointer, detail in faults)
    return KafkaError(
        "invalid_request", message, errors=[{"pointer": pointer, "detail": detail} for pointer, detail in faults]
    )
