"""Apache Kafka Streams as a process: the program in `conformance/oracle`, built, and asked line by line."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka_do_conformance.process import LineProcess

__all__ = ["KafkaStreams", "KafkaStreamsError"]

_ROOT = Path(__file__).resolve().parents[2] / "oracle"
_RESULTS = "the-results"
_PATIENCE_S = 60

Output = dict[str, Any]
Steps = list[list[Output]]


class KafkaStreamsError(Exception):
    """Kafka Streams refused a topology or failed on a record."""


class KafkaStreams:
    """The oracle: what Kafka Streams makes of records. Outputs of a step come topic by topic."""

    def __enter__(self) -> Self:
        subprocess.run(["mvn", "-q", "-B", "compile"], cwd=_ROOT, check=True)
        jars = f"{_ROOT / 'target' / 'classes'}:{_ROOT / 'target' / 'dependency'}/*"
        self._process = LineProcess(["java", "-cp", jars, "oracle.Oracle"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()

    def run(self, topology: dict[str, Any], records: list[dict[str, Any]]) -> Steps:
        """Return the outputs for each record; raises KafkaStreamsError."""
        question = json.dumps({"topology": topology, "records": records}).encode("ascii")
        self._process.write_line(question)
        answer = json.loads(self._process.read_line(_PATIENCE_S) or b'{"failed": "it ended"}')
        if "failed" in answer:
            raise KafkaStreamsError(answer["failed"])
        return [_flat(step) for step in answer["steps"]]


def _flat(step: dict[str, list[Output]]) -> list[Output]:
    return [
        {"topic": None if topic == _RESULTS else topic, **output}
        for topic, outputs in step.items()
        for output in outputs
    ]
