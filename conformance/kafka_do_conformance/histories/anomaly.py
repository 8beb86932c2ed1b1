"""An anomaly: what kind, what was seen, and the events that show it."""

import dataclasses
from dataclasses import dataclass

from kafka_do_conformance.histories.events import NEVER, Event, Partition, partition_text

__all__ = ["Anomaly", "tell"]


@dataclass(frozen=True)
class Anomaly:
    """Something that no correct server lets its clients see; `events` are all that it takes to see it."""

    kind: str
    says: str
    events: tuple[Event, ...]

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.says}", *(f"  {tell(event)}" for event in sorted(self.events, key=_start))]
        return "\n".join(lines)


def tell(event: Event) -> str:
    """Return an event on one line; a run has one group."""
    left_out = ("process", "start", "end", "group")
    facts = {f.name: getattr(event, f.name) for f in dataclasses.fields(event) if f.name not in left_out}
    end = "..." if event.end == NEVER else event.end
    told = ", ".join(f"{name}={_shown(value)}" for name, value in facts.items() if value not in ("", None, ()))
    return f"[{event.start}-{end}] {event.process} {type(event).__name__.lower()}: {told}"


def _start(event: Event) -> int:
    return event.start


def _shown(value: object) -> str:
    if isinstance(value, Partition):
        return partition_text(value)
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(_shown(one) for one in value)) + "}"
    if isinstance(value, tuple):
        return ("/" if hasattr(value, "_fields") else " ").join(_shown(one) for one in value)
    return str(value)
