"""A consumer's options: their defaults, which are the specification's, and what they have to be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from kafka_do.client.codec import codec_of
from kafka_do.client.consuming import Start, check_start
from kafka_do.client.group_reading import Reading, RebalanceCallback
from kafka_do.client.membership import Subscription
from kafka_do.client.misfits import Fate, check_fate
from kafka_do.core.messages import FetchRequest
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.client.lanes import Order

__all__ = [
    "DEFAULT_AUTO_COMMIT_INTERVAL_MS",
    "DEFAULT_BATCH_RECORDS",
    "DEFAULT_BATCH_TIMEOUT_MS",
    "DEFAULT_FETCH_MAX_BYTES",
    "DEFAULT_FETCH_MAX_WAIT_MS",
    "DEFAULT_FETCH_MIN_BYTES",
    "DEFAULT_MAX_POLL_RECORDS",
    "DEFAULT_ON_MISFIT",
    "DEFAULT_PROCESS_ON_ERROR",
    "DEFAULT_PROCESS_ORDER",
    "DEFAULT_PROCESS_QUEUE_RECORDS",
    "DEFAULT_PROCESS_WORKERS",
    "DEFAULT_REBALANCE_TIMEOUT_MS",
    "DEFAULT_START",
    "reading_of",
    "subscription_of",
]

_CLIENT = SPEC.defaults["client"]
_FETCH = FetchRequest([])

DEFAULT_AUTO_COMMIT_INTERVAL_MS = int(_CLIENT["auto_commit_interval_ms"])
DEFAULT_BATCH_RECORDS = int(_CLIENT["batch_records"])
DEFAULT_BATCH_TIMEOUT_MS = int(_CLIENT["batch_timeout_ms"])
DEFAULT_FETCH_MAX_BYTES = _FETCH.max_bytes
DEFAULT_FETCH_MAX_WAIT_MS = _FETCH.max_wait_ms
DEFAULT_FETCH_MIN_BYTES = _FETCH.min_bytes
DEFAULT_MAX_POLL_RECORDS = int(_CLIENT["max_poll_records"])
DEFAULT_ON_MISFIT = cast("Fate", _CLIENT["on_misfit"])
DEFAULT_PROCESS_ON_ERROR = cast("Fate", _CLIENT["process_on_error"])
DEFAULT_PROCESS_ORDER = cast("Order", _CLIENT["process_order"])
DEFAULT_PROCESS_QUEUE_RECORDS = int(_CLIENT["process_queue_records"])
DEFAULT_PROCESS_WORKERS = int(_CLIENT["process_workers"])
DEFAULT_REBALANCE_TIMEOUT_MS = int(_CLIENT["rebalance_timeout_ms"])
DEFAULT_START = cast("Start", _CLIENT["start"])


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
