"""Two processes of one pipeline, of which one is killed: `python reference/tests/streams/killing.py --seeds 1-20`.

A server process, and two processes that count the orders of each customer together: the orders lie under other keys, so
they are moved through an internal topic, and each count has a state with a changelog. While they work more comes, and
at a moment that the seed chooses one of them is killed. The other goes on alone, and in the end the newest count of
each customer has to be that of one quiet run.

It prints a line for each seed, and ends with 1 if a count is wrong or nothing was left to do after the kill.
"""

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

import httpx

from kafka_do import Client, Message
from kafka_do.core.errors import KafkaError
from kafka_do.streams import value

_ORDERS = 400
_PORTION = 20
_CUSTOMERS = 9
_PARTITIONS = 4
_SESSION_MS = 1000
_STEP = 10  # records at once: what a kill can do twice
_QUIET_MS = 300
_WAIT_MS = 200
_PATIENCE_S = 60.0


class Told(NamedTuple):
    """What a run came to: counts of the two processes, those of the quiet run, and what the kill left to be done."""

    counts: dict[str, int]
    quiet: dict[str, int]
    left: int

    @property
    def is_right(self) -> bool:
        """Whether the kill changed nothing, although something was left to do."""
        return self.counts == self.quiet and self.left > 0


def count(url: str, group: str, source: str, sink: str, timeout_ms: int | None = None) -> None:
    """Count the orders of each customer."""
    with Client(url) as client:
        counted = client.stream(source).group_by(value["customer"]).count().to(sink)
        counted.run(group, timeout_ms=timeout_ms, max_poll_records=_STEP, session_timeout_ms=_SESSION_MS)


def run(seed: int) -> Told:
    """Run with a kill; raises TimeoutError where the other process does not get done, RuntimeError where it fails."""
    chance = random.Random(seed)  # noqa: S311
    with _serving() as url, Client(url) as client, tempfile.TemporaryFile("w+") as said:
        for topic in ("orders", "quiet-orders"):
            client.admin().create_topic(topic, partitions=_PARTITIONS)
        for topic in ("counts", "quiet-counts"):
            client.admin().create_topic(topic)
        orders = [
            Message({"customer": f"c{chance.randrange(_CUSTOMERS)}"}, key=str(chance.randrange(1000)))
            for _ in range(_ORDERS)
        ]
        _produce(client, "quiet-orders", orders)
        count(url, "quiet", "quiet-orders", "quiet-counts", _QUIET_MS)
        sink = _Sink(url, "counts")
        kill_at = chance.randrange(1, _ORDERS * 3 // 4)
        with _working(url, said) as victim, _working(url, said) as survivor:
            ends = time.monotonic() + _PATIENCE_S
            for first in range(0, _ORDERS, _PORTION):
                _produce(client, "orders", orders[first : first + _PORTION])
                if len(sink.seen) < kill_at:
                    sink.look(0)
            while len(sink.seen) < kill_at:
                sink.look(_WAIT_MS)
                _check(survivor, ends, said)
            victim.kill()
            left = _lag(client)
            while _lag(client) > 0:
                sink.look(_WAIT_MS)
                _check(survivor, ends, said)
        sink.look(0)
        return Told(dict(sink.seen), dict(_Sink(url, "quiet-counts").look(0)), left)


class _Sink:
    """A topic of counts, and what was seen in it."""

    def __init__(self, url: str, topic: str) -> None:
        self._place = f"{url}/v1/topics/{topic}/partitions/0/records"
        self._offset = 0
        self.seen: list[tuple[str, int]] = []

    def look(self, wait_ms: int) -> Sequence[tuple[str, int]]:
        """Read to the end, and wait there for a moment if nothing was there; return everything."""
        while True:
            asked = {"offset": self._offset, "max_wait_ms": wait_ms}
            found = httpx.get(self._place, params=asked, timeout=_PATIENCE_S).raise_for_status().json()
            self.seen += [(record["key"], record["value"]) for record in found["records"]]
            self._offset = found["next_offset"]
            if self._offset >= found["high_watermark"]:
                return self.seen


def _produce(client: Client, topic: str, orders: Sequence[Message[dict[str, str]]]) -> None:
    client.producer(topic).send_batch(orders)


def _lag(client: Client) -> int:
    """Return how much the group has to read, all of it before it has begun."""
    try:
        lag = client.admin().describe_group("counting").total_lag
    except KafkaError as error:
        if error.code != "group_not_found":
            raise
        lag = None
    return _ORDERS if lag is None else lag


def _check(survivor: "subprocess.Popen[str]", ends: float, said: IO[str]) -> None:
    status = survivor.poll()
    if status is not None:
        said.seek(0)
        raise RuntimeError(f"the process that was not killed has ended with {status}: {said.read()}")
    if time.monotonic() > ends:
        raise TimeoutError(f"not done within {_PATIENCE_S:g} s")


@contextlib.contextmanager
def _serving() -> Iterator[str]:
    options = ["--port", "0", "--limit", f"min_session_timeout_ms={_SESSION_MS}"]
    with _process(["-m", "kafka_do", "serve", *options], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()


@contextlib.contextmanager
def _working(url: str, said: IO[str]) -> Iterator["subprocess.Popen[str]"]:
    with _process([__file__, "--work", url], stderr=said) as worker:
        yield worker


@contextlib.contextmanager
def _process(words: Sequence[str], **given: "int | IO[str]") -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, *words], text=True, **given) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def main() -> int:
    """Run seeds, or be one of the two processes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="1-20", metavar="FIRST-LAST")
    parser.add_argument("--work", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        count(given.work, "counting", "orders", "counts")
    first, _, last = given.seeds.partition("-")
    wrong = 0
    for seed in range(int(first), int(last or first) + 1):
        told = run(seed)
        wrong += not told.is_right
        print(f"seed {seed}: {'right' if told.is_right else f'WRONG {told}'}, {told.left} records left by the kill")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
