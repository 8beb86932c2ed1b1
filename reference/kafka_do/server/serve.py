"""Running the server as a process: `kafka-do serve`."""

import asyncio
import functools
import socket
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, cast

import uvicorn

from kafka_do.binding.streams import STREAMS
from kafka_do.core.broker import Broker
from kafka_do.engines.clock import Clock
from kafka_do.server.app import App
from kafka_do.server.authentication import Keys
from kafka_do.server.connection import Connection
from kafka_do.server.control import Control
from kafka_do.server.cors import Cors
from kafka_do.server.descriptors import raise_descriptor_limit
from kafka_do.server.metrics import Metrics
from kafka_do.server.monitored import Monitored
from kafka_do.server.request_ids import RequestIds
from kafka_do.server.streams import Streams
from kafka_do.server.turn import Turn
from kafka_do.spec import SPEC

__all__ = ["serve"]

_BACKLOG = 2048
_GRACE_S = 2
_LOOK_S = 0.05
_KEEP_ALIVE_S = 75  # longer than most clients keep a connection, so that none is closed just when it is used again


def serve(
    broker: Broker,
    *,
    host: str,
    port: int,
    drain: Callable[[], None],
    ready: Callable[[str], None],
    limits: Mapping[str, int] = SPEC.limits,
    features: Collection[str] = ("core",),
    keys: Keys | None = None,
    cors: Cors | None = None,
    control: Control | None = None,
    clock: Clock,
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    at_once: Collection[str] = (),
    metrics: Metrics | None = None,
    logs_requests: bool = False,
    drain_ms: int = 0,
) -> None:
    """Serve `broker` until SIGINT or SIGTERM; running requests then have two seconds to end.

    `port` 0 takes a free one. `ready` is called with the URL as soon as connections are accepted, `drain` when the
    server begins to stop: it has to end what waits. `limits` and `features` are the ones that the broker's discovery
    tells; with `keys` the server asks for one, with `cors` it answers browsers, with `control` it does what tests need.
    `at_once` are the operations in which the broker never waits. Live streams go by `clock`, the broker's.
    What `beside` returns runs beside the requests. `metrics` counts what is answered; `drain_ms` is how long the server
    goes on before it begins to stop, while `/readyz` says that it will.
    Raises OSError if the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    request_ids = RequestIds()
    streams = Streams(clock, limits) if STREAMS in features else None

    def stop() -> None:
        if streams is not None:
            streams.drain()
        drain()

    raise_descriptor_limit()
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        name = f"[{host}]" if family == socket.AF_INET6 else host
        app = App(
            broker,
            limits,
            features=features,
            keys=keys,
            cors=cors,
            control=control,
            streams=streams,
            request_ids=request_ids,
            at_once=at_once,
        )
        watched = Monitored(app, metrics := metrics or Metrics(), keys=keys, logs_requests=logs_requests)
        connection = functools.partial(
            Connection,
            limits=limits,
            request_ids=request_ids,
            at_once=app.answers_at_once,
            turn=Turn(),
            may_drop=control is not None,
            count_refusal=metrics.refused,
        )
        config = uvicorn.Config(
            watched,
            http=cast("Any", connection),
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
        ready(f"http://{name}:{listener.getsockname()[1]}")
        if streams is not None:
            metrics.watch(lambda: {"streams": streams.count})
        _Server(config, stop, beside, metrics=metrics, drain_ms=drain_ms).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that has its waiting requests answered before it stops."""

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Callable[[], None],
        beside: Callable[[], Coroutine[Any, Any, None]] | None,
        *,
        metrics: Metrics,
        drain_ms: int,
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._beside = beside
        self._metrics = metrics
        self._drain_ms = drain_ms
        self._task: asyncio.Task[None] | None = None
        metrics.watch(self._figures)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin with what runs beside the requests."""
        await super().startup(sockets)
        if self._beside is not None:
            self._task = asyncio.create_task(self._beside())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that no new work is wanted, let what waits end, then stop. A second signal ends the first part."""
        self._metrics.is_ready = False
        ends = time.monotonic() + self._drain_ms / 1000
        while (left_s := ends - time.monotonic()) > 0 and not self.force_exit:  # noqa: ASYNC110
            await asyncio.sleep(min(left_s, _LOOK_S))  # a second signal sets only that attribute
        self._drain()
        await super().shutdown(sockets)
        if self._task is not None:
            self._task.cancel()

    def _figures(self) -> dict[str, int]:
        return {"http_connections": len(self.server_state.connections), "tasks": len(asyncio.all_tasks())}
