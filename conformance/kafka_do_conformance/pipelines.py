"""Pipelines of the client under test on a real server, and the suite's own look at what they write and commit."""

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from kafka_do_conformance.adapter import Adapter
from kafka_do_conformance.session import ClientSession, ServerSession, fresh_name
from kafka_do_conformance.verdict import Crashed, Exchange, Mismatch, Timeout, Violation

__all__ = ["Pipeline", "Written", "committed", "repeat", "require", "topology", "written"]

_IDLE_MS = 150
_ROUNDS = 40
_SHOWN = 1200


class Written(NamedTuple):
    """A record as it stands in a topic; the value is what its JSON means."""

    partition: int
    key: str | None
    value: Any
    timestamp_ms: int
    headers: tuple[tuple[str, str], ...] = ()


def topology(*nodes: dict[str, Any]) -> dict[str, Any]:
    """Return a topology of nodes; one without a name is called as its operator, and takes from the one before."""
    made: list[dict[str, Any]] = []
    for node in nodes:
        named = {"node": node["operator"], **node}
        if named["operator"] not in ("source", "table") and "from" not in named:
            named["from"] = made[-1]["node"]
        made.append(named)
    return {"version": 1, "nodes": made}


class Pipeline:
    """A pipeline of the client under test; use it as a context manager."""

    def __init__(self, adapter: Adapter, url: str, group: str | None, document: dict[str, Any], **options: Any) -> None:
        self._adapter = adapter
        self._name = fresh_name()
        self._open = False
        self._ask("run_open", url=url, group=group, topology=document, options=options)
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open and kind is None:
            self.close()

    def poll(self, most: int | None = None, timeout_ms: int = _IDLE_MS) -> dict[str, Any]:
        """Let it run until nothing comes, and return its results and where it failed."""
        return self._ask("run_poll", timeout_ms=timeout_ms, most=most)

    def answer(self) -> dict[str, Any]:
        """Let it run until nothing comes, and return the whole answer, whatever it is."""
        return self._adapter.ask("run_poll", pipeline=self._name, timeout_ms=_IDLE_MS, most=None)

    def run_until(self, enough: Callable[[], bool], what: str) -> None:
        """Let it run until it is enough; raises Violation where that does not come."""
        repeat(lambda: self.poll() is not None and enough(), what)

    def close(self) -> None:
        """Close it."""
        self._open = False
        self._ask("run_close")

    def run_until_killed(self, struck: threading.Event, is_done: Callable[[], bool]) -> None:
        """Let it run, and kill the process that it runs in when the event is set, or there is nothing left to do."""
        killer = threading.Thread(target=self._kill_when, args=(struck,))
        killer.start()
        self._open = False
        with contextlib.suppress(Crashed, Timeout):
            for _ in range(_ROUNDS):
                self.poll()
                if struck.is_set() or is_done():
                    break
        struck.set()
        killer.join()

    def _kill_when(self, struck: threading.Event) -> None:
        struck.wait(self._adapter.deadline_s)
        self._adapter.drop()

    def _ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        answer = self._adapter.ask(command, pipeline=self._name, **arguments)
        if "ok" not in answer:
            shown = json.dumps(answer)[:_SHOWN]
            raise Violation(command, [Mismatch("report", "ok", shown)], [Exchange(f"adapter {command}", shown)])
        found: dict[str, Any] = answer["ok"]
        return found


def repeat(enough: Callable[[], bool], what: str) -> None:
    """Ask again and again until it is enough; raises Violation where that does not come."""
    if not any(enough() for _ in range(_ROUNDS)):
        raise Violation("run the pipeline", [Mismatch(what, "seen", "not seen")])


def written(server: ServerSession, topic: str) -> list[Written]:
    """Return everything in a topic, partition by partition; nothing if there is no such topic."""
    described = server.send("GET", f"/v1/topics/{topic}")
    if described.status == 404:  # noqa: PLR2004
        return []
    count = described.json()["partition_count"]
    return [_written(number, record) for number in range(count) for record in server.read_all(topic, number)]


def committed(server: ServerSession, group: str, topic: str, partitions: int) -> list[int]:
    """Return what a group has committed for each partition of a topic, 0 where that is nothing."""
    asked = {"partitions": [{"topic": topic, "partition": number} for number in range(partitions)]}
    response = server.send("POST", f"/v1/groups/{group}/offsets/query", value=asked)
    if response.status == 404:  # noqa: PLR2004
        return [0] * partitions
    answer = server.expect("what is committed", response, {"status": 200})
    return [one["committed_offset"] or 0 for one in answer["partitions"]]


def require(client: ClientSession, step: str, allowed: object, seen: object) -> None:
    """Raise Violation unless both are the same."""
    if allowed != seen:
        client.server.require(step, [Mismatch("seen", str(allowed)[:_SHOWN], str(seen)[:_SHOWN])])


def _written(partition: int, record: dict[str, Any]) -> Written:
    value, key = _text(record["value"]), _text(record["key"])
    headers: Sequence[dict[str, Any]] = record["headers"]
    return Written(
        partition,
        key,
        None if value is None else json.loads(value),
        record["timestamp_ms"],
        tuple((one["key"], str(_header(one))) for one in headers),
    )


def _header(header: dict[str, Any]) -> str | None:
    if header.get("value_encoding") == "base64":
        return _text(header["value"])
    value: str | None = header["value"]
    return value


def _text(data: str | None) -> str | None:
    return None if data is None else base64.b64decode(data).decode("utf-8", "backslashreplace")
