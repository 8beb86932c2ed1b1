"""The four kinds of windows, as data. Durations are in milliseconds."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kafka_do.spec import SPEC

__all__ = ["Hopping", "Session", "Sliding", "Tumbling", "WindowKind", "Within"]

_LONGEST = SPEC.ranges["TimestampMs"][1]
Duration = Annotated[int, Meta(ge=0, le=_LONGEST)]
Positive = Annotated[int, Meta(ge=1, le=_LONGEST)]


class _Kind(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, tag_field="type"
):
    pass


class Tumbling(_Kind, frozen=True, tag="tumbling"):
    """Windows of one size, one behind the other, from the epoch on."""

    size_ms: Positive
    grace_ms: Duration = 0


class Hopping(_Kind, frozen=True, tag="hopping"):
    """Windows of one size, one of which begins every `advance_ms`; they overlap."""

    size_ms: Positive
    advance_ms: Positive
    grace_ms: Duration = 0


class Sliding(_Kind, frozen=True, tag="sliding"):
    """Every set of records whose times differ by at most `difference_ms`."""

    difference_ms: Positive
    grace_ms: Duration = 0


class Session(_Kind, frozen=True, tag="session"):
    """Records of which none is further than `gap_ms` from the next."""

    gap_ms: Positive
    grace_ms: Duration = 0


WindowKind = Tumbling | Hopping | Sliding | Session


class Within(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How far the time of a right record may lie before and after that of a left one, both bounds inclusive."""

    before_ms: Duration
    after_ms: Duration
    grace_ms: Duration = 0
