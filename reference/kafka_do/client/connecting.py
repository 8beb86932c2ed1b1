"""From a URL to a broker."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from kafka_do._version import __version__
from kafka_do.core.broker import Broker
from kafka_do.engines.memory import MemoryEngine
from kafka_do.transports.direct import embedded
from kafka_do.transports.http import BlockingHttp, HttpBroker

__all__ = ["Connection", "connect"]


class Connection(NamedTuple):
    """A broker and what closes the way to it."""

    broker: Broker
    close: Callable[[], None]


def connect(url: str, *, timeout_ms: int) -> Connection:
    """Return the broker at `url`: `http://` and `https://`, or `memory://name` for one in this process.

    Raises ValueError for any other URL.
    """
    scheme, _, rest = url.partition("://")
    if scheme in ("http", "https") and rest:
        _check_port(url)
        transport = BlockingHttp(url, timeout_ms=timeout_ms)
        return Connection(HttpBroker(transport.exchange), transport.close)
    if scheme == "memory" and "://" in url:
        broker = embedded(rest, lambda clock: MemoryEngine(version=__version__, clock=clock))
        return Connection(broker, lambda: None)
    raise ValueError(f"a broker's URL begins with http://, https:// or memory://, unlike {url!r}")


def _check_port(url: str) -> None:
    try:
        urlsplit(url).port  # noqa: B018  reading it is the check
    except ValueError as error:
        raise ValueError(f"{url!r} is no URL of a broker: {error}") from None
