"""What is written in one turn of the event loop: together, in order, and before what ends a connection."""

import asyncio
from typing import Any, cast

from kafka_do.server.turn import DeferringTransport, Turn


class _Transport:
    """A transport that keeps what was done with it."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def write_eof(self) -> None:
        self.done.append("eof")

    def close(self) -> None:
        self.done.append("close")
        self.closing = True

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")

    def get_extra_info(self, name: str) -> str:
        return name


def _deferring(turn: Turn) -> tuple[DeferringTransport, _Transport]:
    transport = _Transport()
    return DeferringTransport(cast("asyncio.Transport", transport), turn), transport


def test_what_is_written_in_a_turn_goes_out_once_for_each_connection_at_its_end() -> None:
    async def turns() -> None:
        turn = Turn()
        (one, one_below), (other, other_below) = _deferring(turn), _deferring(turn)
        for number in (b"1", b"2"):
            one.write(number)
            other.write(number)
        assert one_below.done == other_below.done == []
        await asyncio.sleep(0)
        assert one_below.done == other_below.done == [b"12"]
        one.write(b"3")
        await asyncio.sleep(0)
        assert (one_below.done, other_below.done) == ([b"12", b"3"], [b"12"])

    asyncio.run(turns())


def test_what_ends_a_connection_comes_behind_what_was_written() -> None:
    async def turns() -> None:
        turn = Turn()
        (closed, closed_below), (half, half_below) = _deferring(turn), _deferring(turn)
        closed.write(b"answer")
        closed.close()
        half.write(b"answer")
        half.write_eof()
        assert closed_below.done == [b"answer", "close"]
        assert half_below.done == [b"answer", "eof"]
        await asyncio.sleep(0)
        assert len(closed_below.done) == len(half_below.done) == 2

    asyncio.run(turns())


def test_a_client_that_left_does_not_keep_others_from_their_answers() -> None:
    async def turns() -> None:
        turn = Turn()
        (gone, gone_below), (there, there_below) = _deferring(turn), _deferring(turn)
        gone.write(b"answer")
        there.write(b"answer")
        gone_below.closing = True
        await asyncio.sleep(0)
        assert (gone_below.done, there_below.done) == ([], [b"answer"])

    asyncio.run(turns())


def test_much_is_written_at_once_so_that_it_is_never_kept_without_bound() -> None:
    async def turns() -> None:
        transport, below = _deferring(Turn())
        transport.write(b"head")
        transport.write(bytes(100_000))
        assert below.done == [b"head" + bytes(100_000)]
        await asyncio.sleep(0)
        assert len(below.done) == 1

    asyncio.run(turns())


def test_all_else_is_the_transports_own() -> None:
    transport, below = _deferring(Turn())
    asked: Any = transport
    asked.pause_reading()
    asked.resume_reading()
    assert below.done == ["pause", "resume"]
    assert asked.get_extra_info("peername") == "peername"
