"""Members of a group as the wire shows them: each call is one request, sent once, and its answer is checked.

    group = WireGroup(server, {server.create_topic(4): 4})
    one, other = group.join(), group.join()
    group.settle()
    one.shares                      # {topic: [0, 1]}

A member's `owned` is what its heartbeats say that it owns, `assignment` what the newest answer said that it may own.
`heartbeat` goes on owning the same, `confirm` owns what is assigned from now on: nothing new before, nothing taken away
after. Whatever is answered, nobody may be given what another member may still be reading.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch
from kafka_do_conformance.wire import Response

__all__ = ["BEATS", "WireGroup", "WireMember", "fresh_id", "group_path"]

BEATS = 4  # of each member, until every partition has an owner (GROUP-017)
_REBALANCE_TIMEOUT_MS = 300_000
_POSITIVE = {"$type": "integer", "$min": 1}
_TEXT = {"$type": "string", "$pattern": "."}

Owned = list[dict[str, Any]]
Place = tuple[str, str, int]


def fresh_id() -> str:
    """Return an id for a group, a member or an instance that nobody else uses."""
    return str(uuid.uuid4())


def group_path(group: str) -> str:
    """Return the path of a group, its id as one segment."""
    return f"/v1/groups/{quote(group, safe='')}"


class WireMember:
    """A member; `WireGroup.member` makes one, which has not joined yet.

    `topics`, `assignor` and the others are what its heartbeats ask for, and may be changed between them. `epoch`,
    `assignment` and `answer` are of the newest answer.
    """

    def __init__(
        self,
        group: "WireGroup",
        ident: str,
        topics: Sequence[str],
        *,
        instance_id: str | None = None,
        assignor: str | None = None,
        rebalance_timeout_ms: int = _REBALANCE_TIMEOUT_MS,
        session_timeout_ms: int | None = None,
    ) -> None:
        self.group = group
        self.ident = ident
        self.topics = list(topics)
        self.instance_id = instance_id
        self.assignor = assignor
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.session_timeout_ms = session_timeout_ms
        self.epoch = 0
        self.owned: Owned = []
        self.assignment: Owned = []
        self.answer: dict[str, Any] = {}

    @property
    def path(self) -> str:
        """The member's path, its id as one segment."""
        return f"{self.group.path}/members/{quote(self.ident, safe='')}"

    @property
    def shares(self) -> dict[str, list[int]]:
        """The numbers of the assigned partitions by topic, without topics of which there are none."""
        return {entry["topic"]: entry["partitions"] for entry in self.assignment if entry["partitions"]}

    @property
    def size(self) -> int:
        """How many partitions are assigned."""
        return sum(len(numbers) for numbers in self.shares.values())

    @property
    def places(self) -> set[Place]:
        """What the member may be reading: what it owns and what the newest answer assigned."""
        return _places(self.owned) | _places(self.assignment)

    def request(self, **changes: Any) -> dict[str, Any]:
        """Return the body of a heartbeat as the member is now, with changes; one that is None leaves a member out."""
        said = {
            "member_epoch": self.epoch,
            "topics": self.topics,
            "owned": self.owned,
            "rebalance_timeout_ms": self.rebalance_timeout_ms,
            "instance_id": self.instance_id,
            "assignor": self.assignor,
            "session_timeout_ms": self.session_timeout_ms,
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def send(self, **changes: Any) -> Response:
        """Send a heartbeat, with changes, and return the answer, as if it were lost: the member stays as it is."""
        return self.group.server.send("PUT", self.path, value=self.request(**changes))

    def refused(self, status: int, code: str, *, says: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """Send a heartbeat, with changes, that has to be refused with `code`; the problem also has what `says` says."""
        response = self.send(**changes)
        self.group.server.expect(f"a heartbeat that is {code}", response, _problem(status, code, says))

    def join(self) -> None:
        """Join, owning nothing."""
        self.epoch = 0
        self.owned = []
        self.group.add(self)
        self.heartbeat()

    def heartbeat(self, **changes: Any) -> None:
        """Send a heartbeat and take its answer."""
        self.take(self.send(**changes))

    def confirm(self) -> None:
        """Own exactly what is assigned, and say so."""
        self.owned = self.assignment
        self.heartbeat()

    def hold(self) -> set[Place]:
        """Go on owning the same until an answer takes something away, and return what; the others confirm meanwhile."""
        for _ in range(BEATS):
            self.heartbeat()
            if lost := _places(self.owned) - _places(self.assignment):
                return lost
            for other in self.group.members:
                if other is not self:
                    other.confirm()
        wanted = Mismatch("assignment", f"less than {self.shares} after {BEATS} heartbeats", "nothing is taken away")
        self.group.server.require("a member has to give something up", [wanted])
        return set()

    def take(self, response: Response) -> None:
        """Check the answer to a heartbeat and go on from it."""
        wanted = {
            "member_epoch": _POSITIVE,
            "assignment": {"$type": "array"},
            "heartbeat_interval_ms": _POSITIVE,
            "session_timeout_ms": {"$one_of": [None, _POSITIVE]},
        }
        server = self.group.server
        answer = server.expect("the answer to a heartbeat", response, {"status": 200, "json": wanted})
        entry = {"topic": _TEXT, "topic_id": _TEXT, "partitions": {"$type": "array"}}
        of_each = [entry] * len(answer["assignment"])
        server.expect("the answer to a heartbeat", response, {"status": 200, "json": {"assignment": of_each}})
        self.answer = answer
        self.group.check_epoch(self.ident, answer["member_epoch"])
        self.epoch = answer["member_epoch"]
        self.assignment = [
            {name: one[name] for name in ("topic", "topic_id", "partitions")} for one in answer["assignment"]
        ]
        _check_order(server, self.assignment)
        self.group.check_nobody_else_has(self)

    def leave(self) -> None:
        """Leave for good."""
        self.group.server.expect("leave", self.send_leave(), {"status": 204})
        self.lose_all()

    def leave_for_a_time(self) -> None:
        """Leave as a static member does that comes back; what is assigned to it stays its own."""
        query = f"?temporary=true&instance_id={quote(self.instance_id or '', safe='')}"
        self.group.server.expect("leave for a time", self.send_leave(query), {"status": 204})

    def send_leave(self, query: str = "") -> Response:
        """Leave and return the answer, as if it were lost."""
        return self.group.server.send("DELETE", f"{self.path}{query}")

    def lose_all(self) -> None:
        """Be no member any more: it left, was removed, or another took its place."""
        self.epoch, self.owned, self.assignment = 0, [], []
        self.group.forget(self)


class WireGroup:
    """A group of members that want topics; `topics` says how many partitions each has."""

    def __init__(self, server: ServerSession, topics: Mapping[str, int], ident: str | None = None) -> None:
        self.server = server
        self.topics = dict(topics)
        self.ident = fresh_id() if ident is None else ident
        self.members: list[WireMember] = []
        self._told: dict[str, int] = {}

    @property
    def path(self) -> str:
        """The group's path, its id as one segment."""
        return group_path(self.ident)

    def member(self, ident: str | None = None, *, topics: Sequence[str] | None = None, **wishes: Any) -> WireMember:
        """Return a member that has not joined; it wants all topics unless it says which."""
        wanted = list(self.topics) if topics is None else topics
        return WireMember(self, fresh_id() if ident is None else ident, wanted, **wishes)

    def join(self, ident: str | None = None, **wishes: Any) -> WireMember:
        """Return a new member that has joined."""
        member = self.member(ident, **wishes)
        member.join()
        return member

    def add(self, member: WireMember) -> None:
        """Count somebody among the members."""
        if member not in self.members:
            self.members.append(member)

    def forget(self, member: WireMember) -> None:
        """Count somebody among the members no more; a group that nobody is left in may begin its epochs anew."""
        self.members = [other for other in self.members if other is not member]
        if not self.members:
            self._told.clear()

    def settle(self) -> None:
        """Let each member confirm four times, and check that every wanted partition has an owner then. (GROUP-017)"""
        for _ in range(BEATS):
            for member in self.members:
                member.confirm()
        self.check_complete()

    def check_complete(self) -> None:
        """Raise Violation unless each partition of each wanted topic belongs to one member, which wants it."""
        wanted = {name for member in self.members for name in member.topics if name in self.topics}
        every = sorted((name, number) for name in wanted for number in range(self.topics[name]))
        held = sorted(
            (name, number) for member in self.members for name, numbers in member.shares.items() for number in numbers
        )
        if held != every:
            seen = " and ".join(str(member.shares) for member in self.members)
            self.server.require(
                "the members have settled", [Mismatch("the assignments together", f"all of {self.topics} once", seen)]
            )
        for member in self.members:
            if unwanted := set(member.shares) - set(member.topics):
                self.server.require(
                    "the members have settled",
                    [Mismatch("a member's assignment", f"topics of {member.topics}", f"also {sorted(unwanted)}")],
                )

    def check_epoch(self, ident: str, epoch: int) -> None:
        """Raise Violation if an answer tells a lower epoch than one before under this member id. (GROUP-058)"""
        before = self._told.get(ident, 0)
        if epoch < before:
            lower = Mismatch("member_epoch", f"{before} or more, which was told before", str(epoch))
            self.server.require("the answer to a heartbeat", [lower])
        self._told[ident] = epoch

    def check_nobody_else_has(self, member: WireMember) -> None:
        """Raise Violation if a member is assigned what another may be reading. (GROUP-014, GROUP-015)"""
        for other in self.members:
            if other is not member and (both := _places(member.assignment) & other.places):
                twice = ", ".join(f"{topic} {number}" for topic, _, number in sorted(both))
                self.server.require(
                    "the answer to a heartbeat",
                    [Mismatch("assignment", "nothing that another member has not given up", f"{twice}")],
                )

    def describe(self, **expected: Any) -> dict[str, Any]:
        """Describe the group, check that what is expected is told, and return what is."""
        response = self.server.send("GET", self.path)
        told = {"group": self.ident, "type": "consumer", "members": {"$type": "array"}, **expected}
        description: dict[str, Any] = self.server.expect("describe", response, {"status": 200, "json": told})
        return description

    def has_members(self, *members: WireMember) -> None:
        """Check that the group has exactly these members."""
        idents = sorted(member.ident for member in members)
        self.describe(members=[{"member": ident} for ident in idents])

    def is_not_there(self) -> None:
        """Check that there is no such group."""
        response = self.server.send("GET", self.path)
        problem = {"code": "group_not_found", "group": self.ident}
        self.server.expect("describe", response, {"status": 404, "problem": problem})


def _problem(status: int, code: str, says: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"status": status, "problem": {"code": code, "status": status, **(says or {})}}


def _places(entries: Owned) -> set[Place]:
    return {(entry["topic"], entry["topic_id"], number) for entry in entries for number in entry["partitions"]}


def _check_order(server: ServerSession, assignment: Owned) -> None:
    """Raise Violation unless topics are in the order of their names and partitions in that of their numbers."""
    names = [entry["topic"] for entry in assignment]
    found = [] if names == sorted(set(names)) else [Mismatch("assignment[].topic", "once, in order", str(names))]
    for entry in assignment:
        numbers = entry["partitions"]
        if not all(isinstance(number, int) for number in numbers) or numbers != sorted(set(numbers)):
            found.append(Mismatch("assignment[].partitions", "numbers, once, ascending", str(numbers)))
    server.require("the answer to a heartbeat", found)
