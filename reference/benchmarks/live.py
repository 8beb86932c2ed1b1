"""Many live streams and long polls in one process: what they cost idle, who is woken and how soon, and how they end."""

import contextlib
import json
import resource
import select
import socket
import statistics
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.bodies import envelope
from benchmarks.contestants import Ours, create_topic
from benchmarks.cores import of_load
from benchmarks.processes import Server
from benchmarks.report import Goal, Measurement, Series, ratio
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["live"]

_POLLS = 1_000
_READERS = 1_000  # of one partition, and as many of another
_MOST_ROUNDS = 3
_IDLE_S = 15.0  # each stream has a heartbeat in it
_LOOK_S = 0.25
_AT_REST = 4.0  # % of a core: what the clock of processor time can tell in a look
_TURNS = 1_000
_FAN_OUTS = 20
_WARM_UP = 50
_TIMEOUT_S = 10.0
_FILES = 8_192

_LEAST_MEMORY = Goal("≤", 130)
_LEAST_CPU = Goal("≤", 2)
_LEAST_DELAY = Goal("≤", 3)
_LEAST_GRACE = Goal("≤", 2)


def live(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Open 2 000 streams and 1 000 long polls, and look what they cost and how they are served."""
    _allow_files()
    scale = effort.scale
    polls, readers = int(_POLLS * scale), int(_READERS * scale)
    for ours in field.ours:
        rounds = [_round(ours, polls, readers, scale) for _ in range(min(effort.rounds, _MOST_ROUNDS))]
        title = f"{ours.name}, {2 * readers} live streams and {polls} waiting long polls in one process"
        found = Measurement("live", title)
        goals = {"resident": _LEAST_MEMORY, "idle": _LEAST_CPU, "SIGTERM until the process has ended": _LEAST_GRACE}
        found.series = [
            Series(name, unit, [one[name, unit] for one in rounds], goal=goals.get(name)) for name, unit in rounds[0]
        ]
        named = {one.name: one for one in found.series}
        p99 = ratio(named["produce to the one that waits, p99"], named["a GET answered at once, p99"], _LEAST_DELAY)
        found.ratios = [p99]
        yield found


_Figures = dict[tuple[str, str], float]


def _round(ours: Ours, polls: int, readers: int, scale: float) -> _Figures:
    with contextlib.ExitStack() as opened, ours.start() as server, of_load():
        create_topic(server.url, "polled", polls)
        create_topic(server.url, "read", 1)
        create_topic(server.url, "quiet", 1)
        empty_mib = server.resident_mib()
        crowd = _Crowd(server.url, opened)
        read = [crowd.stream("read") for _ in range(readers)]
        quiet = [crowd.stream("quiet") for _ in range(readers)]
        waiting = [crowd.poll("polled", number) for number in range(polls)]
        producer = crowd.connect()
        figures: _Figures = {("before", "MiB"): empty_mib, ("resident", "MiB"): server.resident_mib()}
        _await_rest(server)
        figures["idle", "% of a core"] = _idle(server, _IDLE_S * scale)
        figures |= _wake(crowd, producer, waiting, int(_TURNS * scale))
        figures |= _fan_out(crowd, producer, read, max(2, int(_FAN_OUTS * scale)))
        begun = time.monotonic()
        server.stop()
        figures["SIGTERM until the process has ended", "s"] = time.monotonic() - begun
        told = sum(b'"reason":"shutdown"' in crowd.rest(one) for one in [*read, *quiet])
        answered = sum(b'"records":[]' in crowd.rest(one) for one in waiting)
        figures["streams that were not told end", ""] = 2 * readers - told
        figures["long polls that were not answered", ""] = polls - answered
        return figures


def _await_rest(server: Server) -> None:
    """Wait until everything that was asked is begun: long polls say nothing when they wait."""
    ends = time.monotonic() + _TIMEOUT_S
    while _idle(server, _LOOK_S) > _AT_REST and time.monotonic() < ends:
        pass


def _idle(server: Server, seconds: float) -> float:
    """Return the share of a core that the server takes while nothing happens but heartbeats."""
    begun, before = time.monotonic(), server.cpu_s()
    time.sleep(seconds)
    return 100 * (server.cpu_s() - before) / (time.monotonic() - begun)


def _wake(crowd: "_Crowd", producer: socket.socket, waiting: list[socket.socket], turns: int) -> _Figures:
    """Produce to one partition after the other; each wakes one long poll, which is asked anew."""
    bare, woken, wrong = [], [], 0
    offsets = [0] * len(waiting)
    for turn in range(_WARM_UP + turns):
        number = turn * 7 % len(waiting)
        look = f"GET /v1/topics/polled/partitions/{number}/records?offset={offsets[number]}&max_wait_ms=0"
        begun = time.perf_counter_ns()
        crowd.ask(producer, look)
        bare.append((time.perf_counter_ns() - begun) / 1e3)
        record = f'{{"value":{turn},"partition":{number}}}'
        begun = time.perf_counter_ns()
        crowd.send(producer, "POST /v1/topics/polled/records", envelope([record]))
        answer = crowd.answer(waiting[number])
        woken.append((time.perf_counter_ns() - begun) / 1e3)
        if [one["value"] for one in json.loads(answer)["records"]] != [turn]:
            raise RuntimeError(f"the long poll of partition {number} was answered {answer!r}")
        crowd.answer(producer)
        wrong += len(_with_news([one for one in waiting if one is not waiting[number]]))
        offsets[number] += 1
        crowd.send(waiting[number], _poll("polled", number, offsets[number]))
    return {
        ("a GET answered at once, p50", "µs"): _percentile(bare, 50),
        ("produce to the one that waits, p50", "µs"): _percentile(woken, 50),
        ("a GET answered at once, p99", "µs"): _percentile(bare, 99),
        ("produce to the one that waits, p99", "µs"): _percentile(woken, 99),
        ("long polls that were woken wrongly", ""): wrong,
    }


def _fan_out(crowd: "_Crowd", producer: socket.socket, readers: list[socket.socket], times: int) -> _Figures:
    """Append one record at a time to the partition that all `readers` read."""
    for one in readers:
        crowd.drain(one)
    first, last = [], []
    for turn in range(times):
        mark = b'"value":"fan-out-%d"' % turn
        begun = time.perf_counter_ns()
        crowd.send(producer, "POST /v1/topics/read/records", envelope([f'{{"value":"fan-out-{turn}"}}']))
        moments = crowd.until(readers, mark)
        first.append((moments[0] - begun) / 1e6)
        last.append((moments[-1] - begun) / 1e6)
        crowd.answer(producer)
    return {
        (f"one append to {len(readers)} readers, the first", "ms"): statistics.median(first),
        (f"one append to {len(readers)} readers, the last", "ms"): statistics.median(last),
    }


def _with_news(sockets: list[socket.socket]) -> list[tuple[int, int]]:
    """Return those of `sockets` on which something came."""
    poller = select.poll()
    for one in sockets:
        poller.register(one, select.POLLIN)
    return poller.poll(0)


class _Crowd:
    """Connections that know just enough HTTP."""

    def __init__(self, url: str, opened: contextlib.ExitStack) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._host = parts.netloc
        self._opened = opened

    def connect(self) -> socket.socket:
        """Return a new connection."""
        found = self._opened.enter_context(socket.create_connection(self._address, _TIMEOUT_S))
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def stream(self, topic: str) -> socket.socket:
        """Open a stream and wait until it has begun."""
        found = self.connect()
        self.send(found, f"GET /v1/topics/{topic}/partitions/0/records?offset=0", accept="application/x-ndjson")
        text = b""
        while b'"type":"heartbeat"' not in text:
            text += self._more(found)
        return found

    def poll(self, topic: str, partition: int) -> socket.socket:
        """Begin to wait for a record."""
        found = self.connect()
        self.send(found, _poll(topic, partition, 0))
        return found

    def send(self, connection: socket.socket, line: str, body: str = "", accept: str = "application/json") -> None:
        """Send a request whole."""
        head = f"{line} HTTP/1.1\r\nhost: {self._host}\r\naccept: {accept}\r\n"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        connection.sendall(f"{head}\r\n{body}".encode())

    def ask(self, connection: socket.socket, line: str) -> bytes:
        """Send a request and return the body of the answer."""
        self.send(connection, line)
        return self.answer(connection)

    def answer(self, connection: socket.socket) -> bytes:
        """Return the body of the next answer."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields[b"content-length"]):
            body += self._more(connection)
        return body

    def until(self, connections: list[socket.socket], mark: bytes) -> list[int]:
        """Return when each connection had got `mark`, in order."""
        poller = select.epoll()
        waiting = {one.fileno(): one for one in connections}
        for number in waiting:
            poller.register(number, select.EPOLLIN)
        seen = dict.fromkeys(waiting, b"")
        moments: list[int] = []
        while waiting:
            events = poller.poll(_TIMEOUT_S)
            if not events:
                raise RuntimeError(f"{len(waiting)} readers were not told of an append")
            for number, _ in events:
                seen[number] += self._more(waiting[number])
                if mark in seen[number]:
                    moments.append(time.perf_counter_ns())
                    poller.unregister(number)
                    del waiting[number]
        poller.close()
        return moments

    def drain(self, connection: socket.socket) -> None:
        """Read and forget what came."""
        while _with_news([connection]):
            self._more(connection)

    def rest(self, connection: socket.socket) -> bytes:
        """Return all that still comes until the server closes the connection."""
        text = b""
        with contextlib.suppress(OSError):
            while part := connection.recv(65_536):
                text += part
        return text

    def _more(self, connection: socket.socket) -> bytes:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part


def _poll(topic: str, partition: int, offset: int) -> str:
    return f"GET /v1/topics/{topic}/partitions/{partition}/records?offset={offset}&max_wait_ms=30000"


def _percentile(samples: list[float], percent: int) -> float:
    return statistics.quantiles(samples[_WARM_UP:], n=100, method="inclusive")[percent - 1]


def _allow_files() -> None:
    """Allow this process, and those that it starts, a connection each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard) if hard > 0 else _FILES, hard))
