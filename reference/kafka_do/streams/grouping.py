"""Aggregation of whole groups: one aggregate for each key, for ever. (AGGREGATE-001, AGGREGATE-007)"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kafka_do.streams.folding import Fold
from kafka_do.streams.record import StreamRecord

if TYPE_CHECKING:
    from kafka_do.streams.keeping import Noted

__all__ = ["GroupAggregation"]

_BEFORE_EVERYTHING = -1


class GroupAggregation:
    """Each record that counts gives a new result for its key."""

    def __init__(self, fold: Fold, forward: Callable[[StreamRecord], None]) -> None:
        self._fold = fold
        self._forward = forward
        self._groups: dict[str, tuple[Any, int]] = {}
        self.ignored = 0
        self.late = 0
        self.time = _BEFORE_EVERYTHING
        self.noted: Noted | None = None

    def __call__(self, record: StreamRecord) -> None:
        """Take a record. Without a key or a value it does not count. (AGGREGATE-001, AGGREGATE-002)"""
        key = record.key
        if key is None or record.value is None:
            self.ignored += 1
            return
        before = self._groups.get(key)
        if before is None:
            result, latest = self._fold.start(record), record.timestamp_ms
        else:
            result, latest = self._fold.add(before[0], record), max(before[1], record.timestamp_ms)
        if result is None:
            self._groups.pop(key, None)
        else:
            self._groups[key] = result, latest
        if self.noted is not None:
            self.noted.changed[key] = None if result is None else [result, latest]
        self._forward(StreamRecord(key, result, latest))

    def restore(self, name: str, value: Any) -> bool:
        """Take an entry: a key, its aggregate and the latest time."""
        result, latest = value
        self._groups[name] = result, latest
        return True
