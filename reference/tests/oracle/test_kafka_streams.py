"""The reference and Apache Kafka Streams itself give the same, for topologies and records that are made at random.

This takes Java, Maven and a registry, so it runs where ORACLE_EXAMPLES says how many inputs each operator gets.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from kafka_do.streams import StreamDriver
from kafka_do_conformance.oracle.kafka_streams import KafkaStreams, Steps
from kafka_do_conformance.oracle.topologies import EXACT, Document, Record, stream_join

_EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "0"))
_SEED = int(os.environ.get("ORACLE_SEED", "0"))
_FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
_VECTORS = [
    vector
    for path in sorted(_FIXTURES.glob("processing_*.json"))
    for vector in json.loads(path.read_text("utf-8"))["vectors"]
    if vector["origin"] != "rule"
]
_FLUSH = [
    {"topic": topic, "key": "~", "value": "~", "timestamp_ms": time}
    for time, topic in enumerate(("left", "right", "left", "right"), start=10_000)
]

pytestmark = pytest.mark.skipif(_EXAMPLES == 0, reason="ORACLE_EXAMPLES is not set; .ci/long sets it")

_RUNS = settings(
    max_examples=_EXAMPLES or 1,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def kafka_streams() -> Iterator[KafkaStreams]:
    with KafkaStreams() as oracle:
        yield oracle


@pytest.mark.parametrize("vector", _VECTORS, ids=[vector["name"] for vector in _VECTORS])
def test_the_fixtures_are_what_kafka_streams_gives(vector: dict[str, Any], kafka_streams: KafkaStreams) -> None:
    given_records = [step["record"] for step in vector["steps"]]
    expected = [_sorted(step["outputs"]) for step in vector["steps"]]
    assert [_sorted(step) for step in kafka_streams.run(vector["topology"], given_records)] == expected


@pytest.mark.parametrize("operator", EXACT)
def test_each_record_gives_the_same(operator: str, kafka_streams: KafkaStreams) -> None:
    @seed(_SEED)
    @_RUNS
    @given(EXACT[operator]())
    def compare(made: tuple[Document, list[Record]]) -> None:
        topology, records = made
        theirs = [_told_once(step) for step in kafka_streams.run(topology, records)]
        assert [_sorted(step) for step in _ours(topology, records)] == [_sorted(step) for step in theirs]

    compare()


@pytest.mark.parametrize("kind", ["left", "outer"])
def test_in_the_end_unmatched_records_are_the_same(kind: str, kafka_streams: KafkaStreams) -> None:
    """D-8, D-9: Kafka tells some later, and some too early that are then matched after all."""

    @seed(_SEED)
    @_RUNS
    @given(stream_join(kind))
    def compare(made: tuple[Document, list[Record]]) -> None:
        topology, records = made
        ours = _all(_ours(topology, [*records, *_FLUSH]))
        theirs = _all(kafka_streams.run(topology, [*records, *_FLUSH]))
        assert not ours - theirs
        matched_after_all = theirs - ours
        assert all("null" in output for output in matched_after_all)

    compare()


def _ours(topology: Document, records: list[Record]) -> Steps:
    driver = StreamDriver(topology)
    steps: Steps = []
    for record in records:
        outputs = driver.send(record["topic"], record["value"], key=record["key"], timestamp_ms=record["timestamp_ms"])
        steps.append([_output(output) for output in outputs])
    return steps


def _output(output: Any) -> dict[str, Any]:
    made = {"topic": output.topic, "key": output.key, "value": output.value, "timestamp_ms": output.timestamp_ms}
    if output.window is not None:
        made["window"] = {"start_ms": output.window.start_ms, "end_ms": output.window.end_ms}
    return made


def _told_once(step: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """D-2: leave out that a session is taken back which is told again in the same step."""
    told = [(output["key"], output["window"]) for output in step if "window" in output and output["value"] is not None]
    return [
        output
        for output in step
        if "window" not in output or output["value"] is not None or (output["key"], output["window"]) not in told
    ]


def _sorted(step: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(output, sort_keys=True) for output in step)


def _all(steps: Steps) -> Counter[str]:
    return Counter(json.dumps(output, sort_keys=True) for step in steps for output in step if output["key"] != "~")
