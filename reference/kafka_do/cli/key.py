"""`kafka-do key`: keys for a server."""

import secrets
import sys
from typing import Annotated
from urllib.parse import quote

import typer

from kafka_do.spec import SPEC

__all__ = ["app"]

app = typer.Typer(add_completion=False)


@app.command()
def key(  # noqa: PLR0917  typer wants them so
    name: Annotated[str, typer.Argument(help="How logs call whoever gets the key.")],
    scope: Annotated[list[str], typer.Option(help=f"What it may do: {', '.join(SPEC.scopes)}; may be repeated.")],
    topic: Annotated[
        list[str], typer.Option(help="A topic, or with a * at its end all that begin so; may be repeated.")
    ] = [],  # noqa: B006  typer takes the default as it stands
    group: Annotated[
        list[str], typer.Option(help="A group, or with a * at its end all that begin so; may be repeated.")
    ] = [],  # noqa: B006
    requests_per_second: Annotated[int | None, typer.Option(min=1, help="How many requests it may send.")] = None,
    bytes_per_second: Annotated[int | None, typer.Option(min=1, help="How many bytes it may send and get.")] = None,
) -> None:
    """Make a key: the key itself goes to standard error, its line for the file of keys to standard output.

    kafka-do key billing --scope consume --topic 'orders*' --group billing >> keys
    """
    from kafka_do.server.key_file import write_key  # noqa: PLC0415  only a server needs it

    made = secrets.token_urlsafe(32)
    lists = (("scopes", scope), ("topics", topic), ("groups", group))
    rates = (("requests_per_second", requests_per_second), ("bytes_per_second", bytes_per_second))
    options = [(option, ",".join(quote(one, safe="*") for one in given)) for option, given in lists if given]
    options += [(option, str(rate)) for option, rate in rates if rate is not None]
    try:
        line = write_key(name, made, options=options)
    except ValueError as error:
        sys.exit(f"kafka-do key: {str(error).removeprefix('line 1: ')}")
    print(f"the key of {name}, which nobody can tell again: {made}", file=sys.stderr)
    print(line)
