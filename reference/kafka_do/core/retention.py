"""What goes from the beginning of a log, for its age or for the log's size. (RETAIN-008 to RETAIN-013)"""

from kafka_do.core.configs import Configs
from kafka_do.core.log import PartitionLog

__all__ = ["expire"]

_AT_ONCE = 1_000


def expire(log: PartitionLog, configs: Configs, now_ms: int) -> bool:
    """Remove the oldest segments that are too old or too many; return whether there were any.

    No more than a thousand at once: whoever wants all gone asks again until there are none.
    """
    if not configs.deletes:
        return False
    size = log.length
    count = 0
    for segment in log.segments[:_AT_ONCE]:
        left = size - segment.length
        is_old = configs.retention_ms >= 0 and now_ms - segment.latest_ms > configs.retention_ms
        is_much = configs.retention_bytes >= 0 and left >= configs.retention_bytes
        if not is_old and not is_much:
            break
        size = left
        count += 1
    if count:
        log.remove_segments(count)
    return count > 0
