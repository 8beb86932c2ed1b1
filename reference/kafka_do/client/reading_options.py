"""How a member reads and what it wants of its group: a consumer's options, checked."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from kafka_do.client.codec import Codec, codec_of
from kafka_do.client.consuming import Start, check_start
from kafka_do.client.membership import Subscription
from kafka_do.client.misfits import Fate, check_fate

__all__ = ["Place", "Reading", "RebalanceCallback", "reading_of", "subscription_of"]

Place = tuple[str, int]
"""A partition as users name it: its topic and number."""

RebalanceCallback = Callable[[list[Place]], Awaitable[None] | None]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How a member reads. Times are in milliseconds.

    `fetches_ahead`: records that are known to be there may be fetched before the caller asks for them.
    """

    start: Start
    auto_commit: bool
    auto_commit_interval_ms: int
    max_poll_records: int
    fetch_min_bytes: int
    fetch_max_bytes: int
    fetch_max_wait_ms: int
    on_assigned: RebalanceCallback | None = None
    on_revoked: RebalanceCallback | None = None
    on_lost: RebalanceCallback | None = None
    codec: Codec | None = None
    on_misfit: Fate = "raise"
    fetches_ahead: bool = True


def subscription_of(
    topics: str | Sequence[str],
    group: str,
    *,
    instance_id: str | None,
    assignor: str | None,
    session_timeout_ms: int | None,
    heartbeat_interval_ms: int | None,
    rebalance_timeout_ms: int,
) -> Subscription:
    """Return what a member wants; raises ValueError where it wants no topic."""
    names = (topics,) if isinstance(topics, str) else tuple(topics)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"topics has to be a name or a list of at least one name, unlike {topics!r}")
    _check_positive(heartbeat_interval_ms=heartbeat_interval_ms)
    return Subscription(
        group, names, rebalance_timeout_ms, instance_id, assignor, session_timeout_ms, heartbeat_interval_ms
    )


def reading_of(
    *,
    start: Start,
    auto_commit: bool,
    auto_commit_interval_ms: int,
    max_poll_records: int,
    fetch_min_bytes: int,
    fetch_max_bytes: int,
    fetch_max_wait_ms: int,
    on_assigned: RebalanceCallback | None,
    on_revoked: RebalanceCallback | None,
    on_lost: RebalanceCallback | None,
    value_type: object,
    on_misfit: Fate,
) -> Reading:
    """Return how a member reads; raises ValueError or TypeError for what it cannot mean."""
    check_start(start)
    check_fate(on_misfit=on_misfit)
    _check_positive(max_poll_records=max_poll_records, fetch_max_bytes=fetch_max_bytes)
    return Reading(
        start=start,
        auto_commit=auto_commit,
        auto_commit_interval_ms=auto_commit_interval_ms,
        max_poll_records=max_poll_records,
        fetch_min_bytes=fetch_min_bytes,
        fetch_max_bytes=fetch_max_bytes,
        fetch_max_wait_ms=fetch_max_wait_ms,
        on_assigned=on_assigned,
        on_revoked=on_revoked,
        on_lost=on_lost,
        codec=codec_of(value_type),
        on_misfit=on_misfit,
    )


def _check_positive(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} has to be 1 or more, unlike {number}")
