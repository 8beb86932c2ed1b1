"""Every state that a world can reach, breadth first, so that what goes wrong is shown on a shortest way.

A state is a tuple of parts. Each part is kept once and has a number, so that a state is a few small numbers, and
renaming is a look into a table. States that differ only in names are one state: the order of the parts, and what
`names` permutes.
"""

from array import array
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from itertools import permutations
from typing import Any, NamedTuple

__all__ = ["Explored", "Faulty", "World", "explore"]

Parts = tuple[Hashable, ...]


class World(NamedTuple):
    """What is explored: where it begins, what can happen, what is wrong with a state, and what is the same.

    `rename(part, order)` renames what a part has `names` of; `renumber(part)` does what does not depend on the others.
    """

    start: Parts
    steps: Callable[[Any], Iterator[tuple[Any, Any]]]
    wrong: Callable[[Any], str | None]
    settled: Callable[[Any], bool]
    is_quiet: Callable[[Any], bool]
    names: int
    rename: Callable[[Any, tuple[int, ...]], Hashable]
    renumber: Callable[[Any], Hashable]


class Explored(NamedTuple):
    """The size of a world in which nothing was wrong. `depth` is the length of the longest of the shortest ways."""

    states: int
    transitions: int
    depth: int
    settled: int


class Faulty(Exception):  # noqa: N818  it is what exploring looks for
    """A state that breaks a promise, and a shortest way to it."""

    def __init__(self, fault: str, way: list[Any]) -> None:
        super().__init__("\n".join([fault, *(f"  {number}. {step}" for number, step in enumerate(way, 1))]))
        self.fault = fault
        self.way = way


def explore(world: World, *, most: int = 10_000_000) -> tuple[Explored, "Space"]:
    """Visit every state; raises Faulty for one that is wrong or from which the world cannot settle."""
    space = Space(world)
    return space.explore(most), space


class Space:
    """The states that were found, by number in the order of their distance from the start."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._parts: list[Hashable] = []
        self._numbers: dict[Hashable, int] = {}
        self._orders = list(permutations(range(world.names)))
        self._renamed: list[tuple[int, ...]] = []
        self._places: dict[tuple[int, ...], int] = {}
        self.states: list[tuple[int, ...]] = []
        self._before = array("q")

    def explore(self, most: int) -> Explored:
        """Visit every state, then go back from the settled ones."""
        self._add(self.world.start, -1)
        quiet_before: list[array[int]] = [array("q")]
        transitions = 0
        waiting = 0
        while waiting < len(self.states):
            for name, parts in self.world.steps(self.parts(waiting)):
                transitions += 1
                found = len(self.states)
                place = self._add(parts, waiting)
                if place == found:
                    quiet_before.append(array("q"))
                    if found > most:
                        raise Faulty(f"there are more than {most} states", [])
                    if fault := self.world.wrong(parts):
                        raise Faulty(fault, self.way(place))
                if self.world.is_quiet(name) and place != waiting:
                    quiet_before[place].append(waiting)
            waiting += 1
        settled = self._check_all_can_settle(quiet_before)
        return Explored(len(self.states), transitions, self._depth(), settled)

    def parts(self, place: int) -> Parts:
        """Return a state as the world knows it."""
        return tuple(self._parts[number] for number in self.states[place])

    def place_of(self, parts: Parts) -> int | None:
        """Return the number of a state, None for one that was not reached."""
        return self._places.get(self._canonical(parts))

    def way(self, place: int) -> list[Any]:
        """Return the steps of a shortest way to a state: gone once more, so that its names stay what they are."""
        places = [place]
        while (place := self._before[place]) >= 0:
            places.append(place)
        parts, way = self.world.start, []
        for wanted in reversed(places[:-1]):
            name, parts = next(
                (name, after)
                for name, after in self.world.steps(parts)
                if self._canonical(after) == self.states[wanted]
            )
            way.append(name)
        return way

    def _check_all_can_settle(self, quiet_before: list["array[int]"]) -> int:
        can = bytearray(len(self.states))
        waiting = deque(place for place in range(len(self.states)) if self.world.settled(self.parts(place)))
        settled = len(waiting)
        for place in waiting:
            can[place] = 1
        while waiting:
            for place in quiet_before[waiting.popleft()]:
                if not can[place]:
                    can[place] = 1
                    waiting.append(place)
        if (stuck := can.find(0)) >= 0:
            raise Faulty("can settle", self.way(stuck))
        return settled

    def _depth(self) -> int:
        depths = array("q", [0])
        for before in self._before[1:]:
            depths.append(depths[before] + 1)
        return depths[-1]

    def _add(self, parts: Parts, before: int) -> int:
        """Return the number of a state, a new one if it has none."""
        state = self._canonical(parts)
        place = self._places.setdefault(state, len(self.states))
        if place == len(self.states):
            self.states.append(state)
            self._before.append(before)
        return place

    def _canonical(self, parts: Parts) -> tuple[int, ...]:
        """Return the smallest of the states that differ from this one only in names."""
        numbers = [self._numbers.get(part) for part in parts]
        known = [self._number(part) if number is None else number for part, number in zip(parts, numbers, strict=True)]
        renamed = self._renamed
        return min(tuple(sorted(column)) for column in zip(*(renamed[number] for number in known), strict=True))

    def _number(self, part: Hashable) -> int:
        """Return a part's number, and write down those of its renamed twins when it is new.

        A part that is not yet renumbered has the number of the one that is.
        """
        plain = self.world.renumber(part)
        if plain not in self._numbers:
            twins = [self.world.rename(plain, order) for order in self._orders]
            for twin in dict.fromkeys(twins):
                self._numbers[twin] = len(self._parts)
                self._parts.append(twin)
                self._renamed.append(())
            for twin in dict.fromkeys(twins):
                row = tuple(self._numbers[self.world.rename(twin, order)] for order in self._orders)
                self._renamed[self._numbers[twin]] = row
        self._numbers[part] = self._numbers[plain]
        return self._numbers[part]
