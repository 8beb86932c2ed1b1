"""Running the server as a process: `kafka-do serve`."""

import socket
from collections.abc import Callable

import uvicorn

from kafka_do.core.broker import Broker
from kafka_do.server.app import App

__all__ = ["serve"]

_BACKLOG = 2048
_GRACE_S = 2


def serve(broker: Broker, *, host: str, port: int, drain: Callable[[], None], ready: Callable[[str], None]) -> None:
    """Serve `broker` until SIGINT or SIGTERM; running requests then have two seconds to end.

    `port` 0 takes a free one. `ready` is called with the URL as soon as connections are accepted, `drain` when the
    server begins to stop: it has to end what waits.
    Raises OSError if the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        name = f"[{host}]" if family == socket.AF_INET6 else host
        config = uvicorn.Config(
            App(broker),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_S,
        )
        ready(f"http://{name}:{listener.getsockname()[1]}")
        _Server(config, drain).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that has its waiting requests answered before it stops."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what waits end, then stop."""
        self._drain()
        await super().shutdown(sockets)
