"""Everything at once, for a while: `python reference/tests/soak/run.py --seconds 600`.

One server process whose clock jumps. On it work, at the same time: producers and consumers of a group with rebalances
and faults, one history after the other, each judged; a topic that retention shortens and one that is compacted; live
streams in both forms, of readers who do not read and who leave; long polls that are left; a key over its quota; and
clients that send half of a request, or none at all. In the end the server has to be what it was: no stream, no
connection, no task more, nothing lost that has to be there, as much memory as before. Told to end it does so in time.

It prints what was done and what was found, and ends with 1 if something is wrong. Memory is read from /proc.
"""

import argparse
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from kafka_do_conformance.histories.judging import judge_run
from kafka_do_conformance.limited_keys import make_keys, write_keys
from kafka_do_conformance.target import REFERENCE_SERVER, ServerTarget
from kafka_do_conformance.verdict import Violation

_HISTORIES = "conformance-"
_KEYS = 50
_BATCH = 100
_PATIENCE_S = 20.0
_GRACE_S = 3.0
_LOOK_S = 0.1
_LAST_STREAMS = 30
_MOST_BYTES = 2 << 20  # of the topic that is retained; the last segment comes on top
_SEGMENT_BYTES = 1 << 20
_TIGHT = {"segment.bytes": str(_SEGMENT_BYTES), "segment.ms": "60000"}
_RETAINED = {"retention.ms": "600000", "retention.bytes": str(_MOST_BYTES), **_TIGHT}
_COMPACTED = {"cleanup.policy": "compact", "delete.retention.ms": "60000", **_TIGHT}
_GROWTH = 1.05  # of memory, from the second quarter of the time to the last
_SLACK_MIB = 4.0
_ACCEPTS = ("application/x-ndjson", "text/event-stream")
_GARBAGE = (
    b"\x16\x03\x01\x02\x00\r\n\r\n",
    b"GET /v1 HTTP/9\r\n\r\n",
    b"POST /v1/topics HTTP/1.1\r\nHost: a\r\n",
)


