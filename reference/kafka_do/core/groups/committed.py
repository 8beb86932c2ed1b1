"""What a group has committed, and how far it is behind."""

from typing import Literal, NamedTuple

__all__ = ["Committed", "lag_of"]


class Committed(NamedTuple):
    """A committed offset: the next record to read, in the topic of this id. (COMMIT-001, COMMIT-007)"""

    topic_id: str
    offset: int
    metadata: str


def lag_of(
    committed: Committed | None, log_start_offset: int, high_watermark: int
) -> tuple[int, Literal["committed", "log_start"]]:
    """Return how many records lie before a group, and from where that is counted. (COMMIT-019)"""
    if committed is None:
        return high_watermark - log_start_offset, "log_start"
    return max(0, high_watermark - committed.offset), "committed"
