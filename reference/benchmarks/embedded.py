"""A program, `python embedded.py WAY COUNT`: the embedded broker through the blocking client, a peer, or lists.

It prints figures as JSON. It uses nothing but the library's public names, so that the Python of another environment
can run it. `iterated` ways read through a consumer's group, as the peer does; the others read by offset.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

_BATCH = 1_000
_BYTES = 100


def _values(count: int) -> list[dict[str, Any]]:
    """Return values whose JSON has 100 bytes."""
    bare = len(json.dumps({"id": 10_000_000, "user": "u0000", "pad": ""}, separators=(",", ":")))
    pad = "x" * (_BYTES - bare)
    return [{"id": 10_000_000 + n, "user": f"u{n % 1000:04}", "pad": pad} for n in range(count)]


def _rate(count: int, act: Callable[[], None]) -> float:
    """Return how many of `count` are done in a second of processor time."""
    begun = time.process_time()
    act()
    return count / (time.process_time() - begun)


def _floor(values: list[dict[str, Any]]) -> dict[str, float]:
    """Do the least that keeps and gives back: JSON, a list of tuples, JSON."""
    log: list[tuple[int, float, bytes]] = []

    def keep() -> None:
        for value in values:
            log.append((len(log), time.time(), json.dumps(value, separators=(",", ":")).encode()))

    def give_back() -> None:
        found = [(offset, moment, json.loads(data)) for offset, moment, data in log]
        _compare([value for _, _, value in found], values)

    return {"send": _rate(len(values), keep), "read": _rate(len(values), give_back)}


def _client(values: list[Any], expected: list[dict[str, Any]], *, batched: bool) -> dict[str, float]:
    from kafka_do import Client, record_of  # noqa: PLC0415  the others do without

    with Client("memory://") as client:
        client.admin().create_topic("t")
        producer = client.producer("t")

        def send_one_by_one() -> None:
            for value in values:
                producer.send(value)

        def send_in_batches() -> None:
            for first in range(0, len(values), _BATCH):
                producer.send_records([record_of(value) for value in values[first : first + _BATCH]])

        def read() -> None:
            found: list[Any] = []
            offset = 0
            while offset < len(values):
                answer = client.read("t", offset=offset, max_records=_BATCH)
                found += [message.value for message in answer.messages]
                offset = answer.next_offset
            _compare(found, expected)

        send = send_in_batches if batched else send_one_by_one
        return {"send": _rate(len(values), send), "read": _rate(len(values), read)}


def _iterated(values: list[dict[str, Any]], *, batched: bool) -> dict[str, float]:
    from kafka_do import Client  # noqa: PLC0415  the others do without

    with Client("memory://") as client, client.consumer("t", "g") as consumer:
        client.admin().create_topic("t")
        producer = client.producer("t")
        found: list[Any] = []

        def send_one_by_one() -> None:
            for value in values:
                producer.send(value)

        def send_in_batches() -> None:
            for first in range(0, len(values), _BATCH):
                producer.send_batch(values[first : first + _BATCH])

        def read() -> None:
            for message in consumer:
                found.append(message.value)
                if len(found) == len(values):
                    return

        send = _rate(len(values), send_in_batches if batched else send_one_by_one)
        told = {"send": send, "read": _rate(len(values), read)}
        _compare(found, values)
        return told


def _mockafka(data: list[bytes]) -> dict[str, float]:
    mockafka = import_module("mockafka")
    import_module("mockafka.admin_client")
    mockafka.FakeAdminClientImpl(clean=True).create_topics([mockafka.admin_client.NewTopic("t", 4)])
    producer = mockafka.FakeProducer({})

    def send() -> None:
        for number, value in enumerate(data):
            producer.produce("t", value=value, key=b"k", partition=number & 3)
        producer.flush()

    sent = _rate(len(data), send)
    consumer = mockafka.FakeConsumer({"group.id": "g"})
    consumer.subscribe(["t"])
    found: list[bytes] = []

    def read() -> None:
        while (message := consumer.poll(0)) is not None:
            found.append(message.value())

    told = {"send": sent, "read": _rate(len(data), read)}
    if sorted(found) != sorted(data):
        raise RuntimeError("what was read is not what was sent")
    return told


def _compare(found: list[Any], expected: list[dict[str, Any]]) -> None:
    """Look at what was read, as a user would: at its ends, which costs no time."""
    if len(found) != len(expected) or found[0] != expected[0] or found[-1] != expected[-1]:
        raise RuntimeError("what was read is not what was sent")


def main() -> None:
    """Print the records per second of one way; each has a process of its own, for what one leaves slows the next."""
    way, count = sys.argv[1], int(sys.argv[2])
    values = _values(count)
    data = [json.dumps(value, separators=(",", ":")).encode() for value in values]
    found = {
        "floor": lambda: _floor(values),
        "dicts": lambda: _client(values, values, batched=False),
        "dicts-batched": lambda: _client(values, values, batched=True),
        "bytes": lambda: _client(data, values, batched=False),
        "bytes-batched": lambda: _client(data, values, batched=True),
        "iterated": lambda: _iterated(values, batched=False),
        "iterated-batched": lambda: _iterated(values, batched=True),
        "mockafka": lambda: _mockafka(data),
    }[way]()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
