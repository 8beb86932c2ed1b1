"""Which partition a record goes to: Kafka's default partitioner. (PRODUCE-002 to PRODUCE-004)"""

__all__ = ["MASK", "POSITIVE", "SEED", "M", "R", "Spread", "murmur2", "partition_of_key"]

SEED = 0x9747B28C
M = 0x5BD1E995
R = 24
MASK = 0xFFFFFFFF
POSITIVE = 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash of `data`, unsigned, as Kafka's clients compute it."""
    length = len(data)
    h = SEED ^ length
    whole = length & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * M & MASK
        k ^= k >> R
        h = (h * M & MASK) ^ (k * M & MASK)
    if whole != length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * M & MASK
    h ^= h >> 13
    h = h * M & MASK
    return h ^ (h >> 15)


def partition_of_key(key: bytes, partition_count: int) -> int:
    """Return the partition of a keyed record: the hash with its sign bit cleared, modulo the number of partitions."""
    return (murmur2(key) & POSITIVE) % partition_count


class Spread:
    """Where records without a key go: one partition for all of a request, the next one for the next request."""

    def __init__(self) -> None:
        self._turn = -1

    def next(self, partition_count: int) -> int:
        """Return the partition for the keyless records of one more request."""
        self._turn = (self._turn + 1) % partition_count
        return self._turn
