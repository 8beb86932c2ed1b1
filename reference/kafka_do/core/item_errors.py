"""An error as the message that one item of a larger answer carries. (ERROR-004 to ERROR-006)"""

from typing import Any

import msgspec

from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import ItemError

__all__ = ["error_of_item", "item_of_error"]

_OWN = frozenset(
    ("code", "detail", "retriable", "indeterminate", "type", "title", "status", "instance", "request_id", "results")
)


def item_of_error(error: KafkaError) -> ItemError:
    """Return the error of one item inside a larger answer. (ERROR-004)"""
    return ItemError(
        code=error.code,
        detail=error.message,
        retriable=error.retriable,
        indeterminate=error.indeterminate,
        **error.fields,
    )


def error_of_item(item: ItemError) -> KafkaError:
    """Return the error that an item carries, flags as sent. (ERROR-006)"""
    fields: dict[str, Any] = {
        name: msgspec.to_builtins(value)
        for name in item.__struct_fields__
        if name not in _OWN and (value := getattr(item, name)) is not msgspec.UNSET
    }
    return KafkaError(item.code, item.detail, retriable=item.retriable, indeterminate=item.indeterminate, **fields)
