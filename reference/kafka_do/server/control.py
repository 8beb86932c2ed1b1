"""What only tests need: the feature `control`. A server without it pays an `if`. (CONTROL-001 to CONTROL-012)"""

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from kafka_do.binding.operation import Binding
from kafka_do.binding.parameters import Values
from kafka_do.core.broker import Broker
from kafka_do.core.control import ClearFaults, ListFaults, ResetServer
from kafka_do.core.messages import AdvanceClockRequest, ClockTime, FaultList, PlantFaultRequest
from kafka_do.engines.clock import MovableClock
from kafka_do.server.faults import CONTROL, Faults

__all__ = ["CONTROL", "Control"]


class Control:
    """The control operations of a server whose engine has `clock` and forgets everything by `reset`."""

    def __init__(self, clock: MovableClock, reset: Callable[[], None]) -> None:
        self._clock = clock
        self._reset = reset
        self._faults = Faults(clock)

    @property
    def has_faults(self) -> bool:
        """Whether a fault is left that may strike."""
        return bool(self._faults.left())

    async def perform(self, binding: Binding, asked: Any, values: Values, broker: Broker) -> Any:
        """Do what is asked: control operations here, the others with the broker, where no fault strikes."""
        if binding.operation.feature == CONTROL:
            return await binding.perform(self, asked)
        return await self._faults.strike(binding.name, values, functools.partial(binding.perform, broker, asked))

    async def advance_clock(self, request: AdvanceClockRequest) -> ClockTime:
        """Set the clock ahead; those whose time has come go first. (CONTROL-001, CONTROL-003)"""
        self._clock.advance(request.advance_ms)
        now_ms = self._clock.now_ms()
        await asyncio.sleep(0)
        return ClockTime(now_ms)

    async def plant_fault(self, request: PlantFaultRequest) -> None:
        """Plant a fault. (CONTROL-008, CONTROL-011)"""
        self._faults.plant(request)

    async def list_faults(self, request: ListFaults) -> FaultList:
        """List the faults that are left. (CONTROL-009)"""
        return FaultList(self._faults.left())

    async def clear_faults(self, request: ClearFaults) -> None:
        """Take back all faults. (CONTROL-010)"""
        self._faults.clear()

    async def reset_server(self, request: ResetServer) -> None:
        """Forget all topics and faults. (CONTROL-012)"""
        self._faults.clear()
        self._reset()
        await asyncio.sleep(0)
