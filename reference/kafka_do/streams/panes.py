"""Aggregation in tumbling and hopping windows: panes at fixed places. (WINDOW-001, 005, 008, 010)"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kafka_do.streams.folding import Fold
from kafka_do.streams.record import StreamRecord, Window
from kafka_do.streams.windows import Hopping, Tumbling

if TYPE_CHECKING:
    from kafka_do.streams.keeping import Noted

__all__ = ["PaneAggregation"]

_BEFORE_EVERYTHING = -1


class PaneAggregation:
    """The open panes by their starts, each with the aggregate and the latest time of every key.

    Stream time is the greatest time of a record that counts. A pane is closed when stream time has reached its end and
    the grace; then its state is freed. (WINDOW-005)
    """

    def __init__(
        self, kind: Tumbling | Hopping, fold: Fold, forward: Callable[[StreamRecord], None], *, final: bool
    ) -> None:
        self._size = kind.size_ms
        self._advance = kind.advance_ms if isinstance(kind, Hopping) else kind.size_ms
        self._grace = kind.grace_ms
        self._fold = fold
        self._forward = forward
        self._final = final
        self.time = _BEFORE_EVERYTHING
        self._panes: dict[int, dict[str, tuple[Any, int]]] = {}
        self._first_end = 0  # no open pane with state ends before
        self.ignored = 0
        self.late = 0
        self.noted: Noted | None = None

    def __call__(self, record: StreamRecord) -> None:
        """Take a record; without a key it does not count. (AGGREGATE-001)"""
        key, now = record.key, record.timestamp_ms
        if key is None or (record.value is None and not self._fold.takes_nulls):
            self.ignored += 1
            return
        self.time = max(self.time, now)
        closed = self.time - self._grace
        advance, size = self._advance, self._size
        start = max(0, now - size + advance) // advance * advance
        is_late = False
        while start <= now:
            if start + size > closed:
                self._add(start, key, record)
            else:
                is_late = True
            start += advance
        self.late += is_late
        if self._panes and closed >= self._first_end:
            self._close(closed)

    def _add(self, start: int, key: str, record: StreamRecord) -> None:
        pane = self._panes.get(start)
        if pane is None:
            if not self._panes or start + self._size < self._first_end:
                self._first_end = start + self._size
            pane = self._panes[start] = {}
        before = pane.get(key)
        if before is None:
            result, latest = self._fold.start(record), record.timestamp_ms
        else:
            result, latest = self._fold.add(before[0], record), max(before[1], record.timestamp_ms)
        if result is None:
            pane.pop(key, None)
        else:
            pane[key] = result, latest
        if self.noted is not None:
            self.noted.changed[f"{start}/{key}"] = None if result is None else [result, latest]
        if not self._final:
            self._forward(StreamRecord(key, result, latest, Window(start, start + self._size)))

    def _close(self, closed: int) -> None:
        """Free the panes that are closed, in the order of their ends; their results are final now. (WINDOW-010)"""
        for start in sorted(start for start in self._panes if start + self._size <= closed):
            pane = self._panes.pop(start)
            if self.noted is not None:
                for key in pane:
                    self.noted.close(f"{start}/{key}")
            if self._final:
                window = Window(start, start + self._size)
                for key in sorted(pane):
                    result, latest = pane[key]
                    self._forward(StreamRecord(key, result, latest, window))
        self._first_end = min(self._panes, default=0) + self._size

    def restore(self, name: str, value: Any) -> bool:
        """Take an entry: the start of a pane and a key, its aggregate and the latest time."""
        place, _, key = name.partition("/")
        start, (result, latest) = int(place), value
        if start + self._size <= self.time - self._grace:
            return False
        self._panes.setdefault(start, {})[key] = result, latest
        self._first_end = min(self._panes) + self._size
        return True
