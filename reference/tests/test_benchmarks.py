"""The benchmarks measure what they say: sizes, fresh keys, ratios. What they find is nobody's test."""

import http.server
import itertools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import load, rounds, windows
from benchmarks.bodies import BATCH, FRESH, batch, big_record, envelope, key, value
from benchmarks.contestants import Entry, Ours
from benchmarks.load import Load, Run, run_load, wrk_is_there
from benchmarks.processes import Server
from benchmarks.report import Goal, Measurement, Series, as_text, ratio, write_json
from benchmarks.rounds import Effort, compete

on_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="processes are measured on Linux only")

_RUN = Run(requests=1000, seconds=2.0, p50_ms=1.0, p99_ms=2.0, failures=0, server_cpu_s=1.0, load_cpu_s=0.5)


def test_a_value_has_100_bytes_and_no_whitespace() -> None:
    for number in (0, 999, 999_999):
        text = value(number)
        assert len(text) == 100
        assert json.dumps(json.loads(text), separators=(",", ":")) == text


def test_the_keys_of_a_batch_differ_in_text_and_in_length() -> None:
    keys = [json.loads(one)["key"] for one in batch("00000001")]
    assert len(set(keys)) == BATCH
    assert {len(one) for one in keys} == {11, 12, 13}


def test_every_record_of_a_batch_has_a_place_for_the_number_of_its_request() -> None:
    assert envelope(batch()).count(FRESH) == BATCH


def test_the_big_record_has_a_kibibyte() -> None:
    assert len(big_record()) == 1024
    assert json.loads(big_record())["key"] == key(0)


def test_a_ratio_is_of_medians_and_of_rounds() -> None:
    found = ratio(Series("a", "x", [10, 20, 60]), Series("b", "x", [10, 10, 20]))
    assert found.name == "a / b"
    assert found.value == 2
    assert found.paired == [1, 2, 3]


def test_the_table_shows_the_goal_beside_the_figure_and_does_not_judge() -> None:
    one, other = Series("ours", "requests/s", [900, 1234, 1500]), Series("peer", "requests/s", [1000, 1000, 1000])
    text = as_text(Measurement("m", "a title", [one, other], [ratio(one, other, Goal("≥", 3))], ["a word more"]))
    assert re.search(r"ours +900 +1 234 +1 500 +requests/s", text)
    assert re.search(r"ours / peer +0\.90 +1\.23 +1\.50 +times +goal ≥ 3: 1\.23$", text, re.MULTILINE)
    assert text.endswith("note: a word more")


def test_the_json_has_every_sample(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    write_json(path, {"python": "3"}, [Measurement("m", "t", [Series("a", "x", [1, 2, 3])])])
    found = json.loads(path.read_text("utf-8"))
    assert found["environment"] == {"python": "3"}
    assert found["measurements"][0]["series"][0]["samples"] == [1, 2, 3]


def test_a_run_knows_its_rate_and_the_processor_time_of_a_request() -> None:
    assert _RUN.requests_per_s == 500
    assert _RUN.cpu_us == 1000


@on_linux
def test_contestants_take_turns_each_on_a_fresh_server(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[tuple[str, int]] = []

    def run(_: Server, asked: Load, seconds: int) -> Run:
        turns.append((asked.path, seconds))
        return _RUN

    started: list[Server] = []

    def start() -> Server:
        started.append(Ours().start())
        return started[-1]

    monkeypatch.setattr(rounds, "run_load", run)
    entries = [Entry(name, start, Load(f"/{name}", None, 1)) for name in ("a", "b")]
    outcomes = compete(entries, Effort(rounds=2, seconds=3))
    assert turns == [("/a", 1), ("/a", 3), ("/b", 1), ("/b", 3)] * 2
    assert len(started) == 4
    assert [one.rates().samples for one in outcomes] == [[500, 500], [500, 500]]


@on_linux
def test_a_server_that_holds_less_than_it_acknowledged_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "run_load", lambda *_: _RUN)
    entry = Ours().produce(["{}"], connections=1)  # prepared, and nothing is sent
    with pytest.raises(RuntimeError, match="holds 0 records and has acknowledged at least 1000"):
        compete([entry], Effort(rounds=1, seconds=1))


class _Keeper(http.server.BaseHTTPRequestHandler):
    """Keeps the bodies that it gets."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Here(Server):
    """A server in this process."""

    def __init__(self, url: str) -> None:
        self.url = url

    def cpu_s(self) -> float:
        """Tell no time."""
        return 0.0


@pytest.fixture
def bodies() -> Iterator[tuple[str, list[bytes]]]:
    """Give the URL of a server and the bodies that it was sent."""
    kept: list[bytes] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Keeper", (_Keeper,), {"bodies": kept})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", kept
        server.shutdown()


@pytest.mark.skipif(not wrk_is_there(), reason="wrk is not installed")
def test_no_key_comes_twice_neither_in_a_run_nor_in_two(
    bodies: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, kept = bodies

    monkeypatch.setattr(load, "_first_numbers", itertools.count(99_999_999, 1_000_000))  # the number has eight digits
    for _ in range(2):
        found = run_load(_Here(url), Load("/", envelope(batch()[:3]), 2), 1)
        assert found.failures == 0
        assert 0 < found.requests <= len(kept)
    keys = [one["key"] for body in kept for one in json.loads(body)["records"]]
    assert len(set(keys)) == len(keys) == 3 * len(kept)


@on_linux
@pytest.mark.parametrize("way", ["floor", "final", "updates", "join", "memory"])
def test_each_way_with_streams_finds_what_it_has_to(way: str) -> None:
    program = Path(windows.__file__)
    told = subprocess.run([sys.executable, "-P", program, way, "2000"], capture_output=True, text=True, check=True)
    figures = json.loads(told.stdout)
    assert figures
    assert all(figure > 0 for figure in figures.values())
