"""Dead letters: a message that could not be worked on, as a message for another topic."""

from typing import TYPE_CHECKING, Any

from kafka_do.client.messages import Message, ReadMessage
from kafka_do.client.misfits import DeadLetters
from kafka_do.client.sending import Sending
from kafka_do.client.session import Session

if TYPE_CHECKING:
    from kafka_do.client.headers import HeaderValue

__all__ = ["Letters", "dead_letter"]


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


class Letters:
    """Sends dead letters, to one topic or several."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ways: dict[str, Sending] = {}

    async def send(self, to: DeadLetters, message: ReadMessage[Any], error: object) -> None:
        """Return when the letter is appended; raises KafkaError where it is not."""
        if to.topic not in self._ways:
            self._ways[to.topic] = Sending(self._session, to.topic)
        await self._ways[to.topic].send(dead_letter(message, error))
