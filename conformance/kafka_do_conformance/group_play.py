"""Clients of a group that do what they are told, right or wrong, while all their answers are watched.

Each request is sent once and its answer is checked against `WatchedGroup`, whether the client hears it or not: what a
client believes is its own affair. A partition is a number of the one topic.
"""

from collections.abc import Sequence
from typing import Any

from kafka_do_conformance.group_members import BEATS, fresh_id, group_path
from kafka_do_conformance.models.group_watch import OK, WatchedGroup
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch, NotApplicable
from kafka_do_conformance.wire import Response

__all__ = ["GroupPlay", "PlayedClient"]

_TAKEN_OVER = "fenced_instance_id"
_UNRELEASED = "unreleased_instance_id"
_STATUSES = {"unknown_member": 404}
_PATIENCE_MS = 1_800_000


class PlayedClient:
    """What a client believes: its epoch (0 is none), what it may be reading, and what it was told that it may read."""

    def __init__(self, instance_id: str | None = None) -> None:
        self.instance_id = instance_id
        self.session_timeout_ms: int | None = None
        self.told_timeout_ms: int | None = None
        self.begin()

    def begin(self) -> None:
        """Be a new process, under a new member id."""
        self.ident = fresh_id()
        self.forget()

    def forget(self) -> None:
        """Stop reading, and know nothing of the group."""
        self.epoch = 0
        self.reads: set[int] = set()
        self.told: set[int] = set()

    def let_go(self) -> None:
        """Stop reading what the newest answer does not list. (GROUP-051)"""
        self.reads &= self.told

    def hear(self, epoch: int, assigned: set[int]) -> None:
        """Take an answer, and begin to read what is new. (GROUP-049)"""
        self.epoch, self.told = epoch, assigned
        self.reads |= assigned


