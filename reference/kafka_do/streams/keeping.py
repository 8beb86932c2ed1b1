"""The state of an operator as entries, so that it can be kept elsewhere and restored. (RUN-017)

An entry is a name and a JSON value. Operators note what changes while they work, where somebody has asked for that.
"""

from typing import Any, Protocol

import msgspec

from kafka_do.streams.record import StreamRecord

__all__ = ["Noted", "Stateful", "record_of_entry"]


class Noted:
    """What has become of the entries: their new values, None where one is no more, and those that time has closed.

    What is closed need not be told at once: whoever knows the stream time knows that it is.
    """

    def __init__(self) -> None:
        self.changed: dict[str, Any] = {}
        self.closed: list[str] = []

    def close(self, name: str) -> None:
        """Note that time has closed an entry."""
        self.changed.pop(name, None)
        self.closed.append(name)


class Stateful(Protocol):
    """An operator with a state. `noted` is None where nobody wants to know; `time` is its stream time."""

    late: int
    ignored: int
    time: int
    noted: Noted | None

    def restore(self, name: str, value: Any) -> bool:
        """Take an entry, once `time` is set; return whether it is open. Raises ValueError for one of another operator.

        Entries come in any order, and before any record.
        """


def record_of_entry(value: Any) -> StreamRecord:
    """Return the record that stands in an entry; raises ValueError."""
    return msgspec.convert(value, StreamRecord)
