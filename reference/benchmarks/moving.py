"""A program, `python moving.py WAY COUNT URL`: one part of the measurement `clients`. It prints figures as JSON.

It moves COUNT records of 100 bytes to or from a server: `send` with an `AsyncProducer` and `read` with a consumer, and
beside each `bare-send` and `bare-read`, the least that moves the same batches with the same HTTP library, JSON made and
read included.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from kafka_do import Client, Consumer

_BYTES = 100
_BATCH = 500
_TOPIC = "t"

try:
    httpx: Any = importlib.import_module("httpx2")
except ModuleNotFoundError:
    httpx = importlib.import_module("httpx")


def _values(count: int) -> list[dict[str, Any]]:
    bare = len(json.dumps({"id": 10_000_000, "user": "u0000", "pad": ""}, separators=(",", ":")))
    pad = "x" * (_BYTES - bare)
    return [{"id": 10_000_000 + n, "user": f"u{n % 1000:04}", "pad": pad} for n in range(count)]


def _send(count: int, url: str) -> Callable[[], int]:
    values = _values(count)

    def act() -> int:
        with Client(url) as client, client.async_producer(_TOPIC, batch_bytes=_BATCH * (_BYTES + 32)) as producer:
            for value in values:
                producer.send(value)
        return count

    return act


def _bare_send(count: int, url: str) -> Callable[[], int]:
    values = _values(count)
    headers = {"Content-Type": "application/json"}

    def act() -> int:
        sent = 0
        with httpx.Client(trust_env=False) as client:
            for first in range(0, count, _BATCH):
                records = [{"value": value} for value in values[first : first + _BATCH]]
                body = json.dumps({"records": records}, separators=(",", ":")).encode()
                address = f"{url}/v1/topics/{_TOPIC}/partitions/0/records"
                answer = client.post(address, content=body, headers=headers)
                sent += len(json.loads(answer.content)["results"])
        return sent

    return act


def _read(count: int, url: str) -> Callable[[], int]:
    def act() -> int:
        with Client(url) as client, client.consumer(_TOPIC, "g", max_poll_records=_BATCH) as consumer:
            return _iterate(consumer, count)

    return act


def _iterate(consumer: Consumer[Any], count: int) -> int:
    read = 0
    for _ in consumer:
        read += 1
        if read == count:
            break
    return read


def _bare_read(count: int, url: str) -> Callable[[], int]:
    def act() -> int:
        offset = 0
        with httpx.Client(trust_env=False, headers={"Accept-Encoding": "identity"}) as client:
            while offset < count:
                position = {"topic": _TOPIC, "partition": 0, "offset": offset}
                answer = client.post(f"{url}/v1/fetch", json={"partitions": [position], "max_records": _BATCH})
                offset = json.loads(answer.content)["partitions"][0]["next_offset"]
        return offset

    return act


def main() -> None:
    """Print the records per second of one way, by the clock and by the processor time of this process."""
    way, count, url = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    ways = {"send": _send, "bare-send": _bare_send, "read": _read, "bare-read": _bare_read}
    act = ways[way](count, url)
    begun = time.perf_counter(), time.process_time()
    moved = act()
    rates = {"rate": count / (time.perf_counter() - begun[0]), "cpu": count / (time.process_time() - begun[1])}
    if moved != count:
        raise RuntimeError(f"{moved} records were moved where {count} were to be")
    print(json.dumps({**rates, "http": f"{httpx.__name__} {httpx.__version__}"}))


if __name__ == "__main__":
    main()
