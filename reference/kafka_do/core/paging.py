"""Pages of a sorted list: a token names the last item of the page before. (TOPIC-012, TOPIC-013)"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Sequence

from kafka_do.core.errors import invalid_request

__all__ = ["page_of"]


def page_of(names: Sequence[str], size: int, token: str | None) -> tuple[Sequence[str], str | None]:
    """Return at most `size` of the sorted `names` behind what `token` stands for, and the next token if any.

    Raises KafkaError `invalid_request` for a token that this function did not make.
    """
    start = 0 if token is None else bisect_right(names, _name(token))
    page = names[start : start + size]
    return page, _token(page[-1]) if start + size < len(names) else None


def _token(name: str) -> str:
    return urlsafe_b64encode(b"\x01" + name.encode()).decode().rstrip("=")


def _name(token: str) -> str:
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        name = data[1:].decode()
    except ValueError:
        name = ""
    if not name or _token(name) != token:
        raise invalid_request([("?page_token", "not a token that an answer gave")])
    return name