class GroupPlay:
    """A group with a topic of its own; `static` clients share one instance id."""

    def __init__(self, server: ServerSession, *, clients: int, static: int, partitions: int) -> None:
        self.server = server
        self.partitions = partitions
        self.topic = server.create_topic(partitions)
        described = server.expect("describe", server.send("GET", f"/v1/topics/{self.topic}"), {"status": 200})
        self._topic_id = described["topic_id"]
        self.path = group_path(fresh_id())
        self.watched = WatchedGroup()
        instance = fresh_id()
        self.clients = [PlayedClient(instance if number < static else None) for number in range(clients)]

    def heartbeat(self, client: PlayedClient, epoch: int, owned: set[int], *, is_heard: bool = True) -> None:
        """Send a heartbeat; its answer is checked, and heard unless it is lost."""
        response = self._send_heartbeat(client, epoch, owned)
        allowed = self._heartbeat_may(client, epoch, owned)
        code = self._expect(f"heartbeat, epoch {epoch}, owned {sorted(owned)}", response, allowed)
        if code != OK:
            if is_heard:
                client.begin() if code == _TAKEN_OVER else client.forget()
            return
        answer = response.json()
        client.told_timeout_ms = answer["session_timeout_ms"]
        told = answer["member_epoch"], self._assigned(answer["assignment"])
        holder = self._holder(client)
        if holder is not None and holder != client.ident:
            self.watched.take_over(client.ident, holder)
        if fault := self.watched.take(client.ident, epoch, owned, told):
            self.server.require("the answer to a heartbeat", [Mismatch("answer", "as the chapter says", f"it {fault}")])
        if is_heard:
            client.hear(*told)

    def go_on(self, client: PlayedClient, *, is_heard: bool = True) -> None:
        """Send the heartbeat that an honest client sends."""
        self.heartbeat(client, client.epoch, set(client.reads), is_heard=is_heard)

    def leave(self, client: PlayedClient) -> None:
        """Stop, and leave for good."""
        client.forget()
        response = self.server.send("DELETE", f"{self.path}/members/{client.ident}")
        if self._expect("leave", response, {self._known(client)}, done=204) == OK:
            self.watched.remove(client.ident)

    def pause(self, client: PlayedClient) -> None:
        """Stop, and leave for a time, which only a static member that has joined can."""
        client.forget()
        allowed = {self._known(client)}
        if client.ident not in self.watched.members and self._holder(client):
            allowed.add(_TAKEN_OVER)
        query = f"temporary=true&instance_id={client.instance_id}"
        response = self.server.send("DELETE", f"{self.path}/members/{client.ident}?{query}")
        if self._expect("leave for a time", response, allowed, done=204) == OK:
            self.watched.pause(client.ident)

    def commit(self, client: PlayedClient, epoch: int, partition: int, offset: int) -> str:
        """Commit an offset as a member; return the code."""
        item = {"topic": self.topic, "partition": partition, "offset": offset}
        body = {"member": {"id": client.ident, "epoch": epoch}, "offsets": [item]}
        response = self.server.send("POST", f"{self.path}/offsets/commit", value=body)
        allowed = self.watched.commit_may(client.ident, epoch, partition)
        return self._expect(f"commit of {partition} at epoch {epoch}", response, allowed)

    def committed(self, partition: int, offset: int | None) -> None:
        """Check what is committed for a partition."""
        body = {"partitions": [{"topic": self.topic, "partition": partition}]}
        response = self.server.send("POST", f"{self.path}/offsets/query", value=body)
        told = {"status": 200, "json": {"partitions": [{"partition": partition, "committed_offset": offset}]}}
        self.server.expect("what is committed", response, told)

    def time_is_over(self, client: PlayedClient) -> None:
        """Let so much time pass that this member's session is over, and see that it is removed. (GROUP-032)"""
        if client.told_timeout_ms is None or client.told_timeout_ms != client.session_timeout_ms:
            raise NotApplicable("the server does not follow the wish for a session timeout")
        self.server.advance(client.told_timeout_ms)
        member = self.watched.members[client.ident]
        self.watched.remove(client.ident)
        self._expect("a heartbeat", self._send_heartbeat(client, member.epoch, set()), {"unknown_member"})

    def settle(self) -> None:
        """Let those who know that they are members go on, the others leave; then nothing is left over. (GROUP-017)"""
        for client in self.clients:
            if client.ident in self.watched.members and not client.epoch:
                self.leave(client)
        here = {client.ident for client in self.clients}
        for name in self.watched.members.keys() - here:
            self.server.send("DELETE", f"{self.path}/members/{name}")
            self.watched.remove(name)
        for _ in range(BEATS + 1):  # once more for those who are refused, and join again
            for client in self.clients:
                if client.ident in self.watched.members:
                    client.let_go()
                    self.go_on(client)
                    client.let_go()
        held = sorted(partition for member in self.watched.members.values() for partition in member.since)
        if self.watched.members and held != list(range(self.partitions)):
            wanted = f"each of {self.partitions} partitions once"
            self.server.require("the members have settled", [Mismatch("the assignments together", wanted, str(held))])
        if self.watched.members:
            self.server.expect("describe", self.server.send("GET", self.path), _STABLE)

    def _heartbeat_may(self, client: PlayedClient, epoch: int, owned: set[int]) -> set[str]:
        holder = self._holder(client)
        if holder is None or holder == client.ident:
            return self.watched.heartbeat_may(client.ident, epoch, owned)
        if epoch:
            return {_TAKEN_OVER}
        return {OK} if self.watched.members[holder].is_away else {_UNRELEASED}

    def _holder(self, client: PlayedClient) -> str | None:
        """Return the id of the member that has the client's instance id, None if there is none."""
        sharing = [one.ident for one in self.clients if client.instance_id and one.instance_id == client.instance_id]
        return next((ident for ident in sharing if ident in self.watched.members), None)

    def _known(self, client: PlayedClient) -> str:
        return OK if client.ident in self.watched.members else "unknown_member"

    def _send_heartbeat(self, client: PlayedClient, epoch: int, owned: set[int]) -> Response:
        held = [{"topic": self.topic, "topic_id": self._topic_id, "partitions": sorted(owned)}] if owned else []
        body: dict[str, Any] = {
            "member_epoch": epoch,
            "topics": [self.topic],
            "owned": held,
            "rebalance_timeout_ms": _PATIENCE_MS,
        }
        if client.session_timeout_ms is not None:
            body["session_timeout_ms"] = client.session_timeout_ms
        if client.instance_id is not None:
            body["instance_id"] = client.instance_id
        return self.server.send("PUT", f"{self.path}/members/{client.ident}", value=body)

    def _expect(self, step: str, response: Response, allowed: set[str], done: int = 200) -> str:
        """Check an answer and return its code, `ok` for one that is no problem."""
        if response.status == done and OK in allowed:
            return OK
        codes = sorted(allowed - {OK})
        told = response.json() if response.body else None
        code = told.get("code") if isinstance(told, dict) else None
        if code not in codes:
            wanted = " or ".join([*([str(done)] * (OK in allowed)), *codes])
            self.server.require(step, [Mismatch("answer", wanted, f"{response.status} {code or ''}".strip())])
        status = _STATUSES.get(str(code), 409)
        self.server.expect(step, response, {"status": status, "problem": {"code": code, "status": status}})
        return str(code)

    def _assigned(self, entries: Sequence[dict[str, Any]]) -> set[int]:
        return {number for entry in entries if entry["topic"] == self.topic for number in entry["partitions"]}


_STABLE = {"status": 200, "json": {"state": "stable"}}
