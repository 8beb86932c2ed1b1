"""Each operator with state against a model that looks at all records again for each step."""

from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.streams import (
    Hopping,
    Output,
    Session,
    Sliding,
    Stream,
    StreamDriver,
    Tumbling,
    Within,
    left,
    right,
)
from kafka_do.streams.windows import WindowKind

_RUNS = settings(max_examples=150, deadline=None)


class R(NamedTuple):
    """A record; its number is its value."""

    topic: str
    key: str
    time: int
    number: int


def _records(*topics: str) -> st.SearchStrategy[list[R]]:
    drawn = st.lists(
        st.tuples(st.sampled_from(topics), st.sampled_from("aab"), st.integers(0, 40)), min_size=1, max_size=14
    )
    return drawn.map(lambda rows: [R(*row, number) for number, row in enumerate(rows)])


_GRACES = st.sampled_from([0, 2, 7, 100])


def _run(pipeline: Any, records: list[R]) -> list[list[Output]]:
    driver = StreamDriver(pipeline)
    return [driver.send(r.topic, {"n": r.number}, key=r.key, timestamp_ms=r.time) for r in records]


def _members(window: WindowKind, emit: str = "updates") -> Any:
    """Return a pipeline whose results are the numbers of the records in them."""
    grouped = Stream("in").group_by().window(window)
    merge = {"merge": lambda one, other: one + other} if isinstance(window, Session) else {}
    return grouped.aggregate([], lambda so_far, record: [*so_far, record.value["n"]], emit=emit, **merge).results()


def _told(steps: list[list[Output]]) -> list[list[tuple[Any, ...]]]:
    return [[(o.key, o.window.start_ms, o.window.end_ms, o.value) for o in step if o.window] for step in steps]


@_RUNS
@given(_records("in"), st.integers(1, 12), st.integers(1, 12), _GRACES)
def test_tumbling_and_hopping(records: list[R], size: int, advance: int, grace: int) -> None:
    advance = min(size, advance)
    kind = Tumbling(size_ms=size, grace_ms=grace) if size == advance else None
    steps = _run(_members(kind or Hopping(size_ms=size, advance_ms=advance, grace_ms=grace)), records)
    assert _told(steps) == [_panes(records[: n + 1], size, advance, grace) for n in range(len(records))]


def _panes(so_far: list[R], size: int, advance: int, grace: int) -> list[tuple[Any, ...]]:
    """Every window of the last record that is open, with the records that it took."""
    now = so_far[-1]
    time = max(record.time for record in so_far)
    open_starts = [s for s in range(0, now.time + 1, advance) if s <= now.time < s + size and s + size > time - grace]
    return [
        (now.key, s, s + size, [r.number for r in so_far if r.key == now.key and s <= r.time < s + size])
        for s in open_starts
    ]


@_RUNS
@given(_records("in"), st.integers(1, 12), _GRACES)
def test_sliding(records: list[R], difference: int, grace: int) -> None:
    steps = _run(_members(Sliding(difference_ms=difference, grace_ms=grace)), records)
    taken: list[R] = []
    for step, record in zip(_told(steps), records, strict=True):
        time = max([record.time, *(r.time for r in records[: record.number])])
        before = _sets(taken, record.key, difference)
        if record.time + difference >= time - grace:
            taken.append(record)
        after = _sets(taken, record.key, difference)
        changed = [
            (record.key, start, start + difference, members)
            for start, members in after.items()
            if members != before.get(start) and start + difference >= time - grace
        ]
        assert sorted(step) == sorted(changed)


def _sets(taken: list[R], key: str, difference: int) -> dict[int, list[int]]:
    """Every window that there is, with its records in the order of their arrival."""
    own = [r for r in taken if r.key == key]
    starts = {start for r in own for start in (max(0, r.time - difference), r.time + 1)}
    sets = {s: [r.number for r in own if s <= r.time <= s + difference] for s in starts}
    return {start: members for start, members in sets.items() if members}


@_RUNS
@given(_records("in"), st.integers(1, 8), _GRACES)
def test_sessions(records: list[R], gap: int, grace: int) -> None:
    steps = _run(_members(Session(gap_ms=gap, grace_ms=grace)), records)
    sessions: list[list[R]] = []
    for step, record in zip(_told(steps), records, strict=True):
        time = max(r.time for r in records[: record.number + 1])
        open_ = [s for s in sessions if s[0].key == record.key and _end(s) >= time - grace - gap]
        near = [s for s in open_ if _start(s) - gap <= record.time <= _end(s) + gap]
        near.sort(key=_start)
        grown = [*(r for s in near for r in s), record]
        if _end(grown) < time - grace - gap:
            assert step == []
            continue
        sessions = [s for s in sessions if s not in near] + [grown]
        gone = [(_start(s), _end(s)) for s in near if (_start(s), _end(s)) != (_start(grown), _end(grown))]
        told = (record.key, _start(grown), _end(grown), [r.number for r in grown])
        assert step == [*((record.key, *bounds, None) for bounds in gone), told]


