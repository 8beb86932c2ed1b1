"""Runs of producers and consumers against real servers: clean on a correct one, not so on one with a defect."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from kafka_do_conformance.histories import __main__ as command
from kafka_do_conformance.histories.calls import Append, Heartbeat
from kafka_do_conformance.histories.contention import MINIMUM, Contention
from kafka_do_conformance.histories.events import Event, Produced
from kafka_do_conformance.histories.judging import judge_run
from kafka_do_conformance.histories.logs import of_type
from kafka_do_conformance.histories.served_broker import ServedBroker
from kafka_do_conformance.histories.workload import Load, run
from kafka_do_conformance.mutants.mutant import mutants, mutated
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.target import REFERENCE_SERVER, ServerTarget
from kafka_do_conformance.verdict import Crashed, Mismatch, Violation

_MUTANTS = {mutant.name: mutant for mutant in mutants()}
_SEEDS = range(1, 6)
_CONTROLLED = (*REFERENCE_SERVER, "--test-control")


@pytest.fixture(scope="module")
def target() -> Iterator[ServerTarget]:
    with closing(ServerTarget(command=_CONTROLLED)) as target:
        yield target


@pytest.fixture
def server(target: ServerTarget) -> Iterator[ServerSession]:
    with closing(target.wire()) as wire:
        session = target.session(wire)
        yield session
        session.leave()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("duplicate-answered-with-new-offsets", "duplicate"),
        ("next-offset-is-the-end", "poll skip"),
        ("sessions-end-early", "double ownership"),
        ("freed-partitions-are-forgotten", "ownerless"),
        ("commit-stores-the-last-record", "phantom commit"),
        ("commit-of-who-has-left", "zombie commit"),
        ("offsets-are-told-as-they-were-expected", "duplicate"),
    ],
)
def test_a_server_with_a_defect_shows_an_anomaly(name: str, kind: str) -> None:
    with mutated(_MUTANTS[name]) as env, closing(ServerTarget(command=_CONTROLLED, env=env)) as target:
        assert any(kind in _places(target, seed) for seed in _SEEDS)


def test_a_server_without_control_is_judged_in_its_own_time() -> None:
    with closing(ServerTarget(command=REFERENCE_SERVER)) as target, closing(target.wire()) as wire:
        found = judge_run(target.session(wire), 1)
        assert found.rebalances >= MINIMUM.rebalances
        assert found.lost_answers >= MINIMUM.lost_answers


def test_a_run_with_too_little_contention_is_no_proof(server: ServerSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kafka_do_conformance.histories.judging.Load", lambda: Load(steps=60))
    with pytest.raises(Violation, match=r"contention: allowed at least .* rebalances"):
        judge_run(server, 1)


def test_who_depends_on_no_answer_does_the_same_in_every_run_of_a_seed(server: ServerSession) -> None:
    first, again, other = (_plain_batches(_history(server, seed)) for seed in (7, 7, 8))
    assert len(first) > 10
    assert first == again != other


def test_a_connection_that_nothing_was_to_break_is_a_violation(server: ServerSession) -> None:
    with closing(ServedBroker(server, 2)) as broker:
        server.inject("heartbeat", "drop_before")
        beat = Heartbeat("m", 0, frozenset(), 6000, "")
        with pytest.raises(Crashed):
            broker.send(beat, "fine").answer()
        assert broker.send(beat, "lost answer").answer().outcome == "unknown"
        assert broker.send(beat, "fine").answer().outcome == "ok"


def test_a_refusal_that_nothing_was_to_cause_is_a_violation(server: ServerSession) -> None:
    with closing(ServedBroker(server, 2)) as broker:
        append = Append(broker.partitions[1], ("a",), None)
        server.inject("produce_partition", "error", code="not_leader")
        with pytest.raises(Violation, match="503"):
            broker.send(append, "fine").answer()
        assert broker.send(append, "refused").answer().code == "not_leader"
        assert broker.send(append, "fine").answer().result == (0,)


def test_the_command_tells_of_each_seed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "judge_run", _fails_at_3)
    assert command.main(["--seeds", "2-4"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 2: no anomaly; 12 rebalances, ")
    assert lines[1:3] == ["seed 3: fail, the history of seed 3", "  unseen: allowed none, seen one"]
    assert lines[3].startswith("seed 4: no anomaly")
    assert lines[4].startswith("seeds: 3, failed: 1: 3 (")
    assert command.main(["--seeds", "2"]) == 0


def test_the_command_needs_a_server_with_groups_and_producers(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--impl", "cmd:true"]) == 2
    assert "no server that lists groups and producers" in capsys.readouterr().err
    assert command.main(["--impl", "nothing"]) == 2


@pytest.mark.parametrize("seeds", ["x", "5-1", "-3", "1-"])
def test_seeds_that_are_none_are_a_usage_error(seeds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([f"--seeds={seeds}"])
    assert ended.value.code == 2


def _places(target: ServerTarget, seed: int) -> list[str]:
    with closing(target.wire()) as wire:
        try:
            judge_run(target.session(wire), seed)
        except Violation as violation:
            return [mismatch.place for mismatch in violation.mismatches]
    return []


def _history(server: ServerSession, seed: int) -> list[Event]:
    with closing(ServedBroker(server, 3)) as broker:
        return run(broker, seed, Load(steps=500))


def _plain_batches(history: list[Event]) -> list[tuple[int, tuple[str, ...]]]:
    return [(event.partition.number, event.values) for event in of_type(history, Produced) if event.batch is None]


def _fails_at_3(_: ServerSession, seed: int) -> Contention:
    if seed == 3:
        raise Violation("the history of seed 3", [Mismatch("unseen", "none", "one")])
    return MINIMUM
