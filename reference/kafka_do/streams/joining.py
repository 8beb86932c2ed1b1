"""Joins of two streams: pairs of records whose times are close. (JOIN-001 to JOIN-010)"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

import msgspec

from kafka_do.streams.keeping import Noted, record_of_entry
from kafka_do.streams.record import StreamRecord
from kafka_do.streams.windows import Within

__all__ = ["StreamJoin"]

_BEFORE_EVERYTHING = -1


class _Waiting(msgspec.Struct):
    """A record that partners may still come for."""

    record: StreamRecord
    number: int
    matched: bool


class _Side:
    """One of the two streams: its open records by key and time, and how long they stay open behind their own time."""

    def __init__(self, patience: int, *, unmatched_counts: bool) -> None:
        self.patience = patience
        self.unmatched_counts = unmatched_counts
        self.by_key: dict[str | None, list[_Waiting]] = {}
        self._oldest: list[tuple[int, int, str | None]] = []  # a heap of (time, number, key)

    def add(self, key: str | None, waiting: _Waiting) -> None:
        insort(self.by_key.setdefault(key, []), waiting, key=_place_of)
        heappush(self._oldest, (waiting.record.timestamp_ms, waiting.number, key))

    def between(self, key: str | None, earliest: int, latest: int) -> list[_Waiting]:
        """Return the open records of a key in the order of their times, then of their arrival. (JOIN-002)"""
        waiting = self.by_key.get(key, [])
        first = bisect_left(waiting, earliest, key=_time_of)
        return waiting[first : bisect_right(waiting, latest, key=_time_of)]

    def close(self, time: int) -> list[_Waiting]:
        """Drop the records that are closed, and return them."""
        closed: list[_Waiting] = []
        while self._oldest and time > self._oldest[0][0] + self.patience:
            _, _, key = heappop(self._oldest)
            waiting = self.by_key[key]
            closed.append(waiting.pop(0))
            if not waiting:
                del self.by_key[key]
        return closed


class StreamJoin:
    """The open records of both streams, and one stream time. (PROC-005)

    A record is open as long as a partner may come in time: until stream time has passed the latest time that a partner
    can have by more than the grace. (JOIN-004)

    With a `condition` each record is compared with every open one of the other stream, whatever their keys. (JOIN-010)
    """

    def __init__(
        self,
        kind: str,
        within: Within,
        value_of: Callable[[str | None, Any, Any], Any],
        forward: Callable[[StreamRecord], None],
        condition: Callable[[Any, Any], bool] | None = None,
    ) -> None:
        self._within = within
        self._value_of = value_of
        self._forward = forward
        self._condition = condition
        self._left = _Side(within.after_ms + within.grace_ms, unmatched_counts=kind in ("left", "outer"))
        self._right = _Side(within.before_ms + within.grace_ms, unmatched_counts=kind == "outer")
        self.time = _BEFORE_EVERYTHING
        self._numbers = count()
        self.ignored = 0
        self.late = 0
        self.noted: Noted | None = None

    def left(self, record: StreamRecord) -> None:
        """Take a record of the left stream."""
        now = record.timestamp_ms
        self._take(record, self._left, self._right, now - self._within.before_ms, now + self._within.after_ms)

    def right(self, record: StreamRecord) -> None:
        """Take a record of the right stream."""
        now = record.timestamp_ms
        self._take(record, self._right, self._left, now - self._within.after_ms, now + self._within.before_ms)

    def _take(self, record: StreamRecord, own: _Side, other: _Side, earliest: int, latest: int) -> None:
        if record.value is None:
            self.ignored += 1
            return
        if record.key is None and self._condition is None:
            self._take_without_key(record, own)
            return
        self.time = max(self.time, record.timestamp_ms)
        self._close()
        key = None if self._condition else record.key
        partners = [one for one in other.between(key, earliest, latest) if self._fits(record, one.record, own)]
        waiting = _Waiting(record, next(self._numbers), bool(partners))
        for partner in partners:
            if not partner.matched:
                partner.matched = True
                self._note(other, partner)
            self._pair(record, partner.record, own)
        if self.time <= record.timestamp_ms + own.patience:
            own.add(key, waiting)
            self._note(own, waiting)
        else:
            self.late += 1
            if not waiting.matched:
                self._tell_unmatched(waiting, own)

    def _take_without_key(self, record: StreamRecord, own: _Side) -> None:
        """Nothing has its key, so it is unmatched at once. (JOIN-008)"""
        if own.unmatched_counts:
            self._tell_unmatched(_Waiting(record, 0, matched=False), own)
        else:
            self.ignored += 1

    def _fits(self, record: StreamRecord, partner: StreamRecord, own: _Side) -> bool:
        if self._condition is None:
            return True
        pair = (record.value, partner.value) if own is self._left else (partner.value, record.value)
        return self._condition(*pair)

    def _pair(self, record: StreamRecord, partner: StreamRecord, own: _Side) -> None:
        """Hand on a pair: its time is the later one, its key the left one's. (JOIN-002)"""
        left, right = (record, partner) if own is self._left else (partner, record)
        value = self._value_of(left.key, left.value, right.value)
        self._forward(StreamRecord(left.key, value, max(left.timestamp_ms, right.timestamp_ms)))

    def _tell_unmatched(self, waiting: _Waiting, own: _Side) -> None:
        """Hand on a record without a partner, at its own time. (JOIN-006)"""
        if own.unmatched_counts:
            record = waiting.record
            pair = (record.value, None) if own is self._left else (None, record.value)
            self._forward(StreamRecord(record.key, self._value_of(record.key, *pair), record.timestamp_ms))

    def _close(self) -> None:
        """Close what is over, and tell what found no partner, in the order of times and of arrival. (JOIN-006)"""
        over = [(waiting, side) for side in (self._left, self._right) for waiting in side.close(self.time)]
        over.sort(key=lambda closed: _place_of(closed[0]))
        for waiting, side in over:
            if self.noted is not None:
                self.noted.close(self._name(side, waiting))
            if not waiting.matched:
                self._tell_unmatched(waiting, side)

    def _note(self, side: _Side, waiting: _Waiting) -> None:
        if self.noted is not None:
            self.noted.changed[self._name(side, waiting)] = [msgspec.to_builtins(waiting.record), waiting.matched]

    def _name(self, side: _Side, waiting: _Waiting) -> str:
        return f"{'left' if side is self._left else 'right'}/{waiting.number}"

    def restore(self, name: str, value: Any) -> bool:
        """Take an entry: a record of a side by its number, and whether it has met a partner."""
        kind, _, number = name.partition("/")
        side = self._left if kind == "left" else self._right
        record = record_of_entry(value[0])
        self._numbers = count(max(int(number) + 1, next(self._numbers)))
        if self.time > record.timestamp_ms + side.patience:
            return False
        side.add(None if self._condition else record.key, _Waiting(record, int(number), value[1]))
        return True


def _place_of(waiting: _Waiting) -> tuple[int, int]:
    return waiting.record.timestamp_ms, waiting.number


def _time_of(waiting: _Waiting) -> int:
    return waiting.record.timestamp_ms
