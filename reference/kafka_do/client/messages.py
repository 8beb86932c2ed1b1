"""What the user of a client sees: `Message` to send, `ReadMessage` to read, `RecordMetadata` for where one landed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic

import msgspec

from kafka_do.client.headers import Headers, HeadersLike
from kafka_do.core.errors import KafkaError, decisive

__all__ = [
    "BatchError",
    "Instant",
    "Key",
    "Message",
    "Outcome",
    "Read",
    "ReadMessage",
    "RecordMetadata",
    "V",
    "milliseconds",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers have it; a default came to `typing` with Python 3.13

    V = TypeVar("V", default=Any)
else:
    from typing import TypeVar

    V = TypeVar("V")

Key = str | bytes | None
Instant = datetime | int
"""A point in time: a `datetime`, in local time where it has no zone, or milliseconds since the Unix epoch."""


class RecordMetadata(msgspec.Struct, frozen=True, gc=False):
    """Where a record landed. `timestamp_ms` as stored, in milliseconds since the Unix epoch. (PRODUCE-015)"""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None


Outcome = RecordMetadata | KafkaError
"""Where a record landed, or why it did not."""


@dataclass(frozen=True, slots=True)
class Message(Generic[V]):
    """A record to send.

    Bytes are sent as they are, None is a tombstone, every other value becomes JSON. Without `partition` the key
    decides, and without a key it is spread. Without `timestamp` the server's clock tells.
    """

    value: V
    key: Key = None
    headers: HeadersLike = ()
    partition: int | None = None
    timestamp: Instant | None = None


class ReadMessage(msgspec.Struct, Generic[V], frozen=True):
    """A record as it was read.

    `value` is what the bytes mean: the JSON value if they are JSON, else text if they are UTF-8, else bytes; None is a
    tombstone. `key` is text if it is UTF-8. The bytes themselves are in `raw_value` and `raw_key`. (RECORD-019)
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    key: Key
    value: V
    headers: Headers
    raw_key: bytes | None
    raw_value: bytes | None
    origin: Any = None
    """Whose message it is: of use to the consumer that gave it."""

    @property
    def timestamp(self) -> datetime | None:
        """`timestamp_ms` as a time in UTC; None also where the time lies beyond what `datetime` can say."""
        try:
            return None if self.timestamp_ms is None else _EPOCH + timedelta(milliseconds=self.timestamp_ms)
        except OverflowError:
            return None

    def __repr__(self) -> str:
        place = f"topic={self.topic!r}, partition={self.partition}, offset={self.offset}"
        return f"{type(self).__name__}({place}, key={self.key!r}, value={self.value!r})"


@dataclass(frozen=True, slots=True)
class Read:
    """What one read found. `next_offset` is where to read on, whatever the messages' offsets are. (FETCH-010)"""

    messages: tuple[ReadMessage[Any], ...]
    next_offset: int
    high_watermark: int
    log_start_offset: int


class BatchError(KafkaError):
    """Some records of a batch were not appended: `results` has for each, in order, where it landed or its error.

    Code, flags and fields are those of the first error that is not `not_attempted`. (PRODUCE-016)
    """

    def __init__(self, results: Sequence[Outcome]) -> None:
        errors = [one for one in results if isinstance(one, KafkaError)]
        first = decisive(errors)
        words = f"{len(errors)} of {len(results)} records were not appended; the first: {first.message}"
        flags = {
            "retriable": all(error.retriable for error in errors) and len(errors) == len(results),
            "indeterminate": any(error.indeterminate for error in errors),
        }
        super().__init__(first.code, words, **flags, **first.fields)
        self.request_id = first.request_id
        self.results = list(results)


def milliseconds(instant: Instant) -> int:
    """Return an instant as milliseconds since the Unix epoch; raises TypeError for what is none."""
    if isinstance(instant, datetime):
        return (instant.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
    if type(instant) is not int:
        raise TypeError(f"a time has to be a datetime or milliseconds as int, not {type(instant).__name__}")
    return instant
