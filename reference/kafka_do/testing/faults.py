"""Faults in front of a broker, as a network and a server in trouble make them."""

import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from kafka_do.core.errors import KafkaError
from kafka_do.spec import SPEC

__all__ = ["Fault", "FaultyBroker"]


@dataclass(slots=True)
class Fault:
    """What becomes of the next `times` calls of an operation: the error of a code, before or after it was done.

    `after` is a lost answer: what was asked for is done, and the caller does not learn it.
    """

    operation: str
    code: str
    times: int
    after: bool


class FaultyBroker:
    """A broker's operations, struck by the faults that are planted; the first one that fits strikes."""

    def __init__(self, broker: object, faults: list[Fault]) -> None:
        self._broker = broker
        self._faults = faults
        self._planting = threading.Lock()

    def __getattr__(self, operation: str) -> Callable[[Any], Awaitable[Any]]:
        if operation not in SPEC.operations:
            raise AttributeError(operation)
        perform: Callable[[Any], Awaitable[Any]] = getattr(self._broker, operation)

        async def ask(request: Any) -> Any:
            fault = self._struck(operation)
            if fault is None:
                return await perform(request)
            if fault.after:
                await perform(request)
            raise KafkaError(fault.code, f"this fault was planted in {operation}")

        return ask

    def _struck(self, operation: str) -> Fault | None:
        with self._planting:
            for fault in self._faults:
                if fault.operation == operation:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                    return fault
            return None
