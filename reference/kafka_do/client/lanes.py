"""Which message a worker may begin: those of one lane are worked on one after the other, lanes beside one another."""

from collections import deque
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from kafka_do.client.messages import ReadMessage

if TYPE_CHECKING:
    from kafka_do.client.membership import Partition

__all__ = ["Lanes", "Order"]

M = TypeVar("M", bound=ReadMessage[Any])

Order = Literal["key", "partition"]
"""What is worked on in its order: the records of each key in a partition, or all records of each partition."""


class Lanes(Generic[M]):
    """Messages between their reading and their end. Nothing here waits."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._waiting: dict[Hashable, deque[M]] = {}
        self._ready: deque[Hashable] = deque()
        self._busy: set[Hashable] = set()
        self._unfinished: dict[Hashable, M] = {}

    @property
    def unfinished(self) -> list[M]:
        """Every message that was added and is not done, in the order of each partition."""
        return list(self._unfinished.values())

    def add(self, message: M) -> None:
        """Take a message that was read; those of a partition come in their order."""
        lane = self._lane(message)
        self._unfinished[_name(message)] = message
        if lane in self._waiting:
            self._waiting[lane].append(message)
        else:
            self._waiting[lane] = deque((message,))
            if lane not in self._busy:
                self._ready.append(lane)

    def take(self) -> M | None:
        """Return a message that may be begun; None while there is none."""
        if not self._ready:
            return None
        lane = self._ready.popleft()
        self._busy.add(lane)
        messages = self._waiting[lane]
        message = messages.popleft()
        if not messages:
            del self._waiting[lane]
        return message

    def done(self, message: M) -> None:
        """Say that a message which was taken is done with."""
        lane = self._lane(message)
        self._unfinished.pop(_name(message), None)
        self._busy.discard(lane)
        if lane in self._waiting:
            self._ready.append(lane)

    def forget(self, lost: Iterable[M]) -> None:
        """Drop messages; those which were taken go on, and then free their lane."""
        names = {_name(one) for one in lost}
        if not names:
            return
        self._unfinished = {name: one for name, one in self._unfinished.items() if name not in names}
        kept = {
            lane: deque(one for one in messages if _name(one) not in names) for lane, messages in self._waiting.items()
        }
        self._waiting = {lane: messages for lane, messages in kept.items() if messages}
        self._ready = deque(lane for lane in self._ready if lane in self._waiting)

    def _lane(self, message: M) -> Hashable:
        partition: Partition = message.origin.partition
        if self._order == "partition":
            return partition
        return (partition, message.offset) if message.raw_key is None else (partition, message.raw_key)


def _name(message: ReadMessage[Any]) -> Hashable:
    return message.origin.partition, message.origin.losses, message.offset
