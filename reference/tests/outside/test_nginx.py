"""Live streams through nginx as it comes: one line that passes everything on, none about streams."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

_NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
_PATIENCE_S = 120
_CONFIGURATION = """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen 127.0.0.1:PORT; location / { proxy_pass SERVER; } }
}
"""
# Of the cases of streams these two say nothing here: nginx obeys X-Accel-Buffering and keeps it, and one more
# connection on the way holds more than the case appends.
_NOT_THROUGH_NGINX = ("streams-are-not-held-back", "slow-reader")

pytestmark = pytest.mark.skipif(_NGINX is None, reason="there is no nginx on this machine")


@contextlib.contextmanager
def _started(command: list[str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(_PATIENCE_S, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _behind_nginx(folder: Path) -> Iterator[str]:
    """Serve behind nginx and yield the address of that."""
    serve = [sys.executable, "-m", "kafka_do", "serve", "--port", "0", "--test-control", "--max-streams", "50"]
    with _started(serve, folder) as server:
        assert server.stdout is not None
        port, address = _free_port(), server.stdout.readline().strip()
        (folder / "nginx.conf").write_text(_CONFIGURATION.replace("PORT", str(port)).replace("SERVER", address))
        with _started([str(_NGINX), "-p", str(folder), "-c", "nginx.conf"], folder) as nginx:
            while nginx.poll() is None:
                with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                    break
            yield f"http://127.0.0.1:{port}"


def test_streams_are_the_same_behind_nginx(tmp_path: Path) -> None:
    wanted = "stream or heartbeats or browsers_come or accept_decides or reach_their_readers or hidden"
    chosen = " and not ".join([f"({wanted})", *_NOT_THROUGH_NGINX])
    report = tmp_path / "report.json"
    with _behind_nginx(tmp_path) as url:
        command = [sys.executable, "-m", "kafka_do", "conformance", f"--impl={url}", "-k", chosen, f"--report={report}"]
        judged = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    found = {one["case"]: one["status"] for one in json.loads(report.read_text("utf-8"))["results"]}
    unlike = {case: status for case, status in found.items() if status not in ("pass", "not-applicable")}
    assert unlike == {}, judged.stdout
    assert len([status for status in found.values() if status == "pass"]) >= 25
