"""Compaction: of records with the same key the last one is kept. (RETAIN-022 to RETAIN-030, RETAIN-033, RETAIN-034)

As Kafka does it: the part of the log that was not compacted yet is read for its keys and where each was seen last; then
the log is written anew, without the records that a later one replaces. A tombstone is kept for a while, so that whoever
reads the log learns of it. Both are done piece by piece, and between two pieces the log may be used as ever.
"""

from collections.abc import Generator, Iterator
from typing import NamedTuple

import msgspec

from kafka_do.core.configs import Configs
from kafka_do.core.encodings import decode_text
from kafka_do.core.log import PartitionLog
from kafka_do.core.messages import TextEncoding
from kafka_do.core.segment import Segment

__all__ = ["compact"]

_RECORDS_AT_ONCE = 2_000
_MOST_KEYS = 200_000
_NULL = b"null"


class _Row(msgspec.Struct, gc=False):
    """What compaction looks at of a record."""

    offset: int
    value: msgspec.Raw
    key: str | None = None
    key_encoding: TextEncoding = "string"


_rows = msgspec.json.Decoder(list[_Row]).decode

Key = str | bytes
"""Text, or bytes that are none: a record is kept as `auto` reads it, so equal keys are equal here."""


class _Seen(NamedTuple):
    """Where each key was seen last, up to an offset."""

    last: dict[Key, int]
    end_offset: int


def compact(log: PartitionLog, configs: Configs, now_ms: int) -> Iterator[None]:
    """Compact a log as far as it is due, in pieces; between two of them anything may be done with the log.

    What is appended meanwhile is left for another time, so there is an end.
    """
    most = log.high_watermark
    while (end_offset := _due(log, configs, now_ms, most)) is not None:
        seen = yield from _look(log, end_offset)
        yield from _rewrite(log, seen, configs, now_ms)
        if configs.compacts:
            log.compacted_offset = seen.end_offset
        log.index_times()


def _due(log: PartitionLog, configs: Configs, now_ms: int, most: int) -> int | None:
    """Return up to which offset, at most, a log is to be compacted now, None for not at all. (RETAIN-024, 025, 033)"""
    if not configs.compacts:
        return None
    known = fresh = 0
    end_offset = log.start_offset
    is_late = False
    for segment in log.segments[:-1]:
        if segment.end_offset > most or now_ms - segment.until_ms < configs.min_compaction_lag_ms:
            break
        end_offset = segment.end_offset
        if segment.base_offset < log.compacted_offset:
            known += segment.length
            is_late = is_late or _may_forget(segment, configs, now_ms)
        else:
            fresh += segment.length
            is_late = is_late or now_ms - segment.until_ms > configs.max_compaction_lag_ms
    return end_offset if is_late or fresh > configs.min_dirty_ratio * (known + fresh) else None


def _may_forget(segment: Segment, configs: Configs, now_ms: int) -> bool:
    """Whether a segment has tombstones that were kept for long enough. (RETAIN-026, RETAIN-027)"""
    since_ms = segment.tombstones_since_ms
    return since_ms is not None and now_ms - since_ms >= configs.delete_retention_ms


def _look(log: PartitionLog, end_offset: int) -> Generator[None, None, _Seen]:
    """Read what was not compacted yet, up to an offset, or until there are as many keys as are kept in mind at once."""
    last: dict[Key, int] = {}
    looked = 0
    segment = log.segment_from(log.compacted_offset)
    while segment is not None and segment.base_offset < end_offset:
        last.update([(key, row.offset) for key, row in _keyed(segment) if key is not None])
        looked += segment.count
        if len(last) >= _MOST_KEYS:
            return _Seen(last, segment.end_offset)
        if looked >= _RECORDS_AT_ONCE:
            looked = 0
            yield
        segment = log.segment_from(segment.end_offset)
    return _Seen(last, end_offset)


def _rewrite(log: PartitionLog, seen: _Seen, configs: Configs, now_ms: int) -> Iterator[None]:
    """Put what is left of each segment in its place, as long as the log is to be compacted."""
    before: Segment | None = None
    segment = log.segment_from(log.start_offset)
    while configs.compacts and segment is not None and segment.base_offset < seen.end_offset:
        made: list[Segment] = []
        begun = segment.base_offset
        if before is not None and log.segment_from(before.base_offset) is before:
            begun, made = before.base_offset, [before]
        looked = 0
        while segment is not None and segment.base_offset < seen.end_offset and looked < _RECORDS_AT_ONCE:
            looked += segment.count
            end_offset = segment.end_offset
            if left := _left(segment, seen.last, configs, now_ms):
                _add(made, left)
            segment = log.segment_from(end_offset)
        log.replace(begun, end_offset, made)
        before = made[-1] if made else None
        yield
        segment = log.segment_from(end_offset)


def _left(segment: Segment, last: dict[Key, int], configs: Configs, now_ms: int) -> Segment | None:
    """Return what is left of a segment, None if that is nothing."""
    may_forget = _may_forget(segment, configs, now_ms)
    kept: list[int] = []
    has_tombstones = False
    for position, (key, row) in enumerate(_keyed(segment)):
        is_tombstone = bytes(row.value) == _NULL
        if key is None or last.get(key, row.offset) > row.offset or (is_tombstone and may_forget):
            continue
        kept.append(position)
        has_tombstones = has_tombstones or is_tombstone
    if not kept:
        return None
    left = segment if len(kept) == segment.count else segment.only(kept)
    if not has_tombstones:
        left.tombstones_since_ms = None
    elif left.tombstones_since_ms is None:
        left.tombstones_since_ms = now_ms
    return left


def _add(made: list[Segment], left: Segment) -> None:
    """Put a segment behind others; where both are small and no tombstone would be forgotten sooner or later, as one."""
    if made and made[-1].may_join(left):
        made[-1] = made[-1].joined(left)
    else:
        made.append(left)


def _keyed(segment: Segment) -> list[tuple[Key | None, _Row]]:
    """Return each record of a segment behind its key."""
    return [
        (row.key if row.key_encoding == "string" else decode_text(row.key, row.key_encoding), row)
        for row in _rows(segment.text())
    ]
