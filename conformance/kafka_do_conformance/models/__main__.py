"""`python -m kafka_do_conformance.models NAME`: explore a model completely, print its size and what was found."""

import sys
import time
from collections.abc import Callable, Iterator

from kafka_do_conformance.models.exploring import Faulty
from kafka_do_conformance.models.group_space import FREEDOMS, SMALL, WORLDS, GroupWorld, explore_group
from kafka_do_conformance.models.producer_space import Bounds, Fault, explore


def _producer() -> Iterator[str]:
    found = explore(Bounds())
    yield (
        f"{found.states} states, {found.steps} steps, {found.settled} states in which every batch is settled;"
        " none has a batch twice, none has lost an acknowledged one, every state can settle"
    )


def _group() -> Iterator[str]:
    for name, world in WORLDS.items():
        yield _explored(name, world)
    for freedom in FREEDOMS:
        for name, world in SMALL.items():
            left_out = world.rules._replace(**{freedom: False})
            yield _explored(f"{name}, without {freedom}", world._replace(rules=left_out))


def _explored(name: str, world: GroupWorld) -> str:
    bounds = world.bounds
    found, _ = explore_group(world)
    return (
        f"{name}: {bounds.members} clients, {bounds.partitions} partitions: {found.states} states,"
        f" {found.transitions} steps, {found.settled} settled, at most {found.depth} steps away;"
        f" kept: {', '.join(sorted(world.promises))}"
    )


_MODELS: dict[str, Callable[[], Iterator[str]]] = {"group": _group, "producer": _producer}


def main(arguments: list[str]) -> int:
    """Explore the models that are named; return the exit status."""
    if not arguments or not set(arguments) <= _MODELS.keys():
        print(f"usage: python -m kafka_do_conformance.models {'|'.join(_MODELS)} …", file=sys.stderr)  # noqa: T201
        return 2
    try:
        for name in arguments:
            begun = time.monotonic()
            for result in _MODELS[name]():
                print(f"{name}: {result} ({time.monotonic() - begun:.1f} s)", flush=True)  # noqa: T201
                begun = time.monotonic()
    except (Fault, Faulty) as fault:
        print(f"{name}: {fault}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