class Soak:
    """A server under load: what was done on it, and what was wrong."""

    def __init__(self, url: str, master: str, metered: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self.address = (parts.hostname or "", parts.port or 0)
        self.master = master
        self.metered = metered
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.latest: dict[str, int | None] = {}
        self.is_over = threading.Event()

    def client(self, key: str = "") -> httpx.Client:
        """Return a connection with a key, the one that may do everything by default."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key or self.master}"}, timeout=_PATIENCE_S
        )

    def repeat(self, work: Callable[[random.Random], None], seed: int) -> None:
        """Do something again and again until the time is over; what it raises is wrong, and ends it."""
        chance = random.Random(seed)  # noqa: S311
        try:
            while not self.is_over.is_set():
                work(chance)
        except Exception as error:  # noqa: BLE001  a thread's end would else go unseen
            self.wrong.append(f"{work.__name__}: {type(error).__name__}: {error}")

    # ---- what goes on, a step at a time

    def retain(self, chance: random.Random) -> None:
        """Append to the topic that retention shortens."""
        records = [{"value": chance.randbytes(50).hex()} for _ in range(_BATCH)]
        with self.client() as client:
            for _ in range(chance.randint(1, 20)):
                client.post("/v1/topics/retained/records", json={"records": records}).raise_for_status()
                self.done["records retained"] += len(records)

    def compact(self, chance: random.Random) -> None:
        """Append values and tombstones of a few keys, and note what each has now."""
        with self.client() as client:
            for _ in range(chance.randint(1, 20)):
                written = {
                    f"k{chance.randrange(_KEYS)}": chance.choice([None, chance.randrange(10**6)]) for _ in range(20)
                }
                records = [{"key": key, "value": value} for key, value in written.items()]
                client.post("/v1/topics/compacted/records", json={"records": records}).raise_for_status()
                self.latest |= written
                self.done["records compacted"] += len(records)

    def follow(self, chance: random.Random) -> None:
        """Open some live streams; read a little of some and nothing of others, and leave."""
        streams = [self._stream(chance) for _ in range(chance.randint(1, 8))]
        self.is_over.wait(chance.random())
        for one in streams:
            if chance.random() < 0.5:
                _drain(one)
            one.close()
            self.done["streams"] += 1

    def poll(self, chance: random.Random) -> None:
        """Wait for what does not come, and leave some of the waiting."""
        target = f"/v1/topics/quiet/partitions/0/records?offset=0&max_wait_ms={chance.randint(1, 500)}"
        with self._sent(f"GET {target}") as one:
            if chance.random() < 0.5:
                one.settimeout(_PATIENCE_S)
                one.recv(1)
        self.done["long polls"] += 1

    def overdraw(self, chance: random.Random) -> None:
        """Ask more often than a key may."""
        with self.client(self.metered) as client:
            for _ in range(chance.randint(5, 20)):
                status = client.get("/v1/topics/quiet").status_code
                if status not in {200, 429}:
                    raise ValueError(f"a key over its quota was answered {status}")
                self.done["requests over quota" if status == 429 else "requests within quota"] += 1
        self.is_over.wait(0.2)

    def disturb(self, chance: random.Random) -> None:
        """Send what is no request, half of one, or a key that nobody has."""
        with socket.create_connection(self.address, _PATIENCE_S) as one:
            one.sendall(chance.choice(_GARBAGE))
            if chance.random() < 0.5:
                one.settimeout(0.2)
                with suppress(TimeoutError):
                    one.recv(1)
        with self.client(f"nobody-{chance.randrange(10**9)}") as client:
            if (status := client.get("/v1/topics").status_code) != 401:
                raise ValueError(f"an unknown key was answered {status}")
        self.done["disturbances"] += 1

    # ---- what is looked at

    def figures(self) -> dict[str, float]:
        """Return what the server says of itself."""
        with self.client() as client:
            lines = client.get("/metrics").raise_for_status().text.splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def prepare(self) -> None:
        """Make the topics."""
        with self.client() as client:
            for topic, configs in {"retained": _RETAINED, "compacted": _COMPACTED, "quiet": {}}.items():
                client.post("/v1/topics", json={"topic": topic, "configs": configs}).raise_for_status()

    def clear(self) -> None:
        """Delete what a history leaves."""
        with self.client() as client:
            for kind, name in (("groups", "group"), ("topics", "topic")):
                for one in client.get(f"/v1/{kind}").raise_for_status().json()[kind]:
                    if one[name].startswith(_HISTORIES):
                        client.delete(f"/v1/{kind}/{one[name]}").raise_for_status()

    def check_topics(self) -> None:
        """Look whether retention and compaction left what they have to, and nothing else."""
        found: dict[str, Any] = {}
        for record in self._read("compacted"):
            found[record["key"]] = record["value"]
        for key, value in self.latest.items():
            if found.get(key) != value:
                self.wrong.append(f"compacted: {key} is {found.get(key)!r}, and was written as {value!r} last")
        kept = sum(len(record["value"]) for record in self._read("retained"))
        if kept > _MOST_BYTES + _SEGMENT_BYTES + self.done["records retained"]:
            self.wrong.append(f"retained: {kept} bytes are there, and retention.bytes is {_MOST_BYTES}")
        self.done["bytes kept of the retained"] = kept

    def check_rest(self, before: dict[str, float]) -> None:
        """Look whether the server comes to rest: as many tasks, streams and connections as at its start."""
        names = [
            "kafka_do_tasks",
            "kafka_do_streams",
            "kafka_do_http_connections",
            "kafka_do_http_requests_in_progress",
        ]
        ends = time.monotonic() + _PATIENCE_S
        while (now := self.figures()) and any(now[name] > before[name] for name in names):
            if time.monotonic() > ends:
                more = {name: (before[name], now[name]) for name in names if now[name] > before[name]}
                self.wrong.append(f"at rest there is more than at the start: {more}")
                return
            time.sleep(_LOOK_S)
        self.done["requests"] = int(
            sum(n for name, n in now.items() if name.startswith("kafka_do_http_requests_total"))
        )

    def check_end(self, process: "subprocess.Popen[str]") -> None:
        """Tell the server to end while streams are open; each has to be told, and the process to end in time."""
        chance = random.Random(0)  # noqa: S311
        streams = [self._stream(chance, "quiet") for _ in range(_LAST_STREAMS)]
        ends = time.monotonic() + _PATIENCE_S
        while self.figures()["kafka_do_streams"] < _LAST_STREAMS and time.monotonic() < ends:
            time.sleep(_LOOK_S)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        told = sum(b'"shutdown"' in _drain(one) for one in streams)
        try:
            _, said = process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"the process goes on {_PATIENCE_S:g} s after SIGTERM")
            return
        took = time.monotonic() - begun
        for is_wrong, words in (
            (told < _LAST_STREAMS, f"{_LAST_STREAMS - told} of {_LAST_STREAMS} streams were not told of the end"),
            (took > _GRACE_S, f"the process took {took:.1f} s to end"),
            (process.returncode not in {0, -signal.SIGTERM}, f"the process ended with {process.returncode}"),
            (bool(said), f"standard error: {said[-2000:]}"),
        ):
            if is_wrong:
                self.wrong.append(words)
        print(f"SIGTERM with {_LAST_STREAMS} streams open: all over after {took:.2f} s")

    def _read(self, topic: str) -> Iterator[dict[str, Any]]:
        with self.client() as client:
            offset = client.get(f"/v1/topics/{topic}").raise_for_status().json()["partitions"][0]["log_start_offset"]
            while True:
                place = f"/v1/topics/{topic}/partitions/0/records?offset={offset}&max_wait_ms=0"
                answer = client.get(place).raise_for_status().json()
                yield from answer["records"]
                if answer["next_offset"] == offset:
                    return
                offset = answer["next_offset"]

    def _stream(self, chance: random.Random, topic: str = "") -> socket.socket:
        topic = topic or chance.choice(["retained", "compacted", "quiet"])
        place = f"/v1/topics/{topic}/partitions/0/records?offset=0"
        return self._sent(f"GET {place}", f"Accept: {chance.choice(_ACCEPTS)}")

    def _sent(self, request: str, *lines: str) -> socket.socket:
        one = socket.create_connection(self.address, _PATIENCE_S)
        head = [f"{request} HTTP/1.1", "Host: soak", f"Authorization: Bearer {self.master}", *lines, "", ""]
        one.sendall("\r\n".join(head).encode())
        return one


def main() -> int:
    """Run for a time, and say what was found."""
    parser = argparse.ArgumentParser(description="Everything at once on one server, for a while.")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first history and of the others")
    asked = parser.parse_args()
    with _served() as (process, soak):
        memory = _run(soak, process, asked.seconds, asked.seed)
        soak.check_end(process)
    wrong = [*soak.wrong, *_growth(memory)]
    print("resident, MiB:", " ".join(f"{one:.1f}" for one in memory[:: max(1, len(memory) // 20)]))
    print(", ".join(f"{count} {name}" for name, count in sorted(soak.done.items())))
    for line in wrong:
        print(f"WRONG: {line}")
    print(f"soak of {asked.seconds:g} s: {len(wrong)} faults")
    return 1 if wrong else 0


def _run(soak: Soak, process: "subprocess.Popen[str]", seconds: float, seed: int) -> list[float]:
    """Let everything go on for the time, and return what the process held in memory meanwhile, in MiB."""
    soak.prepare()
    before = soak.figures()
    works = [soak.retain, soak.compact, soak.follow, soak.follow, soak.poll, soak.overdraw, soak.disturb]
    threads = [
        threading.Thread(target=soak.repeat, args=(work, number), daemon=True)
        for number, work in enumerate(works, seed)
    ]
    for thread in threads:
        thread.start()
    memory = []
    target = ServerTarget(url=soak.url, api_key=soak.master, is_shared=True)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not soak.wrong:
        with closing(target.wire()) as wire:
            server = target.session(wire)
            try:
                judge_run(server, seed)
            except Violation as violation:
                soak.wrong.append(f"history of seed {seed}: {violation}: {violation.mismatches}")
            finally:
                server.leave()
        seed += 1
        soak.done["histories"] += 1
        soak.clear()
        memory.append(_resident_mib(process.pid))
    soak.is_over.set()
    for thread in threads:
        thread.join(_PATIENCE_S)
        if thread.is_alive():
            soak.wrong.append(f"{thread.name} does not end")
    soak.check_rest(before)
    soak.check_topics()
    return memory


def _growth(memory: list[float]) -> list[str]:
    quarter = max(1, len(memory) // 4)
    early, late = statistics.median(memory[quarter : 2 * quarter] or memory), statistics.median(memory[-quarter:])
    if late > early * _GROWTH + _SLACK_MIB:
        return [f"memory grows: {early:.1f} MiB in the second quarter of the time, {late:.1f} in the last"]
    return []


@contextmanager
def _served() -> "Iterator[tuple[subprocess.Popen[str], Soak]]":
    keys = make_keys()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "keys")
        write_keys(file, keys)
        master = "the-key-of-the-soak"
        command = [*REFERENCE_SERVER, "--test-control", f"--api-key={master}", "--api-key-file", str(file)]
        command += ["--retention-delay-ms", "1000", "--max-request-ms", "2000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield process, Soak(process.stdout.readline().strip(), master, keys["metered"])
            finally:
                process.kill()


def _drain(one: socket.socket) -> bytes:
    """Return what comes until the other side ends, or until nothing has come for a moment."""
    one.settimeout(0.5)
    parts = []
    with suppress(TimeoutError, ConnectionResetError):
        while part := one.recv(65_536):
            parts.append(part)
            if len(parts) > 100:
                break
    return b"".join(parts)


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


if __name__ == "__main__":
    sys.exit(main())
