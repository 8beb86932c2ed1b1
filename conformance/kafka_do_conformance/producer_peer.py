"""A server for clients under test that allocates producers, takes batches, and does to them what a case says."""

import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest
from kafka_do_conformance.session import JSON, PROBLEM_JSON
from kafka_do_conformance.verdict import Exchange

__all__ = ["Answer", "ProducerPeer", "SeenBatch", "problem"]

_BATCH = re.compile(r"/v1/topics/([^/]+)/partitions/([0-9]+)/records")
_TOPIC = re.compile(r"/v1/topics/([^/]+)")
_FIRST_ID = 7001


Answer = ScriptedAnswer | Callable[[], ScriptedAnswer]
"""An answer, or what waits for it beside other requests."""


class SeenBatch(NamedTuple):
    """A batch as it arrived: its target and body byte for byte, and what they say; of no batch `producer` is empty.

    `beside` is how many others to its partition were not answered yet.
    """

    target: str
    body: bytes
    partition: int
    producer: dict[str, Any]
    records: int
    beside: int = 0

    @property
    def numbered(self) -> tuple[int, Any, Any, Any]:
        """The partition, and the producer's id, epoch and number."""
        identity = self.producer.get("id"), self.producer.get("epoch")
        return self.partition, *identity, self.producer.get("base_sequence")


class ProducerPeer:
    """Topics have `partitions`; producers get the ids 7001, 7002, …, and `epoch`.

    Each batch is answered with the next of `plan`, and appended where nothing is planned or the plan says None. It does
    not check the numbers: that is the case's. Use it as a context manager.
    """

    def __init__(self, *, partitions: int = 3, epoch: int = 0) -> None:
        self._partitions = partitions
        self._epoch = epoch
        self._ends: dict[int, int] = {}
        self.plan: deque[ScriptedAnswer | None] = deque()
        self.batches: list[SeenBatch] = []
        self.allocated = 0
        self._peer = Peer(answering=self._answer)

    def __enter__(self) -> Self:
        self._peer.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._peer.__exit__()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._peer.url

    def exchanges(self) -> list[Exchange]:
        """Return the last requests, for a report."""
        return [Exchange(str(request), "") for request in self._peer.seen()[-8:]]

    def _answer(self, request: SeenRequest) -> Answer:
        path = urlsplit(request.target).path
        if request.method == "POST" and path == "/v1/producers":
            self.allocated += 1
            return _json(201, {"id": str(_FIRST_ID + self.allocated - 1), "epoch": self._epoch})
        if request.method == "GET" and (match := _TOPIC.fullmatch(path)):
            return _json(200, self._description(unquote(match[1])))
        if request.method == "POST" and (match := _BATCH.fullmatch(path)):
            return self._take(request, int(match[2]))
        return problem(404, "route_not_found")

    def _take(self, request: SeenRequest, partition: int) -> Answer:
        batch = _seen(request, partition)
        self.batches.append(batch)
        if self.plan and (planned := self.plan.popleft()) is not None:
            return planned
        return self.judged(batch)

    def judged(self, batch: SeenBatch) -> Answer:
        """Return the answer to a batch for which nothing is planned."""
        return self.appended(batch)

    def appended(self, batch: SeenBatch) -> ScriptedAnswer:
        """Append a batch, and return the answer that says so."""
        first = self._ends.get(batch.partition, 0)
        self._ends[batch.partition] = first + batch.records
        places = [
            {"partition": batch.partition, "offset": first + place, "timestamp_ms": 1760000000000}
            for place in range(batch.records)
        ]
        return _json(200, {"results": places})

    def _description(self, topic: str) -> dict[str, Any]:
        described = [
            {"partition": number, "log_start_offset": 0, "high_watermark": self._ends.get(number, 0)}
            for number in range(self._partitions)
        ]
        return {
            "topic": topic,
            "topic_id": "0b9c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3",
            "partition_count": self._partitions,
            "partitions": described,
            "configs": {},
        }


def problem(status: int, code: str, **members: Any) -> ScriptedAnswer:
    """Return a problem as an answer."""
    whole = {
        "type": f"https://kafka.do/spec/generated/errors/{code}/",
        "title": "As the case has it",
        "status": status,
        "detail": "The recording peer was told to answer so.",
        "code": code,
        "retriable": False,
        "indeterminate": False,
        **members,
    }
    return ScriptedAnswer(status, (("Content-Type", PROBLEM_JSON),), json.dumps(whole).encode())


def _json(status: int, value: dict[str, Any]) -> ScriptedAnswer:
    return ScriptedAnswer(status, (("Content-Type", JSON),), json.dumps(value).encode())


def _seen(request: SeenRequest, partition: int) -> SeenBatch:
    try:
        body = json.loads(request.body)
        producer, records = body.get("producer", {}), len(body["records"])
    except (ValueError, KeyError, TypeError, AttributeError):
        producer, records = {}, 0
    told = producer if isinstance(producer, dict) else {}
    return SeenBatch(request.target, request.body, partition, told, records, request.beside)
