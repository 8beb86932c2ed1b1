"""Every way in which producers, a network and partitions can go, for small bounds.

A producer has a plan: batches, one after the other, each for a partition. It has one on its way at a time, sends it
again as often as it likes, gives up on one at most `give_ups` times, and then begins anew with the next epoch. The
network keeps every request and may deliver it at any time, also again, also after its producer has gone on, or never:
so it loses, delays, repeats and reorders. It does the same with answers.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kafka_do_conformance.models.producer import Batch, PartitionModel, Verdict

__all__ = ["Bounds", "Explored", "Fault", "explore"]


class Bounds(NamedTuple):
    """How far to go: `plans` has for each producer (partition, records) of its batches."""

    plans: tuple[tuple[tuple[int, int], ...], ...] = (((0, 1), (1, 2), (0, 2), (1, 1)), ((1, 1), (0, 1), (1, 2)))
    partitions: int = 2
    give_ups: int = 2


class Fault(Exception):  # noqa: N818  it is what the exploration looks for
    """An invariant that does not hold."""


class _Producer(NamedTuple):
    """`outcomes` are `acknowledged` or `unknown`, one for each batch so far; the next one is on its way if `sent`."""

    epoch: int = 0
    following: tuple[int, ...] = ()
    outcomes: tuple[str, ...] = ()
    sent: bool = False
    give_ups: int = 0


class _Request(NamedTuple):
    producer: int
    place: int
    partition: int
    batch: Batch


class _Answer(NamedTuple):
    producer: int
    batch: Batch
    verdict: Verdict


class _State(NamedTuple):
    producers: tuple[_Producer, ...]
    logs: tuple[tuple[tuple[int, Batch], ...], ...]
    requests: frozenset[_Request]
    answers: frozenset[_Answer]


class Explored(NamedTuple):
    """The size of what was explored: states, steps between them, states in which all is done."""

    states: int
    steps: int
    settled: int


def explore(bounds: Bounds, partition: type[PartitionModel] = PartitionModel) -> Explored:
    """Visit every state; raises Fault for one that breaks an invariant or from which not everything can be settled.

    `partition` is the server's rule: the model, or one with a defect that has to be found.
    """
    start = _State(
        tuple(_Producer(following=(0,) * bounds.partitions) for _ in bounds.plans),
        ((),) * bounds.partitions,
        frozenset(),
        frozenset(),
    )
    before: dict[_State, set[_State]] = {start: set()}
    waiting = deque([start])
    steps = 0
    while waiting:
        state = waiting.popleft()
        _check(state, bounds)
        for following in _steps(state, bounds, partition):
            steps += 1
            if following not in before:
                before[following] = set()
                waiting.append(following)
            before[following].add(state)
    settled = [state for state in before if _is_settled(state, bounds)]
    _check_all_can_settle(before, settled)
    return Explored(len(before), steps, len(settled))


def _steps(state: _State, bounds: Bounds, partition: type[PartitionModel]) -> Iterator[_State]:
    for number, producer in enumerate(state.producers):
        plan = bounds.plans[number]
        if len(producer.outcomes) == len(plan):
            continue
        if not producer.sent:
            sent = _replace(state, number, producer._replace(sent=True))
            yield sent._replace(requests=state.requests | {_request(number, producer, plan)})
        elif producer.give_ups < bounds.give_ups:
            yield _without_old_answers(_replace(state, number, _given_up(producer)), bounds)
    for request in state.requests:
        yield _without_old_answers(_arrived(state, request, partition), bounds)
    for answer in state.answers:
        yield _without_old_answers(_heard(state, answer, bounds), bounds)


def _request(number: int, producer: _Producer, plan: Sequence[tuple[int, int]]) -> _Request:
    place = len(producer.outcomes)
    partition, records = plan[place]
    batch = Batch(f"p{number}", producer.epoch, producer.following[partition], records, f"p{number}-{place}")
    return _Request(number, place, partition, batch)


def _arrived(state: _State, request: _Request, partition: type[PartitionModel]) -> _State:
    """Return the state behind a request's arrival; the network keeps a copy of it."""
    model = partition(list(state.logs[request.partition]))
    verdict = model.receive(request.batch)
    logs = list(state.logs)
    logs[request.partition] = tuple(model.log)
    answer = _Answer(request.producer, request.batch, verdict)
    return state._replace(logs=tuple(logs), answers=state.answers | {answer})


def _heard(state: _State, answer: _Answer, bounds: Bounds) -> _State:
    """Return the state in which a producer has the answer to the batch that it has on its way."""
    producer = state.producers[answer.producer]
    partition, records = bounds.plans[answer.producer][len(producer.outcomes)]
    if answer.verdict.what not in ("appended", "duplicate"):
        raise Fault(f"{answer}, though nothing can be missing before it: {state.logs[partition]}")
    following = list(producer.following)
    following[partition] += records
    acknowledged = producer._replace(
        following=tuple(following), outcomes=(*producer.outcomes, "acknowledged"), sent=False
    )
    return _replace(state, answer.producer, acknowledged)


def _without_old_answers(state: _State, bounds: Bounds) -> _State:
    """Return a state without the answers that nobody waits for any more: they change nothing."""
    awaited = {
        (number, _request(number, one, plan).batch)
        for number, (one, plan) in enumerate(zip(state.producers, bounds.plans, strict=True))
        if one.sent
    }
    answers = frozenset(one for one in state.answers if (one.producer, one.batch) in awaited)
    return state._replace(answers=answers)


def _given_up(producer: _Producer) -> _Producer:
    """Return a producer that reports its batch as unknown and begins anew. (PRODUCER-022)"""
    return producer._replace(
        epoch=producer.epoch + 1,
        following=(0,) * len(producer.following),
        outcomes=(*producer.outcomes, "unknown"),
        sent=False,
        give_ups=producer.give_ups + 1,
    )


def _replace(state: _State, number: int, producer: _Producer) -> _State:
    producers = list(state.producers)
    producers[number] = producer
    return state._replace(producers=tuple(producers))


def _check(state: _State, bounds: Bounds) -> None:
    """Raise Fault for a batch that stands twice, is lost, or has overtaken another one."""
    for number, producer in enumerate(state.producers):
        for partition, log in enumerate(state.logs):
            places = [int(batch.tag.partition("-")[2]) for _, batch in log if batch.producer == f"p{number}"]
            if len(set(places)) < len(places):
                raise Fault(f"a batch of p{number} stands twice in partition {partition}: {log}")
            for place, outcome in enumerate(producer.outcomes):
                if bounds.plans[number][place][0] == partition and outcome == "acknowledged" and place not in places:
                    raise Fault(f"batch {place} of p{number} was acknowledged and does not stand in {partition}: {log}")
            acknowledged = [place for place in places if producer.outcomes[place : place + 1] == ("acknowledged",)]
            if acknowledged != sorted(acknowledged):
                raise Fault(f"batches of p{number} stand in another order in partition {partition}: {log}")


def _is_settled(state: _State, bounds: Bounds) -> bool:
    return all(len(one.outcomes) == len(plan) for one, plan in zip(state.producers, bounds.plans, strict=True))


def _check_all_can_settle(before: dict[_State, set[_State]], settled: list[_State]) -> None:
    can = set(settled)
    waiting = deque(settled)
    while waiting:
        for state in before[waiting.popleft()] - can:
            can.add(state)
            waiting.append(state)
    for state in before:
        if state not in can:
            raise Fault(f"nothing leads on from {state}")
