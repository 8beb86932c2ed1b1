"""What only tests need: the feature `control`. A server without it pays an `if`. (CONTROL-001 to CONTROL-014)"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from kafka_do.binding.operation import Binding
from kafka_do.binding.parameters import Values
from kafka_do.core.broker import Broker
from kafka_do.core.control import ClearFaults, ListFaults, ResetServer, RestoreKeys
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import AdvanceClockRequest, ClockTime, FaultList, PlantFaultRequest, RevokeKeyRequest
from kafka_do.engines.clock import MovableClock
from kafka_do.server.authentication import Keys
from kafka_do.server.faults import CONTROL, Faults
from kafka_do.server.tending import Tend, tend_now

__all__ = ["CONTROL", "Control"]


class Control:
    """The control operations of a server whose engine has `clock`, forgets all by `reset` and is driven by `tend`.

    `keys` are those that it takes, None where it asks for none.
    """

    def __init__(self, clock: MovableClock, reset: Callable[[], None], tend: Tend, keys: Keys | None = None) -> None:
        self._clock = clock
        self._reset = reset
        self._tend = tend
        self._keys = keys
        self._faults = Faults(clock)

    @property
    def has_faults(self) -> bool:
        """Whether a fault is left that may strike."""
        return bool(self._faults.left())

    async def perform(self, binding: Binding, asked: Any, values: Values, broker: Broker) -> Any:
        """Do what is asked: control operations here, the others with the broker, where no fault strikes."""
        if binding.operation.feature == CONTROL:
            return await binding.perform(self, asked)
        return await self.strike(binding, values, functools.partial(binding.perform, broker, asked))

    async def strike(self, binding: Binding, values: Values, act: Callable[[], Awaitable[Any]]) -> Any:
        """Act, unless a fault strikes the request. (CONTROL-004 to CONTROL-008)"""
        return await self._faults.strike(binding.name, values, act)

    async def advance_clock(self, request: AdvanceClockRequest) -> ClockTime:
        """Set the clock ahead; those whose time has come go first. (CONTROL-001, CONTROL-003)"""
        self._clock.advance(request.advance_ms)
        now_ms = self._clock.now_ms()
        await asyncio.sleep(0)
        await tend_now(self._tend)
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

    async def revoke_key(self, request: RevokeKeyRequest) -> None:
        """Take back a key. (CONTROL-013, CONTROL-014)"""
        if self._keys is None or not self._keys.revoke(request.key):
            fault = {"pointer": "/key", "detail": "the server takes no such key"}
            raise KafkaError("invalid_request", "the key cannot be taken back", errors=[fault])

    async def restore_keys(self, request: RestoreKeys) -> None:
        """Make the keys valid again that were taken back. (CONTROL-013)"""
        if self._keys is not None:
            self._keys.restore()

    async def reset_server(self, request: ResetServer) -> None:
        """Forget all topics and faults, and that keys were taken back. (CONTROL-012)"""
        await self.restore_keys(RestoreKeys())
        self._faults.clear()
        self._reset()
        await asyncio.sleep(0)
