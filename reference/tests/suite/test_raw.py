"""Bytes as they are: what is sent arrives so, and every way in which a server can answer is told apart."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from kafka_do_conformance.raw import RawConnection
from kafka_do_conformance.verdict import Crashed, Exchange, Timeout

_PATIENCE_S = 10
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def _connected(
    answer: Callable[[socket.socket], object], deadline_s: float = _PATIENCE_S
) -> Iterator[tuple[RawConnection, list[Exchange]]]:
    """Connect to a server that does what `answer` does with its one connection, and then closes it."""
    exchanges: list[Exchange] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(_PATIENCE_S)
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with RawConnection(listener.getsockname(), deadline_s, exchanges) as raw:
            yield raw, exchanges
        thread.join(_PATIENCE_S)


def test_bytes_arrive_as_they_are() -> None:
    heard = bytearray()

    def answer(connection: socket.socket) -> None:
        while not heard.endswith(b"end"):
            heard.extend(connection.recv(100))
        connection.sendall(_OK)

    with _connected(answer) as (raw, exchanges):
        raw.send(b"\x00\r\n")
        raw.send(b"\xff end")
        response = raw.answer()
    assert bytes(heard) == b"\x00\r\n\xff end"
    assert response is not None
    assert (response.status, response.body) == (200, b"ok")
    (exchange,) = exchanges
    assert exchange.request.endswith(" end")
    assert exchange.response == "200  ok"


def test_several_answers_are_told_apart_also_where_they_arrive_in_one_piece() -> None:
    with _connected(lambda connection: connection.sendall(_OK + _OK.replace(b"ok", b"no") + _OK)) as (raw, _):
        answers = [raw.answer() for _ in range(3)]
        assert [answer.body for answer in answers if answer is not None] == [b"ok", b"no", b"ok"]
        assert raw.answer() is None


def test_the_end_of_a_connection_is_no_answer() -> None:
    with _connected(lambda _: None) as (raw, exchanges):
        assert raw.answer() is None
        assert raw.is_closed()
    assert exchanges == [Exchange("", "the connection was closed")]


def test_a_connection_that_stays_open_is_not_closed() -> None:
    released = threading.Event()
    with _connected(lambda _: released.wait(_PATIENCE_S), deadline_s=0.05) as (raw, _):
        assert not raw.is_closed()
        assert not raw.has_news(0.01)
        released.set()


def test_silence_is_a_timeout() -> None:
    released = threading.Event()
    with _connected(lambda _: released.wait(_PATIENCE_S), deadline_s=0.05) as (raw, _):
        with pytest.raises(Timeout):
            raw.answer()
        released.set()


@pytest.mark.parametrize("data", [b"hello\r\n\r\n", _OK[:20], _OK[:-1]])
def test_what_is_no_whole_answer_is_a_crash(data: bytes) -> None:
    with _connected(lambda connection: connection.sendall(data)) as (raw, _), pytest.raises(Crashed):
        raw.answer()


def test_nobody_at_the_address_is_a_crash() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(Crashed):
        RawConnection(address, 1, [])
