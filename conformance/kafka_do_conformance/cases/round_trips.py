"""What goes in comes out: clocks, ids, awkward bytes, and a whole public data set."""

import base64
import csv
import importlib.util
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from kafka_do.spec import data_root
from kafka_do_conformance.case import client_case, server_case
from kafka_do_conformance.session import ClientSession, ServerSession, fresh_name
from kafka_do_conformance.verdict import Mismatch, Violation

_TOLERANCE_MS = 60_000
_CHUNK = 1000
_PARTITIONS = 4

Record = dict[str, Any]


class _Kept(msgspec.Struct):
    """What of a fetched record is produced again."""

    key: Any
    value: msgspec.Raw
    headers: Any
    key_encoding: str = "string"
    value_encoding: str = "json"


class _Fetched(msgspec.Struct):
    records: list[_Kept]


@server_case(
    title="A record without a timestamp gets the server's time",
    requirements=["RECORD-010", "PRODUCE-005"],
    hint="Milliseconds since the Unix epoch, not seconds; the result tells what is stored.",
)
def server_clock(server: ServerSession) -> None:
    """Compare the stored time with the clock, within a minute, and with the result."""
    topic = server.create_topic(1)
    now_ms = server.now_ms()
    near = {"$type": "integer", "$min": now_ms - _TOLERANCE_MS, "$max": now_ms + _TOLERANCE_MS}
    response = server.send("POST", f"/v1/topics/{topic}/records", value={"records": [{"value": 1}]})
    answer = server.expect("produce", response, {"status": 200, "json": {"results": [{"timestamp_ms": near}]}})
    stored = {"timestamp_ms": answer["results"][0]["timestamp_ms"]}
    response = server.send("GET", f"/v1/topics/{topic}/partitions/0/records?offset=0")
    server.expect("fetch", response, {"status": 200, "json": {"records": [stored]}})


@server_case(
    title="Topics have different ids",
    requirements=["TOPIC-004"],
    hint="The id is not the name; take a UUID.",
)
def topic_ids(server: ServerSession) -> None:
    """Create topics and compare their ids."""
    ids: list[str] = []
    for _ in range(3):
        response = server.send("POST", "/v1/topics", value={"topic": fresh_name()})
        ids.append(
            server.expect("create", response, {"status": 201, "json": {"topic_id": {"$type": "string"}}})["topic_id"]
        )
    if len(set(ids)) != len(ids):
        server.require("compare", [Mismatch("topic_id", "different ones", " and ".join(ids))])


@server_case(
    title="What auto returns, produced again, gives the same bytes",
    requirements=["RECORD-004", "RECORD-005", "RECORD-006", "RECORD-013", "RECORD-014"],
    hint="Compare the bytes in the fixture encodings.json one by one.",
)
def auto_round_trip(server: ServerSession) -> None:
    """Write the fixture's bytes as key, value and header, read them with auto, write what was read, and compare."""
    rows = _fixture("encodings")
    first, second = server.create_topic(1), server.create_topic(1)
    server.produce(
        first,
        [
            {
                "key": row["base64"],
                "key_encoding": "base64",
                "value": row["base64"],
                "value_encoding": "base64",
                "headers": [{"key": "h", "value": row["base64"], "value_encoding": "base64"}],
            }
            for row in rows
        ],
    )
    response = server.send("GET", f"/v1/topics/{first}/partitions/0/records?offset=0&max_records={len(rows)}")
    read = server.expect("read with auto", response, {"status": 200})["records"]
    server.require(
        "read with auto", [fault for row, one in zip(rows, read, strict=True) for fault in _encodings(row, one)]
    )
    body = b'{"records":' + _records_text(response.body) + b"}"
    server.expect(
        "produce what was read", server.send("POST", f"/v1/topics/{second}/records", body=body), {"status": 200}
    )
    again = server.read_all(second, 0)
    server.require(
        "read in base64",
        [
            Mismatch(f"{member} bytes of {row['name']}", row["base64"], str(found))
            for row, record in zip(rows, again, strict=True)
            for member, found in (*record.items(), ("header", record["headers"][0]["value"]))
            if member in ("key", "value", "header") and found != row["base64"]
        ],
    )


@server_case(
    title="A JSON value loses the white space between its tokens and nothing else",
    requirements=["RECORD-004"],
    hint="Space, tab, line feed and carriage return between tokens, also before the first; what is in a string stays.",
)
def json_keeps_its_tokens(server: ServerSession) -> None:
    """Write every JSON text of the fixture within a list and an object with white space, and compare the bytes."""
    texts = [base64.b64decode(row["base64"]) for row in _fixture("encodings") if row["auto"] == "json"]
    topic = server.create_topic(1)
    kinds = (b"\t\r\n ", b" ", b"\t", b"\r", b"\n")
    spaced = b'{"records":[{"value":@[@TEXT@,{@"a"@:TEXT@}@]}]}'
    for body in (spaced.replace(b"@", space).replace(b"TEXT", text) for space in kinds for text in texts):
        server.expect("produce", server.send("POST", f"/v1/topics/{topic}/records", body=body), {"status": 200})
    wanted = [b'[%b,{"a":%b}]' % (text, text) for text in texts] * len(kinds)
    found = [_data(record["value"]) for record in server.read_all(topic, 0)]
    server.require(
        "read in base64",
        [
            Mismatch("the stored text", repr(one), repr(other))
            for one, other in zip(wanted, found, strict=True)
            if one != other
        ],
    )


