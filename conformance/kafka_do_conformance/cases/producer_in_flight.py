"""Idempotent producers, clients: several batches to one partition on their way, which may arrive in another order."""

import json
import threading
from collections.abc import Sequence
from typing import Any, Literal

from kafka_do_conformance.case import client_case
from kafka_do_conformance.peer import ScriptedAnswer
from kafka_do_conformance.producer_peer import Answer, ProducerPeer, SeenBatch, problem
from kafka_do_conformance.session import ClientSession, fresh_name
from kafka_do_conformance.verdict import Exchange, Mismatch, Violation

_SIZES = (2, 1, 3, 1, 1, 2, 1, 2)
_MOST = 5
_PATIENCE_S = 2.0
_SOON_S = 0.15
_LATE_S = 0.06
_OUT_OF_ORDER = problem(409, "out_of_order_sequence", topic="t", partition=0)
_FENCED = problem(409, "producer_fenced", topic="t", partition=0)
_TOO_LARGE = problem(413, "message_too_large", topic="t", partition=0)
_DROP = ScriptedAnswer(fault="drop-before-answer")

Fate = Literal["appended", "refused", "lost"]


class _Partition(ProducerPeer):
    """A server that looks at the numbers, and meets the first batch of what comes now after others that overtake it.

    It has its `fate` a while after others were refused before it, or when none come for `patience_s`. Those are told of
    it once as many are on their way as the client lets, before that; but the first of them only afterwards.
    """

    def __init__(self) -> None:
        super().__init__(partitions=1)
        self._changed = threading.Condition()
        self._epoch_now = 0
        self._next = 0
        self._patience_s = 0.0
        self._fate: Fate | None = None
        self._held: tuple[Any, ...] | None = None
        self.overtook = 0
        self.refused_again: list[SeenBatch] = []

    def overtake(self, fate: Fate, *, patience_s: float = _PATIENCE_S) -> None:
        """Say what becomes of the batch that comes next in order."""
        self.batches.clear()
        self._fate, self._patience_s = fate, patience_s

    def judged(self, batch: SeenBatch) -> Answer:
        """Return the answer to a batch, or what waits for those that overtake it."""
        _, _, epoch, base = batch.numbered
        with self._changed:
            if not isinstance(epoch, int) or epoch < self._epoch_now:
                return _FENCED
            if epoch > self._epoch_now and base == 0:
                self._epoch_now, self._next = epoch, batch.records
                answer = self.appended(batch)
                return ScriptedAnswer(answer.status, answer.headers, answer.body, hold_s=_LATE_S)
            if epoch > self._epoch_now or base != self._next:
                return self._refused(batch)
            if self._fate is not None:
                self._held, fate, self._fate = batch.numbered, self._fate, None
                return lambda: self._decided(batch, fate)
            if batch.numbered == self._held:
                return _OUT_OF_ORDER  # the repetition of what was lost
            self._next += batch.records
            return self.appended(batch)

    def _refused(self, batch: SeenBatch) -> ScriptedAnswer:
        if sum(one.numbered == batch.numbered for one in self.batches) > 1:
            self.refused_again.append(batch)
        self.overtook += 1
        self._changed.notify_all()
        hold_s = 3 * _LATE_S if self.overtook == 1 else _LATE_S
        return ScriptedAnswer(_OUT_OF_ORDER.status, _OUT_OF_ORDER.headers, _OUT_OF_ORDER.body, hold_s=hold_s)

    def _decided(self, batch: SeenBatch, fate: Fate) -> ScriptedAnswer:
        with self._changed:
            if self._changed.wait_for(lambda: self.overtook > 0, self._patience_s):
                self._changed.wait_for(lambda: self.overtook >= _MOST, _LATE_S)
                self._changed.wait_for(lambda: bool(self.refused_again), _LATE_S)
            if fate == "refused":
                return _TOO_LARGE
            if fate == "lost":
                return _DROP
            self._held = None
            self._next += batch.records
            return self.appended(batch)


class _Client:
    """The client under test, which sends to one partition of a peer."""

    def __init__(self, session: ClientSession, peer: _Partition) -> None:
        self._session = session
        self._peer = peer
        self._topic = fresh_name()

    def begin(self) -> None:
        """Have one record appended, so that more may be on their way afterwards."""
        answer = self._session.adapter.ask(
            "produce", url=self._peer.url, topic=self._topic, idempotent=True, records=_records("first", 1)
        )
        if _offsets(answer.get("ok", {}).get("results", [])) != [0]:
            self.fail("the first record", Mismatch("report", "offset 0", json.dumps(answer)))

    def at_once(self) -> list[list[dict[str, Any]]]:
        """Have batches sent at the same time, and return the reports of each."""
        batches = [_records(f"{number}", size) for number, size in enumerate(_SIZES)]
        answer = self._session.adapter.ask("produce_at_once", url=self._peer.url, topic=self._topic, batches=batches)
        found = answer.get("ok", {}).get("batches", [])
        if [len(one) for one in found] != list(_SIZES):
            self.fail("at once", Mismatch("answer", "a report for each record of each batch", json.dumps(answer)))
        return list(found)

    def fail(self, step: str, *found: Mismatch) -> None:
        """Raise Violation."""
        exchanges = [*self._peer.exchanges(), Exchange("the last of them", "oldest first")]
        raise Violation(step, list(found), exchanges[:-1])

    def check_order(self, batches: Sequence[SeenBatch]) -> None:
        """Expect that no more were on their way than may be, and that none was sent again while that was of no use."""
        most = 1 + max(batch.beside for batch in batches)
        if most > _MOST:
            self.fail("at once", Mismatch("batches on their way", f"{_MOST} at most", str(most)))
        if self._peer.refused_again:
            words = "only once every batch before it has ended"
            self.fail("sent again", Mismatch(f"batch {self._peer.refused_again[0].numbered}", words, "earlier"))


