"""Which partition: Kafka's own results, and the spread of records without a key."""

import base64
import json
from collections import defaultdict
from typing import Any, Literal

from kafka_do.spec import data_root
from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

_REQUESTS = 200
_PARTITIONS = 4


@server_case(
    title="Keyed records land where Kafka's clients put them",
    requirements=["PRODUCE-002"],
    hint="murmur2 of the key's bytes, seed 0x9747b28c, sign bit cleared, modulo N; the empty key is hashed too.",
)
def murmur2_vectors(server: ServerSession) -> None:
    """Produce every key of the fixture to topics of every number of partitions in it."""
    rows: list[dict[str, Any]] = json.loads((data_root() / "fixtures" / "murmur2.json").read_text("utf-8"))["rows"]
    limit = server.limits()["max_partitions_per_topic"]
    by_count: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
    for row in rows:
        for count, partition in row["partitions"].items():
            by_count[int(count)].append((bytes.fromhex(row["key_hex"]), partition))
    for count, keys in by_count.items():
        if count > limit:
            continue
        topic = server.create_topic(count)
        _require_partitions(server, topic, keys, "base64")
        texts = [(key, partition) for key, partition in keys if _is_text(key)]
        _require_partitions(server, topic, texts, "string")
        for others in texts[1:]:
            _require_partitions(server, topic, [texts[0], others] * 10, "string")


def _require_partitions(
    server: ServerSession, topic: str, keys: list[tuple[bytes, int]], encoding: Literal["string", "base64"]
) -> None:
    """Produce keys in one request and fail unless each gets its partition; text is sent as most people send it."""
    records: list[dict[str, Any]] = [
        {"key": key.decode(), "value": 0}
        if encoding == "string"
        else {"key": base64.b64encode(key).decode(), "key_encoding": "base64", "value": 0}
        for key, _ in keys
    ]
    results = server.produce(topic, records)
    server.require(
        f"{len(keys)} keys in the encoding {encoding}",
        [
            Mismatch(f"partition of the key 0x{key.hex()}", str(partition), str(result["partition"]))
            for (key, partition), result in zip(keys, results, strict=True)
            if result["partition"] != partition
        ],
    )


def _is_text(key: bytes) -> bool:
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True


@server_case(
    title="Records without a key reach all partitions over many requests",
    requirements=["PRODUCE-004"],
    hint="One partition for each request is fine; always the same one is not.",
)
def spread_without_key(server: ServerSession) -> None:
    """Produce many requests and see that no partition is left out."""
    topic = server.create_topic(_PARTITIONS)
    reached = {server.produce(topic, [{"value": number}])[0]["partition"] for number in range(_REQUESTS)}
    if len(reached) < _PARTITIONS:
        allowed, seen = f"all {_PARTITIONS} after {_REQUESTS} requests", str(sorted(reached))
        server.require("produce without keys", [Mismatch("partitions", allowed, seen)])
