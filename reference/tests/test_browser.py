"""A real browser on a page of another origin: what CORS is for."""

import contextlib
import http.server
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_PATIENCE_S = 90
_KEY = "key-of.the~test"
_PAGE = """<!doctype html><script>
const broker = "BROKER", json = {"Content-Type": "application/json"}, key = {"Authorization": "Bearer KEY"};
const ask = async (method, path, headers, body) => {
  try {
    const answer = await fetch(broker + path, {method, headers, body: body && JSON.stringify(body)});
    const text = await answer.text();
    return {status: answer.status, id: answer.headers.get("X-Request-Id"),
            revision: answer.headers.get("Kafka-Do-Revision"), body: text && JSON.parse(text)};
  } catch (error) { return {failed: error.name}; }
};
(async () => {
  const found = [
    await ask("GET", "/v1", {}),
    await ask("POST", "/v1/topics", {...json, ...key}, {topic: "t"}),
    await ask("POST", "/v1/topics/t/records", {...json, ...key, "X-Request-Id": "from-a-page"},
              {records: [{value: 1}]}),
    await ask("GET", "/v1/topics/t/partitions/0/records?offset=0", key),
    await ask("GET", "/v1/topics/t", {}),
    await ask("DELETE", "/v1/topics/t", key),
  ];
  await fetch("/found", {method: "POST", body: JSON.stringify(found)});
})();
</script>"""

_STREAMING_PAGE = r"""<!doctype html><script>
const broker = "BROKER", records = "/v1/topics/t/partitions/0/records", key = {"Authorization": "Bearer KEY"};
const append = (value) => fetch(broker + "/v1/topics/t/records", {
  method: "POST", headers: {"Content-Type": "application/json", ...key}, body: JSON.stringify({records: [{value}]})});
const report = (found) => fetch("/found", {method: "POST", body: JSON.stringify(found)});

const listen = () => {
  const source = new EventSource(broker + records + "?offset=0&max_stream_ms=500"), found = [];
  source.onmessage = (event) => {
    const line = JSON.parse(event.data);
    found.push(line.type === "records" ? [event.lastEventId, line.records.map((one) => one.value)] : line.type);
    if (line.type === "end") append(found.length);
    if (found.filter((one) => one === "end").length === 3) { source.close(); report(found); }
  };
};

const readLines = async () => {
  const aborting = new AbortController(), found = [];
  const answer = await fetch(broker + records + "?offset=0",
    {headers: {Accept: "application/x-ndjson", ...key}, signal: aborting.signal});
  let rest = "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  while (found.length < 3) {
    const lines = (rest + (await reader.read()).value).split("\n");
    rest = lines.pop();
    for (const line of lines.map((text) => JSON.parse(text))) {
      found.push(line.type === "records" ? line.records.map((one) => one.value) : line.type);
      await append("\u2028" + found.length);
    }
  }
  aborting.abort();
  report([answer.headers.get("Kafka-Do-Revision"), ...found]);
};
START();
</script>"""

pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no chromium on this machine")


@contextlib.contextmanager
def _pages(found: "queue.Queue[Any]") -> Iterator[tuple[str, list[str]]]:
    """Serve the page and take what it found; yield the origin and a list for the page's text."""
    page: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page[0].encode() if self.path == "/" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", page
        server.shutdown()


@contextlib.contextmanager
def _broker(origin: str, *, key: str = _KEY) -> Iterator[str]:
    command = [sys.executable, "-m", "kafka_do", "serve", "--port", "0", "--cors-origin", origin]
    command += ["--api-key", key] if key else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _browse(url: str, folder: Path, found: "queue.Queue[Any]") -> Any:
    """Open a page in a browser and return what it found."""
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *quiet]
    # It has to run until the page is done; a browser that dumps or prints a page would end with its loading.
    command = [str(_CHROMIUM), *options, f"--user-data-dir={folder}", "--remote-debugging-port=0", url]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as browser:
        try:
            return found.get(timeout=_PATIENCE_S)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait(_PATIENCE_S)


def test_a_page_of_a_listed_origin_uses_everything(tmp_path: Path) -> None:
    found: queue.Queue[Any] = queue.Queue()
    with _pages(found) as (origin, page), _broker(origin) as broker:
        page.append(_PAGE.replace("BROKER", broker).replace("KEY", _KEY))
        discovered, created, produced, read, refused, deleted = _browse(origin, tmp_path, found)
    assert {"api_keys", "cors"} <= set(discovered["body"]["features"])
    assert (created["status"], created["revision"]) == (201, "1.0")
    assert (produced["status"], produced["id"]) == (200, "from-a-page")
    assert [record["value"] for record in read["body"]["records"]] == [1]
    assert (refused["status"], refused["body"]["request_id"]) == (401, refused["id"])
    assert deleted["status"] == 204


def test_a_page_of_another_origin_reads_nothing(tmp_path: Path) -> None:
    found: queue.Queue[Any] = queue.Queue()
    with _pages(found) as (origin, page), _broker("http://shop.example") as broker:
        page.append(_PAGE.replace("BROKER", broker).replace("KEY", _KEY))
        assert _browse(origin, tmp_path, found) == [{"failed": "TypeError"}] * 6


def test_a_page_listens_to_events_and_goes_on_where_it_was(tmp_path: Path) -> None:
    found: queue.Queue[Any] = queue.Queue()
    with _pages(found) as (origin, page), _broker(origin, key="") as broker:
        httpx.post(f"{broker}/v1/topics", json={"topic": "t"}).raise_for_status()
        page.append(_STREAMING_PAGE.replace("BROKER", broker).replace("START", "listen"))
        heard = _browse(origin, tmp_path, found)
    assert heard == ["heartbeat", "end", ["1", [2]], "end", ["2", [4]], "end"]


def test_a_page_with_a_key_reads_lines(tmp_path: Path) -> None:
    found: queue.Queue[Any] = queue.Queue()
    with _pages(found) as (origin, page), _broker(origin) as broker:
        key = {"Authorization": f"Bearer {_KEY}"}
        httpx.post(f"{broker}/v1/topics", json={"topic": "t"}, headers=key).raise_for_status()
        page.append(_STREAMING_PAGE.replace("BROKER", broker).replace("KEY", _KEY).replace("START", "readLines"))
        revision, *lines = _browse(origin, tmp_path, found)
    assert revision == "1.0"
    assert lines == ["heartbeat", ["\u20281"], ["\u20282"]]
