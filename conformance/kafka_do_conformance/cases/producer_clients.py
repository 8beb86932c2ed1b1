"""Idempotent producers, clients: what is numbered how, what is sent again, and what is reported."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from kafka_do.spec import data_root
from kafka_do_conformance.case import client_case
from kafka_do_conformance.peer import ScriptedAnswer
from kafka_do_conformance.producer_peer import ProducerPeer, SeenBatch, problem
from kafka_do_conformance.session import ClientSession, fresh_name
from kafka_do_conformance.verdict import Exchange, Mismatch, NotApplicable, Violation

_KEYS = 40
_LOST = {"drop before the answer": "drop-before-answer", "drop in the answer": "drop-in-answer"}
_AGAIN = {
    "not_leader": problem(503, "not_leader", topic="t", partition=0, retriable=True),
    "not_enough_replicas_after_append": problem(
        503, "not_enough_replicas_after_append", topic="t", retriable=True, indeterminate=True
    ),
    "timeout": problem(504, "timeout", retriable=True, indeterminate=True),
    "timeout as of a plain produce": problem(504, "timeout", indeterminate=True),
    "502 of a proxy": ScriptedAnswer(502, (("Content-Type", "text/html"),), b"<h1>Bad gateway</h1>"),
}
_OUT_OF_ORDER = problem(409, "out_of_order_sequence", topic="t", partition=0)
_FENCED = problem(409, "producer_fenced", topic="t", partition=0)
_TOO_LARGE = problem(413, "message_too_large", topic="t", partition=0)
_DROP = ScriptedAnswer(fault="drop-before-answer")

Record = dict[str, Any]
Numbered = tuple[int, Any, Any, Any]


class _Client:
    """The client under test, sending to one topic of a peer."""

    def __init__(self, session: ClientSession, peer: ProducerPeer) -> None:
        self._session = session
        self.peer = peer
        self._topic = fresh_name()

    def produce(self, *records: Record) -> list[dict[str, Any]]:
        """Have records sent by the idempotent producer and return a report for each: a place or an error."""
        answer = self._session.adapter.ask(
            "produce", url=self.peer.url, topic=self._topic, idempotent=True, records=list(records)
        )
        if "ok" in answer:
            results: list[dict[str, Any]] = answer["ok"]["results"]
            return results
        if "error" in answer:
            return [{"error": answer["error"]}] * len(records)
        if "unsupported" in answer and "producers" not in self._session.adapter.hello()["features"]:
            raise NotApplicable("the client does not declare producers")
        self.fail("produce", Mismatch("answer", "what became of the records", json.dumps(answer)))
        return []

    def sent(self, step: str, wanted: Sequence[Numbered]) -> list[SeenBatch]:
        """Expect batches (partition, id, epoch, number) since the last call, these and no others; return them."""
        seen = list(self.peer.batches)
        self.peer.batches.clear()
        found = [batch.numbered for batch in seen]
        if found != list(wanted):
            self.fail(step, Mismatch("batches (partition, id, epoch, base_sequence)", str(list(wanted)), str(found)))
        return seen

    def appended(self, step: str, reports: list[dict[str, Any]], offsets: Sequence[int]) -> None:
        """Expect that records were reported as appended, at these offsets."""
        seen = [report.get("offset", {}).get("int64", json.dumps(report)) for report in reports]
        if seen != [str(offset) for offset in offsets]:
            self.fail(step, Mismatch("report", f"offsets {list(offsets)}", json.dumps(reports)))

    def failed(self, step: str, reports: list[dict[str, Any]], code: str, *, indeterminate: bool) -> None:
        """Expect that every record was reported with this error."""
        for report in reports:
            error = report.get("error", {})
            if (error.get("code"), error.get("indeterminate")) != (code, indeterminate):
                self.fail(step, Mismatch("report", f"{code}, indeterminate {indeterminate}", json.dumps(report)))

    def fail(self, step: str, *found: Mismatch) -> None:
        """Raise Violation."""
        exchanges = [*self.peer.exchanges(), Exchange("the last of them", "oldest first")]
        raise Violation(step, list(found), exchanges[:-1])


def _record(value: Any, *, partition: int | None = 0, key: bytes | None = None) -> Record:
    told = None if key is None else {"bytes": base64.b64encode(key).decode()}
    text = json.dumps(value)
    return {"key": told, "value": {"json": text}, "headers": [], "timestamp_ms": None, "partition": partition}


@client_case(
    title="Records are numbered from 0 in each partition, one by one",
    requirements=["PRODUCER-017"],
    hint="Count records, not batches; each partition has its own numbers; one id serves all of them.",
)
def client_numbers(session: ClientSession) -> None:
    """Send batches of several sizes to two partitions."""
    with ProducerPeer() as peer:
        client = _Client(session, peer)
        for step, (partition, base, size) in enumerate([(0, 0, 2), (1, 0, 1), (0, 2, 3), (1, 1, 1), (0, 5, 1)]):
            reports = client.produce(*[_record(f"{step}-{n}", partition=partition) for n in range(size)])
            client.appended(f"batch {step}", reports, range(base, base + size))
            (batch,) = client.sent(f"batch {step}", [(partition, "7001", 0, base)])
            values = [record.get("value") for record in json.loads(batch.body)["records"]]
            if values != [f"{step}-{n}" for n in range(size)]:
                client.fail(f"batch {step}", Mismatch("values", f"{size} of batch {step}", json.dumps(values)))
        if peer.allocated != 1:
            client.fail("allocate", Mismatch("ids", "one for all batches", str(peer.allocated)))


@client_case(
    title="Records go to the partition of their key, one batch to each partition",
    requirements=["PRODUCER-018", "PRODUCER-017"],
    hint="murmur2 of the key's bytes, as servers do it (PRODUCE-002): the idempotent form names its partition.",
)
def client_partitions(session: ClientSession) -> None:
    """Send keys to topics of two and of seven partitions, and records without a key or with a partition."""
    rows = json.loads((data_root() / "fixtures" / "murmur2.json").read_text("utf-8"))["rows"]
    for count in (2, 7):
        keys = [
            (bytes.fromhex(row["key_hex"]), row["partitions"][str(count)])
            for row in rows
            if str(count) in row["partitions"]
        ][:_KEYS]
        with ProducerPeer(partitions=count) as peer:
            client = _Client(session, peer)
            reports = client.produce(*[_record(place, partition=None, key=key) for place, (key, _) in enumerate(keys)])
            seen = [report.get("partition") for report in reports]
            wanted = [partition for _, partition in keys]
            if seen != wanted:
                client.fail(f"{count} partitions", Mismatch("partitions", str(wanted), json.dumps(seen)))
            used = sorted(batch.numbered for batch in peer.batches)
            if used != [(partition, "7001", 0, 0) for partition in sorted(set(wanted))]:
                client.fail(f"{count} partitions", Mismatch("batches", "one for each partition, from 0", str(used)))
            reports = client.produce(_record("own", partition=1, key=keys[0][0]), _record("none", partition=None))
            if reports[0].get("partition") != 1 or reports[1].get("partition") not in range(count):
                client.fail("without a key", Mismatch("partitions", "1, and any", json.dumps(reports)))


@client_case(
    title="A batch without an answer that counts is sent again, byte for byte, before any other to its partition",
    requirements=["PRODUCER-019", "PRODUCER-020"],
    hint="The same records to the same partition with the same id, epoch and number, until there is an answer.",
)
def client_sends_again(session: ClientSession) -> None:
    """Lose answers in every way, at a first batch and at later ones, of records that the client has to spread."""
    whole = json.dumps({"results": [{"partition": 0, "offset": 0, "timestamp_ms": 1}] * 2}).encode()
    json_type = (("Content-Type", "application/json"),)
    lost = {name: ScriptedAnswer(200, json_type, whole, fault) for name, fault in _LOST.items()}
    for name, answer in {**lost, **_AGAIN}.items():
        with ProducerPeer() as peer:
            client = _Client(session, peer)
            for turn in (0, 1):
                peer.plan.append(answer)
                reports = client.produce(_record("a", partition=None), _record("b", partition=None))
                first, *again = peer.batches
                peer.batches.clear()
                if [(one.target, one.body) for one in again] != [(first.target, first.body)]:
                    repeated = Mismatch("the second try", f"{first.target} {first.body!r}", str(again))
                    client.fail(f"{name}, turn {turn}", repeated)
                if first.numbered[1:3] != ("7001", 0):
                    client.fail(name, Mismatch("id and epoch", "7001, 0", str(first.numbered)))
                base = first.numbered[3]
                client.appended(f"{name}, turn {turn}", reports, (base, base + 1))


@client_case(
    title="What is out of order on a repetition is reported as unknown and never sent under other numbers",
    requirements=["PRODUCER-021", "PRODUCER-022"],
    hint="The first try may have been appended, and more than five batches ago. Raise the epoch for the next batch.",
)
def client_out_of_order_on_a_repetition(session: ClientSession) -> None:
    """Lose an answer, have the repetition refused, and go on in two partitions."""
    with ProducerPeer() as peer:
        client = _Client(session, peer)
        for partition in (0, 1):
            client.appended("before", client.produce(_record("before", partition=partition)), [0])
        client.sent("before", [(0, "7001", 0, 0), (1, "7001", 0, 0)])
        for epoch in (0, 1):
            base = 1 if epoch == 0 else 0
            peer.plan.extend([_DROP, _OUT_OF_ORDER])
            reports = client.produce(_record("lost"), _record("lost as well"))
            client.sent("the repetition", [(0, "7001", epoch, base)] * 2)
            client.failed("the repetition", reports, "out_of_order_sequence", indeterminate=True)
        client.appended("after", client.produce(_record("after")), [1])
        client.appended("after", client.produce(_record("after", partition=1)), [1])
        client.appended("after", client.produce(_record("later")), [2])
        client.sent("after", [(0, "7001", 2, 0), (1, "7001", 2, 0), (0, "7001", 2, 1)])


@client_case(
    title="Out of order on a first try is no reason to send it again, and the next batch begins anew",
    requirements=["PRODUCER-022"],
    hint="Nothing was appended, so it is not indeterminate. Above the epoch 32767 comes a new id.",
)
def client_begins_anew(session: ClientSession) -> None:
    """Have a batch refused as out of order, at the epoch 32766, and another at 32767."""
    with ProducerPeer(epoch=32766) as peer:
        client = _Client(session, peer)
        client.appended("before", client.produce(_record("before")), [0])
        peer.plan.append(_OUT_OF_ORDER)
        reports = client.produce(_record("refused"))
        client.failed("a first try", reports, "out_of_order_sequence", indeterminate=False)
        client.appended("the next epoch", client.produce(_record("next")), [1])
        client.appended("the next epoch", client.produce(_record("next", partition=1)), [0])
        peer.plan.append(_OUT_OF_ORDER)
        reports = client.produce(_record("refused"))
        client.failed("in the last epoch", reports, "out_of_order_sequence", indeterminate=False)
        client.appended("a new id", client.produce(_record("new")), [2])
        epochs = [("7001", 32766), ("7001", 32766), ("7001", 32767), ("7001", 32767), ("7001", 32767), ("7002", 32766)]
        numbers = [(0, 0), (0, 1), (0, 0), (1, 0), (0, 1), (0, 0)]
        wanted = [(place, *epoch, number) for (place, number), epoch in zip(numbers, epochs, strict=True)]
        client.sent("all of it", wanted)


@client_case(
    title="A producer that was fenced sends no more",
    requirements=["PRODUCER-023"],
    hint="Another one has taken over the id. Report the error for every further batch; do not raise the epoch.",
)
def client_fenced(session: ClientSession) -> None:
    """Fence a producer, and ask it to go on, in the same partition and in another."""
    with ProducerPeer() as peer:
        client = _Client(session, peer)
        client.appended("before", client.produce(_record("before")), [0])
        peer.plan.append(_FENCED)
        client.failed("fenced", client.produce(_record("fenced")), "producer_fenced", indeterminate=False)
        client.sent("fenced", [(0, "7001", 0, 0), (0, "7001", 0, 1)])
        for partition in (0, 1):
            reports = client.produce(_record("after", partition=partition))
            client.failed("after", reports, "producer_fenced", indeterminate=False)
        client.sent("after", [])


@client_case(
    title="A batch that was refused leaves its numbers to the next one",
    requirements=["PRODUCER-024"],
    hint="Count a batch when it is acknowledged, not when it is sent.",
)
def client_numbers_after_a_refusal(session: ClientSession) -> None:
    """Have batches refused, a first one and a later one, and go on."""
    with ProducerPeer() as peer:
        client = _Client(session, peer)
        for base in (0, 2):
            peer.plan.append(_TOO_LARGE)
            reports = client.produce(_record("large"), _record("larger"), _record("largest"))
            client.failed("refused", reports, "message_too_large", indeterminate=False)
            client.appended("the next", client.produce(_record("small"), _record("smaller")), (base, base + 1))
            client.appended("elsewhere", client.produce(_record("other", partition=1)), [base // 2])
        numbers = [(0, 0), (0, 0), (1, 0), (0, 2), (0, 2), (1, 1)]
        client.sent("all of it", [(partition, "7001", 0, number) for partition, number in numbers])
