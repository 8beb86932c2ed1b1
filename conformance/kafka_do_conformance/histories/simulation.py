"""Clean histories: the processes of a run at work on a broker that is correct."""

from kafka_do_conformance.histories.events import Event
from kafka_do_conformance.histories.simulated_broker import SimulatedBroker
from kafka_do_conformance.histories.workload import Load, run

__all__ = ["simulate"]


def simulate(seed: int, *, steps: int = 1500, partitions: int = 4, members: int = 5, producers: int = 3) -> list[Event]:
    """Return the history of a run on a simulated broker."""
    return run(SimulatedBroker(partitions), seed, Load(steps=steps, consumers=members, producers=producers))
