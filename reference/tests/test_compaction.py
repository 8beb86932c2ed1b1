"""Compaction, compared with a list from which everything is removed that a later record replaces."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core import compaction, segment
from kafka_do.core.batch import write_batch, write_rows
from kafka_do.core.compaction import compact
from kafka_do.core.configs import Configs
from kafka_do.core.log import PartitionLog
from kafka_do.core.record_text import message_of_record, stored_records
from kafka_do.core.records import Header, Record, StoredRecord

_NOW = 1_760_000_000_000
_LAG_MS = 10
_TOMBSTONES_MS = 100
_ALL = 2**53

_many = settings(deadline=None, max_examples=100)
_keys = st.sampled_from([b"a", b"b", b"c", b"", b"\xff", b"/w==", "é".encode()])
_values = st.sampled_from([None, None, b"", b"1", b"null", b'{"a":"},{"}', b"\xfe", b"x" * 60])
_headers = st.just(()) | st.just((Header("h", b"1"), Header("h", None)))
_records = st.builds(Record, value=_values, key=_keys, headers=_headers, timestamp_ms=st.integers(0, 9))
_batches = st.lists(st.lists(_records, min_size=1, max_size=4), min_size=1, max_size=4)


def _configs(**changes: str) -> Configs:
    configs = Configs()
    lags = {"max.compaction.lag.ms": str(_LAG_MS), "delete.retention.ms": str(_TOMBSTONES_MS)}
    configs.alter(
        {"cleanup.policy": "compact", **lags, **{name.replace("_", "."): text for name, text in changes.items()}}
    )
    return configs


class _Model:
    """A log as a list, and since when each tombstone was kept."""

    def __init__(self) -> None:
        self.log = PartitionLog()
        self.left: list[StoredRecord] = []
        self.since: dict[int, int] = {}
        self.now_ms = _NOW

    def append(self, *records: Record) -> None:
        base = self.log.high_watermark
        rows = write_rows([message_of_record(record, 8) for record in records], range(base, base + len(records)), _NOW)
        batch = write_batch(rows)
        self.log.append(batch, self.now_ms)
        self.left += stored_records(batch.text)

    def close_segment(self) -> None:
        self.log.close_older_than(self.now_ms + 1)

    def remove_before(self, offset: int) -> None:
        if offset > self.log.start_offset:
            self.log.remove_before(offset)
        self.left = [record for record in self.left if record.offset >= offset]

    def compact(self, configs: Configs) -> None:
        """Let time pass and compact: the log in all its pieces, the list at once."""
        for _ in self.compacting(configs):
            pass
        self.forget(self.last_base)

    def compacting(self, configs: Configs) -> Iterator[None]:
        """Let time pass and compact the log."""
        self.now_ms += _LAG_MS + 1
        self.last_base = self.log.segments[-1].base_offset if self.log.segments else 0
        yield from compact(self.log, configs, self.now_ms)

    def forget(self, end_offset: int) -> None:
        """Remove from the list what compaction removes below an offset."""
        last = {record.key: record.offset for record in self.left if record.offset < end_offset}
        for record in list(self.left):
            if record.offset < end_offset and (
                record.key is None
                or last[record.key] > record.offset
                or self.now_ms - self.since.get(record.offset, self.now_ms) >= _TOMBSTONES_MS
            ):
                self.left.remove(record)
            elif record.offset < end_offset and record.value is None:
                self.since.setdefault(record.offset, self.now_ms)

    def check(self) -> None:
        """Fail unless everything is read that is left, from everywhere and in every amount."""
        assert stored_records(self.log.read(self.log.start_offset, _ALL).text) == self.left
        assert self.log.length == sum(one.length for one in self.log.segments)
        for offset in range(self.log.start_offset, self.log.high_watermark + 1):
            rest = [record for record in self.left if record.offset >= offset]
            read = self.log.read(offset, 3)
            for found in (read, self.log.read(offset, 1), read.within(20), *([read.first()] if rest else [])):
                assert stored_records(found.text) == rest[: found.count]
                _check_next(found.next_offset, rest, found.count, offset, self.log.high_watermark)
            assert read.count == len(rest[:3])
        self.check_times()

    def check_times(self) -> None:
        """Fail unless times are found where a look at every record finds them."""
        for time in range(11):
            at_or_after = [record for record in self.left if (record.timestamp_ms or 0) >= time]
            found = self.log.first_at_or_after(time)
            assert (found and found.offset) == (at_or_after[0].offset if at_or_after else None)
        latest = self.log.latest_record()
        most = max((record.timestamp_ms or 0 for record in self.left), default=None)
        wanted = next((record.offset for record in self.left if record.timestamp_ms == most), None)
        assert (latest and latest.offset) == wanted


def _check_next(next_offset: int, rest: list[StoredRecord], count: int, offset: int, end: int) -> None:
    """Fail unless it lies behind what was read and not behind what was not."""
    least = rest[count - 1].offset + 1 if count else offset
    most = rest[count].offset if count < len(rest) else end
    assert least <= next_offset <= most


_full = st.sampled_from([1, 200, 600, segment.FULL_BYTES])
_at_once = st.sampled_from([1, 3, 2000])
_most_keys = st.sampled_from([1, 3, 200_000])


@_many
@given(st.lists(_batches, min_size=1, max_size=3), st.data(), _full, _at_once, _most_keys)
def test_compaction_leaves_what_a_list_has_without_the_records_that_later_ones_replace(
    rounds: list[list[list[Record]]], data: st.DataObject, full: int, at_once: int, most_keys: int
) -> None:
    with (
        patch.object(segment, "FULL_BYTES", full),
        patch.object(compaction, "_RECORDS_AT_ONCE", at_once),
        patch.object(compaction, "_MOST_KEYS", most_keys),
    ):
        model, configs = _Model(), _configs()
        for batches in rounds:
            for batch in batches:
                model.append(*batch)
                if data.draw(st.booleans()):
                    model.close_segment()
            model.compact(configs)
            model.check()
            model.now_ms += data.draw(st.sampled_from([0, _TOMBSTONES_MS // 2, _TOMBSTONES_MS]))
            if data.draw(st.booleans()):
                model.remove_before(data.draw(st.integers(0, model.log.high_watermark)))
                model.check()


@_many
@given(_batches, st.data(), _full)
def test_between_two_pieces_of_a_compaction_the_log_may_be_used_as_ever(
    batches: list[list[Record]], data: st.DataObject, full: int
) -> None:
    with patch.object(segment, "FULL_BYTES", full), patch.object(compaction, "_RECORDS_AT_ONCE", 1):
        model, configs = _Model(), _configs()
        for batch in batches:
            model.append(*batch)
            model.close_segment()
        model.append(Record(value=b"open", key=b"open"))
        for _ in model.compacting(configs):
            match data.draw(st.sampled_from(["read", "close", "append", "remove"])):
                case "append":
                    model.append(data.draw(_records))
                case "close":
                    model.close_segment()
                case "remove":
                    model.remove_before(data.draw(st.integers(0, model.log.high_watermark)))
            found = stored_records(model.log.read(model.log.start_offset, _ALL).text)
            assert [record for record in model.left if record in found] == found
            last = {record.key: record for record in model.left}
            assert all(record in found for record in last.values())
        model.forget(model.last_base)
        model.check()


def test_a_compaction_ends_where_the_policy_changes() -> None:
    with patch.object(segment, "FULL_BYTES", 1), patch.object(compaction, "_RECORDS_AT_ONCE", 1):
        model, configs = _Model(), _configs()
        for number in range(6):
            model.append(Record(value=b"%d" % number, key=b"a"))
        pieces = model.compacting(configs)
        next(pieces)
        configs.alter({"cleanup.policy": "delete"})
        for _ in pieces:
            pass
        model.check()
        configs.alter({"cleanup.policy": "compact"})
        model.compact(configs)
        model.check()


@pytest.mark.parametrize("lag_ms", [0, 5])
def test_what_was_appended_within_the_lag_is_left_alone_to_the_millisecond(lag_ms: int) -> None:
    model, configs = _Model(), _configs(min_compaction_lag_ms=str(lag_ms))
    model.append(Record(value=b"1", key=b"a"), Record(value=b"2", key=b"a"))
    model.close_segment()
    model.append(Record(value=b"3", key=b"b"))
    if lag_ms:
        assert list(compact(model.log, configs, _NOW + lag_ms - 1)) == []
        model.check()
    assert list(compact(model.log, configs, _NOW + lag_ms)) != []
    model.left.pop(0)
    model.check()


@pytest.mark.parametrize("late_ms", [0, 1])
def test_a_log_of_which_little_is_new_is_compacted_when_that_is_late(late_ms: int) -> None:
    model, configs = _Model(), _configs()
    model.append(*[Record(value=b"x" * 50, key=b"%d" % number) for number in range(9)])
    model.close_segment()
    model.append(Record(value=b"1", key=b"0"))
    model.compact(configs)
    model.close_segment()
    model.append(Record(value=b"1", key=b"open"))
    closed_ms = model.log.segments[-2].until_ms
    assert bool(list(compact(model.log, configs, closed_ms + _LAG_MS + late_ms))) is bool(late_ms)


@pytest.mark.parametrize(("ratio", "is_due"), [("1", False), ("1.0", False), ("0.999", True), ("0", True)])
def test_a_log_is_compacted_when_its_dirty_share_is_above_the_ratio(ratio: str, *, is_due: bool) -> None:
    model, configs = _Model(), _configs(min_cleanable_dirty_ratio=ratio, max_compaction_lag_ms=str(_ALL))
    model.append(Record(value=b"1", key=b"a"), Record(value=b"2", key=b"a"))
    model.close_segment()
    model.append(Record(value=b"open", key=b"open"))
    assert bool(list(compact(model.log, configs, _NOW + _LAG_MS))) is is_due
    assert list(compact(model.log, configs, _NOW + _LAG_MS)) == []


def test_small_segments_become_one() -> None:
    with patch.object(segment, "FULL_BYTES", 100_000):
        model, configs = _Model(), _configs()
        for number in range(40):
            model.append(Record(value=b"x", key=b"%d" % number))
            model.close_segment()
        model.append(Record(value=b"open", key=b"open"))
        model.compact(configs)
        assert len(model.log.segments) == 2
        model.check()


def _closed(model: _Model, *records: Record) -> None:
    """Append a segment of its own that takes no more."""
    model.append(*records)
    model.close_segment()


def test_what_is_old_enough_is_compacted_though_what_is_behind_it_is_not() -> None:
    model, configs = _Model(), _configs(min_compaction_lag_ms="5")
    _closed(model, Record(value=b"1", key=b"a"), Record(value=b"2", key=b"a"))
    model.now_ms += 3
    _closed(model, Record(value=b"3", key=b"a"))
    model.append(Record(value=b"open", key=b"open"))
    assert list(compact(model.log, configs, _NOW + 5)) != []
    model.left.pop(0)
    model.check()


@pytest.mark.parametrize(
    ("known", "fresh", "ratio", "is_due"),
    [(2, 1, "0.34", False), (2, 1, "0.33", True), (1, 2, "0.66", True), (1, 2, "0.67", False)],
)
def test_the_dirty_share_is_of_all_segments_that_may_be_compacted(
    known: int, fresh: int, ratio: str, *, is_due: bool
) -> None:
    with patch.object(segment, "FULL_BYTES", 1):
        model, late = _Model(), {"max_compaction_lag_ms": str(_ALL)}
        for number in range(known + fresh + 1):
            model.append(Record(value=b"12345", key=b"k%d" % number))
        model.log.compacted_offset = known
        configs = _configs(min_cleanable_dirty_ratio=ratio, **late)
        assert len({one.length for one in model.log.segments}) == 1
        assert bool(list(compact(model.log, configs, _NOW))) is is_due


@pytest.mark.parametrize("late_ms", [-1, 0])
def test_a_tombstone_goes_when_its_time_is_over_though_nothing_is_new(late_ms: int) -> None:
    with patch.object(segment, "FULL_BYTES", 1):
        model, configs = _Model(), _configs(max_compaction_lag_ms=str(_ALL))
        _closed(model, Record(value=None, key=b"a"))
        _closed(model, Record(value=b"1", key=b"b"))
        model.append(Record(value=b"open", key=b"open"))
        assert list(compact(model.log, configs, _NOW)) != []
        assert list(compact(model.log, configs, _NOW + 1)) == []
        is_over = late_ms == 0
        assert bool(list(compact(model.log, configs, _NOW + _TOMBSTONES_MS + late_ms))) is is_over
        kept = [row.key for part in model.log.segments for row in stored_records(part.text())]
        assert kept == ([b"b", b"open"] if is_over else [b"a", b"b", b"open"])
