"""What processes ask of a broker, a simulated one or a server under test, and what comes back."""

from typing import Any, Literal, NamedTuple, Protocol

from kafka_do_conformance.histories.events import Batch, Outcome, Partition

__all__ = [
    "RETRIABLE",
    "Advance",
    "Answer",
    "Append",
    "Broker",
    "Call",
    "Commit",
    "Fate",
    "Grow",
    "Heartbeat",
    "Leave",
    "Page",
    "Pending",
    "Query",
    "Read",
]

Fate = Literal["fine", "lost request", "lost answer", "refused"]
RETRIABLE = ("not_leader", "group_coordinator")
"""The codes with which a request is refused whose fate it is."""


class Append(NamedTuple):
    """Append a batch; answered with its offsets."""

    partition: Partition
    values: tuple[str, ...]
    batch: Batch | None


class Heartbeat(NamedTuple):
    """Send a heartbeat; answered with Told. `instance_id` is empty for who is not static."""

    member: str
    epoch: int
    owned: frozenset[Partition]
    rebalance_ms: int
    instance_id: str


class Leave(NamedTuple):
    """Leave for good, or, with the `instance_id` of a static member, for a time."""

    member: str
    instance_id: str


class Commit(NamedTuple):
    """Commit as a member."""

    member: str
    epoch: int
    partition: Partition
    offset: int


class Read(NamedTuple):
    """Read records; answered with a Page."""

    partition: Partition
    position: int
    limit: int


class Query(NamedTuple):
    """Ask for the committed offset; answered with it, or None."""

    partition: Partition


class Advance(NamedTuple):
    """Set the clock ahead; answered with the milliseconds that had passed by themselves since it was told last."""

    ms: int


class Grow(NamedTuple):
    """Give the topic one more partition, which gets this number; answered with it."""

    number: int


class Page(NamedTuple):
    """What was read."""

    records: tuple[tuple[int, str], ...]
    next_offset: int
    log_start_offset: int


Call = Append | Heartbeat | Leave | Commit | Read | Query | Advance | Grow


class Answer(NamedTuple):
    """What became of a call, with the result or with the code of the refusal."""

    outcome: Outcome
    result: Any = None
    code: str = ""


class Pending(Protocol):
    """A call that is under way."""

    def act(self) -> None:
        """Let it have its effect, where that does not come by itself."""

    def answer(self) -> Answer:
        """Return what came of it, or that nobody knows."""


class Broker(Protocol):
    """A broker with one topic and one group, both new."""

    group: str
    partitions: list[Partition]
    has_clock: bool

    def new_producer(self) -> str:
        """Return an id for an idempotent producer, nothing where there are none."""

    def send(self, call: Call, fate: Fate) -> Pending:
        """Send a request that is to have a fate."""
