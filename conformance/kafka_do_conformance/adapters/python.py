"""The adapter of our own client: `python -m kafka_do_conformance.adapters.python`."""

import base64
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import kafka_do
from kafka_do import streams

Answer = dict[str, Any]


class _Open(NamedTuple):
    """A client that is open, and its idempotent producers by their topics."""

    client: kafka_do.Client
    producers: dict[str, kafka_do.Producer]


Clients = dict[tuple[str, str | None], _Open]


class _Consumer(NamedTuple):
    """A consumer, and every message that it gave, by topic, partition and offset."""

    consumer: kafka_do.Consumer
    polled: dict[tuple[str, int, int], kafka_do.ReadMessage[Any]]


_CONSUMERS: dict[str, _Consumer] = {}
_PIPELINES: dict[str, kafka_do.RunningPipeline] = {}


class _RefusedError(Exception):
    """The library refuses what it is asked to do."""


def main() -> None:
    """Answer the suite's commands, one line each, until `bye`."""
    os.environ.pop("KAFKA_DO_API_KEY", None)  # a key comes from the suite only
    clients: Clients = {}
    for line in sys.stdin:
        command = json.loads(line)
        answer = {"id": command["id"], **_answer(command, clients)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if command["command"] == "bye":
            break
    for opened in clients.values():
        opened.client.close()


def _answer(command: dict[str, Any], clients: Clients) -> Answer:
    try:
        return {"ok": _COMMANDS[command["command"]](command, clients)}
    except kafka_do.KafkaError as error:
        return {"error": _error(error)}
    except _RefusedError as error:
        return {"refused": {"message": str(error)}}
    except Exception as error:  # noqa: BLE001  whatever else goes wrong is the adapter's own fault, and is told so
        return {"defect": {"message": f"{type(error).__name__}: {error}"}}


def _hello(_command: dict[str, Any], _clients: Clients) -> Answer:
    return {
        "protocol": 0,
        "name": "kafka-do-python",
        "version": kafka_do.__version__,
        "language": "python",
        "features": [
            "core",
            "api_keys",
            "auto_commit",
            "compression",
            "groups",
            "in_flight",
            "positions",
            "processing",
            "producers",
            "running",
        ],
    }


def _produce(command: dict[str, Any], clients: Clients) -> Answer:
    producer = _producer(command, clients)
    return {"results": [_result(result) for result in producer.send_records([_record(r) for r in command["records"]])]}


def _produce_at_once(command: dict[str, Any], clients: Clients) -> Answer:
    producer = _producer({**command, "idempotent": True}, clients)
    batches = [[_record(record) for record in batch] for batch in command["batches"]]
    with ThreadPoolExecutor(len(batches)) as pool:
        sent = [pool.submit(producer.send_records, batch) for batch in batches]
        return {"batches": [[_result(result) for result in future.result()] for future in sent]}


def _read(command: dict[str, Any], clients: Clients) -> Answer:
    found = _opened(command, clients).client.read(
        command["topic"],
        command["partition"],
        offset=int(command["offset"]["int64"]),
        max_records=command["max_records"],
    )
    return {
        "records": [_message(message) for message in found.messages],
        "next_offset": _int64(found.next_offset),
        "high_watermark": _int64(found.high_watermark),
        "log_start_offset": _int64(found.log_start_offset),
    }


def _consume_open(command: dict[str, Any], clients: Clients) -> Answer:
    options = {name: value for name, value in command["options"].items() if value is not None}
    if isinstance(options.get("start"), dict):
        options["start"] = _start(options["start"])
    consumer = _opened(command, clients).client.consumer(command["topics"], command["group"], **options)
    _CONSUMERS[command["consumer"]] = _Consumer(consumer, {})
    return {}


def _consume_poll(command: dict[str, Any], _clients: Clients) -> Answer:
    of = _CONSUMERS[command["consumer"]]
    messages = of.consumer.poll(command["timeout_ms"])
    of.polled.update({(m.topic, m.partition, m.offset): m for m in messages})
    return {"records": [{"topic": m.topic, "partition": m.partition, **_message(m)} for m in messages]}


def _consume_commit(command: dict[str, Any], _clients: Clients) -> Answer:
    of, records = _CONSUMERS[command["consumer"]], command["records"]
    places = [(r["topic"], r["partition"], int(r["offset"]["int64"])) for r in records or ()]
    of.consumer.commit(None if records is None else [of.polled[place] for place in places])
    return {}


def _consume_seek(command: dict[str, Any], _clients: Clients) -> Answer:
    offset = int(command["offset"]["int64"])
    _CONSUMERS[command["consumer"]].consumer.seek(command["topic"], command["partition"], offset)
    return {}


def _consume_pause(command: dict[str, Any], _clients: Clients) -> Answer:
    _CONSUMERS[command["consumer"]].consumer.pause((command["topic"], command["partition"]))
    return {}


def _consume_resume(command: dict[str, Any], _clients: Clients) -> Answer:
    _CONSUMERS[command["consumer"]].consumer.resume((command["topic"], command["partition"]))
    return {}


def _consume_close(command: dict[str, Any], _clients: Clients) -> Answer:
    _CONSUMERS.pop(command["consumer"]).consumer.close()
    return {}


def _process(command: dict[str, Any], _clients: Clients) -> Answer:
    try:
        driver = streams.StreamDriver(command["topology"])
    except streams.TopologyError as error:
        raise _RefusedError(str(error)) from None
    steps: list[list[Answer]] = []
    failed = None
    for record in command["records"]:
        steps.append([])
        try:
            for output in driver.process(
                record["topic"], record["value"], key=record["key"], timestamp_ms=record["timestamp_ms"]
            ):
                steps[-1].append(_output(output))
        except streams.ProcessingError as error:
            failed = error.node
            break
    left_out = {name: {"late": left.late, "ignored": left.ignored} for name, left in driver.left_out().items()}
    return {"steps": steps, "failed": failed, "left_out": left_out}


def _run_open(command: dict[str, Any], clients: Clients) -> Answer:
    options = {name: value for name, value in command["options"].items() if value is not None}
    letters = options.pop("dead_letters", "")
    fates: dict[str, Any] = {"stop": "raise", "skip": "skip", "dead_letter": kafka_do.DeadLetters(letters)}
    client = _opened(command, clients).client
    try:
        options["on_error"] = fates[options.get("on_error", "stop")]
        pipeline = client.pipeline(command["topology"])
        _PIPELINES[command["pipeline"]] = pipeline.start(command["group"], **options)
    except ValueError as error:
        raise _RefusedError(str(error)) from None
    return {}


def _run_poll(command: dict[str, Any], _clients: Clients) -> Answer:
    results = []
    try:
        for output in _PIPELINES[command["pipeline"]].results(timeout_ms=command["timeout_ms"]):
            results.append(_output(output))
            if len(results) == command["most"]:
                break
    except kafka_do.PipelineError as error:
        place = {"topic": error.topic, "partition": error.partition, "offset": _int64(error.offset)}
        return {"results": results, "failed": {**place, "node": error.node}}
    except (streams.PartitioningError, kafka_do.StateError) as error:
        raise _RefusedError(str(error)) from None
    return {"results": results, "failed": None}


def _run_close(command: dict[str, Any], _clients: Clients) -> Answer:
    _PIPELINES.pop(command["pipeline"]).close()
    return {}


def _bye(_command: dict[str, Any], _clients: Clients) -> Answer:
    return {}


_COMMANDS: dict[str, Callable[[dict[str, Any], Clients], Answer]] = {
    "hello": _hello,
    "produce": _produce,
    "produce_at_once": _produce_at_once,
    "read": _read,
    "consume_open": _consume_open,
    "consume_poll": _consume_poll,
    "consume_commit": _consume_commit,
    "consume_seek": _consume_seek,
    "consume_pause": _consume_pause,
    "consume_resume": _consume_resume,
    "consume_close": _consume_close,
    "process": _process,
    "run_open": _run_open,
    "run_poll": _run_poll,
    "run_close": _run_close,
    "bye": _bye,
}


def _producer(command: dict[str, Any], clients: Clients) -> kafka_do.Producer:
    client, producers = _opened(command, clients)
    if not command.get("idempotent", False):
        return client.producer(
            command["topic"],
            idempotent=False,
            retries=command.get("retries", 0),
            compression=command.get("compression"),
        )
    if command["topic"] not in producers:
        producers[command["topic"]] = client.producer(command["topic"], idempotent=True)
    return producers[command["topic"]]


def _opened(command: dict[str, Any], clients: Clients) -> _Open:
    name = command["url"], command.get("api_key")
    if name not in clients:
        try:
            client = kafka_do.Client(name[0], api_key=name[1], timeout_ms=command["deadline_ms"], retries=0)
        except ValueError as error:
            raise _RefusedError(str(error)) from None
        clients[name] = _Open(client, {})
    return clients[name]


def _start(start: dict[str, dict[str, str]]) -> datetime | int:
    if "offset" in start:
        return int(start["offset"]["int64"])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(start["timestamp_ms"]["int64"]))