@server_case(
    title="A time is found where Kafka finds it",
    requirements=["OFFSETS-002", "OFFSETS-003"],
    hint="The first record in the order of offsets at that time or later, not the nearest and not the smallest.",
)
def offsets_for_times(server: ServerSession) -> None:
    """Write each log of the fixture offsets_for_times.json and ask for its times."""
    for row in _fixture("offsets_for_times"):
        topic = server.create_topic(1)
        server.produce(topic, [{"value": 0, "timestamp_ms": timestamp} for timestamp in row["timestamps"]])
        place = {"topic": topic, "partition": 0}
        asked = [{**place, "timestamp_ms": query["timestamp_ms"]} for query in row["queries"]]
        wanted = [{**place, "offset": query["offset"], "timestamp_ms": query["found_ms"]} for query in row["queries"]]
        largest = row["max_timestamp"]
        asked.append({**place, "at": "max_timestamp"})
        wanted.append({**place, "offset": largest["offset"], "timestamp_ms": largest["timestamp"]})
        response = server.send("POST", "/v1/offsets", value={"partitions": asked})
        server.expect(row["name"], response, {"status": 200, "json": {"partitions": wanted}})


@server_case(
    title="The time that the server gave a record is found like any other",
    requirements=["OFFSETS-002", "OFFSETS-003"],
    hint="The index of times has every record, also those that came without a time.",
)
def server_times_are_found(server: ServerSession) -> None:
    """Produce records without times and ask for the time that the result tells, and for the largest one."""
    topic = server.create_topic(1)
    time_ms = server.produce(topic, [{"value": 1}, {"value": 2}])[0].get("timestamp_ms")
    first = {"topic": topic, "partition": 0, "offset": 0, "timestamp_ms": time_ms}
    asked = [
        {"topic": topic, "partition": 0, "timestamp_ms": time_ms},
        {"topic": topic, "partition": 0, "timestamp_ms": 1},
    ]
    response = server.send("POST", "/v1/offsets", value={"partitions": asked})
    server.expect("ask for its time", response, {"status": 200, "json": {"partitions": [first, first]}})
    server.produce(topic, [{"value": 3, "timestamp_ms": 5}])
    asked = [{"topic": topic, "partition": 0, "at": "max_timestamp"}]
    response = server.send("POST", "/v1/offsets", value={"partitions": asked})
    server.expect("ask for the largest", response, {"status": 200, "json": {"partitions": [{"timestamp_ms": time_ms}]}})


@server_case(
    title="A public data set of thousands of events survives byte for byte",
    requirements=["PRODUCE-005", "PRODUCE-007", "FETCH-001", "FETCH-002", "RECORD-009"],
    hint="Compare what is read with what was sent: the first difference is shown.",
)
def data_set_through_server(server: ServerSession) -> None:
    """Produce the data set and read it back."""
    records = data_set()
    topic = server.create_topic(_PARTITIONS)
    for start in range(0, len(records), _CHUNK):
        server.produce(topic, [_wire(record) for record in records[start : start + _CHUNK]])
    compare(records, {partition: server.read_all(topic, partition) for partition in range(_PARTITIONS)})


@client_case(
    title="A public data set of thousands of events goes through the client, a server and back, byte for byte",
    requirements=[
        "PRODUCE-014",
        "PRODUCE-015",
        "RECORD-011",
        "RECORD-012",
        "RECORD-019",
        "FETCH-009",
        "FETCH-010",
        "FETCH-011",
    ],
    hint="The server is a real one. What is compared is first what it stores, then what the client reads.",
)
def data_set_through_client(client: ClientSession) -> None:
    """Let the client produce the data set to a real server, look at it there, and let the client read it back."""
    records = data_set()
    topic = client.server.create_topic(_PARTITIONS)
    url = client.server.wire.url
    for start in range(0, len(records), _CHUNK):
        told = [_told(record) for record in records[start : start + _CHUNK]]
        answer = client.adapter.ask("produce", url=url, topic=topic, records=told)
        results = answer.get("ok", {}).get("results", [])
        if len(results) != len(told) or any("error" in result for result in results):
            raise Violation("produce", [Mismatch("results", f"{len(told)} places", json.dumps(answer)[:400])])
    compare(records, {partition: client.server.read_all(topic, partition) for partition in range(_PARTITIONS)})
    compare(records, {partition: _read_by_client(client, url, topic, partition) for partition in range(_PARTITIONS)})


