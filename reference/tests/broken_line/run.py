"""Producers and consumers behind a line that breaks: `python reference/tests/broken_line/run.py --seeds 1-20`.

A server process, and before it a proxy that does something wrong with every fourth request: cuts the connection before
the server has the request, at once or after a silence, or when it has answered, or in the middle of the answer; sends
it twice; is late. Which request meets what, the seed says. Producers of both skins send, the members of a group read
and commit, and come and go. In the end the server is read directly, and the checker of histories has to find nothing:
no acknowledged record lost, none twice in a log, none out of order. And the group has been given every one of them.

It prints a line for each seed, and ends with 1 if something is wrong, or if the line broke too seldom to show anything.
"""

import argparse
import asyncio
import contextlib
import itertools
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple, Self

from kafka_do import Client, KafkaError, Message, Producer, RecordMetadata, aio
from kafka_do.client.messages import BatchError
from kafka_do_conformance.histories.anomaly import Anomaly
from kafka_do_conformance.histories.checker import check
from kafka_do_conformance.histories.events import NEVER, Event, Partition, Polled, Produced
from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest
from kafka_do_conformance.relay import passed_on
from tests.conftest import serving

_TOPIC = "orders"
_GROUP = "billing"
_PARTITIONS = 3
_SENDERS = ("one by one", "batches", "queue", "tasks", "at once", "threads")
_BATCHES = 25
_THREADS = 6
_MOST_RECORDS = 6
_POLLS = 5  # of a member that comes and goes
_SESSION_MS = 6_000
_HEARTBEAT_MS = 100
_TIMEOUT_MS = 10_000
_RETRIES = 20
_SILENCE_MS = 400
_DEADLINE_S = 10.0
_PATIENCE_S = 60.0
_BROKEN = 0.25
_LATE_S = 0.03
_KINDS = {"cut": 4, "swallowed": 4, "torn": 4, "doubled": 4, "late": 4, "silent": 1}
_LEAST = {"cut": 10, "swallowed": 10, "torn": 10, "doubled": 10, "late": 10, "silent": 1}
_LEAST_ASSIGNMENTS = 6


class BrokenLine:
    """A proxy before the server at `url`, which breaks as the seed says. Use it as a context manager."""

    def __init__(self, url: str, seed: int) -> None:
        self.struck: Counter[str] = Counter()
        self._url = url
        self._chance = random.Random(seed)  # noqa: S311
        self._peer = Peer(relays=True)
        self._peer.follow(self._meet)

    def __enter__(self) -> Self:
        self._peer.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._peer.__exit__()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._peer.url

    def _meet(self, request: SeenRequest) -> Callable[[], ScriptedAnswer]:
        kind = "whole"
        if self._chance.random() < _BROKEN:
            kind = self._chance.choices(list(_KINDS), list(_KINDS.values()))[0]
            self.struck[kind] += 1
        late_s = self._chance.random() * _LATE_S
        return lambda: self._answer(request, kind, late_s)

    def _answer(self, request: SeenRequest, kind: str, late_s: float) -> ScriptedAnswer:
        if kind in ("cut", "silent"):
            return ScriptedAnswer(fault="drop-before-answer", hold_s=_SILENCE_MS / 1000 if kind == "silent" else 0.0)
        if kind == "late":
            time.sleep(late_s)
        if kind == "doubled":
            passed_on(request, self._url, _DEADLINE_S)
        answer = passed_on(request, self._url, _DEADLINE_S)
        fault = {"swallowed": "drop-before-answer", "torn": "drop-in-answer"}.get(kind)
        return replace(answer, fault=answer.fault or fault)


