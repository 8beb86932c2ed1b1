"""What the processes of a run share: the broker, the counter, chance, and the history that they write.

A process is a generator that stands still before and after the effect of each request. Which one goes on is drawn from
the seed, and so is everything that a process decides, from a chance of its own. So a seed replays, as far as the broker
answers the same: the simulated one always, a server but for the order in which it takes requests that overlap, and for
the milliseconds that pass by themselves. Where it answers one process otherwise, the others go on as they did.
"""

import random
from collections.abc import Generator
from typing import TYPE_CHECKING, TypedDict, TypeVar

from kafka_do_conformance.histories.calls import Answer, Broker, Call, Fate

if TYPE_CHECKING:
    from kafka_do_conformance.histories.events import Event, Partition

__all__ = ["Span", "Steps", "World", "finish"]

_FATES: dict[Fate, int] = {"fine": 14, "lost request": 2, "lost answer": 3, "refused": 1}

T = TypeVar("T")
Steps = Generator[None, None, T]


class Span(TypedDict):
    """The two readings of the counter between which something happened."""

    start: int
    end: int


class World:
    """`is_over`: processes end what they have under way. Nothing is lost or refused when it `is_calm`."""

    def __init__(self, broker: Broker, seed: int) -> None:
        self.broker = broker
        self._seed = seed
        self.turns = self.chance("turns")
        self.history: list[Event] = []
        self.partitions: list[Partition] = list(broker.partitions)
        self.session_ms = 0
        self.is_over = False
        self.is_calm = False
        self._now = 0

    def chance(self, name: str) -> random.Random:
        """Return what somebody draws from, the same for each run of the seed."""
        return random.Random(f"{self._seed} {name}")  # noqa: S311

    def now(self) -> int:
        """Return the next reading of the counter."""
        self._now += 1
        return self._now

    def request(self, call: Call, chance: random.Random) -> Steps[tuple[Answer, Span]]:
        """Send a request that has a fate, and return what came of it, and when."""
        fates: list[Fate] = ["fine"] if self.is_calm else chance.choices(list(_FATES), list(_FATES.values()))
        return (yield from self._send(call, fates[0]))

    def ask(self, call: Call) -> Steps[tuple[Answer, Span]]:
        """Send a request that nothing befalls."""
        return (yield from self._send(call, "fine"))

    def _send(self, call: Call, fate: Fate) -> Steps[tuple[Answer, Span]]:
        start = self.now()
        pending = self.broker.send(call, fate)
        yield
        pending.act()
        yield
        answer = pending.answer()
        return answer, {"start": start, "end": self.now()}


def finish(steps: Steps[T]) -> T:
    """Do what a process would do, at once, and return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