def data_set() -> list[Record]:
    """Return a year of hourly temperatures and a table of airports, as records with the timestamps of the events."""
    folder = _package_folder("vega_datasets") / "_data"
    records: list[Record] = []
    for line in (folder / "seattle-temps.csv").read_text("utf-8").splitlines()[1:]:
        when = datetime.fromisoformat(line.split(",")[0].replace("/", "-")).replace(tzinfo=UTC)
        records.append(
            {"key": f"{when:%Y-%m-%d}".encode(), "value": line.encode(), "timestamp_ms": int(when.timestamp() * 1000)}
        )
    with (folder / "airports.csv").open(encoding="utf-8", newline="") as table:
        for number, row in enumerate(csv.DictReader(table)):
            value = json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()
            records.append({"key": row["iata"].encode(), "value": value, "timestamp_ms": number})
    return records


def compare(sent: list[Record], read: dict[int, list[Record]]) -> None:
    """Compare records as they were sent with what the partitions hold; raises Violation at the first difference.

    Each key's records keep their order, which is what a partition promises.
    """
    wanted = [(record["key"], record["value"], record["timestamp_ms"]) for record in sent]
    found = [
        (_data(record["key"]), _data(record["value"]), int(record["timestamp_ms"]))
        for partition in sorted(read)
        for record in read[partition]
    ]
    if len(wanted) != len(found):
        raise Violation("count the records", [Mismatch("records", str(len(wanted)), str(len(found)))])
    for one, other in zip(sorted(wanted, key=_key), sorted(found, key=_key), strict=True):
        if one != other:
            raise Violation("compare the records", [Mismatch("key, value, timestamp", str(one), str(other))])
    for partition, records in read.items():
        offsets = [int(record["offset"]) for record in records]
        if offsets != list(range(len(offsets))):
            raise Violation(
                "look at the offsets", [Mismatch(f"offsets of partition {partition}", "0, 1, 2, …", str(offsets[:20]))]
            )


def _encodings(row: Record, record: Record) -> Iterator[Mismatch]:
    """Yield where a record is not in the encodings that a row of the fixture gives; keys and headers are never JSON."""
    text = "base64" if row["auto"] == "base64" else "string"
    for member, wanted, found in (
        ("value", row["auto"], record.get("value_encoding", "json")),
        ("key", text, record.get("key_encoding", "string")),
        ("header", text, record["headers"][0].get("value_encoding", "string")),
    ):
        if wanted != found:
            yield Mismatch(f"encoding of the {member} {row['name']}", wanted, found)


def _key(record: tuple[bytes | None, bytes | None, int]) -> bytes:
    """Sort by key alone: the order of a key's records is compared, not made."""
    return record[0] or b""


def _read_by_client(client: ClientSession, url: str, topic: str, partition: int) -> list[Record]:
    records: list[Record] = []
    position = 0
    while True:
        answer = client.adapter.ask(
            "read", url=url, topic=topic, partition=partition, offset={"int64": str(position)}, max_records=None
        )
        if "ok" not in answer:
            raise Violation("read", [Mismatch("answer", "records", json.dumps(answer)[:400])])
        found = answer["ok"]
        records += [
            {
                "offset": record["offset"]["int64"],
                "key": record["key"] and record["key"]["bytes"],
                "value": record["value"] and record["value"]["bytes"],
                "timestamp_ms": record["timestamp_ms"]["int64"],
            }
            for record in found["records"]
        ]
        following = int(found["next_offset"]["int64"])
        if following <= position:
            return records
        position = following


def _wire(record: Record) -> Record:
    return {
        "key": record["key"].decode(),
        "value": record["value"].decode(),
        "value_encoding": "string",
        "timestamp_ms": record["timestamp_ms"],
    }


def _told(record: Record) -> Record:
    return {
        "key": {"bytes": base64.b64encode(record["key"]).decode()},
        "value": {"bytes": base64.b64encode(record["value"]).decode()},
        "headers": [],
        "timestamp_ms": {"int64": str(record["timestamp_ms"])},
        "partition": None,
    }


def _data(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _records_text(body: bytes) -> bytes:
    """Return fetched records as records to be produced: values as they came, offset and timestamp left out."""
    return msgspec.json.encode(msgspec.json.decode(body, type=_Fetched).records)


def _fixture(name: str) -> list[Record]:
    rows: list[Record] = json.loads((data_root() / "fixtures" / f"{name}.json").read_text("utf-8"))["rows"]
    return rows


def _package_folder(name: str) -> Path:
    """Return where a package lies without importing it: importing this one would load a data frame library."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {name} is not installed")
    return Path(spec.origin).parent
