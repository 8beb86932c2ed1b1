"""Topic configs: the names and values that protocol.yaml allows. (TOPIC-010, TOPIC-018, TOPIC-023, RETAIN-001)"""

import re
from collections.abc import Collection, Mapping

from kafka_do.core.errors import KafkaError
from kafka_do.spec import SPEC

__all__ = ["Configs"]

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"[0-9]{1,19}(\.[0-9]{1,19})?")
_MIN_LAG, _MAX_LAG = "min.compaction.lag.ms", "max.compaction.lag.ms"


class Configs:
    """The configs of one topic: what was set, and the specification's defaults for the rest.

    Those that a server with `features` knows may be set.
    """

    def __init__(self, features: Collection[str] = SPEC.features) -> None:
        self._known = [name for name, config in SPEC.topic_configs.items() if config.feature in features]
        self._set: dict[str, str] = {}
        self._apply()

    def _apply(self) -> None:
        """Read the configs that are looked at again and again."""
        self.max_message_bytes = int(self["max.message.bytes"])
        self.replaces_timestamps = self["message.timestamp.type"] == "LogAppendTime"
        self.before_max_ms = int(self["message.timestamp.before.max.ms"])
        self.after_max_ms = int(self["message.timestamp.after.max.ms"])
        self.bounds_times = min(self.before_max_ms, self.after_max_ms) < SPEC.ranges["TimestampMs"][1]
        policies = self["cleanup.policy"].split(",")
        self.deletes, self.compacts = "delete" in policies, "compact" in policies
        self.retention_ms = int(self["retention.ms"])
        self.retention_bytes = int(self["retention.bytes"])
        self.delete_retention_ms = int(self["delete.retention.ms"])
        self.min_compaction_lag_ms = int(self[_MIN_LAG])
        self.max_compaction_lag_ms = int(self[_MAX_LAG])
        self.min_dirty_ratio = float(self["min.cleanable.dirty.ratio"])
        segment_ms = int(self["segment.ms"])
        self.segment_ms = min(segment_ms, self.max_compaction_lag_ms) if self.compacts else segment_ms

    def alter(self, changes: Mapping[str, str | None]) -> None:
        """Set each config that has a value and take each with None back to its default, all or none.

        Raises KafkaError `invalid_config` that says of each what would be right.
        """
        faults = {name: fault for name, value in changes.items() if (fault := self._fault(name, value))}
        if faults:
            raise _invalid(faults)
        altered = {**self._set, **changes}
        kept = {name: value for name, value in altered.items() if value is not None}
        self._check_lags(kept, changes)
        self._set = kept
        self._apply()

    def __getitem__(self, name: str) -> str:
        """Return the value of a config."""
        return self._set.get(name, SPEC.topic_configs[name].default)

    def all(self) -> dict[str, str]:
        """Return every config with its value."""
        return {name: self[name] for name in self._known}

    def _fault(self, name: str, value: str | None) -> str | None:
        if name not in self._known:
            return f"there is no such config; known: {', '.join(self._known)}"
        known = SPEC.topic_configs[name]
        if value is None:
            return None
        if known.values is not None and value not in known.values:
            return f"'{value}' is none of {', '.join(known.values)}"
        if known.range is not None:
            low, high = known.range
            if not _INTEGER.fullmatch(value) or not low <= int(value) <= high:
                return f"'{value}' is not an integer from {low} to {high}"
        if known.decimal_range is not None:
            low, high = known.decimal_range
            if not _DECIMAL.fullmatch(value) or not low <= float(value) <= high:
                return f"'{value}' is not a number from {low} to {high}, such as 0.5"
        return None

    def _check_lags(self, kept: Mapping[str, str], changes: Mapping[str, str | None]) -> None:
        """Raise KafkaError `invalid_config` if a record would have to be compacted before it may be. (RETAIN-002)"""
        least, most = (kept.get(name, SPEC.topic_configs[name].default) for name in (_MIN_LAG, _MAX_LAG))
        if int(least) > int(most):
            fault = f"{_MIN_LAG}, which is {least}, has to be no more than {_MAX_LAG}, which is {most}"
            raise _invalid({name: fault for name in (_MIN_LAG, _MAX_LAG) if name in changes})


def _invalid(faults: Mapping[str, str]) -> KafkaError:
    """Make the error for configs, each with what would be right. (TOPIC-024)"""
    return KafkaError(
        "invalid_config",
        "; ".join(f"{name}: {fault}" for name, fault in faults.items()),
        errors=[{"pointer": f"/configs/{_escaped(name)}", "detail": fault} for name, fault in faults.items()],
    )


def _escaped(name: str) -> str:
    """Return a member's name as it stands in a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
