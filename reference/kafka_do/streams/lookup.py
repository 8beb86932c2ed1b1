"""Joins of a stream and a table: what the table has when the record is processed. (JOIN-011, JOIN-012)"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kafka_do.streams.record import StreamRecord

if TYPE_CHECKING:
    from kafka_do.streams.keeping import Noted

__all__ = ["TableJoin"]

_BEFORE_EVERYTHING = -1


class TableJoin:
    """The latest value of each key of the table; only records of the stream give results."""

    def __init__(
        self, kind: str, value_of: Callable[[str | None, Any, Any], Any], forward: Callable[[StreamRecord], None]
    ) -> None:
        self._unmatched_counts = kind == "left"
        self._value_of = value_of
        self._forward = forward
        self._table: dict[str, Any] = {}
        self.ignored = 0
        self.late = 0
        self.time = _BEFORE_EVERYTHING
        self.noted: Noted | None = None

    def left(self, record: StreamRecord) -> None:
        """Take a record of the stream. (JOIN-011, JOIN-012)"""
        key, value = record.key, record.value
        if value is None or (key is None and not self._unmatched_counts):
            self.ignored += 1
            return
        found = None if key is None else self._table.get(key)
        if found is not None or self._unmatched_counts:
            joined = self._value_of(key, value, found)
            self._forward(StreamRecord(key, joined, record.timestamp_ms, headers=record.headers))

    def right(self, record: StreamRecord) -> None:
        """Take a record of the table: a value is kept, none deletes. (JOIN-011)"""
        if record.key is None:
            self.ignored += 1
            return
        if record.value is None:
            self._table.pop(record.key, None)
        else:
            self._table[record.key] = record.value
        if self.noted is not None:
            self.noted.changed[record.key] = record.value

    def restore(self, name: str, value: Any) -> bool:
        """Take an entry: a key and its value."""
        self._table[name] = value
        return True
