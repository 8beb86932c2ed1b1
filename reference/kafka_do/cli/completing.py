"""Names that the shell completes, as the broker of the environment tells them. Where it does not, there are none."""

from collections.abc import Iterator
from contextlib import suppress

from kafka_do.blocking.client import Client
from kafka_do.core.errors import KafkaError

__all__ = ["complete_group", "complete_topic"]

_TIMEOUT_MS = 1_000


def complete_topic(incomplete: str) -> Iterator[str]:
    """Tell topics whose names begin so."""
    with suppress(KafkaError, ValueError), Client(timeout_ms=_TIMEOUT_MS, retries=0) as client:
        yield from (one.topic for one in client.admin().list_topics() if one.topic.startswith(incomplete))


def complete_group(incomplete: str) -> Iterator[str]:
    """Tell groups whose ids begin so."""
    with suppress(KafkaError, ValueError), Client(timeout_ms=_TIMEOUT_MS, retries=0) as client:
        yield from (one.group for one in client.admin().list_groups() if one.group.startswith(incomplete))
