"""Names that the shell completes, as the broker tells them. Where it does not, there are none."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import typer

from kafka_do.blocking.client import Client
from kafka_do.core.errors import KafkaError

__all__ = ["complete_group", "complete_topic"]

_TIMEOUT_MS = 1_000


def complete_topic(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Tell topics whose names begin so."""
    return _names(ctx, incomplete, lambda client: (one.topic for one in client.admin().list_topics()))


def complete_group(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Tell groups whose ids begin so."""
    return _names(ctx, incomplete, lambda client: (one.group for one in client.admin().list_groups()))


def _names(ctx: typer.Context, incomplete: str, tell: Callable[[Client], Iterable[str]]) -> Iterator[str]:
    """Tell names of the broker that the options before name, else of that of the environment."""
    with suppress(KafkaError, ValueError, OSError):
        file = ctx.params.get("api_key_file")
        key = Path(file).read_text("utf-8").strip() if file else None
        with Client(ctx.params.get("url"), api_key=key, timeout_ms=_TIMEOUT_MS, retries=0) as client:
            yield from (name for name in tell(client) if name.startswith(incomplete))
