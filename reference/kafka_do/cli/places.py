"""What a person writes for a place in a partition, for a time, for pairs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, cast, get_args

__all__ = ["PLACES", "pairs_of", "place_of"]

PLACES = "earliest, latest, an offset, a time as 2026-01-31T12:00Z, or how long ago as 90s, 15m, 24h, 7d"

_ByName = Literal["earliest", "latest"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def place_of(text: str) -> _ByName | int | datetime:
    """Return the place that a text names; a time without an offset is that of this machine's clock.

    Raises ValueError.
    """
    if text in get_args(_ByName):
        return cast("_ByName", text)
    if text.isdecimal():
        return int(text)
    try:
        if text[:-1].isdecimal() and text[-1] in _UNITS:
            return datetime.now(UTC) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is none of {PLACES}") from None


def pairs_of(given: Sequence[str], what: str) -> list[tuple[str, str]]:
    """Return the name and value of each NAME=VALUE; raises ValueError, which says of `what` they are."""
    for one in given:
        if not one.partition("=")[0] or "=" not in one:
            raise ValueError(f"{what} has to be NAME=VALUE, unlike {one!r}")
    return [(name, value) for name, _, value in (one.partition("=") for one in given)]
