"""What only tests need, as one interface beside the broker's operations. (CONTROL-001 to CONTROL-014)"""

from typing import Protocol

import msgspec

from kafka_do.core.messages import AdvanceClockRequest, ClockTime, FaultList, PlantFaultRequest, RevokeKeyRequest

__all__ = ["ClearFaults", "Controller", "ListFaults", "ResetServer", "RestoreKeys"]


class ListFaults(msgspec.Struct, frozen=True):
    """List the faults that are left."""


class ClearFaults(msgspec.Struct, frozen=True):
    """Take back all faults."""


class ResetServer(msgspec.Struct, frozen=True):
    """Begin anew."""


class RestoreKeys(msgspec.Struct, frozen=True):
    """Make the keys valid again that were taken back."""


class Controller(Protocol):
    """The operations of the feature `control`. Each raises KafkaError with a code of the catalogue."""

    async def advance_clock(self, request: AdvanceClockRequest) -> ClockTime:
        """Set the clock ahead and tell the time."""

    async def plant_fault(self, request: PlantFaultRequest) -> None:
        """Plant a fault: `invalid_request`."""

    async def list_faults(self, request: ListFaults) -> FaultList:
        """List the faults that are left."""

    async def clear_faults(self, request: ClearFaults) -> None:
        """Take back all faults."""

    async def revoke_key(self, request: RevokeKeyRequest) -> None:
        """Take back a key: `invalid_request`."""

    async def restore_keys(self, request: RestoreKeys) -> None:
        """Make the keys valid again that were taken back."""

    async def reset_server(self, request: ResetServer) -> None:
        """Forget all topics and faults."""
