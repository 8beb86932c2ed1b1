"""A group as the recording peer plays it: it answers by route, and the case says what comes next on which.

There are no rules of groups here, so nothing about a client is judged by them: the members' shares, the refusals and
the records are those that the case has set. What was seen stands in `requests`, in the order of arrival.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from kafka_do_conformance.adapter import Adapter
from kafka_do_conformance.peer import Peer, ScriptedAnswer, SeenRequest
from kafka_do_conformance.session import JSON, PROBLEM_JSON, fresh_name
from kafka_do_conformance.verdict import Exchange, Mismatch, Violation

__all__ = ["Consumer", "GroupPeer", "Place", "refusal", "told"]

_MEMBER = re.compile(r"/v1/groups/([^/]+)/members/([^/]+)")
_OFFSETS = re.compile(r"/v1/groups/([^/]+)/offsets/(commit|query)")
_READ = re.compile(r"/v1/topics/([^/]+)/partitions/([0-9]+)/records")
_POLL_MS = 25
_EMPTY_S = 0.01
_PATIENCE_S = 5.0
_FIRST_MS = 1760000000000

Place = tuple[int, int]
"""A partition and an offset."""


@dataclass(frozen=True)
class Heartbeat:
    """A heartbeat as the peer saw it; `owned` has the id and the number of each partition."""

    member: str
    epoch: Any
    owned: frozenset[tuple[str, int]]
    request: SeenRequest

    def numbers(self) -> list[int]:
        """Return the numbers of the partitions that it lists."""
        return sorted(number for _, number in self.owned)


def refusal(status: int, code: str, **members: Any) -> ScriptedAnswer:
    """Return a problem."""
    problem = {
        "type": f"https://kafka.do/spec/generated/errors/{code}/",
        "title": "As the case has it",
        "status": status,
        "detail": "The recording peer was told to answer so.",
        "code": code,
        "retriable": False,
        "indeterminate": False,
        "group": "g",
        **members,
    }
    return ScriptedAnswer(status, (("Content-Type", PROBLEM_JSON),), json.dumps(problem).encode())


class GroupPeer:
    """A topic of two partitions and a group that reads it; use it as a context manager.

    A record has the time 1760000000000 and, in milliseconds, its offset.

    `shares` are the partitions of the members, in the order in which they first came. `heartbeats`, `commits` and
    `leaves` are answers that come first on their route, once each; a heartbeat's may be `None` for the usual one.
    """

    def __init__(self, *shares: list[int], interval_ms: int = 5) -> None:
        self.topic, self.group = fresh_name(), fresh_name()
        self.topic_id = "11111111-0000-4000-8000-000000000000"
        self.epoch = 1
        self.interval_ms = interval_ms
        self.shares = list(shares)
        self.ends = [4, 4]
        self.committed: dict[int, int] = {}
        self.heartbeats: deque[ScriptedAnswer | None] = deque()
        self.commits: deque[ScriptedAnswer] = deque()
        self.leaves: deque[ScriptedAnswer] = deque()
        self._came: list[str] = []
        self._peer = Peer()
        self._peer.follow(self._answer)

    def __enter__(self) -> Self:
        self._peer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._peer.__exit__()

    @property
    def url(self) -> str:
        """Where the peer is."""
        return self._peer.url

    @property
    def requests(self) -> list[SeenRequest]:
        """What was seen."""
        return self._peer.seen()

    def seen_heartbeats(self, *, after: int = 0) -> list[Heartbeat]:
        """Return the heartbeats among the requests, without the first `after` requests."""
        return [found for request in self.requests[after:] if (found := _heartbeat(request)) is not None]

    def seen_commits(self, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the bodies of the commits."""
        return [_body(request) for request in self.requests[after:] if _is_commit(request)]

    def seen_reads(self, *, after: int = 0) -> list[tuple[str | None, Place]]:
        """Return the positions of the fetches, each with the topic's id where one was given."""
        return [place for request in self.requests[after:] for place in _places(request)]

    def seen_leaves(self) -> list[str]:
        """Return the members that left."""
        return [_member(request) for request in self.requests if request.method == "DELETE"]

    def wait(self, enough: Callable[[], bool], patience_s: float) -> bool:
        """Wait until it is enough; return whether it was in time."""
        return self._peer.wait(enough, patience_s)

    def require(self, step: str, found: Iterable[Mismatch]) -> None:
        """Raise Violation if there are mismatches."""
        if mismatches := list(found):
            shown = [Exchange(f"{number}. {request}", "") for number, request in enumerate(self.requests, start=1)]
            raise Violation(step, mismatches, [*shown[:6], *shown[6:][-10:]])

    def _answer(self, request: SeenRequest) -> ScriptedAnswer:
        path = urlsplit(request.target).path
        if _MEMBER.fullmatch(path) and request.method == "PUT":
            return self._beat(request)
        if _MEMBER.fullmatch(path) and request.method == "DELETE":
            return self.leaves.popleft() if self.leaves else ScriptedAnswer(204)
        if match := _OFFSETS.fullmatch(path):
            return self._commit(request) if match[2] == "commit" else _json(self._query(_body(request)))
        if path == "/v1/offsets":
            return _json({"partitions": [self._bound(asked) for asked in _body(request)["partitions"]]})
        if path == "/v1/fetch":
            return self._read([self._slice(*place) for _, place in _places(request)])
        return self._read_one(request)

    def _beat(self, request: SeenRequest) -> ScriptedAnswer:
        answer = self.heartbeats.popleft() if self.heartbeats else None
        return self.usual(_member(request)) if answer is None else answer

    def usual(self, member: str) -> ScriptedAnswer:
        """Return the answer to a member's heartbeat."""
        if member not in self._came:
            self._came.append(member)
        place = self._came.index(member)
        share = self.shares[place] if place < len(self.shares) else []
        assignment = [{"topic": self.topic, "topic_id": self.topic_id, "partitions": share}] if share else []
        return _json(
            {
                "member_epoch": self.epoch,
                "assignment": assignment,
                "heartbeat_interval_ms": self.interval_ms,
                "session_timeout_ms": 45000,
            }
        )

    def _commit(self, request: SeenRequest) -> ScriptedAnswer:
        if self.commits:
            return self.commits.popleft()
        offsets = _body(request)["offsets"]
        return _json({"results": [{"topic": one["topic"], "partition": one["partition"]} for one in offsets]})

    def _query(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = body.get("partitions", [{"topic": self.topic, "partition": number} for number in self.committed])
        return {"partitions": [{**self._committed(one["partition"]), **one} for one in asked]}

    def _committed(self, number: int) -> dict[str, Any]:
        offset = self.committed.get(number)
        return {
            "committed_offset": offset,
            "metadata": None if offset is None else "",
            "log_start_offset": 0,
            "high_watermark": self.ends[number],
            "lag": self.ends[number] - (offset or 0),
            "lag_from": "log_start" if offset is None else "committed",
        }

    def _bound(self, asked: dict[str, Any]) -> dict[str, Any]:
        place = {"topic": asked["topic"], "partition": asked["partition"]}
        end = self.ends[asked["partition"]]
        if "timestamp_ms" not in asked:
            return {**place, "offset": end if asked.get("at") == "latest" else 0, "timestamp_ms": None}
        offset = max(0, asked["timestamp_ms"] - _FIRST_MS)
        if offset >= end:
            return {**place, "offset": None, "timestamp_ms": None}
        return {**place, "offset": offset, "timestamp_ms": _FIRST_MS + offset}

    def _read(self, items: list[dict[str, Any]]) -> ScriptedAnswer:
        found = any(item.get("records") for item in items) or any("error" in item for item in items)
        return replace(_json({"partitions": items}), hold_s=0.0 if found else _EMPTY_S)

    def _read_one(self, request: SeenRequest) -> ScriptedAnswer:
        places = list(_places(request))
        if not places:
            return ScriptedAnswer(500, (("Content-Type", "text/plain"),), b"the case does not have this request")
        ((_, place),) = places
        item = self._slice(*place)
        if "error" in item:
            return refusal(416, "offset_out_of_range", **self._bounds(place[0]))
        return replace(_json(item), hold_s=0.0 if item["records"] else _EMPTY_S)

    def _slice(self, number: int, offset: int) -> dict[str, Any]:
        whose = {"topic": self.topic, "partition": number}
        if offset > self.ends[number]:
            refused = json.loads(refusal(416, "offset_out_of_range", **self._bounds(number)).body)
            members = ("code", "detail", "retriable", "indeterminate", *self._bounds(number))
            return {**whose, "error": {member: refused[member] for member in members}}
        records: list[dict[str, Any]] = [
            {"offset": at, "timestamp_ms": _FIRST_MS + at, "key": None, "value": {"n": at}, "headers": []}
            for at in range(offset, self.ends[number])
        ]
        return {**whose, "records": records, "next_offset": self.ends[number], **self._bounds(number)}

    def _bounds(self, number: int) -> dict[str, int]:
        return {"log_start_offset": 0, "high_watermark": self.ends[number]}


class Consumer:
    """A consumer of the client under test, which reads the peer's topic or another; use it as a context manager."""

    def __init__(
        self, adapter: Adapter, url: str, group: str, topic: str, *, seen: GroupPeer | None = None, **options: Any
    ) -> None:
        self._adapter = adapter
        self._seen = seen
        self._name = fresh_name()
        self._open = False
        self._ask("consume_open", url=url, group=group, topics=[topic], options=options)
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open:
            self._open = False
            self._adapter.ask("consume_close", consumer=self._name)

    def poll(self) -> list[Place]:
        """Poll once and return the places of the records."""
        answer = self._ask("consume_poll", timeout_ms=_POLL_MS)
        return [(record["partition"], int(record["offset"]["int64"])) for record in answer["records"]]

    def failed_poll(self) -> dict[str, Any]:
        """Poll once and return the whole answer."""
        return self._adapter.ask("consume_poll", consumer=self._name, timeout_ms=_POLL_MS)

    def poll_until(self, enough: Callable[[list[Place]], bool], what: str) -> list[Place]:
        """Poll until what was polled is enough, or what the peer saw; raises Violation where that does not come."""
        polled: list[Place] = []
        for _ in range(int(min(_PATIENCE_S, self._adapter.deadline_s) * 1000 / _POLL_MS)):
            polled += self.poll()
            if enough(polled):
                return polled
        mismatch = Mismatch(what, "seen", f"not seen; polled: {polled}")
        if self._seen is not None:
            self._seen.require("poll", [mismatch])
        raise Violation("poll", [mismatch])

    def commit(self, topic: str = "", done: Place | None = None) -> None:
        """Commit everything that was polled, or that one record and those before it are done with."""
        one = None if done is None else [{"topic": topic, **told(done)}]
        self._ask("consume_commit", records=one)

    def seek(self, topic: str, place: Place) -> None:
        """Move the position."""
        self._ask("consume_seek", topic=topic, **told(place))

    def pause(self, topic: str, number: int) -> None:
        """Pause a partition."""
        self._ask("consume_pause", topic=topic, partition=number)

    def resume(self, topic: str, number: int) -> None:
        """Resume a partition."""
        self._ask("consume_resume", topic=topic, partition=number)

    def try_commit(self) -> bool:
        """Commit everything that was polled, and return whether the library says that it is done."""
        return "ok" in self._adapter.ask("consume_commit", consumer=self._name, records=None)

    def close(self) -> None:
        """Close it."""
        self._open = False
        self._ask("consume_close")

    def _ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        answer = self._adapter.ask(command, consumer=self._name, **arguments)
        if "ok" not in answer:
            mismatch = Mismatch("report", "ok", json.dumps(answer)[:400])
            if self._seen is not None:
                self._seen.require(command, [mismatch])
            raise Violation(command, [mismatch])
        found: dict[str, Any] = answer["ok"]
        return found


def told(place: Place) -> dict[str, Any]:
    """Return a place as the adapter protocol says it."""
    return {"partition": place[0], "offset": {"int64": str(place[1])}}


def _json(body: object) -> ScriptedAnswer:
    return ScriptedAnswer(200, (("Content-Type", JSON),), json.dumps(body).encode())


def _body(request: SeenRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _member(request: SeenRequest) -> str:
    match = _MEMBER.fullmatch(urlsplit(request.target).path)
    return unquote(match[2]) if match else ""


def _heartbeat(request: SeenRequest) -> Heartbeat | None:
    if request.method != "PUT" or not _MEMBER.fullmatch(urlsplit(request.target).path):
        return None
    body = _body(request)
    owned = frozenset((str(of["topic_id"]), number) for of in body.get("owned", []) for number in of["partitions"])
    return Heartbeat(_member(request), body.get("member_epoch"), owned, request)


def _is_commit(request: SeenRequest) -> bool:
    match = _OFFSETS.fullmatch(urlsplit(request.target).path)
    return request.method == "POST" and match is not None and match[2] == "commit"


def _places(request: SeenRequest) -> Iterator[tuple[str | None, Place]]:
    """Yield the positions that a fetch asks for, in either form."""
    parts = urlsplit(request.target)
    if request.method == "POST" and parts.path == "/v1/fetch":
        for one in _body(request).get("partitions", []):
            yield one.get("topic_id"), (one["partition"], one["offset"])
    elif request.method == "GET" and (match := _READ.fullmatch(parts.path)):
        query = parse_qs(parts.query)
        yield query.get("topic_id", [None])[0], (int(match[2]), int(query["offset"][0]))
