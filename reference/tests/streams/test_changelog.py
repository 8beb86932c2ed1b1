"""The changelog of a task: what an interruption leaves, and who takes it over behind one."""

from typing import Any

import pytest

from kafka_do import KafkaError
from kafka_do.client.changelog import TAKEN_BY_OTHERS, Changelog, Position, Store
from kafka_do.client.driving import drive
from kafka_do.testing import MockClient


class _Interrupting:
    """A broker that appends, and then has its caller interrupted, as Ctrl-C does, once it is told to."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker
        self.interrupts = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def produce_partition(self, request: Any) -> Any:
        results = await self._broker.produce_partition(request)
        if self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt
        return results


def test_what_is_written_behind_an_interruption_is_there_and_who_takes_over_fences() -> None:
    with MockClient() as client:
        client.admin().create_topic("log")
        session = client._session
        broker: Any = _Interrupting(session.connection.broker)
        session.connection = session.connection._replace(broker=broker)
        position = Position([], {"count": Store("count", 1, 0, 0)})
        first = Changelog(session, "log", 0)
        drive(first.take_over())
        broker.interrupts = True
        with pytest.raises(KeyboardInterrupt):
            drive(first.write(position, {"count/a": b"1"}))
        drive(first.write(position, {"count/a": b"2", "count/b": b"1"}))
        second = Changelog(session, "log", 0)
        found, entries = drive(second.take_over())
        assert found is not None
        assert entries == {"count/a": b"2", "count/b": b"1"}
        with pytest.raises(KafkaError) as fenced:
            drive(first.write(position, {"count/a": b"3"}))
        assert fenced.value.code in TAKEN_BY_OTHERS