def _start(session: list[R]) -> int:
    return min(r.time for r in session)


def _end(session: list[R]) -> int:
    return max(r.time for r in session)


@_RUNS
@given(
    _records("in"),
    st.sampled_from(
        [
            Tumbling(size_ms=7, grace_ms=3),
            Hopping(size_ms=9, advance_ms=4),
            Sliding(difference_ms=5, grace_ms=2),
            Session(gap_ms=4, grace_ms=2),
        ]
    ),
)
def test_final_results_are_the_last_updates_once_each(records: list[R], window: WindowKind) -> None:
    flushed = [*records, R("in", "~", 10_000, len(records))]
    updates = [output for step in _run(_members(window), flushed) for output in step if output.key != "~"]
    last = {(output.key, output.window): output.value for output in updates}
    finals = [output for step in _run(_members(window, "final"), flushed) for output in step]
    assert {(o.key, o.window): o.value for o in finals} == {place: value for place, value in last.items() if value}
    assert len(finals) == len({(o.key, o.window) for o in finals})
    ends = [(o.window.end_ms, o.key) for o in finals if o.window and isinstance(window, Tumbling)]
    assert ends == sorted(ends)


_KINDS = st.sampled_from(["inner", "left", "outer"])
_BOUNDS = st.sampled_from([0, 3, 10])
_WITHIN = st.builds(Within, before_ms=_BOUNDS, after_ms=_BOUNDS, grace_ms=_GRACES)


@_RUNS
@given(_records("left", "right"), _KINDS, _WITHIN, st.booleans())
def test_joins(records: list[R], kind: Any, within: Within, by_condition: bool) -> None:  # noqa: FBT001
    on = {"on": (left["n"] + right["n"]) != 3} if by_condition else {}
    steps = _run(Stream("left").join(Stream("right"), within=within, type=kind, **on).results(), records)
    fits = (lambda one, other: one.number + other.number != 3) if by_condition else (lambda one, o: one.key == o.key)
    model = _Pairs(kind, within, fits)
    for step, record in zip(steps, records, strict=True):
        seen = [tuple(side and side["n"] for side in (o.value["left"], o.value["right"])) for o in step]
        assert seen == model.take(record)


class _Pairs:
    """All records so far, what was paired and what was told."""

    def __init__(self, kind: str, within: Within, fits: Any) -> None:
        self.tells = {"inner": (), "left": ("left",), "outer": ("left", "right")}[kind]
        self.patience = {
            "left": within.after_ms + within.grace_ms,
            "right": within.before_ms + within.grace_ms,
        }
        self.within, self.fits = within, fits
        self.seen: list[R] = []
        self.done: set[int] = set()
        self.time = 0

    def take(self, record: R) -> list[tuple[Any, ...]]:
        self.time = max(self.time, record.time)
        told = self.close()
        partners = [other for other in self.seen if not self.closed(other) and self.pair(record, other)]
        self.done |= {record.number, *(other.number for other in partners)} if partners else set()
        told += [
            (record.number, other.number) if record.topic == "left" else (other.number, record.number)
            for other in sorted(partners, key=lambda other: (other.time, other.number))
        ]
        self.seen.append(record)
        return told + self.close()

    def close(self) -> list[tuple[Any, ...]]:
        over = [r for r in self.seen if self.closed(r) and r.number not in self.done and r.topic in self.tells]
        self.done |= {r.number for r in over}
        over.sort(key=lambda r: (r.time, r.number))
        return [(r.number, None) if r.topic == "left" else (None, r.number) for r in over]

    def closed(self, record: R) -> bool:
        return self.time > record.time + self.patience[record.topic]

    def pair(self, one: R, other: R) -> bool:
        if one.topic == other.topic:
            return False
        here, there = (one, other) if one.topic == "left" else (other, one)
        in_time = here.time - self.within.before_ms <= there.time <= here.time + self.within.after_ms
        return in_time and bool(self.fits(here, there))


def test_state_of_closed_windows_and_records_is_freed() -> None:
    for kind in (Tumbling(size_ms=5), Sliding(difference_ms=5), Session(gap_ms=5)):
        driver = StreamDriver(_members(kind))
        for time in range(0, 3000, 3):
            driver.send("in", {"n": time}, key=str(time % 7), timestamp_ms=time)
        assert len(str(_state(driver._task.stores["aggregate"]))) < 5000


def _state(operator: Any) -> list[Any]:
    """Return what an operator keeps, whatever its kind."""
    kept = (getattr(operator, name, None) for name in ("_panes", "_groups", "_sessions"))
    return [[vars(group) if hasattr(group, "panes") else group for group in one.values()] for one in kept if one]