def _record(record: dict[str, Any]) -> kafka_do.Record:
    value = record["value"]
    return kafka_do.record_of(
        json.loads(value["json"]) if value is not None and "json" in value else _data(value),
        key=_data(record["key"]),
        headers=[(header["key"], _data(header["value"])) for header in record["headers"]],
        timestamp=None if record["timestamp_ms"] is None else int(record["timestamp_ms"]["int64"]),
        partition=record["partition"],
    )


def _message(message: kafka_do.ReadMessage[Any]) -> Answer:
    return {
        "offset": _int64(message.offset),
        "timestamp_ms": _int64(message.timestamp_ms),
        "key": _bytes(message.raw_key),
        "value": _bytes(message.raw_value),
        "headers": [{"key": header.key, "value": _bytes(header.value)} for header in message.headers.raw],
    }


def _output(output: streams.Output) -> Answer:
    window = output.window and {"window": {"start_ms": output.window.start_ms, "end_ms": output.window.end_ms}}
    return {
        "topic": output.topic,
        "key": output.key,
        "value": output.value,
        "timestamp_ms": output.timestamp_ms,
        **(window or {}),
    }


def _result(result: kafka_do.RecordMetadata | kafka_do.KafkaError) -> Answer:
    if isinstance(result, kafka_do.KafkaError):
        return {"error": _error(result)}
    return {
        "partition": result.partition,
        "offset": _int64(result.offset),
        "timestamp_ms": _int64(result.timestamp_ms),
    }


def _error(error: kafka_do.KafkaError) -> Answer:
    return {
        "code": error.code,
        "retriable": error.retriable,
        "indeterminate": error.indeterminate,
        "native": type(error).__name__,
        "message": error.message,
    }


def _data(tagged: dict[str, str] | None) -> bytes | None:
    return None if tagged is None else base64.b64decode(tagged["bytes"])


def _bytes(data: bytes | None) -> dict[str, str] | None:
    return None if data is None else {"bytes": base64.b64encode(data).decode()}


def _int64(number: int | None) -> dict[str, str] | None:
    return None if number is None else {"int64": str(number)}


if __name__ == "__main__":
    main()
