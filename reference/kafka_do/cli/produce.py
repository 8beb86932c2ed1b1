"""`kafka-do produce`: lines of standard input become records."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from msgspec import UNSET, UnsetType

from kafka_do.blocking.producer import Producer
from kafka_do.cli.asking import AsJson, Where, changes
from kafka_do.cli.completing import complete_topic
from kafka_do.cli.ending import EndedError, ExitStatus
from kafka_do.cli.places import pairs_of
from kafka_do.cli.printing import print_json, tell
from kafka_do.client.messages import BatchError, Outcome, RecordMetadata
from kafka_do.core.errors import KafkaError
from kafka_do.core.json_text import compact
from kafka_do.core.messages import ProduceRecord
from kafka_do.core.record_text import record_of_message
from kafka_do.core.records import Header, Record
from kafka_do.spec import SPEC

__all__ = ["app"]

app = typer.Typer(add_completion=False)

_DEPTH = SPEC.limits["max_json_depth"]
_LONGEST_LINE = SPEC.limits["max_request_bytes"]
_READ_BYTES = 1 << 18


class Form(StrEnum):
    """What a line is."""

    lines = "lines"
    json = "json"


class Acks(StrEnum):
    """What is waited for."""

    all = "all"
    leader = "leader"
    none = "none"


class _Line(ProduceRecord):
    """A record in JSON, as `consume --json` writes it too: where it stood says nothing about where it goes."""

    topic: str | UnsetType = UNSET
    offset: int | UnsetType = UNSET


_decode = msgspec.json.Decoder(_Line).decode


@app.command()
@changes
def produce(
    where: Where,
    topic: Annotated[str, typer.Argument(metavar="TOPIC", autocompletion=complete_topic, show_default=False)],
    *,
    form: Annotated[
        Form,
        typer.Option("--format", help='lines: each is a value. json: each is a record, as {"value": 1, "key": "a"}.'),
    ] = Form.lines,
    key: Annotated[str | None, typer.Option("--key", "-k", help="The key of records without one.")] = None,
    key_separator: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A line is key, TEXT, value.", show_default=False)
    ] = None,
    header: Annotated[
        list[str], typer.Option("--header", "-H", metavar="NAME=VALUE", help="A header; may be repeated.")
    ] = [],  # noqa: B006  typer takes the default as it stands
    partition: Annotated[
        int | None, typer.Option("--partition", "-p", min=0, help="The partition of all records.", show_default=False)
    ] = None,
    acks: Annotated[Acks, typer.Option(help="What is waited for.")] = Acks.all,
    as_json: AsJson = False,
) -> None:
    """Append the lines of standard input to a topic; --json prints where each landed."""
    if key_separator is not None and (form is Form.json or not key_separator):
        raise ValueError("--key-separator is a text of --format lines, and not empty")
    headers = tuple(Header(name, value.encode()) for name, value in pairs_of(header, "--header"))
    separator = None if key_separator is None else key_separator.encode()

    def record_of(line: bytes) -> Record:
        record = _record_of_json(line) if form is Form.json else _record_of_line(line, separator)
        return Record(
            record.value,
            record.key if record.key is not None or key is None else key.encode(),
            (*record.headers, *headers),
            record.timestamp_ms,
            record.partition if partition is None else partition,
        )

    sent = 0
    with where.client() as client, _progress() as advance:
        producer = client.producer(topic, acks=acks.value)
        for lines in _portions():
            records, fault = _records(lines, record_of)
            outcomes = _outcomes(producer, records)
            if as_json:
                print_json(*(one for one in outcomes if isinstance(one, RecordMetadata)))
                sys.stdout.flush()
            for place, outcome in enumerate(outcomes, start=1):
                if isinstance(outcome, KafkaError) and outcome.code != "not_attempted":
                    raise EndedError.by(outcome, changes=True, at=f"line {sent + place}: ")
            sent += len(records)
            if fault is not None:
                raise EndedError(f"line {sent + 1}: {fault}", ExitStatus.FAILED)
            advance(len(records))
    tell(f"appended {sent} records to {topic}")


def _outcomes(producer: Producer, records: Sequence[Record]) -> Sequence[Outcome]:
    try:
        return producer.send_batch(records)
    except BatchError as error:
        return error.results


def _records(lines: Sequence[bytes], make: Callable[[bytes], Record]) -> tuple[list[Record], str | None]:
    """Return the records of lines up to the first that is none, and what is wrong with that one."""
    records = []
    for line in lines:
        try:
            records.append(make(line))
        except KafkaError as error:
            return records, error.message
        except ValueError as error:
            return records, str(error)
    return records, None


def _record_of_line(line: bytes, separator: bytes | None) -> Record:
    if separator is None:
        return Record(line)
    key, found, value = line.partition(separator)
    if not found:
        raise ValueError(f"there is no {separator.decode()!r} between a key and a value")
    return Record(value, key)


def _record_of_json(line: bytes) -> Record:
    return record_of_message(_decode(compact(line)), "", _DEPTH)


def _portions() -> Iterator[list[bytes]]:
    """Read what is there, line by line, as often as something is there: few lines go at once, many together."""
    rest = b""
    while data := sys.stdin.buffer.read1(_READ_BYTES):  # type: ignore[union-attr]
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise EndedError(f"a line is longer than {_LONGEST_LINE} bytes", ExitStatus.FAILED)
        if lines:
            yield [line.removesuffix(b"\r") for line in lines]
    if rest:
        yield [rest]


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int], object]]:
    """Show on a terminal how many records are appended, while they come from elsewhere."""
    if not sys.stderr.isatty() or sys.stdin.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  takes long to import, and programs need none of it
    from rich.progress import Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.completed:,.0f} records"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda number: progress.advance(task, number)
