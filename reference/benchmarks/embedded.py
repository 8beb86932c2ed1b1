"""A program, `python embedded.py WAY COUNT`: the embedded broker through the blocking client, or lists as a floor.

It prints figures as JSON. It uses nothing but the library's public names, so that the Python of another environment
can run it.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from kafka_do import Client, record_of

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
    }[way]()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
