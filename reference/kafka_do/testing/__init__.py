"""For tests of programs that use this library: clients of a broker in the test's own process.

The broker is the one of `memory://`, so a test meets what a server does. Its time can be moved, faults can be planted
in its operations, and what is in it can be put there and looked at. With pytest the fixture `kafka` is a `MockClient`.
`StreamDriver` runs a pipeline with no broker at all.
"""

from kafka_do.streams.driver import StreamDriver
from kafka_do.testing.faults import Fault
from kafka_do.testing.mock import AsyncMockClient, MockBroker, MockClient

__all__ = ["AsyncMockClient", "Fault", "MockBroker", "MockClient", "StreamDriver"]
