"""Aggregation in sessions: windows that grow and become one. (WINDOW-003, WINDOW-007, WINDOW-009, WINDOW-011)"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka_do.streams.folding import Fold
from kafka_do.streams.record import StreamRecord, Window
from kafka_do.streams.windows import Session

if TYPE_CHECKING:
    from kafka_do.streams.keeping import Noted

__all__ = ["SessionAggregation"]

_BEFORE_EVERYTHING = -1


class _Open(NamedTuple):
    """A session: the times of its first and its last record, and what its records make."""

    start: int
    end: int
    result: Any


class SessionAggregation:
    """The open sessions of every key, in the order of their times.

    A session is closed when stream time has passed its end by more than the gap and the grace: a record that could
    still belong to it would be late. Then its state is freed.
    """

    def __init__(self, kind: Session, fold: Fold, forward: Callable[[StreamRecord], None], *, final: bool) -> None:
        self._gap = kind.gap_ms
        self._patience = kind.gap_ms + kind.grace_ms
        self._fold = fold
        self._forward = forward
        self._final = final
        self.time = _BEFORE_EVERYTHING
        self._sessions: dict[str, list[_Open]] = {}
        self._ends: list[tuple[int, str, int]] = []  # a heap of (end, key, start), old ends too
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
        closed = self.time - self._patience
        self._close(closed)
        open_sessions = self._sessions.get(key, [])
        near = [one for one in open_sessions if one.start - self._gap <= now <= one.end + self._gap]
        grown_end = max([now, *(one.end for one in near)])
        if grown_end < closed:
            self.late += 1
            return
        grown = _Open(min([now, *(one.start for one in near)]), grown_end, self._result(near, record))
        self._replace(key, near, grown)
        if not self._final:
            self._tell(key, near, grown)

    def _result(self, near: Sequence[_Open], record: StreamRecord) -> Any:
        """Return what the sessions make, merged in the order of their starts, and then the record. (AGGREGATE-006)"""
        if not near:
            return self._fold.start(record)
        result = near[0].result
        for other in near[1:]:
            result = self._fold.merge(result, other.result)
        return self._fold.add(result, record)

    def _replace(self, key: str, near: Sequence[_Open], grown: _Open) -> None:
        if self.noted is not None:
            self.noted.changed.update(dict.fromkeys((f"{one.start}/{key}" for one in near), None))
            self.noted.changed[f"{grown.start}/{key}"] = None if grown.result is None else [grown.end, grown.result]
        self._remove(key, near)
        if grown.result is not None:
            self._put(key, grown)

    def _put(self, key: str, session: _Open) -> None:
        sessions = self._sessions.setdefault(key, [])
        sessions.append(session)
        sessions.sort(key=_start_of)
        heappush(self._ends, (session.end, key, session.start))

    def _remove(self, key: str, sessions: Sequence[_Open]) -> None:
        kept = [one for one in self._sessions.get(key, ()) if one not in sessions]
        if kept:
            self._sessions[key] = kept
        else:
            self._sessions.pop(key, None)

    def _tell(self, key: str, near: Sequence[_Open], grown: _Open) -> None:
        """Take back the sessions that are no more, and tell the one that is. (WINDOW-009)"""
        for one in near:
            if (one.start, one.end) != (grown.start, grown.end):
                self._forward(StreamRecord(key, None, one.end, Window(one.start, one.end)))
        self._forward(StreamRecord(key, grown.result, grown.end, Window(grown.start, grown.end)))

    def _close(self, closed: int) -> None:
        """Free the sessions that ended before; their results are final now. (WINDOW-011)"""
        while self._ends and self._ends[0][0] < closed:
            end, key, start = heappop(self._ends)
            for one in self._sessions.get(key, ()):
                if (one.start, one.end) == (start, end):
                    self._remove(key, [one])
                    if self.noted is not None:
                        self.noted.close(f"{start}/{key}")
                    if self._final:
                        self._forward(StreamRecord(key, one.result, end, Window(start, end)))
                    break

    def restore(self, name: str, value: Any) -> bool:
        """Take an entry: the start of a session and its key, its end and its aggregate."""
        place, _, key = name.partition("/")
        end, result = value
        if end < self.time - self._patience:
            return False
        self._put(key, _Open(int(place), end, result))
        return True


def _start_of(session: _Open) -> int:
    return session.start
