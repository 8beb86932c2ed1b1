"""Dead letters: a message that could not be worked on, as a message for another topic."""

from typing import TYPE_CHECKING, Any

from kafka_do.client.messages import Message, ReadMessage

if TYPE_CHECKING:
    from kafka_do.client.headers import HeaderValue

__all__ = ["dead_letter"]


def dead_letter(message: ReadMessage[Any], error: object) -> Message[bytes | None]:
    """Return a message with the bytes of `message`, and headers that tell where it stood and what went wrong.

    After its own headers come `original-topic`, `original-partition`, `original-offset` and `error`; of an exception
    that is its type and text. The bytes stay as they are, so that the letter can be sent back once the fault is mended.
    """
    words = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error)
    told: list[tuple[str, HeaderValue]] = [
        ("original-topic", message.topic),
        ("original-partition", str(message.partition)),
        ("original-offset", str(message.offset)),
        ("error", words),
    ]
    return Message(message.raw_value, key=message.raw_key, headers=[*message.headers.raw, *told])
