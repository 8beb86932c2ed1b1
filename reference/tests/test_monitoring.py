"""What those who run a server ask it: whether it lives, whether it takes work, what it has counted."""

import asyncio
import hashlib
import json
import logging
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import AUTO_CREATE_TOPICS, MemoryEngine
from kafka_do.server.app import App
from kafka_do.server.authentication import Keys
from kafka_do.server.logs import write_logs
from kafka_do.server.metrics import Metrics
from kafka_do.server.monitored import Monitored

_KEY = "s3cret-key~1"
_RECORDS = b'{"records":[{"value":1}]}'


class _Server:
    """A watched application, called directly."""

    def __init__(self, *, keys: Keys | None = None, logs_requests: bool = False) -> None:
        features = ("core", AUTO_CREATE_TOPICS)
        engine = MemoryEngine(version="9.9", features=features, clock=ManualClock())
        self.metrics = Metrics(engine.figures)
        app = App(engine, features=features, keys=keys)
        self._app = Monitored(app, self.metrics, keys=keys, logs_requests=logs_requests)

    def ask(self, method: str, target: str, body: bytes = b"", key: str = "") -> tuple[int, dict[str, str], str]:
        path, _, query = target.partition("?")
        headers = [(b"content-type", b"application/json")]
        if key:
            headers.append((b"authorization", f"Bearer {key}".encode()))
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: MutableMapping[str, Any]) -> None:
            sent.append(event)

        asyncio.run(self._app(scope, receive, send))
        start, content = sent
        fields = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], fields, content["body"].decode()

    def samples(self) -> dict[str, float]:
        """Return what the parser of Prometheus reads, by name and labels."""
        status, fields, text = self.ask("GET", "/metrics")
        assert (status, fields["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        families = list(text_string_to_metric_families(text))
        assert all(family.documentation and family.type != "unknown" for family in families)
        assert len({family.name for family in families}) == len(families)
        found = [sample for family in families for sample in family.samples]
        labels = [",".join(f"{name}={value}" for name, value in sorted(one.labels.items())) for one in found]
        return {f"{one.name}{{{said}}}": one.value for one, said in zip(found, labels, strict=True)}


def test_requests_are_counted_by_operation_and_status_with_their_bytes_and_times() -> None:
    server = _Server()
    for _ in range(3):
        assert server.ask("POST", "/v1/topics/t/records", _RECORDS)[0] == 200
    missing = server.ask("GET", "/v1/topics/nothing")
    nowhere = server.ask("GET", "/v1/nowhere/secret-name")
    found = server.samples()
    assert found["kafka_do_http_requests_total{operation=produce,status=200}"] == 3
    assert found["kafka_do_http_requests_total{operation=describe_topic,status=404}"] == 1
    assert found["kafka_do_http_requests_total{operation=none,status=404}"] == 1
    assert found["kafka_do_http_errors_total{code=topic_not_found}"] == 1
    assert found["kafka_do_http_errors_total{code=route_not_found}"] == 1
    assert found["kafka_do_http_request_bytes_total{operation=produce}"] == 3 * len(_RECORDS)
    assert found["kafka_do_http_response_bytes_total{operation=describe_topic}"] == len(missing[2])
    assert found["kafka_do_http_response_bytes_total{operation=none}"] == len(nowhere[2])
    assert found["kafka_do_http_request_duration_seconds_count{operation=produce}"] == 3
    assert found["kafka_do_http_request_duration_seconds_bucket{le=+Inf,operation=produce}"] == 3
    assert found["kafka_do_http_requests_in_progress{}"] == 0
    assert (found["kafka_do_topics{}"], found["kafka_do_partitions{}"], found["kafka_do_groups{}"]) == (1, 1, 0)
    assert found["kafka_do_ready{}"] == 1
    assert not any("secret" in name or "nothing" in name for name in found)


def test_the_times_of_a_histogram_only_grow_and_names_are_in_order() -> None:
    server = _Server()
    for number in range(20):
        server.ask("GET", f"/v1/topics/t{number}")
    found = server.samples()
    buckets = [
        value for name, value in found.items() if name.startswith("kafka_do_http_request_duration_seconds_bucket")
    ]
    assert len(buckets) > 10
    assert buckets == sorted(buckets)
    _, _, text = server.ask("GET", "/metrics")
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert f"# TYPE {name} {family.type}\n" in text
        assert not family.name.endswith(("_ms", "_kb", "_percent"))  # base units


def test_many_different_paths_make_no_more_series() -> None:
    server = _Server()
    server.ask("GET", "/v1/topics/a")
    server.ask("GET", "/v1/no-a")
    before = len(server.samples())
    for number in range(200):
        server.ask("GET", f"/v1/topics/{number}")
        server.ask("GET", f"/v1/no-{number}")
    assert len(server.samples()) == before


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_a_monitor_is_only_asked(path: str) -> None:
    status, fields, text = _Server().ask("POST", path)
    assert (status, fields["allow"], json.loads(text)["code"]) == (405, "GET", "method_not_allowed")


def test_a_server_that_is_about_to_stop_lives_but_is_not_ready() -> None:
    server = _Server()
    assert [server.ask("GET", path)[0] for path in ("/livez", "/readyz")] == [200, 200]
    server.metrics.is_ready = False
    assert [server.ask("GET", path)[0] for path in ("/livez", "/readyz")] == [200, 503]
    assert server.samples()["kafka_do_ready{}"] == 0


def test_health_needs_no_key_and_metrics_need_one_with_the_scope_admin(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    lines = [
        f"{name} sha256:{hashlib.sha256(name.encode()).hexdigest()} scopes={scopes}\n"
        for name, scopes in (("watcher", "admin"), ("shop", "produce,consume"))
    ]
    file.write_text("".join(lines), "utf-8")
    server = _Server(keys=Keys(file=file))
    assert [server.ask("GET", path)[0] for path in ("/livez", "/readyz")] == [200, 200]
    status, fields, _ = server.ask("GET", "/metrics")
    assert (status, fields["www-authenticate"]) == (401, "Bearer")
    assert [server.ask("GET", "/metrics", key=key)[0] for key in ("nobody", "shop", "watcher")] == [401, 403, 200]


def test_what_is_nowhere_is_a_problem_as_before() -> None:
    status, fields, text = _Server().ask("GET", "/metricsz")
    assert (status, fields["content-type"]) == (404, "application/problem+json")
    assert json.loads(text)["code"] == "route_not_found"


def test_a_line_of_json_tells_a_request_and_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    write_logs("json")
    server = _Server(keys=Keys([_KEY]), logs_requests=True)
    server.ask("POST", "/v1/topics/t/records?trace=1", _RECORDS, key=_KEY)
    server.ask("GET", f"/v1/topics?api_key={_KEY}", key="wrong-key")
    server.ask("GET", "/v1/topics/t", key=_KEY)
    said = capsys.readouterr().err
    first, second, third = (json.loads(line) for line in said.splitlines())
    assert (first["status"], first["code"], first["key"]) == (400, "invalid_request", "given-1")
    assert (second["status"], second["path"], "key" in second) == (401, "/v1/topics", False)
    assert (third["operation"], third["status"], third["level"]) == ("describe_topic", 404, "info")
    assert third["request_id"]
    assert _KEY not in said
    assert "wrong-key" not in said
    logging.getLogger("kafka_do").handlers = []
    logging.getLogger("kafka_do").propagate = True
