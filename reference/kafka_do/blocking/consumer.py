"""The blocking consumer: what a member of a group reads and commits."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self

from kafka_do.client.driving import drive
from kafka_do.client.group_reading import GroupReading
from kafka_do.client.lanes import Order
from kafka_do.client.messages import ReadMessage, V
from kafka_do.client.misfits import Fate
from kafka_do.client.options import (
    DEFAULT_BATCH_RECORDS,
    DEFAULT_BATCH_TIMEOUT_MS,
    DEFAULT_PROCESS_ON_ERROR,
    DEFAULT_PROCESS_ORDER,
    DEFAULT_PROCESS_QUEUE_RECORDS,
    DEFAULT_PROCESS_WORKERS,
)
from kafka_do.client.processing import HowToProcess, Processing
from kafka_do.client.reading_options import Place

__all__ = ["Batch", "Consumer", "ReceivedMessage"]


class ReceivedMessage(ReadMessage[V], Generic[V], frozen=True):
    """A message of a consumer."""

    def commit(self) -> None:
        """Commit that everything up to this message is done with, in its partition; a later commit stays.

        Raises KafkaError as `Consumer.commit` does. (COMMIT-027)
        """
        self.origin.consumer.commit((self,))


@dataclass(frozen=True, slots=True)
class Batch(Generic[V]):
    """Messages of a consumer, in the order of each partition."""

    messages: list[ReceivedMessage[V]]

    def __iter__(self) -> Iterator[ReceivedMessage[V]]:
        return iter(self.messages)

    def __len__(self) -> int:
        return len(self.messages)

    def commit(self) -> None:
        """Commit that all of them are done with; raises KafkaError as `Consumer.commit` does."""
        if self.messages:
            self.messages[0].origin.consumer.commit(self.messages)


class Consumer(Generic[V]):
    """A member of a group. It joins when it is made; use it as a context manager, or call `close()`.

    It is for one thread at a time, `commit` apart. What the caller was given is its own until it asks for more: a
    partition that the group takes away stays the member's until then, so that work can be ended and committed.
    (GROUP-048 to GROUP-057)
    """

    def __init__(self, reading: GroupReading[ReceivedMessage[V]]) -> None:
        self._reading = reading
        reading.start(self, ReceivedMessage)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[ReceivedMessage[V]]:
        return self.messages()

    @property
    def group(self) -> str:
        """The group's id."""
        return self._reading.group

    @property
    def assignment(self) -> list[Place]:
        """The partitions that the member may read, each its topic and number, in order."""
        return self._reading.assignment()

    @property
    def paused(self) -> list[Place]:
        """The partitions that are paused, in order."""
        return self._reading.paused()

    def messages(self, *, timeout_ms: int | None = None) -> Iterator[ReceivedMessage[V]]:
        """Iterate over messages as they come, until none comes for `timeout_ms` milliseconds if that is given.

        Asking for the next one says that the one before is done with. Raises KafkaError as `poll` does, but waits where
        that may help.
        """
        while (message := drive(self._reading.next(timeout_ms))) is not None:
            yield message
            yield from self._reading.found()

    def batches(
        self, *, size: int = DEFAULT_BATCH_RECORDS, timeout_ms: int = DEFAULT_BATCH_TIMEOUT_MS
    ) -> Iterator[Batch[V]]:
        """Iterate over batches of `size` messages, or fewer where no more come in `timeout_ms`, but never none."""
        while True:
            messages = drive(self._reading.batch(size, timeout_ms))
            if messages:
                yield Batch(messages)

    def poll(self, timeout_ms: int) -> list[ReceivedMessage[V]]:
        """Return the next messages, none if there are none within `timeout_ms` milliseconds.

        The call says, too, that the caller has done with the messages of the one before. Raises KafkaError: `closed`;
        why the group does not take the member, `retriable` if it goes on trying; what a read was refused for; and why
        the last read in the time had no answer, if it had none. (GROUP-051, GROUP-054, GROUP-056)
        """
        return drive(self._reading.poll(timeout_ms))

    def process(
        self,
        handler: Callable[[ReceivedMessage[V]], object],
        *,
        workers: int = DEFAULT_PROCESS_WORKERS,
        order: Order = DEFAULT_PROCESS_ORDER,
        queue_records: int = DEFAULT_PROCESS_QUEUE_RECORDS,
        on_error: Fate = DEFAULT_PROCESS_ON_ERROR,
        timeout_ms: int | None = None,
    ) -> int:
        """Call `handler` with each message, in `workers` threads, until none comes for `timeout_ms` milliseconds.

        Without `timeout_ms` it goes on until `stop`. What is done is committed without gaps, every
        `auto_commit_interval_ms`, before a partition goes to another member, and at the end; so a handler commits
        nothing. `order` is `key`: the messages of a key come one after the other, those without one in any order; or
        `partition`: all messages of a partition do. `queue_records` bounds what is read and not done.

        What a handler raises ends the work, and is raised here; `on_error` `skip` goes on behind the message, with a
        line in the log, and `DeadLetters(topic)` sends it to another topic before. A stop, an error or Ctrl-C
        leaves half a second to what has begun; what was not done is read again, by this consumer or the next.

        Returns how many messages are done. Raises what `handler` raised, KafkaError as `poll` does, and RuntimeError
        where it is processing already.
        """
        how = HowToProcess(workers=workers, order=order, queue_records=queue_records, on_error=on_error)
        return drive(Processing(self._reading, handler, how).run(timeout_ms))

    def stop(self) -> None:
        """Let `process` return, within a second; it may be called from a handler and from any thread."""
        self._reading.stop()

    def commit(self, messages: Iterable[ReadMessage[Any]] | None = None) -> dict[Place, int]:
        """Commit that `messages` are done with, or everything that was handed out; return the offset of each partition.

        The offset is the next record to read. It never goes back within an assignment, `seek` apart. Raises KafkaError:
        `closed`; what the commit was refused for; `rebalance_in_progress` where one of the messages is of a partition
        that the member has lost; why the member is none any more. (COMMIT-027 to COMMIT-030)
        """
        return drive(self._reading.commit(messages))

    def position(self, topic: str, partition: int) -> int:
        """Return the offset of the next message of an assigned partition; ValueError for another one."""
        return drive(self._reading.position((topic, partition)))

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Go on at another offset of an assigned partition; ValueError for another one."""
        drive(self._reading.seek((topic, partition), offset))

    def pause(self, *partitions: Place) -> None:
        """Give no messages of these partitions, each its topic and number, or of all, until `resume`. They are kept."""
        self._reading.pause(partitions)

    def resume(self, *partitions: Place) -> None:
        """Give messages again, of these partitions or of all that are paused."""
        self._reading.resume(partitions)

    def close(self, *, temporary: bool = False) -> None:
        """Leave the group; with auto-commit, what the caller has gone past is committed. It may be called twice.

        `temporary`: a static member will come back under its `instance_id`, and its partitions wait for it until its
        session timeout. Where the group cannot be told, that timeout ends every membership. It takes less than a
        second, also where the server says nothing. (GROUP-055)
        """
        drive(self._reading.close(temporary=temporary))
