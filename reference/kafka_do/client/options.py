"""The defaults of a consumer's options, which are the specification's. What they mean: `reading_options.py`."""

from typing import TYPE_CHECKING, cast

from kafka_do.core.messages import FetchRequest
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.client.consuming import Start
    from kafka_do.client.lanes import Order
    from kafka_do.client.misfits import Fate

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
