"""Aggregation in sliding windows: every set of records that lie close together. (WINDOW-002, WINDOW-006, WINDOW-011)"""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

import msgspec

from kafka_do.streams.folding import Fold
from kafka_do.streams.keeping import Noted, record_of_entry
from kafka_do.streams.record import StreamRecord, Window
from kafka_do.streams.windows import Sliding

__all__ = ["SlidingAggregation"]

_BEFORE_EVERYTHING = -1
_NO_WINDOW = -1


class _Pane(NamedTuple):
    """What the records of a window make, and the latest time among them."""

    result: Any
    latest: int


class _Group:
    """One key: its records as (time, number of arrival, record), by time, and its windows by their starts."""

    def __init__(self) -> None:
        self.records: list[tuple[int, int, StreamRecord]] = []
        self.panes: dict[int, _Pane] = {}


class SlidingAggregation:
    """The windows of every key.

    A record at t has the window that ends at t, and the one that begins behind t if there is a record in it; so there
    is a window for each set of records whose times differ by no more than the difference. (WINDOW-002)
    """

    def __init__(self, kind: Sliding, fold: Fold, forward: Callable[[StreamRecord], None], *, final: bool) -> None:
        self._difference = kind.difference_ms
        self._grace = kind.grace_ms
        self._fold = fold
        self._forward = forward
        self._final = final
        self.time = _BEFORE_EVERYTHING
        self._groups: dict[str, _Group] = {}
        self._arrived = 0
        self._ends: list[tuple[int, str, int]] = []  # a heap of (end, key, start), records too
        self.ignored = 0
        self.late = 0
        self.noted: Noted | None = None

    def __call__(self, record: StreamRecord) -> None:
        """Take a record; without a key or a value it does not count. (AGGREGATE-001, AGGREGATE-002)"""
        key, now = record.key, record.timestamp_ms
        if key is None or record.value is None:
            self.ignored += 1
            return
        self.time = max(self.time, now)
        closed = self.time - self._grace
        self._close(closed)
        if now + self._difference < closed:
            self.late += 1
            return
        group = self._groups.setdefault(key, _Group())
        self._arrived += 1
        self._put(key, group, self._arrived, record)
        if self.noted is not None:
            self.noted.changed[f"record-{self._arrived}/{key}"] = msgspec.to_builtins(record)
        starts = self._starts(group, now)
        open_starts = [start for start in starts if start + self._difference >= closed]
        self.late += len(open_starts) < len(starts)
        for start in open_starts:
            self._update(key, group, start, record)

    def _put(self, key: str, group: _Group, arrived: int, record: StreamRecord) -> None:
        now = record.timestamp_ms
        insort(group.records, (now, arrived, record), key=_place_of)
        heappush(self._ends, (now + self._difference + 1, key, _NO_WINDOW))

    def _starts(self, group: _Group, now: int) -> list[int]:
        """Return the starts of the windows that a record at `now` is in or makes."""
        difference = self._difference
        starts = {start for start in group.panes if start <= now <= start + difference}
        starts.add(max(0, now - difference))
        before = bisect_left(group.records, now, key=_time_of)
        if before and group.records[before - 1][0] + 1 + difference >= now:
            starts.add(group.records[before - 1][0] + 1)
        after = bisect_left(group.records, now + 1, key=_time_of)
        if after < len(group.records) and group.records[after][0] <= now + 1 + difference:
            starts.add(now + 1)
        return sorted(starts)

    def _update(self, key: str, group: _Group, start: int, record: StreamRecord) -> None:
        """Add a record to a window that there is, or make one of all records in it."""
        end = start + self._difference
        before = group.panes.get(start)
        if before is None:
            pane = self._made(self._within(group, start, end))
        elif start <= record.timestamp_ms:
            pane = _Pane(self._fold.add(before.result, record), max(before.latest, record.timestamp_ms))
        else:
            return
        if pane.result is None:
            group.panes.pop(start, None)
        else:
            if before is None:
                heappush(self._ends, (end, key, start))
            group.panes[start] = pane
        if self.noted is not None:
            self.noted.changed[f"window-{start}/{key}"] = None if pane.result is None else list(pane)
        if not self._final:
            self._forward(StreamRecord(key, pane.result, pane.latest, Window(start, end)))

    def _within(self, group: _Group, start: int, end: int) -> list[StreamRecord]:
        """Return the records of a window in the order of their arrival. (AGGREGATE-005)"""
        first = bisect_left(group.records, start, key=_time_of)
        behind = bisect_left(group.records, end + 1, key=_time_of)
        return [record for _, _, record in sorted(group.records[first:behind], key=_arrival_of)]

    def _made(self, records: Sequence[StreamRecord]) -> _Pane:
        result = None
        for record in records:
            result = self._fold.start(record) if result is None else self._fold.add(result, record)
        return _Pane(result, max(record.timestamp_ms for record in records))

    def _close(self, closed: int) -> None:
        """Free the windows that ended before; their results are final now. (WINDOW-011)"""
        while self._ends and self._ends[0][0] < closed:
            end, key, start = heappop(self._ends)
            group = self._groups.get(key)
            if group is None:
                continue
            if start == _NO_WINDOW:
                self._forget(key, group, closed - self._difference - 1)
            elif (pane := group.panes.pop(start, None)) is not None:
                if self.noted is not None:
                    self.noted.close(f"window-{start}/{key}")
                if self._final:
                    self._forward(StreamRecord(key, pane.result, pane.latest, Window(start, end)))
            if not group.records and not group.panes:
                del self._groups[key]

    def _forget(self, key: str, group: _Group, before: int) -> None:
        """Drop the records that no open window, nor one that may come, reaches."""
        behind = bisect_left(group.records, before, key=_time_of)
        if self.noted is not None:
            for _, arrived, _ in group.records[:behind]:
                self.noted.close(f"record-{arrived}/{key}")
        del group.records[:behind]

    def restore(self, name: str, value: Any) -> bool:
        """Take an entry: a record by its number, or a window by its start, of a key."""
        place, _, key = name.partition("/")
        kind, _, number = place.partition("-")
        closed = self.time - self._grace
        if kind == "window":
            start = int(number)
            if start + self._difference < closed:
                return False
            self._groups.setdefault(key, _Group()).panes[start] = _Pane(*value)
            heappush(self._ends, (start + self._difference, key, start))
            return True
        record = record_of_entry(value)
        self._arrived = max(self._arrived, int(number))
        if record.timestamp_ms < closed - self._difference - 1:
            return False
        self._put(key, self._groups.setdefault(key, _Group()), int(number), record)
        return True


def _place_of(entry: tuple[int, int, StreamRecord]) -> tuple[int, int]:
    return entry[0], entry[1]


def _time_of(entry: tuple[int, int, StreamRecord]) -> int:
    return entry[0]


def _arrival_of(entry: tuple[int, int, StreamRecord]) -> int:
    return entry[1]
