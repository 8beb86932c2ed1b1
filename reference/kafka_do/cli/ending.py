"""How a command ends: its exit status, and one line that says what to do. Scripts read about them in `spec/cli.md`."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from enum import IntEnum
from types import FrameType
from typing import NoReturn

import typer

from kafka_do.core.errors import KafkaError
from kafka_do.spec import SPEC

__all__ = ["EndedError", "ExitStatus", "drop_output", "ending", "leaving_at_signals", "words_of"]


class ExitStatus(IntEnum):
    """What scripts can tell apart."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    LATER = 4
    UNKNOWN = 5
    TOO_FEW = 6
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


_NOT_FOUND = frozenset(("topic_not_found", "partition_not_found", "group_not_found"))

_ADVICE = {
    "disconnected": "is a server there? --url or KAFKA_DO_URL say where; `kafka-do serve` starts one on this machine",
    "unauthorized": "set KAFKA_DO_API_KEY, or give --api-key-file",
    "forbidden": "ask whoever runs the server for a key that may do this",
    "topic_not_found": "`kafka-do topics list` shows which there are",
    "partition_not_found": "`kafka-do topics describe` shows which there are",
    "group_not_found": "`kafka-do groups list` shows which there are",
    "group_not_empty": "stop its members first: `kafka-do groups describe` names them",
    "topic_already_exists": "`kafka-do topics alter` changes it",
    "offset_out_of_range": "`kafka-do topics describe` shows where partitions begin and end",
}


class EndedError(Exception):
    """A command ends with a status, and one line on standard error."""

    def __init__(self, words: str, status: ExitStatus) -> None:
        super().__init__(words)
        self.words = words
        self.status = status

    @classmethod
    def by(cls, error: KafkaError, *, changes: bool, at: str = "") -> "EndedError":
        """Return the end that an error is; where the command only looks, an answer that was lost harmed nobody."""
        if error.code in _NOT_FOUND:
            status = ExitStatus.NOT_FOUND
        elif error.indeterminate and changes:
            status = ExitStatus.UNKNOWN
        elif error.retriable or error.indeterminate:
            status = ExitStatus.LATER
        else:
            status = ExitStatus.FAILED
        return cls(f"{at}{words_of(error)}", status)


def words_of(error: KafkaError) -> str:
    """Return an error in one line: its code, what happened, what to do."""
    page = f"see {SPEC.error_type_base}{error.code}/" if error.code in SPEC.errors else ""
    return "; ".join(part for part in (str(error), _ADVICE.get(error.code, page)) if part)


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """End the process with a status and, where something is wrong, one line on standard error."""
    try:
        yield
    except SystemExit:
        _flush()
        raise
    except KeyboardInterrupt:
        _flush()
        sys.exit(ExitStatus.INTERRUPTED)
    except EndedError as error:
        _fail(error.words, error.status)
    except typer.TyperException as error:
        _fail(f"{error.format_message()} (--help explains)", error.exit_code)
    except typer.Abort:
        _fail("nothing was done", ExitStatus.FAILED)


@contextlib.contextmanager
def leaving_at_signals() -> Iterator[None]:
    """Leave what is open in order at SIGTERM, as at Ctrl-C."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(ExitStatus.TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def drop_output() -> None:
    """Let nothing be written to a pipe that nobody reads, also not when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _fail(words: str, status: int) -> NoReturn:
    _flush()
    print(f"kafka-do: {' '.join(words.split())}", file=sys.stderr)
    sys.exit(status)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
