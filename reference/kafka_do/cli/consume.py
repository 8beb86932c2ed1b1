"""`kafka-do consume`: records of a topic on standard output."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Protocol

import typer

from kafka_do.blocking.consumer import Consumer, ReceivedMessage
from kafka_do.cli.asking import Where, looks
from kafka_do.cli.completing import complete_group, complete_topic
from kafka_do.cli.ending import EndedError, ExitStatus
from kafka_do.cli.formatting import FORMATS, formatter_of
from kafka_do.cli.places import PLACES, place_of
from kafka_do.client.consuming import Start
from kafka_do.client.driving import drive
from kafka_do.client.following import Following
from kafka_do.client.messages import ReadMessage
from kafka_do.client.options import DEFAULT_MAX_POLL_RECORDS

__all__ = ["app"]

app = typer.Typer(add_completion=False)

Messages = Sequence[ReadMessage[Any]]


class _Source(Protocol):
    """Where messages come from."""

    def poll(self, timeout_ms: int) -> Messages:
        """Return the next messages, none if none came in time or none is left."""

    def done(self, messages: Messages) -> None:
        """Note that these were written."""


class _Topic:
    """A topic without a group."""

    def __init__(self, following: Following) -> None:
        self._following = following

    def poll(self, timeout_ms: int) -> Messages:
        return drive(self._following.poll(timeout_ms))

    def done(self, messages: Messages) -> None:
        """Nobody is told."""


class _Group:
    """A member of a group, which commits what was written."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def poll(self, timeout_ms: int) -> Sequence[ReceivedMessage[Any]]:
        return self._consumer.poll(timeout_ms)

    def done(self, messages: Messages) -> None:
        self._consumer.commit(messages)


@app.command()
@looks
def consume(
    where: Where,
    topic: Annotated[str, typer.Argument(metavar="TOPIC", autocompletion=complete_topic, show_default=False)],
    *,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            "-g",
            autocompletion=complete_group,
            help="Read as a member of this group, and commit.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str, typer.Option("--from", metavar="PLACE", help=f"{PLACES}; of a group, where it has committed nothing.")
    ] = "earliest",
    partition: Annotated[
        list[int], typer.Option("--partition", "-p", min=0, help="One partition, not all; may be repeated.")
    ] = [],  # noqa: B006  typer takes the default as it stands
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on at the end, until Ctrl-C; a group always does.")
    ] = False,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many records.", show_default=False)
    ] = None,
    timeout_ms: Annotated[
        int | None, typer.Option(min=0, help="End when nothing has come for so long.", show_default=False)
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=FORMATS)] = "value",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Write the records of a topic to standard output, each with a line break behind it."""
    write = formatter_of("json" if as_json else form)
    place = place_of(start)
    if group is None:
        source = _topic(where, topic, place, partition, is_followed=follow)
    elif partition:
        raise ValueError("--partition and --group exclude each other: the group says who reads what")
    else:
        source = _group(where, topic, place, group, count)
    left = count
    with source as reader:
        while left is None or left > 0:
            messages = reader.poll(where.timeout_ms if timeout_ms is None else timeout_ms)[:left]
            if not messages and (timeout_ms is not None or not (follow or group)):
                break
            sys.stdout.buffer.write(b"".join(write(one) + b"\n" for one in messages))
            sys.stdout.buffer.flush()
            reader.done(messages)
            left = None if left is None else left - len(messages)
    if left and timeout_ms is not None:
        words = f"{(count or 0) - left} of {count} records had come when there was none for {timeout_ms} ms"
        raise EndedError(words, ExitStatus.TOO_FEW)


@contextlib.contextmanager
def _topic(
    where: Where, topic: str, start: Start, partitions: Sequence[int], *, is_followed: bool
) -> Iterator[_Source]:
    session = where.session()
    try:
        following = Following(session, topic, start, partitions=partitions or None)
        drive(following.begin() if is_followed else following.stop_at_end())
        yield _Topic(following)
    finally:
        drive(session.close())


@contextlib.contextmanager
def _group(where: Where, topic: str, start: Start, group: str, count: int | None) -> Iterator[_Source]:
    most = DEFAULT_MAX_POLL_RECORDS if count is None else min(count, DEFAULT_MAX_POLL_RECORDS)
    with where.client() as client:
        client.admin().describe_topic(topic)  # a member waits for what is not there; a person wants to know
        with client.consumer(topic, group, start=start, max_poll_records=most) as consumer:
            yield _Group(consumer)