class Told(NamedTuple):
    """What a run came to."""

    sent: int
    acknowledged: int
    anomalies: list[Anomaly]
    not_given: list[str]
    struck: Counter[str]
    assignments: int

    @property
    def lacking(self) -> list[str]:
        """Return what there was too little of."""
        counts = {**{kind: self.struck[kind] for kind in _LEAST}, "assignments": self.assignments}
        wanted = {**_LEAST, "assignments": _LEAST_ASSIGNMENTS}
        return [f"{name}: {counts[name]} of {least}" for name, least in wanted.items() if counts[name] < least]

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong, although much was done to it."""
        return not self.anomalies and not self.not_given and not self.lacking and self.acknowledged > 0


class History:
    """What everybody saw, by one counter."""

    def __init__(self, topic_id: str) -> None:
        self.events: list[Event] = []
        self.given: set[str] = set()
        self.assignments = 0
        self._topic_id = topic_id
        self._ticks = itertools.count()

    def tick(self) -> int:
        """Return the next reading of the counter."""
        return next(self._ticks)

    def sent(self, who: str, start: int, message: Message[str], outcome: RecordMetadata | KafkaError) -> None:
        """Note what became of a record, to which its message names a partition."""
        is_known = isinstance(outcome, RecordMetadata) or not outcome.indeterminate
        self.events.append(
            Produced(
                process=who,
                start=start,
                end=self.tick() if is_known else NEVER,
                partition=Partition(self._topic_id, message.partition or 0),
                values=(message.value,),
                outcome="ok" if isinstance(outcome, RecordMetadata) else "refused" if is_known else "unknown",
                offsets=(outcome.offset,) if isinstance(outcome, RecordMetadata) else (),
                code=outcome.code if isinstance(outcome, KafkaError) else "",
            )
        )

    def read(self, who: str, start: int, messages: Sequence[Any], number: int, position: int | None = None) -> None:
        """Note what was read of a partition, in one go."""
        records = tuple((one.offset, one.value) for one in messages if one.partition == number)
        if records:
            self.events.append(
                Polled(
                    process=who,
                    start=start,
                    end=self.tick(),
                    partition=Partition(self._topic_id, number),
                    position=records[0][0] if position is None else position,
                    records=records,
                    next_offset=records[-1][0] + 1,
                )
            )

    @property
    def acknowledged(self) -> set[str]:
        """The values of which somebody was told that they are appended."""
        return {one.values[0] for one in self.events if isinstance(one, Produced) and one.outcome == "ok"}


class Reader:
    """What one member of the group notes: each time that it is assigned a partition it begins anew there."""

    def __init__(self, who: str, history: History) -> None:
        self._who = who
        self._history = history
        self._turns: Counter[int] = Counter()
        self._next: dict[int, int] = {}

    def options(self) -> dict[str, Any]:
        """Return what the consumer is made with."""
        return {
            "session_timeout_ms": _SESSION_MS,
            "heartbeat_interval_ms": _HEARTBEAT_MS,
            "max_poll_records": _MOST_RECORDS,
            "on_assigned": self._assigned,
        }

    def note(self, start: int, messages: Sequence[Any]) -> None:
        """Note what a call has given."""
        for number in sorted({message.partition for message in messages}):
            self._history.read(f"{self._who} {self._turns[number]}", start, messages, number, self._next.get(number))
            self._next[number] = max(one.offset for one in messages if one.partition == number) + 1
        self._history.given.update(message.value for message in messages)

    def _assigned(self, places: list[tuple[str, int]]) -> None:
        self._history.assignments += 1
        for _, number in places:
            self._turns[number] += 1
            self._next.pop(number, None)


def run(seed: int) -> Told:
    """Run once; raises TimeoutError where the work does not get done."""
    with serving() as url, Client(url) as direct, BrokenLine(url, seed) as line:
        direct.admin().create_topic(_TOPIC, partitions=_PARTITIONS)
        history = History(direct.admin().describe_topic(_TOPIC).topic_id)
        _work(line.url, history, seed)
        for number in range(_PARTITIONS):
            start, found = history.tick(), direct.read(_TOPIC, number, offset=0, max_records=10_000)
            history.read("the end", start, found.messages, number)
        return Told(
            sent=sum(isinstance(one, Produced) for one in history.events),
            acknowledged=len(history.acknowledged),
            anomalies=check(history.events),
            not_given=sorted(history.acknowledged - history.given),
            struck=line.struck,
            assignments=history.assignments,
        )


def _work(url: str, history: History, seed: int) -> None:
    """Produce and consume until all is produced and the group has been given what was acknowledged."""
    over = threading.Event()
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def perform() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001  it is raised below
                failures.append(error)

        thread = threading.Thread(target=perform, daemon=True)
        thread.start()
        return thread

    batches = {who: _batches(who, seed) for who in _SENDERS}
    reading = [
        guarded(lambda: _come_and_go(url, history, "restless", over)),
        guarded(lambda: _consume(url, history, "faithful", over)),
        guarded(lambda: asyncio.run(_consume_in_loop(url, history, "in a loop", over))),
    ]
    sending = [
        guarded(lambda: _send_one_by_one(url, history, "one by one", batches["one by one"])),
        guarded(lambda: _send_batches(url, history, "batches", batches["batches"])),
        guarded(lambda: _send_through_queue(url, history, "queue", batches["queue"])),
        guarded(lambda: asyncio.run(_send_in_loop(url, history, "tasks", batches["tasks"]))),
        guarded(lambda: asyncio.run(_send_at_once(url, history, "at once", batches["at once"]))),
        guarded(lambda: _send_in_threads(url, history, "threads", batches["threads"])),
    ]
    ends = time.monotonic() + _PATIENCE_S
    for thread in sending:
        thread.join(max(0.0, ends - time.monotonic()))
    while not failures and history.acknowledged - history.given and time.monotonic() < ends:
        time.sleep(0.01)
    over.set()
    for thread in reading:
        thread.join(_PATIENCE_S)
    if failures:
        raise failures[0]
    if any(thread.is_alive() for thread in (*sending, *reading)):
        raise TimeoutError("somebody did not get done")


def _batches(who: str, seed: int) -> list[list[Message[str]]]:
    chance = random.Random(f"{who} {seed}")  # noqa: S311
    return [
        [
            Message(f"{who} {batch}.{number}", partition=chance.randrange(_PARTITIONS))
            for number in range(chance.randint(1, _MOST_RECORDS))
        ]
        for batch in range(_BATCHES)
    ]


def _send_one_by_one(url: str, history: History, who: str, batches: list[list[Message[str]]]) -> None:
    with Client(url, timeout_ms=_TIMEOUT_MS, retries=_RETRIES) as client:
        producer = client.producer(_TOPIC, retries=_RETRIES)
        for message in itertools.chain(*batches):
            start = history.tick()
            try:
                history.sent(who, start, message, producer.send(message))
            except KafkaError as error:
                history.sent(who, start, message, error)


def _outcomes(error: KafkaError, count: int) -> Sequence[RecordMetadata | KafkaError]:
    return error.results if isinstance(error, BatchError) else [error] * count


def _send_batches(url: str, history: History, who: str, batches: list[list[Message[str]]]) -> None:
    with Client(url, timeout_ms=_TIMEOUT_MS, retries=_RETRIES) as client:
        producer = client.producer(_TOPIC, retries=_RETRIES, compression="gzip")
        for batch in batches:
            _send_batch(producer, history, who, batch)


def _send_in_threads(url: str, history: History, who: str, batches: list[list[Message[str]]]) -> None:
    """Have several threads send with one producer, so that several batches are on their way to a partition."""
    with Client(url, timeout_ms=_TIMEOUT_MS, retries=_RETRIES) as client, ThreadPoolExecutor(_THREADS) as pool:
        producer = client.producer(_TOPIC, retries=_RETRIES)
        sent = [
            pool.submit(_send_batch, producer, history, f"{who} {number}", batch)
            for number, batch in enumerate(batches)
        ]
        for one in sent:
            one.result()


def _send_batch(producer: Producer[Any], history: History, who: str, batch: list[Message[str]]) -> None:
    start = history.tick()
    outcomes: Sequence[RecordMetadata | KafkaError]
    try:
        outcomes = producer.send_batch(batch)
    except KafkaError as error:
        outcomes = _outcomes(error, len(batch))
    for message, outcome in zip(batch, outcomes, strict=True):
        history.sent(who, start, message, outcome)


async def _send_in_loop(url: str, history: History, who: str, batches: list[list[Message[str]]]) -> None:
    async with aio.Client(url, timeout_ms=_TIMEOUT_MS, retries=_RETRIES) as client:
        producer = client.producer(_TOPIC, retries=_RETRIES)
        for batch in batches:
            await _send_task(producer, history, who, batch)


async def _send_at_once(url: str, history: History, who: str, batches: list[list[Message[str]]]) -> None:
    async with aio.Client(url, timeout_ms=_TIMEOUT_MS, retries=_RETRIES) as client:
        producer = client.producer(_TOPIC, retries=_RETRIES)
        await asyncio.gather(
            *(_send_task(producer, history, f"{who} {number}", batch) for number, batch in enumerate(batches))
        )


async def _send_task(producer: aio.Producer[Any], history: History, who: str, batch: list[Message[str]]) -> None:
    start = history.tick()
    outcomes: Sequence[RecordMetadata | KafkaError]
    try:
        outcomes = await producer.send_batch(batch)
    except KafkaError as error:
        outcomes = _outcomes(error, len(batch))
    for message, outcome in zip(batch, outcomes, strict=True):
        history.sent(who, start, message, outcome)


def _send_through_queue(url: str, history: History, who: str, batches: list[list[Message[str]]]) -> None:
    waiting: dict[str, tuple[int, Message[str]]] = {}

    def reported(report: Any) -> None:
        start, message = waiting.pop(report.value.value)
        history.sent(who, start, message, report.metadata or report.error)

    with (
        Client(url, timeout_ms=_TIMEOUT_MS, retries=_RETRIES) as client,
        client.async_producer(_TOPIC, retries=_RETRIES, linger_ms=1, batch_bytes=200, on_report=reported) as producer,
    ):
        for message in itertools.chain(*batches):
            waiting[message.value] = history.tick(), message
            producer.send(message)


def _come_and_go(url: str, history: History, who: str, over: threading.Event) -> None:
    for visit in itertools.count():
        if over.is_set():
            return
        _consume(url, history, f"{who} {visit}", over, polls=_POLLS)


def _consume(url: str, history: History, who: str, over: threading.Event, polls: int = sys.maxsize) -> None:
    reader = Reader(who, history)
    with (
        Client(url, timeout_ms=_TIMEOUT_MS, retries=_RETRIES) as client,
        client.consumer(_TOPIC, _GROUP, **reader.options()) as consumer,
    ):
        for _ in range(polls):
            if over.is_set():
                return
            start = history.tick()
            with contextlib.suppress(KafkaError):
                reader.note(start, consumer.poll(50))
            with contextlib.suppress(KafkaError):
                consumer.commit()


async def _consume_in_loop(url: str, history: History, who: str, over: threading.Event) -> None:
    reader = Reader(who, history)
    async with (
        aio.Client(url, timeout_ms=_TIMEOUT_MS, retries=_RETRIES) as client,
        client.consumer(_TOPIC, _GROUP, **reader.options()) as consumer,
    ):
        while not over.is_set():
            start = history.tick()
            with contextlib.suppress(KafkaError):
                reader.note(start, await consumer.poll(50))
            with contextlib.suppress(KafkaError):
                await consumer.commit()


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> int:
    """Run for each seed, and tell."""
    parser = argparse.ArgumentParser(description="Producers and consumers behind a line that breaks.")
    parser.add_argument("--seeds", type=_seeds, default=_seeds("1-5"), metavar="FIRST-LAST")
    wrong = 0
    for seed in parser.parse_args().seeds:
        begun = time.monotonic()
        told = run(seed)
        wrong += not told.is_right
        faults = ", ".join(f"{count} {kind}" for kind, count in sorted(told.struck.items()))
        print(
            f"seed {seed}: {'right' if told.is_right else 'WRONG'}, {told.acknowledged} of {told.sent} acknowledged;"
            f" {faults}; {told.assignments} assignments; {time.monotonic() - begun:.1f} s",
            flush=True,
        )
        for anomaly in told.anomalies[:5]:
            print(f"  {anomaly.kind}: {anomaly.evidence}")
        for what in (*told.lacking, *told.not_given[:5]):
            print(f"  {what}")
    print(f"seeds that were wrong: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
