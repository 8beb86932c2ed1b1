"""Faults that tests plant in operations, and what becomes of the requests that they strike. (CONTROL-004 to -011)"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import UNSET

from kafka_do.binding.parameters import Values
from kafka_do.binding.problems import HeadedError
from kafka_do.core.errors import KafkaError, invalid_request
from kafka_do.core.messages import PlantedFault, PlantFaultRequest
from kafka_do.core.misspelt import did_you_mean
from kafka_do.engines.clock import Clock
from kafka_do.spec import SPEC

__all__ = ["CONTROL", "DROP", "DroppedError", "Faults"]

CONTROL = "control"
DROP = "kafka_do.drop"
"""The extension of ASGI whose `close` closes a connection without an answer."""
_PLACES = ("topic", "partition", "group", "member")
_NEEDS = {"code": "error", "delay_ms": "delay"}  # a member, and the kind of fault that it belongs to
_RETRY_AFTER_S = 1


class DroppedError(Exception):
    """The connection is to be closed without an answer."""


class Faults:
    """The faults that are left, in the order in which they were planted; delays go by `clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: list[PlantedFault] = []

    def plant(self, fault: PlantFaultRequest) -> None:
        """Take a fault; raises KafkaError `invalid_request`. (CONTROL-011)"""
        if wrong := list(_wrong(fault)):
            raise invalid_request(wrong)
        self._left.append(PlantedFault(**msgspec.structs.asdict(fault)))

    def left(self) -> list[PlantedFault]:
        """Return the faults that are left. (CONTROL-009)"""
        return list(self._left)

    def clear(self) -> None:
        """Take back all faults. (CONTROL-010)"""
        self._left.clear()

    async def strike(self, operation: str, values: Values, act: Callable[[], Awaitable[Any]]) -> Any:
        """Act, unless a fault strikes; raises what the fault makes of the request."""
        fault = self._take(operation, values)
        kind = None if fault is None else fault.fault
        if fault is not None and kind == "error":
            raise _error(str(fault.code), values)
        if kind == "drop_before":
            raise DroppedError
        if kind == "drop_after":
            with suppress(KafkaError):
                await act()
            raise DroppedError
        try:
            return await act()
        finally:
            if fault is not None and fault.delay_ms is not UNSET:
                await self._clock.waiter().wait(fault.delay_ms)

    def _take(self, operation: str, values: Values) -> PlantedFault | None:
        """Return the first fault that fits a request, and count it. (CONTROL-008)"""
        for fault in self._left:
            if fault.operation == operation and _fits(fault, values):
                fault.times -= 1
                if not fault.times:
                    self._left.remove(fault)
                return fault
        return None


def _fits(fault: PlantedFault, values: Values) -> bool:
    return all((wanted := getattr(fault, place)) is UNSET or wanted == values.get(place) for place in _PLACES)


def _error(code: str, values: Values) -> KafkaError:
    """Return the error that a fault of the kind `error` raises, with what its code carries. (CONTROL-004, ERROR-005)"""
    message = f"a fault that was planted: {SPEC.errors[code].title}"
    if code == "quota_exceeded":
        retry_after = ("Retry-After", str(_RETRY_AFTER_S))
        return HeadedError(code, message, retry_after, retry_after_ms=_RETRY_AFTER_S * 1000)
    entry = SPEC.errors[code]
    fields: dict[str, Any] = {name: values[name] for name in (*entry.fields, *entry.optional) if name in values}
    return KafkaError(code, message, **fields)


def _wrong(fault: PlantFaultRequest) -> Iterator[tuple[str, str]]:
    """Yield a pointer and a detail for each member that is missing or makes no sense."""
    operation = SPEC.operations.get(fault.operation)
    if operation is None:
        yield "/operation", f"there is no operation '{fault.operation}'{did_you_mean(fault.operation, SPEC.operations)}"
        return
    if operation.feature == CONTROL:
        yield "/operation", "the operations of control have no faults"
        return
    for member, kind in _NEEDS.items():
        given = getattr(fault, member) is not UNSET
        if given != (fault.fault == kind):
            yield f"/{member}", f"only the fault '{kind}' has it" if given else f"the fault '{kind}' needs it"
    placed = {parameter.name for parameter in operation.parameters if parameter.place == "path"}
    for place in _PLACES:
        if getattr(fault, place) is not UNSET and place not in placed:
            yield f"/{place}", f"{fault.operation} has no {place} in its path"
    if fault.code == "group_coordinator" and "group" not in placed:
        yield "/code", f"{fault.operation} has no group in its path, which group_coordinator tells"
