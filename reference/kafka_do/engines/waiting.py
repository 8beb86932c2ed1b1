"""Who waits for a record: fetches that found nothing, woken by the first append that they can answer. (FETCH-012)"""

from collections import defaultdict
from collections.abc import Collection

from kafka_do.core.log import PartitionLog
from kafka_do.engines.clock import Clock, Waiter

__all__ = ["WaitingRoom"]


class WaitingRoom:
    """The waiters of each log. Nobody asks again and again: an append wakes those who wait for its log."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: defaultdict[PartitionLog, set[Waiter]] = defaultdict(set)
        self.is_closed = False

    async def wait(self, logs: Collection[PartitionLog], timeout_ms: int) -> None:
        """Wait until one of the logs is woken or the time is over, with one waiter for all of them."""
        waiter = self._clock.waiter()
        for log in logs:
            self._waiting[log].add(waiter)
        try:
            await waiter.wait(timeout_ms)
        finally:
            for log in logs:
                self._waiting[log].discard(waiter)
                if not self._waiting[log]:
                    del self._waiting[log]

    def wake(self, log: PartitionLog) -> None:
        """End the waiting for a log."""
        for waiter in self._waiting.get(log, ()):
            waiter.wake()

    def close(self) -> None:
        """End all waiting, and let nobody wait any more."""
        self.is_closed = True
        for log in list(self._waiting):
            self.wake(log)
