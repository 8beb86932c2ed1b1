"""From a URL to a broker."""

import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from kafka_do._version import __version__
from kafka_do.binding.fields import is_key
from kafka_do.binding.http import HttpRequest, HttpResponse
from kafka_do.client.tracing import Server
from kafka_do.core.broker import Broker
from kafka_do.transports.gzipping import gzipped
from kafka_do.transports.http import BlockingHttp, HttpBroker, LoopHttp, trust

__all__ = ["Connection", "connect", "in_process", "is_loopback"]

_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


class Http(Protocol):
    """A way for requests, of the blocking client or of that in an event loop."""

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request and return its response."""

    async def close(self) -> None:
        """Close the connections."""


class Connection(NamedTuple):
    """A broker, what closes the way to it, and what makes another way to it that bounds each step by some time (ms).

    `server` is where it is, None in this process. `compressing` is the same broker, asked in gzip, where that means
    anything.
    """

    broker: Broker
    close: Callable[[], Awaitable[None]]
    beside: Callable[[int], "Connection"]
    server: Server | None = None
    compressing: Broker | None = None


def connect(
    url: str,
    *,
    timeout_ms: int,
    api_key: str | None = None,
    in_loop: bool = False,
    trusted: ssl.SSLContext | None = None,
) -> Connection:
    """Return the broker at `url`: `http://` and `https://`, or `memory://name` for one in this process, without a key.

    `in_loop`: it is asked by coroutines of an event loop. `trusted` are the certificates that count, if not the usual.

    Raises ValueError for any other URL, for a text that is no key, and for a key that would be readable on its way.
    """
    scheme, _, rest = url.partition("://")
    if scheme in ("http", "https") and rest:
        _check_port(url)
        if api_key is not None:
            _check_key(url, api_key)
        make: Callable[..., Http] = LoopHttp if in_loop else BlockingHttp
        trusted = trusted or trust(url)
        transport = make(
            url, timeout_ms=timeout_ms, api_key=api_key, accept_encoding=_wanted_encoding(url), trusted=trusted
        )

        def beside(timeout_ms: int) -> Connection:
            return connect(url, timeout_ms=timeout_ms, api_key=api_key, in_loop=in_loop, trusted=trusted)

        compressing = HttpBroker(lambda request: transport.exchange(gzipped(request)))
        return Connection(HttpBroker(transport.exchange), transport.close, beside, _server(url), compressing)
    if scheme == "memory" and "://" in url:
        from kafka_do.engines.memory import MemoryEngine  # noqa: PLC0415  who asks a server does without
        from kafka_do.transports.direct import embedded  # noqa: PLC0415

        engine = embedded(rest, lambda clock: MemoryEngine(version=__version__, clock=clock))
        return in_process(engine.broker(in_loop=in_loop))
    raise ValueError(f"a broker's URL begins with http://, https:// or memory://, unlike {url!r}")


def in_process(broker: Broker) -> Connection:
    """Return the connection to a broker that needs none."""

    async def close() -> None:
        """Leave the broker as it is: others may ask it too."""

    return Connection(broker, close, lambda _: in_process(broker))


def _server(url: str) -> Server:
    parts = urlsplit(url)
    return Server(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def _wanted_encoding(url: str) -> str | None:
    """Return `identity` for a server on this machine: there bytes cost less than their compression."""
    return "identity" if is_loopback(urlsplit(url).hostname or "") else None


def _check_port(url: str) -> None:
    try:
        urlsplit(url).port  # noqa: B018  reading it is the check
    except ValueError as error:
        raise ValueError(f"{url!r} is no URL of a broker: {error}") from None


def _check_key(url: str, api_key: str) -> None:
    """Refuse a key that cannot stand in a header, or that everybody on the way could read. (AUTH-007)"""
    if not is_key(api_key.encode()):
        raise ValueError("the API key has to be made of letters, digits and -._~+/ with = only at its end")
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(
            f"an API key is sent over plain http only to this machine, not to {parts.hostname}; use https://,"
            " or give no key (it may come from the environment variable KAFKA_DO_API_KEY)"
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return address == ipaddress.IPv6Address("::1") or address in _LOOPBACK
