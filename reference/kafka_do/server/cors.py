"""Browsers: which pages may read the answers. (CORS-001 to CORS-004)"""

import re
from collections.abc import Iterable, Mapping

from kafka_do.binding.http import REVISION_HEADER, HttpResponse
from kafka_do.binding.routes import methods_at
from kafka_do.server.request_ids import REQUEST_ID_HEADER

__all__ = ["Cors"]

_ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_EXPOSED = f"{REVISION_HEADER}, Retry-After, {REQUEST_ID_HEADER}"
_ALLOWED = f"Authorization, Content-Type, Content-Encoding, {REQUEST_ID_HEADER}, Last-Event-ID"
_MAX_AGE_S = 7200  # longer than this no browser remembers

Header = tuple[str, str]


class Cors:
    """The origins whose pages may read the answers.

    Raises ValueError for a text that is no origin.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = {_origin(origin).encode(): _origin(origin) for origin in origins}

    def headers(self, fields: Mapping[bytes, bytes]) -> tuple[Header, ...]:
        """Return the headers of every answer. (CORS-002 to CORS-004)"""
        origin = self._origins.get(fields.get(b"origin", b""))
        if origin is None:
            return (("Vary", "Origin"),)
        exposed = ("Access-Control-Expose-Headers", _EXPOSED)
        return ("Vary", "Origin"), ("Access-Control-Allow-Origin", origin), exposed

    def preflight(self, method: str, path: str, fields: Mapping[bytes, bytes]) -> HttpResponse | None:
        """Return the answer to a preflight request from a listed origin, None for any other request. (CORS-001)"""
        if method != "OPTIONS" or fields.get(b"origin") not in self._origins:
            return None
        methods = methods_at(path)
        if b"access-control-request-method" not in fields or not methods:
            return None
        allowed = (
            ("Access-Control-Allow-Methods", ", ".join(methods)),
            ("Access-Control-Allow-Headers", _ALLOWED),
            ("Access-Control-Max-Age", str(_MAX_AGE_S)),
        )
        return HttpResponse(204, allowed, b"")


def _origin(text: str) -> str:
    """Return an origin as browsers send it: small letters, no default port."""
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        raise ValueError(
            f"{text!r} is no origin; it has to be scheme://host or scheme://host:port, and nothing after it"
        )
    port = found["port"]
    if port is not None and not 0 < int(port) < 2**16:
        raise ValueError(f"{text!r} is no origin: there is no port {port}")
    whole = found[0]
    return whole.removesuffix(f":{port}") if port and _DEFAULT_PORTS.get(found["scheme"]) == port else whole
