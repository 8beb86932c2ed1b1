"""Who looks after the logs of the broker in memory: what is to go goes, in small steps. (RETAIN-004)"""

from collections.abc import Callable, Iterator, Mapping

from kafka_do.core.compaction import compact
from kafka_do.core.log import PartitionLog
from kafka_do.core.retention import expire
from kafka_do.engines.clock import Clock
from kafka_do.engines.topic import Topic

__all__ = ["Cleaning"]

_LOGS_AT_ONCE = 200


class Cleaning:
    """Rounds through all topics, each as soon as the time between two rounds has passed.

    Whoever drives the engine asks for a step now and then, and may do anything else between two steps. No step takes
    long, however much there is to do. `removed` is called with each log whose beginning has gone.
    """

    def __init__(
        self,
        topics: Mapping[str, Topic],
        *,
        interval_ms: int,
        clock: Clock,
        removed: Callable[[PartitionLog], None],
    ) -> None:
        self._topics = topics
        self._interval_ms = interval_ms
        self._clock = clock
        self._removed = removed
        self._due_ms = clock.now_ms() + interval_ms
        self._round: Iterator[None] | None = None

    def step(self) -> int:
        """Do a little of what is due; return in how many milliseconds there is more to do, 0 for at once."""
        now_ms = self._clock.now_ms()
        if self._round is None and now_ms >= self._due_ms:
            self._due_ms = now_ms + self._interval_ms
            self._round = self._steps(now_ms)
        if self._round is not None and next(self._round, self) is self:
            self._round = None
        return max(0, self._due_ms - now_ms) if self._round is None else 0

    def _steps(self, now_ms: int) -> Iterator[None]:
        looked = 0
        for topic in list(self._topics.values()):
            for log in list(topic.logs):
                looked += 1
                if looked % _LOGS_AT_ONCE == 0:
                    yield
                while expire(log, topic.configs, now_ms):
                    self._removed(log)
                    yield
                yield from compact(log, topic.configs, now_ms)
