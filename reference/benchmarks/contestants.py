"""Who is measured: the reference, a peer of another house, and a floor that does nothing."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bodies import BATCH, PRODUCER, SEQUENCE, envelope
from benchmarks.exchange import exchange, post_all
from benchmarks.load import Load
from benchmarks.processes import Server

__all__ = [
    "ECHO",
    "PEER_PACKAGE",
    "PEER_VERSION",
    "Echo",
    "Entry",
    "Ours",
    "Peer",
    "create_topic",
    "held",
    "install_peer",
]

PEER_PACKAGE = "@durable-streams/server"
PEER_VERSION = "0.3.7"

_HERE = Path(__file__).parent
_TOPIC = "t"
_STREAM = "/v1/stream/t"
_BOUND_S = 0.1


def _nothing(_: str) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Entry:
    """A contestant's part in a measurement: what is started, made ready (its URL is given) and loaded.

    One request has `records` records. `held` counts those that the server holds afterwards; `beside` runs while it is
    loaded.
    """

    name: str
    start: Callable[[], Server]
    load: Load
    prepare: Callable[[str], None] = _nothing
    records: int = 1
    held: Callable[[str], int] | None = None
    beside: Callable[[str], AbstractContextManager[object]] = nullcontext


@dataclass(frozen=True)
class Ours:
    """The reference server, of the environment that `python` runs in."""

    name: str = "kafka-do"
    python: str = sys.executable

    def start(self) -> Server:
        """Start `kafka-do serve` on a free port."""
        return Server([self.python, "-P", "-m", "kafka_do", "serve", "--port", "0"])

    def produce(self, records: Sequence[str], *, connections: int, partitions: int = 1) -> Entry:
        """Produce `records` in one request, again and again."""
        return Entry(
            self.name if partitions == 1 else f"{self.name}, {partitions} partitions",
            self.start,
            Load(f"/v1/topics/{_TOPIC}/records", envelope(records), connections),
            prepare=lambda url: create_topic(url, _TOPIC, partitions),
            records=len(records),
            held=lambda url: held(url, _TOPIC),
        )

    def produce_batches(self, records: Sequence[str], *, numbered: bool) -> Entry:
        """Produce `records` to one partition over one connection, which keeps their order, with numbers or without."""
        body = envelope(records)
        if numbered:
            body = f'{body[:-1]},"producer":{{"id":"1{PRODUCER}","epoch":0,"base_sequence":{SEQUENCE}}}}}'
        return Entry(
            f"{self.name}, idempotent" if numbered else self.name,
            self.start,
            Load(f"/v1/topics/{_TOPIC}/partitions/0/records", body, 1, sequence_step=len(records)),
            prepare=lambda url: create_topic(url, _TOPIC, 1),
            records=len(records),
            held=lambda url: held(url, _TOPIC),
        )

    def produce_bounded(self, records: Sequence[str], *, connections: int) -> Entry:
        """Produce `records` likewise, while the topic is deleted ten times a second; producing makes it again."""
        return Entry(
            f"{self.name}, log bounded",
            self.start,
            Load(f"/v1/topics/{_TOPIC}/records", envelope(records), connections),
            records=len(records),
            beside=lambda url: _deleting(url, _TOPIC),
        )

    def read(self, requests: Iterable[Iterable[str]], query: str, *, connections: int, name: str = "") -> Entry:
        """Fetch with `query` again and again what `requests`, each of some records, produced before."""

        def prepare(url: str) -> None:
            create_topic(url, _TOPIC, 1)
            post_all(url, f"/v1/topics/{_TOPIC}/records", map(envelope, requests))
            _check_batch(exchange(url, "GET", path)["records"])

        path = f"/v1/topics/{_TOPIC}/partitions/0/records?{query}"
        return Entry(f"{self.name}{name}", self.start, Load(path, None, connections), prepare=prepare)


@contextmanager
def _deleting(url: str, topic: str) -> Iterator[None]:
    over = threading.Event()

    def delete() -> None:
        while not over.wait(_BOUND_S):
            exchange(url, "DELETE", f"/v1/topics/{topic}")

    thread = threading.Thread(target=delete)
    exchange(url, "POST", "/v1/topics", json.dumps({"topic": topic}))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _check_batch(found: Sequence[object]) -> None:
    if len(found) != BATCH:
        raise RuntimeError(f"{len(found)} records were read where {BATCH} were to be measured")


def create_topic(url: str, topic: str, partitions: int) -> None:
    """Create a topic."""
    exchange(url, "POST", "/v1/topics", json.dumps({"topic": topic, "partitions": partitions}))


def held(url: str, topic: str) -> int:
    """Return how many records the topic holds."""
    told = exchange(url, "GET", f"/v1/topics/{topic}")
    return sum(one["high_watermark"] - one["log_start_offset"] for one in told["partitions"])


@dataclass(frozen=True)
class Peer:
    """The peer's own server for Node.js, in memory, in JSON mode; `folder` is where it is installed."""

    folder: Path
    name: str = PEER_PACKAGE

    def start(self) -> Server:
        """Start it on a free port."""
        script = (_HERE / "peer.mjs").read_text()
        return Server(["node", "--input-type=module", "--eval", script], cwd=self.folder)

    def append(self, body: str, *, connections: int) -> Entry:
        """Append `body`, one JSON document or an array of them, again and again."""
        return Entry(self.name, self.start, Load(_STREAM, body, connections), prepare=self._create)

    def read(self, body: str, *, connections: int) -> Entry:
        """Read again and again what `body` appended before."""

        def prepare(url: str) -> None:
            self._create(url)
            exchange(url, "POST", _STREAM, body)
            _check_batch(exchange(url, "GET", path))

        path = f"{_STREAM}?offset=-1"
        return Entry(self.name, self.start, Load(path, None, connections), prepare=prepare)

    def _create(self, url: str) -> None:
        exchange(url, "PUT", _STREAM)


def install_peer(cache: Path) -> Peer | None:
    """Return the peer, installed in `cache` once; None where Node.js or npm is missing. The checkout stays as it is."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    folder = cache / f"durable-streams-{PEER_VERSION}"
    if not (folder / "node_modules" / PEER_PACKAGE / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
        subprocess.run([*command, f"{PEER_PACKAGE}@{PEER_VERSION}"], cwd=folder, check=True, stdout=sys.stderr)
    return Peer(folder)


@dataclass(frozen=True)
class Echo:
    """The floor: what HTTP alone costs."""

    name: str = "echo"

    def start(self) -> Server:
        """Start it on a free port."""
        return Server([sys.executable, "-P", str(_HERE / "echo.py")])

    def post(self, body: str, *, connections: int) -> Entry:
        """Post `body` again and again."""
        return Entry(self.name, self.start, Load("/", body, connections))


ECHO = Echo()
