"""What those who run a server ask it, outside the protocol: `/livez`, `/readyz` and `/metrics`."""

from kafka_do.binding.http import HttpResponse
from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError
from kafka_do.server.authentication import Keys
from kafka_do.server.metrics import CONTENT_TYPE, Metrics

__all__ = ["answer_monitor"]

_OPEN = ("/livez", "/readyz")
_METRICS = "/metrics"
_ADMIN = "admin"
_TEXT = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"))


def answer_monitor(
    method: str, path: str, authorization: bytes | None, *, keys: Keys | None, metrics: Metrics
) -> HttpResponse | None:
    """Return the answer to a monitor, None where a request is for something else; raises KafkaError.

    `/metrics` needs a key with the scope `admin`, for whatever topics, where a server asks for keys at all.
    """
    if path not in _OPEN and path != _METRICS:
        return None
    holder = None
    if path == _METRICS and keys is not None:
        holder = keys.check(method, path, authorization)
    if method != "GET":
        raise HeadedError("method_not_allowed", f"{path} has GET, not {method}", ("Allow", "GET"))
    if path == _METRICS:
        if holder is not None and _ADMIN not in holder.rights.scopes:
            raise KafkaError("forbidden", f"the key does not allow this: it needs the scope {_ADMIN}")
        return HttpResponse(
            200, (("Content-Type", CONTENT_TYPE), ("Cache-Control", "no-store")), metrics.text().encode()
        )
    if path == "/readyz" and not metrics.is_ready:
        return HttpResponse(503, _TEXT, b"stopping\n")
    return HttpResponse(200, _TEXT, b"ok\n")
