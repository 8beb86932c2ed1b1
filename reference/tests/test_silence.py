"""A server that takes connections and says nothing, or no more: nobody waits for it for long at the end."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from kafka_do import Client, aio

_SECOND_S = 1.0


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep proxies of the surroundings out of the tests."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def _url(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


class _Falling:
    """A relay to a server, which falls silent when it is told to: it goes on taking bytes, and passes none on."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.silent = threading.Event()
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._passing: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return _url(self._listening)

    def close(self) -> None:
        """End it, and every connection, so that nobody waits any longer."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listening.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._passing:
            thread.join()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.create_connection(self._server)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                self._passing.append(threading.Thread(target=self._pass_on, args=(source, target), daemon=True))
                self._passing[-1].start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self.silent.is_set():
                    target.sendall(data)
        except OSError:
            pass


@pytest.fixture
def falling(served: str) -> Iterator[_Falling]:
    """Return a relay to a server."""
    host, _, port = served.removeprefix("http://").partition(":")
    relay = _Falling((host, int(port)))
    yield relay
    relay.silent.set()
    relay.close()


@pytest.mark.parametrize("auto_commit", [False, True])
def test_a_consumer_is_closed_within_a_second_of_a_server_that_fell_silent(
    falling: _Falling, *, auto_commit: bool
) -> None:
    topic = f"silence-{auto_commit}"
    with Client(falling.url) as client:
        client.producer(topic).send_batch(range(3))
        consumer = client.consumer(topic, topic, auto_commit=auto_commit)
        messages = consumer.messages()
        assert [next(messages).value for _ in range(3)] == [0, 1, 2]
        falling.silent.set()
        begun = time.monotonic()
        consumer.close()
        consumer.close()
        assert time.monotonic() - begun < _SECOND_S


def test_a_task_leaves_within_a_second_of_a_server_that_fell_silent(falling: _Falling) -> None:
    async def main() -> None:
        async with aio.Client(falling.url) as client:
            await client.producer("silence-aio").send_batch(range(3))
            consumer = client.consumer("silence-aio", "silence-aio", auto_commit=True)
            assert [(await anext(consumer.messages())).value for _ in range(3)] == [0, 1, 2]
            falling.silent.set()
            begun = time.monotonic()
            await consumer.close()
            assert time.monotonic() - begun < _SECOND_S
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_a_consumer_that_never_heard_of_its_server_is_closed_within_a_second() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Client(f"http://127.0.0.1:{silent.getsockname()[1]}") as client,
    ):
        begun = time.monotonic()
        client.consumer("orders", "billing").close()
        assert time.monotonic() - begun < _SECOND_S
