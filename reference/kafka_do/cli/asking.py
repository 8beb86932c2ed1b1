"""What the commands that ask a broker have in common: the options that say which one, and how an error ends them."""

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from kafka_do.blocking.client import Client
from kafka_do.blocking.runtime import ThreadRuntime
from kafka_do.cli.ending import EndedError, ExitStatus, drop_output, leaving_at_signals
from kafka_do.client.connecting import connect
from kafka_do.client.session import DEFAULT_RETRIES, DEFAULT_TIMEOUT_MS, Session, address_of
from kafka_do.core.errors import KafkaError

__all__ = ["AsJson", "Where", "changes", "looks"]


def _refuse_key(given: str | None) -> None:
    if given is not None:
        raise typer.BadParameter(
            "every user of this machine can read a key on the command line:"
            " set KAFKA_DO_API_KEY, or give --api-key-file"
        )


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


class Where(NamedTuple):
    """A broker as the options and the environment name it; `url` None is the default."""

    url: str | None
    api_key: str | None
    timeout_ms: int

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Open a client of a broker that answers; where it does not, nothing was done.

        Raises ValueError where no broker can be there, or the key may not go there.
        """
        with Client(self.url, api_key=self.api_key, timeout_ms=self.timeout_ms) as client:
            try:
                client.discover()
            except KafkaError as error:
                raise EndedError.by(error, changes=False) from None
            yield client

    def session(self) -> Session:
        """Open what a client is made of; raises as `client`."""
        address = address_of(self.url, self.api_key)
        connection = connect(address.url, timeout_ms=self.timeout_ms, api_key=address.api_key)
        return Session(connection, ThreadRuntime(), timeout_ms=self.timeout_ms, retries=DEFAULT_RETRIES)


def _where(
    url: Annotated[
        str | None,
        typer.Option(envvar="KAFKA_DO_URL", help="Where the broker is.", show_default=False),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A file with the key; without it KAFKA_DO_API_KEY counts."),
    ] = None,
    api_key: Annotated[str | None, typer.Option(hidden=True, callback=_refuse_key)] = None,  # noqa: ARG001  refused
    request_timeout_ms: Annotated[
        int, typer.Option(min=1, help="How long one call may take with all its tries.")
    ] = DEFAULT_TIMEOUT_MS,
) -> Where:
    """Return what the options say."""
    return Where(url, None if api_key_file is None else api_key_file.read_text("utf-8").strip(), request_timeout_ms)


def looks(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command that only looks of a function: its first parameter is the broker, as a `Where`."""
    return _asking(command, is_change=False)


def changes(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function that changes something, so that its end may be unknown."""
    return _asking(command, is_change=True)


def _asking(command: Callable[..., None], *, is_change: bool) -> Callable[..., None]:
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    options = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in inspect.signature(_where, eval_str=True).parameters.values()
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        where = _where(**{one.name: given.pop(one.name) for one in options})
        try:
            with leaving_at_signals():
                command(where, **given)
                sys.stdout.flush()
        except BrokenPipeError:  # here: the library of the command line would make another status of it
            drop_output()
            sys.exit(ExitStatus.BROKEN_PIPE)
        except KafkaError as error:
            raise EndedError.by(error, changes=is_change) from None
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in (*own, *options)}
    return run