def _records(name: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "key": None,
            "value": {"json": json.dumps(f"{name}-{place}")},
            "headers": [],
            "timestamp_ms": None,
            "partition": 0,
        }
        for place in range(count)
    ]


def _offsets(reports: Sequence[dict[str, Any]]) -> list[int | None]:
    return [int(report["offset"]["int64"]) if "offset" in report else None for report in reports]


def _values(batch: SeenBatch) -> list[str]:
    return [record["value"] for record in json.loads(batch.body)["records"]]


@client_case(
    title="Until a partition has acknowledged a batch, no second one is on its way",
    requirements=["PRODUCER-020", "PRODUCER-025"],
    hint="A partition that does not know the producer takes what comes first, and then never what was before it.",
)
def client_sends_one_at_first(session: ClientSession) -> None:
    """Send batches at once with a producer that is new, and hold up the answer to the first."""
    with _Partition() as peer:
        client = _Client(session, peer)
        peer.overtake("appended", patience_s=_SOON_S)
        reports = client.at_once()
        if peer.batches[1].beside:
            client.fail("a new producer", Mismatch("batches before the first answer", "one", str(peer.batches[:2])))
        if sorted(offset for one in reports for offset in _offsets(one) if offset is not None) != list(
            range(sum(_SIZES))
        ):
            client.fail("a new producer", Mismatch("reports", "all appended", json.dumps(reports)))


@client_case(
    title="A batch that has overtaken another is sent again, as it is, when that one has ended",
    requirements=["PRODUCER-025", "PRODUCER-020"],
    hint="out_of_order_sequence on a first try, while an earlier batch is unanswered, says only that it came first.",
)
def client_overtakes(session: ClientSession) -> None:
    """Hold up a batch until others have overtaken it, and append it then."""
    with _Partition() as peer:
        client = _Client(session, peer)
        client.begin()
        peer.overtake("appended")
        reports = client.at_once()
        if peer.overtook == 0:
            client.fail("at once", Mismatch("batches on their way", "several: it declares `in_flight`", "one"))
        client.check_order(peer.batches)
        landed = [_offsets(one) for one in reports]
        if sorted(offset or 0 for one in landed for offset in one) != list(range(1, 1 + sum(_SIZES))) or any(
            one != list(range(one[0] or 0, (one[0] or 0) + len(one))) for one in landed
        ):
            client.fail("reports", Mismatch("reports", "each batch appended as a whole, once", json.dumps(reports)))
        first = {batch.numbered: batch.body for batch in reversed(peer.batches)}
        for batch in peer.batches:
            if batch.body != first[batch.numbered]:
                client.fail("sent again", Mismatch(f"batch {batch.numbered}", str(first[batch.numbered]), str(batch)))
        epochs = sorted({batch.numbered[2] for batch in peer.batches})
        if epochs != [0]:
            client.fail("sent again", Mismatch("epochs", "[0]: no count is lost", str(epochs)))


@client_case(
    title="What was on its way behind a batch that failed is numbered anew, under the next epoch and in its order",
    requirements=["PRODUCER-026", "PRODUCER-020"],
    hint="Its numbers will never be right. Wait until nothing is on its way, raise the epoch, send it before the rest.",
)
def client_fails_before_others(session: ClientSession) -> None:
    """Have a batch refused, and another lost, after others have overtaken it."""
    fates: tuple[tuple[Fate, str, bool], ...] = (
        ("refused", "message_too_large", False),
        ("lost", "out_of_order_sequence", True),
    )
    for fate, code, indeterminate in fates:
        with _Partition() as peer:
            client = _Client(session, peer)
            client.begin()
            peer.overtake(fate)
            reports = client.at_once()
            client.check_order(peer.batches)
            old = [batch for batch in peer.batches if batch.numbered[2] == 0]
            new = [batch for batch in peer.batches if batch.numbered[2] != 0]
            failed = [
                (error["code"], error["indeterminate"])
                for one in reports
                for error in (report.get("error") for report in one)
                if error is not None
            ]
            head = min(old, key=lambda batch: batch.numbered[3])
            if failed != [(code, indeterminate)] * head.records:
                words = f"{head.records} with {code}, indeterminate {indeterminate}; all others appended"
                client.fail(fate, Mismatch("reports", words, json.dumps(reports)))
            if peer.batches != [*old, *new]:
                client.fail(fate, Mismatch("batches", "none under the old epoch after the new", str(peer.batches)))
            if not new or new[0].beside:
                words = "once nothing is on its way under the old one"
                client.fail(fate, Mismatch("the first batch of the new epoch", words, str(new[:1])))
            if len(new) > 1 and new[1].beside:
                words = "once the first one is acknowledged"
                client.fail(fate, Mismatch("the second batch of the new epoch", words, str(new[1])))
            before = [values for values in _in_order(old) if values != _values(head)]
            if _in_order(new)[: len(before)] != before:
                client.fail(fate, Mismatch("order under the new epoch", str(before), str(_in_order(new))))


def _in_order(batches: Sequence[SeenBatch]) -> list[list[str]]:
    """Return the values of batches by their numbers, each batch once."""
    found = {batch.numbered[3]: _values(batch) for batch in batches}
    return [found[base] for base in sorted(found)]
