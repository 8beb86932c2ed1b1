"""How long a waiting reader waits for what is produced, beside a request that is answered at once."""

import contextlib
import json
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Self
from urllib.parse import urlsplit

from benchmarks.bodies import envelope, record
from benchmarks.contestants import Ours, create_topic
from benchmarks.cores import of_load
from benchmarks.exchange import post_all
from benchmarks.report import Measurement, Series, ratio
from benchmarks.rounds import Effort
from benchmarks.throughput import Field

__all__ = ["waiting"]

_TOPIC = "t"
_PATH = f"/v1/topics/{_TOPIC}/partitions/0/records"
_TIMEOUT_S = 10.0
_TURNS = 1_000
_WARM_UP = 100


def waiting(field: Field, effort: Effort) -> Iterator[Measurement]:
    """Have a reader wait, produce a record, and take the time from sending it to the reader's whole answer."""
    for ours in field.ours:
        rounds = [_round(ours, int(_TURNS * effort.scale)) for _ in range(effort.rounds)]
        bare, woken = zip(*rounds, strict=True)
        found = Measurement("waiting", f"{ours.name}, one reader waits for one record, {_TURNS * effort.scale:g} times")
        found.series = [
            Series("a GET answered at once, p50", "µs", [_percentile(one, 50) for one in bare]),
            Series("produce to the waiting reader, p50", "µs", [_percentile(one, 50) for one in woken]),
            Series("a GET answered at once, p99", "µs", [_percentile(one, 99) for one in bare]),
            Series("produce to the waiting reader, p99", "µs", [_percentile(one, 99) for one in woken]),
        ]
        found.ratios = [ratio(found.series[1], found.series[0]), ratio(found.series[3], found.series[2])]
        yield found


def _percentile(samples: list[float], percent: int) -> float:
    return statistics.quantiles(samples, n=100, method="inclusive")[percent - 1]


def _round(ours: Ours, turns: int) -> tuple[list[float], list[float]]:
    """Return the µs of `turns` bare requests and of as many wakings."""
    with ours.start() as server, of_load():
        create_topic(server.url, _TOPIC, 1)
        post_all(server.url, f"/v1/topics/{_TOPIC}/records", [envelope([record(0, "00000000")])])
        with _Line(server.url) as reader, _Line(server.url) as producer:
            samples = [_turn(reader, producer, offset) for offset in range(1, 1 + _WARM_UP + turns)]
    bare, woken = zip(*samples[_WARM_UP:], strict=True)
    return list(bare), list(woken)


def _turn(reader: "_Line", producer: "_Line", offset: int) -> tuple[float, float]:
    reader.send("GET", f"{_PATH}?offset={offset}&max_wait_ms=30000")
    look = f"{_PATH}?offset={offset - 1}&max_records=1"
    producer.send("GET", look)
    producer.receive()  # the server has taken the reader's request by now, which came before this one

    def ask() -> bytes:
        producer.send("GET", look)
        return producer.receive()

    def wake() -> bytes:
        producer.send("POST", f"/v1/topics/{_TOPIC}/records", envelope([record(offset, "00000000")]))
        return reader.receive()

    bare, _ = _timed(ask)
    woken, answer = _timed(wake)
    producer.receive()
    if [one["offset"] for one in json.loads(answer)["records"]] != [offset]:
        raise RuntimeError(f"the reader that waited for offset {offset} was answered {answer!r}")
    return bare, woken


def _timed(act: Callable[[], bytes]) -> tuple[float, bytes]:
    """Return the µs that `act` took, and the answer it got."""
    begun = time.perf_counter_ns()
    answer = act()
    return (time.perf_counter_ns() - begun) / 1e3, answer


class _Line:
    """A connection that knows just enough HTTP: a library's own time would hide the server's."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._socket = socket.create_connection((parts.hostname, parts.port), _TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def send(self, method: str, path: str, body: str = "") -> None:
        """Send a request whole."""
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._host}\r\n"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self._socket.sendall(f"{head}\r\n{body}".encode())

    def receive(self) -> bytes:
        """Return the body of the next answer; raises RuntimeError if it is not a 200 with a known length."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields[b"content-length"]):
            body += self._more()
        if b" 200 " not in head[:15]:
            raise RuntimeError(f"answered {head!r} {body!r}")
        return body

    def _more(self) -> bytes:
        part = self._socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part
