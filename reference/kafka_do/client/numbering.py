"""Which batch of a producer has which numbers, and which may be on its way. Nothing here waits or sends.

Batches to one partition stand in a line, in the order in which they are to be appended. The first ones of a line are on
their way, under numbers that follow one another: one, until the partition has acknowledged a batch, and then as many as
a partition remembers. A batch that was appended stays in its line until every one before it has ended too, so that none
is sent again that the partition may have forgotten.

A producer loses count when a batch ends of which nobody knows whether it was appended, and when one was refused and
others are on their way behind it, whose numbers are wrong now. It then waits until nothing is on its way any more, and
every line begins anew under another identity, for an old request may still arrive. What was refused only because
something was missing before it stands in its line as before, and gets other numbers.
(spec/producers.md, PRODUCER-017 to PRODUCER-026)
"""

from collections import deque
from typing import TYPE_CHECKING, Literal

from kafka_do.core.messages import Producer, ProducerBatch
from kafka_do.core.sequences import add_to_sequence
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.core.errors import KafkaError

__all__ = ["Entry", "Numbering"]

_MOST = int(SPEC.defaults["client"]["in_flight_batches"])
_LAST_EPOCH = SPEC.ranges["ProducerEpoch"][1]

Anew = Literal["raised", "allocated"]
"""What a producer goes on with that has lost count: its epoch raised by one, or another id."""


class Entry:
    """A batch in its line: `batch` are its numbers, None while it waits for some; `sent` says whether it has left."""

    __slots__ = ("appended", "batch", "count", "has_overtaken", "partition", "sent")

    def __init__(self, partition: int, count: int) -> None:
        self.partition = partition
        self.count = count
        self.batch: ProducerBatch | None = None
        self.sent = False
        self.appended = False
        self.has_overtaken = False


class _Line:
    """The batches to one partition: `expected` is the number that the next one gets."""

    __slots__ = ("acknowledged", "entries", "expected")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.begin_anew()

    def begin_anew(self) -> None:
        self.entries = deque(entry for entry in self.entries if not entry.appended)
        self.expected = 0
        self.acknowledged = False

    def numbered(self) -> int:
        """Return how many have numbers: the first ones."""
        return sum(entry.batch is not None for entry in self.entries)

    def is_on_way_behind(self, entry: Entry) -> bool:
        """Whether a batch has numbers that stands behind another one."""
        behind = False
        for one in self.entries:
            if behind and one.batch is not None:
                return True
            behind = behind or one is entry
        return False


class Numbering:
    """The lines of one producer. `identity` is id and epoch of the batches that get numbers; None while it has none."""

    def __init__(self, identity: Producer | None = None) -> None:
        self._identity = identity
        self._lines: dict[int, _Line] = {}
        self._anew: Anew | None = None
        self._on_way = 0
        self.fenced: KafkaError | None = None
        """Why nothing is sent any more. (PRODUCER-023)"""

    @property
    def identity(self) -> Producer | None:
        """Id and epoch of the next batch; None where an id has to be allocated first."""
        return self._identity

    def identify(self, identity: Producer) -> None:
        """Set the identity, where there is none."""
        self._identity = identity

    def enter(self, partition: int, count: int) -> Entry:
        """Put a batch of so many records at the end of its partition's line."""
        line = self._lines.get(partition)
        if line is None:
            line = self._lines[partition] = _Line()
        entry = Entry(partition, count)
        line.entries.append(entry)
        return entry

    def is_up(self, entry: Entry) -> bool:
        """Whether a batch without numbers may have some now. (PRODUCER-020)"""
        line = self._lines[entry.partition]
        numbered = line.numbered()
        if self._anew is not None or (numbered and not line.acknowledged) or numbered >= _MOST:
            return False
        if any(one.has_overtaken for one in line.entries):
            return False  # it will come later still, and so would what is sent now
        return line.entries[numbered] is entry

    def number(self, entry: Entry) -> ProducerBatch:
        """Give a batch that is up its numbers. (PRODUCER-017)"""
        if self._identity is None:
            raise RuntimeError("a batch is numbered under an identity")
        line = self._lines[entry.partition]
        entry.batch = ProducerBatch(self._identity.id, self._identity.epoch, line.expected)
        line.expected = add_to_sequence(line.expected, entry.count)
        self._on_way += 1
        return entry.batch

    def send(self, entry: Entry) -> ProducerBatch | None:
        """Let a batch be on its way and return its numbers; None where it has lost them, and needs others."""
        entry.sent = entry.batch is not None
        return entry.batch

    def is_first(self, entry: Entry) -> bool:
        """Whether nothing is on its way to the partition any more that stands before a batch."""
        for one in self._lines[entry.partition].entries:
            if one is entry:
                return True
            if one.batch is not None and not one.appended:
                return False
        raise RuntimeError("a batch that has ended stands in no line")

    def overtook(self, entry: Entry) -> None:
        """Note that a batch arrived before one that stands before it."""
        entry.has_overtaken = True

    @property
    def has_lost_count(self) -> bool:
        """Whether what is on its way has wrong numbers, maybe."""
        return self._anew is not None

    def appended(self, entry: Entry) -> None:
        """Note that a batch was appended."""
        line = self._lines[entry.partition]
        entry.appended = True
        line.acknowledged = True
        while line.entries and line.entries[0].appended:
            line.entries.popleft()
        self._ended()

    def refused(self, entry: Entry) -> None:
        """Note that a batch was not appended and never will be: the next one has its numbers. (PRODUCER-024)"""
        line = self._lines[entry.partition]
        if line.is_on_way_behind(entry):
            self.lost(entry, "raised")
            return
        if entry.batch is not None:
            line.expected = entry.batch.base_sequence
        line.entries.remove(entry)
        self._ended()

    def lost(self, entry: Entry, anew: Anew) -> None:
        """Note that nobody knows any more what the partition expects. (PRODUCER-022)"""
        if self._anew != "allocated":
            self._anew = anew
        self._lines[entry.partition].entries.remove(entry)
        for line in self._lines.values():
            for one in line.entries:
                if one.batch is not None and not one.sent:
                    self.give_back(one)
        self._ended()

    def give_back(self, entry: Entry) -> None:
        """Take a batch's numbers: it was refused because something is missing before it, and stands as before."""
        entry.batch = None
        entry.sent = entry.has_overtaken = False
        self._ended()

    def withdraw(self, entry: Entry) -> None:
        """Take a batch out of its line that was never sent."""
        if entry.batch is not None:
            self.refused(entry)
        else:
            self._lines[entry.partition].entries.remove(entry)

    def leave(self, entry: Entry) -> None:
        """Take a batch out of its line whose caller was interrupted, and which may be appended if it was sent."""
        if entry.batch is not None:
            self.lost(entry, "raised")
        else:
            self.withdraw(entry)

    def _ended(self) -> None:
        self._on_way -= 1
        if self._anew is not None and self._on_way == 0:
            self._identity = _raised(self._identity) if self._anew == "raised" else None
            self._anew = None
            for line in self._lines.values():
                line.begin_anew()


def _raised(identity: Producer | None) -> Producer | None:
    """Return a producer with the next epoch; None, for a new one, where there is none. (PRODUCER-022)"""
    if identity is None or identity.epoch >= _LAST_EPOCH:
        return None
    return Producer(identity.id, identity.epoch + 1)
