"""Topologies and records about which Kafka Streams and the chapters agree; numbers name the differences left out."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Record = dict[str, Any]
Document = dict[str, Any]

_LATEST = 60
_SO_FAR, _VALUE = {"get": ["aggregate"]}, {"get": ["value"]}
_FOLDS: dict[str, Document] = {
    "count": {},
    "reduce": {"with": {"concat": [_SO_FAR, _VALUE]}},
    "aggregate": {"initial": "", "with": {"concat": [_SO_FAR, {"coalesce": [_VALUE, "-"]}]}},
}
_MERGE = {"merge": {"concat": [{"get": ["left"]}, {"get": ["right"]}]}}
_GRACES = st.sampled_from([0, 0, 3, 10])


def document(*nodes: Document) -> Document:
    """Return a topology of nodes."""
    return {"version": 1, "nodes": list(nodes)}


def source(name: str, operator: str = "source") -> Document:
    """Return a source that is called like its topic."""
    return {"node": name, "operator": operator, "topic": name}


def records(topics: tuple[str, ...], *, step: int = 1, nulls: bool = True) -> st.SearchStrategy[list[Record]]:
    """Return records in any order of their times, which are multiples of `step`."""
    return st.lists(
        st.fixed_dictionaries(
            {
                "topic": st.sampled_from(topics),
                "key": st.sampled_from(["a", "a", "a", "b", "b", None]),
                "value": st.sampled_from(["x", "y", "z", "w", None] if nulls else ["x", "y", "z", "w"]),
                "timestamp_ms": st.integers(0, _LATEST).map(lambda time: time * step),
            }
        ),
        min_size=1,
        max_size=16,
    )


def punctual(given: list[Record], grace: int, *, step: int = 1) -> list[Record]:
    """Return records none of which is later than the grace, and which move time only if they count."""
    time, made = 0, []
    for record in given:
        counts = record["key"] is not None and record["value"] is not None
        now = max(record["timestamp_ms"] % (_LATEST * step) // 6 // step * step + time - grace // step * step, 0)
        now = now if counts else min(now, time)
        time = max(time, now)
        made.append({**record, "timestamp_ms": now})
    return made


@st.composite
def stateless(draw: st.DrawFn) -> tuple[Document, list[Record]]:
    """Return filter, map, flat_map, branch and merge in one."""
    chosen = draw(st.sampled_from(["x", "y"]))
    nodes = [
        source("in"),
        {"node": "some", "operator": "filter", "from": "in", "where": {"not_equal": [_VALUE, chosen]}},
        {"node": "more", "operator": "flat_map", "from": "some", "each": {"array": [_VALUE, {"get": ["key"]}]}},
        {"node": "swapped", "operator": "map", "from": "more", "key": _VALUE, "value": {"get": ["key"]}},
        {"node": "all", "operator": "merge", "from": ["some", "swapped"]},
        {
            "node": "ways",
            "operator": "branch",
            "from": "all",
            "branches": [{"as": "one", "where": {"equal": [_VALUE, "x"]}}, {"as": "other"}],
        },
        *({"node": f"to-{name}", "operator": "to", "from": name, "topic": name} for name in ("one", "other")),
    ]
    return document(*nodes), draw(records(("in",)))


@st.composite
def aggregation(draw: st.DrawFn, kind: str, emit: str) -> tuple[Document, list[Record]]:
    """Return an aggregation in windows of a kind, and records that fit it.

    D-1, D-3: times and durations are chosen so that no session and no sliding window ends on the instant in question.
    D-5: records of sliding windows are within the grace. D-6: reduce is given values.
    """
    operator = draw(st.sampled_from(sorted(_FOLDS)))
    node: Document = {"node": "made", "operator": operator, "from": "groups", **_FOLDS[operator]}
    step = {"session": 2, "sliding": 3}.get(kind, 1)
    if kind != "none":
        node["window"] = _window(draw, kind)
    if kind == "session" and operator == "aggregate":
        node |= _MERGE
    if emit == "final":
        node["emit"] = emit
    given = draw(records(("in",), step=step, nulls=operator != "reduce"))
    if kind == "sliding":
        given = punctual(given, node["window"]["grace_ms"], step=step)
    group = {"node": "groups", "operator": "group_by", "from": "in"}
    return document(source("in"), group, node, _end("made")), given


def _window(draw: st.DrawFn, kind: str) -> Document:
    grace = draw(_GRACES)
    if kind == "session":
        gap = draw(st.sampled_from([2, 4, 10]))
        return {"type": kind, "gap_ms": gap, "grace_ms": grace // 2 * 2 + 1}
    if kind == "sliding":
        return {"type": kind, "difference_ms": draw(st.sampled_from([3, 6, 15])), "grace_ms": grace * 3 + 1}
    size = draw(st.sampled_from([1, 5, 10, 12]))
    advance = {"advance_ms": draw(st.integers(1, size))} if kind == "hopping" else {}
    return {"type": kind, "size_ms": size, **advance, "grace_ms": grace}


@st.composite
def stream_join(draw: st.DrawFn, kind: str) -> tuple[Document, list[Record]]:
    """Return a join of two streams. D-7, D-10: records are within the grace, and ignored ones move no time.

    Times are even and the durations together odd: Kafka's store in memory drops a record one instant too early.
    """
    within = {name: draw(st.sampled_from([0, 4, 10])) for name in ("before_ms", "after_ms")}
    within["grace_ms"] = draw(st.sampled_from([1, 5]))
    node = {"node": "made", "operator": "join", "from": ["left", "right"], "type": kind, "within": within}
    given = punctual(draw(records(("left", "right"), step=2)), within["grace_ms"], step=2)
    return document(source("left"), source("right"), node, _end("made")), given


@st.composite
def table_join(draw: st.DrawFn, kind: str) -> tuple[Document, list[Record]]:
    """Return a join of a stream and a table, and records in any order."""
    node = {"node": "made", "operator": "join_table", "from": ["left", "right"], "type": kind}
    nodes = document(source("left"), source("right", "table"), node, _end("made"))
    return nodes, draw(records(("left", "right")))


def _end(name: str) -> Document:
    return {"node": "end", "operator": "to", "from": name, "topic": "out"}


Inputs = st.SearchStrategy[tuple[Document, list[Record]]]

EXACT: dict[str, Callable[[], Inputs]] = {
    "stateless": stateless,
    "groups": lambda: aggregation("none", "updates"),
    **{
        f"{kind}, {emit}": lambda kind=kind, emit=emit: aggregation(kind, emit)  # type: ignore[misc]
        for kind in ("tumbling", "hopping", "sliding", "session")
        for emit in ("updates", "final")
    },
    "inner join": lambda: stream_join("inner"),
    "inner table join": lambda: table_join("inner"),
    "left table join": lambda: table_join("left"),
}
