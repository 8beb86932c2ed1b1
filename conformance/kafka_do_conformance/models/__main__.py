"""`python -m kafka_do_conformance.models NAME`: explore a model completely, print its size and what was found."""

import sys
import time
from collections.abc import Callable

from kafka_do_conformance.models.producer_space import Bounds, explore


def _producer() -> str:
    found = explore(Bounds())
    return (
        f"{found.states} states, {found.steps} steps, {found.settled} states in which every batch is settled;"
        " none has a batch twice, none has lost an acknowledged one, every state can settle"
    )


_MODELS: dict[str, Callable[[], str]] = {"producer": _producer}


def main(arguments: list[str]) -> int:
    """Explore the models that are named; return the exit status."""
    if not arguments or not set(arguments) <= _MODELS.keys():
        print(f"usage: python -m kafka_do_conformance.models {'|'.join(_MODELS)} …", file=sys.stderr)  # noqa: T201
        return 2
    for name in arguments:
        begun = time.monotonic()
        result = _MODELS[name]()
        print(f"{name}: {result} ({time.monotonic() - begun:.1f} s)")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
