"""The recording peer: a server that answers by script and keeps what it was sent, byte by byte.

What a client says that it sent is no evidence; this is.
"""

import contextlib
import dataclasses
import json
import socket
import socketserver
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import h11

from kafka_do_conformance.wire import shorten

__all__ = ["Peer", "Rule", "ScriptedAnswer", "SeenRequest"]

_CHUNK = 65536
_IDLE_S = 30.0

_DISCOVERY = json.dumps(
    {
        "revision": "1.0",
        "server": {"name": "recording-peer", "version": "0"},
        "features": ["core", "groups"],
        "limits": {
            "max_request_bytes": 8388608,
            "max_header_bytes": 65536,
            "max_request_ms": 30000,
            "max_records_per_request": 10000,
            "max_record_bytes": 1000000,
            "max_batch_bytes": 1000000,
            "max_fetch_bytes": 52428800,
            "max_wait_ms": 30000,
            "max_partitions_per_fetch": 1000,
            "max_json_depth": 128,
            "max_partitions_per_topic": 10000,
            "max_topics_per_subscription": 1000,
            "max_members_per_group": 500,
            "max_offset_metadata_bytes": 4096,
            "min_session_timeout_ms": 6000,
            "max_session_timeout_ms": 1800000,
            "producer_expiration_ms": 86400000,
        },
    }
).encode()


@dataclass(frozen=True)
class SeenRequest:
    """A request as it arrived; `target` is the path with its query, names of headers in their own spelling.

    `beside` is how many others of the same method and path were not answered yet, `at_s` when it came, in seconds.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    beside: int = 0
    at_s: float = dataclasses.field(default=0.0, compare=False)

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def __str__(self) -> str:
        return f"{self.method} {self.target} {shorten(self.body)}".rstrip()


@dataclass(frozen=True)
class ScriptedAnswer:
    """What the peer does with a request: it answers, after `hold_s` seconds; is silent; or drops the connection."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    fault: str | None = None
    hold_s: float = 0.0


Rule = Callable[[SeenRequest], "ScriptedAnswer | Callable[[], ScriptedAnswer]"]


class Peer:
    """A server on a free port of 127.0.0.1. Discovery is answered besides the script, but by one that `relays`.

    With `always` it has no script and answers every request so: a server that does nothing right. With `answering` it
    has none either: that is asked, for one request at a time; what takes long it leaves to a function.
    """

    def __init__(
        self,
        always: ScriptedAnswer | None = None,
        *,
        answering: Rule | None = None,
        relays: bool = False,
    ) -> None:
        self._relays = relays
        self._always = always
        self._answering = answering
        self.requests: list[SeenRequest] = []
        self._script: deque[ScriptedAnswer] = deque()
        self._rule: Rule | None = None
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Condition()
        peer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, h11.RemoteProtocolError):
                    peer._converse(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.002,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def script(self, answer: ScriptedAnswer) -> None:
        """Say what the next request is to be answered with, and forget what was seen."""
        with self._lock:
            self.requests.clear()
            self._script.clear()
            self._script.append(answer)

    def follow(self, rule: Rule) -> None:
        """Answer every request as `rule` says, and forget what was seen; requests come to it one at a time.

        What takes long it leaves to a function, which is called beside other requests.
        """
        with self._lock:
            self.requests.clear()
            self._rule = rule

    def wait(self, enough: Callable[[], bool], patience_s: float) -> bool:
        """Wait until it is enough, looking again after each request; return whether it was in time."""
        with self._lock:
            return self._lock.wait_for(enough, patience_s)

    def seen(self) -> list[SeenRequest]:
        """Return the requests since the last `script`, discovery left out."""
        with self._lock:
            return [request for request in self.requests if request.target != "/v1"]

    def _converse(self, sock: socket.socket) -> None:
        sock.settimeout(_IDLE_S)
        connection = h11.Connection(h11.SERVER)
        while (request := _next_request(connection, sock)) is not None:
            answer = self._meet(request)
            if answer.fault == "drop-before-answer":
                return
            if answer.fault == "silence":
                sock.recv(_CHUNK)
                return
            headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
            data = connection.send(h11.Response(status_code=answer.status, headers=headers)) or b""
            if answer.fault == "drop-in-answer":
                sock.sendall(data + answer.body[: len(answer.body) // 2])
                return
            data += connection.send(h11.Data(data=answer.body)) or b""
            data += connection.send(h11.EndOfMessage()) or b""
            sock.sendall(data)
            if connection.our_state is not h11.DONE:
                return
            connection.start_next_cycle()

    def _meet(self, request: SeenRequest) -> ScriptedAnswer:
        """Keep a request and return its answer when the time for that has come."""
        name = f"{request.method} {request.target.partition('?')[0]}"
        with self._lock:
            request = dataclasses.replace(request, beside=self._under_way[name], at_s=time.monotonic())
            self.requests.append(request)
            answer = self._answer(request)
            self._under_way[name] += 1
            self._lock.notify_all()
        if callable(answer):
            answer = answer()
        if answer.hold_s:
            time.sleep(answer.hold_s)
        with self._lock:
            self._under_way[name] -= 1
        return answer

    def _answer(self, request: SeenRequest) -> ScriptedAnswer | Callable[[], ScriptedAnswer]:
        if self._always is not None:
            return self._always
        if request.target == "/v1" and not self._relays:
            return ScriptedAnswer(200, (("Content-Type", "application/json"),), _DISCOVERY)
        if self._rule is not None:
            return self._rule(request)
        if self._answering is not None:
            return self._answering(request)
        if self._script:
            return self._script.popleft()
        return ScriptedAnswer(500, (("Content-Type", "text/plain"),), b"the case does not have this request")


def _next_request(connection: h11.Connection, sock: socket.socket) -> SeenRequest | None:
    """Return the next request of a connection, None when the client has closed it."""
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                sock.sendall(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            connection.receive_data(sock.recv(_CHUNK))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = tuple(
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()
            )
            return SeenRequest(head.method.decode(), head.target.decode("latin-1"), headers, body)
        else:
            return None
