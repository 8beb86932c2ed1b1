"""Topic configs: the names and values that protocol.yaml allows. (TOPIC-010, TOPIC-018, TOPIC-023)"""

import re
from collections.abc import Mapping

from kafka_do.core.errors import KafkaError
from kafka_do.spec import SPEC

__all__ = ["Configs"]

_INTEGER = re.compile(r"-?[0-9]{1,19}")


class Configs:
    """The configs of one topic: what was set, and the specification's defaults for the rest."""

    def __init__(self) -> None:
        self._set: dict[str, str] = {}
        self._apply()

    def _apply(self) -> None:
        """Read the configs that every append looks at."""
        self.max_message_bytes = int(self["max.message.bytes"])
        self.replaces_timestamps = self["message.timestamp.type"] == "LogAppendTime"

    def alter(self, changes: Mapping[str, str | None]) -> None:
        """Set each config that has a value and take each with None back to its default, all or none.

        Raises KafkaError `invalid_config` that says what would be right.
        """
        for name, value in changes.items():
            _check(name, value)
        for name, value in changes.items():
            if value is None:
                self._set.pop(name, None)
            else:
                self._set[name] = value
        self._apply()

    def __getitem__(self, name: str) -> str:
        """Return the value of a config."""
        return self._set.get(name, SPEC.topic_configs[name].default)

    def all(self) -> dict[str, str]:
        """Return every config with its value."""
        return {name: self[name] for name in SPEC.topic_configs}


def _check(name: str, value: str | None) -> None:
    known = SPEC.topic_configs.get(name)
    if known is None:
        raise KafkaError("invalid_config", f"there is no config '{name}'; known: {', '.join(SPEC.topic_configs)}")
    if value is None:
        return
    if known.values is not None and value not in known.values:
        raise KafkaError("invalid_config", f"{name}: '{value}' is none of {', '.join(known.values)}")
    if known.range is not None:
        low, high = known.range
        if not _INTEGER.fullmatch(value) or not low <= int(value) <= high:
            raise KafkaError("invalid_config", f"{name}: '{value}' is not an integer from {low} to {high}")
