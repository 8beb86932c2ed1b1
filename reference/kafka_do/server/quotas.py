"""How much a key may ask in a second. (QUOTA-001 to QUOTA-005)"""

import math
from typing import Any

import msgspec

from kafka_do.binding.problems import HeadedError
from kafka_do.core.broker import Broker, PartitionFailure, PartitionSlice
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import FetchRequest
from kafka_do.engines.clock import Clock

__all__ = ["Meter", "Metered", "Quota"]

_SECOND_MS = 1000


class Quota(msgspec.Struct, frozen=True):
    """Requests, and bytes of bodies in both directions; None is as many as one likes."""

    requests_per_second: int | None = None
    bytes_per_second: int | None = None


class Meter:
    """What one key has left. A second's worth may be used at once; bytes may be owed, which delays what comes next."""

    def __init__(self, quota: Quota, clock: Clock) -> None:
        self.quota = quota
        self._clock = clock
        self._buckets = {
            name: _Bucket(rate, clock.now_ms()) for name, rate in msgspec.structs.asdict(quota).items() if rate
        }

    def take_request(self) -> None:
        """Count a request; raises KafkaError `quota_exceeded`, and then counts nothing. (QUOTA-001)"""
        if not self._buckets:
            return
        now_ms = self._clock.now_ms()
        for name, bucket in self._buckets.items():
            if wait_ms := bucket.wait_ms(now_ms):
                raise _exceeded(name, bucket.rate, wait_ms)
        if (requests := self._buckets.get("requests_per_second")) is not None:
            requests.take(1, now_ms)

    def take_bytes(self, count: int) -> None:
        """Count bytes of a request or an answer. (QUOTA-004)"""
        if (bucket := self._buckets.get("bytes_per_second")) is not None:
            bucket.take(count, self._clock.now_ms())


class Metered:
    """A broker whose fetches count, for what is read in small pieces: a live stream."""

    def __init__(self, broker: Broker, meter: Meter) -> None:
        self._broker = broker
        self._meter = meter

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._broker, operation)

    async def fetch(self, request: FetchRequest) -> list[PartitionSlice | PartitionFailure]:
        """Read many partitions, and count the bytes of their records."""
        found = await self._broker.fetch(request)
        self._meter.take_bytes(sum(len(memoryview(one.records)) for one in found if isinstance(one, PartitionSlice)))
        return found


class _Bucket:
    """Fills with `rate` units a second, up to as many. Thousandths are counted, so that nothing is rounded."""

    def __init__(self, rate: int, now_ms: int) -> None:
        self.rate = rate
        self._left = rate * _SECOND_MS
        self._at_ms = now_ms

    def wait_ms(self, now_ms: int) -> int:
        """Return after how long there is one unit, 0 if there is one now."""
        self._fill(now_ms)
        return max(0, -((self._left - _SECOND_MS) // self.rate))

    def take(self, units: int, now_ms: int) -> None:
        """Take units, more than there are if need be."""
        self._fill(now_ms)
        self._left -= units * _SECOND_MS

    def _fill(self, now_ms: int) -> None:
        self._left = min(self.rate * _SECOND_MS, self._left + max(0, now_ms - self._at_ms) * self.rate)
        self._at_ms = now_ms


def _exceeded(name: str, rate: int, wait_ms: int) -> KafkaError:
    """Make the error, which says in its header and in its member when to come back. (ERROR-005)"""
    retry_after = ("Retry-After", str(math.ceil(wait_ms / _SECOND_MS)))
    message = f"the key has used up its {name}, which is {rate}; nothing was done"
    return HeadedError("quota_exceeded", message, retry_after, retry_after_ms=wait_ms)
