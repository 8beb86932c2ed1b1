"""A program, `python cleaned.py WORK COUNT`: a broker in this process removes what is to go from COUNT records.

It prints as JSON the processor time of the longest step, in which nothing else can be done, and of all of them.
"""

import json
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Raw

from kafka_do.client.driving import drive
from kafka_do.core.broker import AlterTopic, DeleteRecords, Produce
from kafka_do.core.messages import AlterTopicRequest, CreateTopicRequest, DeleteRecordsRequest, RecordsToDelete
from kafka_do.core.plain_records import PlainRecord
from kafka_do.engines.clock import ManualClock
from kafka_do.engines.memory import MemoryEngine

_BATCH = 1_000
_SAME_KEYS = 4
_DAY_MS = 86_400_000
_VALUE = Raw(b'{"id":10000000,"user":"u0000","pad":"' + b"x" * 61 + b'"}')
_CONFIGS = {
    "compaction": {"cleanup.policy": "compact", "max.compaction.lag.ms": "1000"},
    "age": {"retention.ms": "1000"},
    "size": {"retention.bytes": "0"},
    "delete": {},
}


class _Broker:
    def __init__(self, configs: dict[str, str], count: int) -> None:
        self._clock = ManualClock()
        self.engine = MemoryEngine(version="", clock=self._clock)
        drive(self.engine.create_topic(CreateTopicRequest(topic="t")))
        for first in range(0, count, _BATCH):
            numbers = range(first, first + _BATCH)
            self._append([f"{number % (count // _SAME_KEYS):012}" for number in numbers])
        self._clock.advance(_DAY_MS)
        drive(self.engine.alter_topic(AlterTopic("t", AlterTopicRequest(configs={**configs, "segment.ms": "1"}))))
        if "retention.bytes" not in configs:
            self._append(["behind"])
        self._clock.advance(_DAY_MS)

    def _append(self, keys: list[str]) -> None:
        drive(self.engine.produce(Produce("t", [PlainRecord(value=_VALUE, key=key) for key in keys])))

    def delete(self) -> int:
        """Delete all records, in one step."""
        request = DeleteRecordsRequest(partitions=[RecordsToDelete(0, at="latest")])
        asked: Coroutine[Any, Any, Any] = self.engine.delete_records(DeleteRecords("t", request))
        drive(asked)
        return 1


def _measure(step: Callable[[], int]) -> dict[str, float]:
    """Step until there is nothing more to do; return milliseconds."""
    took: list[float] = []
    left = 0
    while not left:
        begun = time.process_time()
        left = step()
        took.append((time.process_time() - begun) * 1000)
    return {"longest": max(took), "whole": sum(took), "steps": len(took)}


def main() -> None:
    """Print what one kind of work took."""
    work, count = sys.argv[1], int(sys.argv[2])
    broker = _Broker(_CONFIGS[work], count)
    print(json.dumps(_measure(broker.delete if work == "delete" else broker.engine.tend)))


if __name__ == "__main__":
    main()
