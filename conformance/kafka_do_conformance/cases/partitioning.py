"""Which partition: Kafka's own results, and the spread of records without a key."""

import base64
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from kafka_do.spec import data_root
from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

_REQUESTS = 200
_FEW = 5
_TIMES = 9
_KEYS = 20
_PARTITIONS = 4

Record = dict[str, Any]
Form = Callable[[bytes], Record]


@server_case(
    title="Keyed records land where Kafka's clients put them",
    requirements=["PRODUCE-002"],
    hint="murmur2 of the key's bytes, seed 0x9747b28c, sign bit cleared, modulo N; the empty key is hashed too.",
)
def murmur2_vectors(server: ServerSession) -> None:
    """Produce the fixture's keys to topics of every number of partitions in it, a few at a time and all at once."""
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
        texts = [(key, partition) for key, partition in keys if _is_text(key)]
        for form, some in ((_in_base64, keys), (_as_text, texts)):
            for few in range(0, len(some), _FEW):
                _compare(server, topic, form, some[few : few + _FEW])
            _compare(server, topic, form, some * _TIMES)


@server_case(
    title="A key goes to the same partition whatever else is in the request",
    requirements=["PRODUCE-002"],
    hint="Many keys at once, of one length or of several, beside records without one: each is hashed by itself.",
)
def keys_among_others(server: ServerSession) -> None:
    """Produce keys one by one, then all together in different orders and company."""
    limit = server.limits()["max_partitions_per_topic"]
    alike = [f"key-{number:04}" for number in range(_KEYS)]
    others = ["k" * length + str(length) for length in range(_KEYS)]
    for count in (3, 4, 300):
        if count > limit:
            continue
        topic = server.create_topic(count)
        alone = {key: server.produce(topic, [{"key": key, "value": 0}])[0]["partition"] for key in (*alike, *others)}
        for keys in (alike, others, [*others[:2]] * _KEYS, [*alike, *others], [*others, *alike, *alike][::-1]):
            _compare(server, topic, _as_text, [(key.encode(), alone[key]) for key in keys])


@server_case(
    title="With more partitions keys go where the new number sends them, and records stay where they are",
    requirements=["PRODUCE-002", "TOPIC-016"],
    hint="Take the number of partitions that the topic has now; nothing is moved.",
)
def keys_of_a_grown_topic(server: ServerSession) -> None:
    """Produce keys to a topic of three partitions, and again when it has five, seven at last."""
    wanted = {"a": (1, 4, 5), "customer-1": (0, 1, 3), "customer-4": (1, 0, 5), "": (0, 1, 2), "é": (0, 1, 4)}
    topic = server.create_topic(3)
    place = f"/v1/topics/{topic}"
    stored: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for step, count in enumerate((3, 5, 7)):
        if step:
            grown = {"status": 200, "json": {"partition_count": count}}
            server.expect("grow", server.send("PATCH", place, value={"partitions": count}), grown)
        records = [{"key": key, "value": step} for key in wanted]
        told = {"results": [{"partition": partitions[step]} for partitions in wanted.values()]}
        response = server.send("POST", f"{place}/records", value={"records": records})
        server.expect(f"{count} partitions", response, {"status": 200, "json": told})
        for key, partitions in wanted.items():
            stored[partitions[step]].append((key, step))
    for partition in range(7):
        there = [{"offset": n, "key": key, "value": step} for n, (key, step) in enumerate(stored[partition])]
        response = server.send("GET", f"{place}/partitions/{partition}/records?offset=0&max_wait_ms=0")
        server.expect(f"read partition {partition}", response, {"status": 200, "json": {"records": there}})


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


def _compare(server: ServerSession, topic: str, form: Form, keys: list[tuple[bytes, int]]) -> None:
    """Produce records with these keys, and again with records without a key between them, and compare partitions."""
    for between in ([], [{"value": 0}]):
        records = [record for key, _ in keys for record in (form(key), *between)]
        results = server.produce(topic, records)[:: 1 + len(between)]
        server.require(
            f"{len(keys)} keys",
            [
                Mismatch(f"partition of the key 0x{key.hex()}", str(partition), str(result["partition"]))
                for (key, partition), result in zip(keys, results, strict=True)
                if result["partition"] != partition
            ],
        )


def _in_base64(key: bytes) -> Record:
    return {"key": base64.b64encode(key).decode(), "key_encoding": "base64", "value": 0}


def _as_text(key: bytes) -> Record:
    return {"key": key.decode(), "value": 0}


def _is_text(key: bytes) -> bool:
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True
