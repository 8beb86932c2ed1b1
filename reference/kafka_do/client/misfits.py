"""What becomes of a record that does not fit the type of its consumer, or that its handler could not work on."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from kafka_do.client.messages import ReadMessage

__all__ = ["DeadLetters", "Fate", "MisfitError", "check_fate"]


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """A topic for records that could not be worked on: each goes there as `dead_letter` makes it, and is done with."""

    topic: str


Fate = Literal["raise", "skip"] | DeadLetters
"""`raise` the error, `skip` the record and tell the log, or send it to a topic of `DeadLetters`."""


class MisfitError(ValueError):
    """A record was read whose value does not fit the consumer's `value_type`.

    `topic`, `partition` and `offset` say where it stands, `reason` what does not fit. `message` is the consumer's
    message with its value as without a type: it can be committed, or made a dead letter. Who asks for more goes on
    behind it.
    """

    def __init__(self, message: ReadMessage[Any], wanted: str, reason: str) -> None:
        self.message: Any = message
        self.topic = message.topic
        self.partition = message.partition
        self.offset = message.offset
        self.reason = reason
        place = f"{self.topic}-{self.partition} at offset {self.offset}"
        super().__init__(f"the record of {place} does not fit {wanted}: {reason}")


def check_fate(**fates: object) -> None:
    """Raise ValueError for what is no fate of a record."""
    names = get_args(get_args(Fate)[0])
    for option, fate in fates.items():
        if fate not in names and not isinstance(fate, DeadLetters):
            raise ValueError(f"{option} has to be {', '.join(names)} or DeadLetters(topic), unlike {fate!r}")
