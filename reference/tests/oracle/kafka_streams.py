"""Apache Kafka Streams as a process: `conformance/oracle`, built once, asked line by line."""

import json
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["KafkaStreams", "KafkaStreamsError"]

_ROOT = Path(__file__).resolve().parents[3] / "conformance" / "oracle"
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
        self._process = subprocess.Popen(
            ["java", "-cp", jars, "oracle.Oracle"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, topology: dict[str, Any], records: list[dict[str, Any]]) -> Steps:
        """Return the outputs for each record; raises KafkaStreamsError."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"topology": topology, "records": records}).encode() + b"\n")
        self._process.stdin.flush()
        late = threading.Timer(_PATIENCE_S, self._process.kill)
        late.start()
        line = self._process.stdout.readline()
        late.cancel()
        answer = json.loads(line or b'{"failed": "it did not answer in time"}')
        if "failed" in answer:
            raise KafkaStreamsError(answer["failed"])
        return [_flat(step) for step in answer["steps"]]


def _flat(step: dict[str, list[Output]]) -> list[Output]:
    return [
        {"topic": None if topic == _RESULTS else topic, **output}
        for topic, outputs in step.items()
        for output in outputs
    ]
