"""The checker of histories: what each anomaly is, by hand, and planted into histories that have none."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do_conformance.histories.anomaly import Anomaly
from kafka_do_conformance.histories.checker import CHECKS, check
from kafka_do_conformance.histories.claims import claims
from kafka_do_conformance.histories.contention import MINIMUM, Contention, contention
from kafka_do_conformance.histories.events import (
    NEVER,
    Batch,
    Beat,
    Calm,
    ClockMoved,
    Committed,
    Event,
    Left,
    Outcome,
    Partition,
    Polled,
    Produced,
    Queried,
    Reset,
    Sought,
    Told,
)
from kafka_do_conformance.histories.planting import PLANTS, plant
from kafka_do_conformance.histories.simulation import simulate

P = Partition("t", 0)
Q = Partition("t", 1)
SESSION_MS = 9000
REBALANCE_MS = 6000


def produced(
    at: int, *values: str, offset: int | None = 0, end: int = 0, process: str = "p", batch: int | None = None,
    outcome: Outcome = "ok",
) -> Produced:  # fmt: skip
    offsets = () if offset is None or outcome != "ok" else tuple(range(offset, offset + len(values)))
    key = None if batch is None else Batch(process, 0, batch)
    return Produced(
        process=process,
        start=at,
        end=end or at + 1,
        partition=P,
        values=values,
        outcome=outcome,
        offsets=offsets,
        batch=key,
    )


def polled(
    at: int,
    position: int,
    *values: str,
    process: str = "c",
    group: str = "",
    next_offset: int | None = None,
    log_start: int = 0,
) -> Polled:
    records = tuple(enumerate(values, position))
    after = position + len(values) if next_offset is None else next_offset
    return Polled(
        process=process, start=at, end=at + 1, partition=P, position=position, records=records, next_offset=after,
        log_start_offset=log_start, group=group,
    )  # fmt: skip


def beat(
    at: int,
    member: str,
    *told: Partition,
    owned: tuple[Partition, ...] = (),
    epoch: int = 0,
    lost: bool = False,
    code: str = "",
) -> Beat:
    answer = None if lost or code else Told(epoch + 1, frozenset(told), SESSION_MS)
    outcome: Outcome = "unknown" if lost else "refused" if code else "ok"
    return Beat(
        process=member, start=at, end=at + 1, group="g", member=member, epoch=epoch, owned=frozenset(owned),
        rebalance_ms=REBALANCE_MS, outcome=outcome, told=answer, code=code,
    )  # fmt: skip


def committed(at: int, member: str, offset: int, *, outcome: Outcome = "ok", epoch: int = 1) -> Committed:
    return Committed(
        process=member or "admin", start=at, end=at + 1, group="g", member=member, epoch=epoch, partition=P,
        offset=offset, outcome=outcome,
    )  # fmt: skip


def queried(at: int, offset: int | None) -> Queried:
    return Queried(process="c", start=at, end=at + 1, group="g", partition=P, offset=offset)


def passed(at: int, ms: int) -> ClockMoved:
    return ClockMoved(process="clock", start=at, end=at + 1, ms=ms)


def calm(at: int, *members: str) -> Calm:
    return Calm(process="all", start=at, end=at + 1, group="g", members=members, partitions=(P, Q))


DELIVERED = [produced(1, *"abcdefghij"), polled(3, 0, *"abcdefghij", process="m1", group="g")]

BROKEN: dict[str, list[list[Event]]] = {
    "lost write": [
        [produced(1, "a", "b"), polled(3, 0, "a", next_offset=2)],
        [produced(1, "a"), produced(3, "b", offset=1), polled(5, 1, "b"), polled(7, 0, next_offset=1, process="d")],
    ],
    "duplicate": [
        [produced(1, "a", batch=0), polled(3, 0, "a", "a")],
        [produced(1, "a", batch=0, outcome="unknown"), produced(3, "a", batch=0, offset=1), polled(5, 0, "a", "a")],
        [produced(1, "a"), produced(3, "b", process="q"), polled(5, 0, "a")],
    ],
    "reordering": [
        [produced(1, "a", offset=1), produced(3, "b", offset=0), polled(5, 0, "b", "a")],
        [produced(1, "a", offset=None, outcome="unknown"), produced(3, "b"), polled(5, 0, "b", "a")],
        [replace(produced(1, "a", "b"), offsets=(1, 0)), polled(3, 0, "b", "a")],
    ],
    "phantom": [
        [polled(1, 0, "a")],
        [produced(1, "a", outcome="refused"), polled(3, 0, "a")],
        [replace(produced(1, "a", offset=None, outcome="unknown"), partition=Q), polled(3, 0, "a")],
    ],
    "inconsistent offsets": [
        [
            produced(1, "a", end=20, process="p", outcome="unknown"),
            produced(2, "b", end=21, process="q", outcome="unknown"),
            polled(3, 0, "a"),
            polled(5, 0, "b", process="d"),
        ]
    ],
    "unseen": [[produced(1, "a", "b"), polled(3, 0, "a"), polled(5, 1)]],
    "poll skip": [
        [produced(1, "a", "b"), polled(3, 0, "a", "b"), polled(5, 0, "a", next_offset=2, process="d")],
        [
            produced(1, "a", "b", "c"),
            polled(3, 0, "a", "b", "c"),
            polled(5, 0, "a", process="d"),
            polled(7, 2, "c", process="d"),
        ],
    ],
    "nonmonotonic poll": [
        [produced(1, "a", "b"), polled(3, 0, "a", "b"), polled(5, 1, "b")],
        [produced(1, "a", "b"), replace(polled(3, 0, "a", "b"), records=((1, "b"), (0, "a")))],
        [produced(1, "a", "b"), polled(3, 0, "a", "b", next_offset=1)],
        [produced(1, "a", "b"), replace(polled(3, 0, "a", "b"), position=1)],
    ],
    "double ownership": [
        [beat(1, "m1", P, Q), beat(3, "m2", Q)],
        [beat(1, "m1", P), beat(3, "m1", owned=(P,), epoch=1), beat(5, "m2", P)],
        [beat(1, "m1", P), beat(3, "m1", owned=(P,), epoch=1, lost=True), beat(5, "m2", P)],
        [beat(1, "m1", P), passed(3, SESSION_MS - 1), beat(5, "m2", P)],
    ],
    "ownerless": [
        [beat(1, "m1", P), beat(3, "m2"), calm(5, "m1", "m2")],
        [beat(1, "m1", P, Q), beat(3, "m1", P, owned=(P, Q), epoch=1), beat(5, "m1", P, owned=(P,)), calm(7, "m1")],
        [beat(1, "m1", P, Q), beat(3, "m1", owned=(P, Q), epoch=9, code="fenced_member_epoch"), calm(5, "m1")],
    ],
    "commit past delivery": [
        [*DELIVERED, committed(5, "m1", 11)],
        [
            produced(1, "a", "b"),
            polled(3, 0, "a", process="m1", group="g"),
            committed(5, "m1", 2),
            polled(7, 0, "a", "b"),
        ],
        [*DELIVERED, committed(5, "m1", 11, outcome="unknown"), queried(7, 11)],
    ],
    "phantom commit": [
        [*DELIVERED, queried(5, 4)],
        [*DELIVERED, committed(5, "m1", 4, outcome="refused"), queried(7, 4)],
    ],
    "zombie commit": [
        [*DELIVERED, beat(5, "m1", P), passed(7, SESSION_MS), beat(9, "m2", P), committed(11, "m1", 5)],
        [
            *DELIVERED,
            beat(5, "m1", P),
            beat(7, "m1", owned=(P,), epoch=1),
            beat(9, "m1", epoch=1),
            beat(11, "m2", P),
            committed(13, "m1", 5),
        ],
    ],
    "backward commit": [
        [*DELIVERED, committed(5, "m1", 5), queried(7, None)],
        [*DELIVERED, committed(5, "m1", 5), committed(7, "m1", 4)],
        [*DELIVERED, committed(5, "m1", 3), committed(7, "m1", 5), queried(9, 3)],
    ],
}  # fmt: skip

CLEAN: dict[str, list[Event]] = {
    "nothing": [],
    "a batch appended once over three attempts": [
        produced(1, "a", batch=0, outcome="unknown"),
        produced(3, "a", batch=0, outcome="unknown"),
        produced(5, "a", batch=0),
        polled(7, 0, "a"),
    ],
    "a plain request that may have been appended, and was": [produced(1, "a", outcome="unknown"), polled(3, 0, "a")],
    "and was not": [produced(1, "a", outcome="unknown"), polled(3, 0)],
    "a batch that was refused after an attempt of unknown outcome": [
        produced(1, "a", batch=0, outcome="unknown"),
        produced(3, "a", batch=0, outcome="refused"),
        polled(5, 0, "a"),
    ],
    "two requests of one producer at the same time, in any order": [
        produced(1, "a", offset=1, end=5),
        produced(2, "b", offset=0),
        polled(7, 0, "b", "a"),
    ],
    "a request that may still have its effect": [
        produced(1, "a", end=NEVER, outcome="unknown"),
        produced(3, "b"),
        polled(5, 0, "b", "a"),
    ],
    "a read that began before the acknowledgement": [produced(1, "a", end=9), polled(2, 0), polled(11, 0, "a")],
    "a gap in the offsets": [
        produced(1, "a"),
        produced(3, "b", offset=2),
        polled(5, 0, "a", next_offset=2),
        polled(7, 2, "b"),
    ],
    "records deleted before a read": [
        produced(1, "a", "b"),
        polled(3, 0, "a", "b"),
        polled(5, 0, next_offset=2, log_start=2, process="d"),
    ],
    "a consumer that sought": [
        produced(1, "a", "b"),
        polled(3, 0, "a", "b"),
        Sought(process="c", start=5, end=6, partition=P, position=0, back=True),
        polled(7, 0, "a", "b"),
    ],
    "handed over after letting go": [beat(1, "m1", P), beat(3, "m1", epoch=1), beat(5, "m2", P)],
    "handed over when letting go was said, and the answer lost": [
        beat(1, "m1", P),
        beat(3, "m1", epoch=1, lost=True),
        beat(5, "m2", P),
    ],
    "handed over before the answer to letting go": [
        beat(1, "m1", P),
        replace(beat(3, "m1", epoch=1), end=9),
        beat(4, "m2", P),
    ],
    "handed over when the first one left": [
        beat(1, "m1", P),
        Left(process="m1", start=3, end=4, group="g", member="m1", outcome="unknown"),
        beat(5, "m2", P),
    ],
    "handed over after the session": [beat(1, "m1", P), passed(3, SESSION_MS), beat(5, "m2", P)],
    "a session that is not known to be renewed": [
        beat(1, "m1", P),
        passed(3, 5000),
        beat(5, "m1", P, owned=(P,), epoch=1, lost=True),
        passed(7, 4000),
        beat(9, "m2", P),
    ],
    "handed over after the rebalance timeout": [
        beat(1, "m1", P),
        beat(3, "m1", owned=(P,), epoch=1),
        passed(5, REBALANCE_MS),
        beat(7, "m2", P),
    ],
    "a rebalance timeout that began with an answer that was lost": [
        beat(1, "m1", P),
        beat(3, "m1", owned=(P,), epoch=1, lost=True),
        passed(5, 3000),
        beat(7, "m1", owned=(P,), epoch=1),
        passed(9, 3000),
        beat(11, "m2", P),
    ],
    "removed with everything for one partition that was not let go": [
        beat(1, "m1", P, Q),
        beat(3, "m1", Q, owned=(P, Q), epoch=1),
        passed(5, REBALANCE_MS),
        beat(7, "m2", P, Q),
    ],
    "letting go that did not arrive, and then the rebalance timeout": [
        beat(1, "m1", P, Q),
        beat(3, "m1", Q, owned=(P, Q), epoch=1),
        beat(5, "m1", owned=(Q,), epoch=1, lost=True),
        passed(7, REBALANCE_MS),
        beat(9, "m2", P, Q),
    ],
    "an answer that came when the session was over": [
        replace(beat(1, "m1", P), end=9),
        passed(3, SESSION_MS),
        beat(5, "m2", P),
    ],
    "the same partition in two groups": [beat(1, "m1", P), replace(beat(3, "m2", P), group="h")],
    "settled": [beat(1, "m1", P), beat(3, "m2", Q), calm(5, "m1", "m2")],
    "a topic made again": [beat(1, "m1", P), beat(3, "m2", Partition("t again", 0))],
    "a commit of what was delivered to another member": [*DELIVERED, committed(5, "m2", 10)],
    "a commit refused after the handover": [
        *DELIVERED,
        beat(5, "m1", P),
        passed(7, SESSION_MS),
        beat(9, "m2", P),
        committed(11, "m1", 5, outcome="refused"),
    ],
    "a commit taken during the handover": [
        *DELIVERED,
        beat(5, "m1", P),
        passed(7, SESSION_MS),
        replace(beat(9, "m2", P), end=13),
        committed(11, "m1", 5),
    ],
    "a reset": [
        *DELIVERED,
        committed(5, "m1", 5),
        Reset(process="admin", start=7, end=8, group="g", partition=P, offset=2, outcome="ok"),
        queried(9, 2),
    ],
    "a commit without a member": [
        *DELIVERED,
        committed(5, "m1", 5),
        committed(7, "", 20),
        committed(9, "", 2),
        queried(11, 2),
    ],
    "a lower commit after the consumer went back": [
        *DELIVERED,
        committed(5, "m1", 5),
        Sought(process="m1", start=7, end=8, partition=P, position=2, back=True),
        committed(9, "m1", 2),
        queried(11, 2),
    ],
    "a query while a commit is under way": [
        *DELIVERED,
        replace(committed(5, "m1", 5), end=12),
        queried(6, None),
        queried(8, 5),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "history"),
    [
        pytest.param(kind, history, id=f"{kind} {n}")
        for kind, some in BROKEN.items()
        for n, history in enumerate(some, 1)
    ],
)
def test_an_anomaly_made_by_hand_is_found_and_named(kind: str, history: list[Event]) -> None:
    found = [anomaly for anomaly in check(history) if anomaly.kind == kind]
    assert found
    assert all(event in history for anomaly in found for event in anomaly.events)


@pytest.mark.parametrize("name", CLEAN)
def test_what_a_correct_server_may_show_is_no_anomaly(name: str) -> None:
    assert [str(anomaly) for anomaly in check(CLEAN[name])] == []


def test_every_kind_has_a_history_by_hand_and_a_plant() -> None:
    assert set(CHECKS) == set(BROKEN) == set(PLANTS)


@given(seed=st.integers(0, 10**6), partitions=st.integers(2, 5), members=st.integers(2, 5), producers=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_a_correct_broker_shows_no_anomaly(seed: int, partitions: int, members: int, producers: int) -> None:
    history = simulate(seed, steps=700, partitions=partitions, members=members, producers=producers)
    assert [str(anomaly) for anomaly in check(history)] == []


@pytest.mark.parametrize("kind", PLANTS)
@pytest.mark.parametrize("seed", range(5))
def test_what_is_planted_is_found(kind: str, seed: int) -> None:
    clean = simulate(seed)
    planted = plant(kind, clean, seed)
    news = {event for event in planted if event not in set(clean)}
    found = [anomaly for anomaly in check(planted) if anomaly.kind == kind]
    assert found
    assert any(_shows(anomaly, news, clean) for anomaly in found)


def test_a_seed_makes_the_same_history_again() -> None:
    assert simulate(7) == simulate(7) != simulate(8)


def test_an_anomaly_tells_its_kind_and_its_events() -> None:
    (anomaly,) = check([beat(1, "m1", P), beat(3, "m2", P)])
    first, *events = str(anomaly).splitlines()
    assert first == "double ownership: m1 and m2 own t/0"
    assert [line.split()[:2] for line in events] == [["[1-2]", "m1"], ["[3-4]", "m2"]]


def test_a_claim_ends_when_the_member_sends_what_may_give_it_up() -> None:
    (claim,) = claims([beat(1, "m1", P), replace(beat(5, "m1", epoch=1), end=9)])
    assert (claim.member, claim.partition, claim.start, claim.end) == ("m1", P, 2, 5)


def test_contention_counts_what_makes_a_run_hard() -> None:
    history = [
        beat(1, "m1", P, Q),
        beat(3, "m2"),
        beat(5, "m1", P, owned=(P, Q), epoch=1, lost=True),
        beat(7, "m1", P, owned=(P, Q), epoch=1),
        beat(9, "m1", P, owned=(P,), epoch=1),
        beat(11, "m2", Q, epoch=1),
        beat(13, "m3", epoch=9, code="unknown_member"),
        produced(15, "a", batch=0, outcome="unknown"),
        produced(17, "a", batch=0, end=20),
        produced(19, "b", process="q", offset=1),
    ]
    assert contention(history) == Contention(
        rebalances=3, lost_answers=2, retries=2, fencings=1, partitions_moved=1, overlaps=1, fenced_commits=0
    )


def test_a_run_without_contention_proves_too_little() -> None:
    assert contention([]).lacking(MINIMUM)
    assert contention(simulate(1)).lacking(MINIMUM) == []
    low = replace(MINIMUM, fencings=0)
    assert low.lacking(MINIMUM) == ["fencings: 0 of 4"]


def _shows(anomaly: Anomaly, news: set[Event], clean: list[Event]) -> bool:
    """Whether an anomaly shows what was planted: an event that is new, or, for what was taken out, its witness."""
    return bool(news & set(anomaly.events)) or not set(anomaly.events) <= set(clean)
