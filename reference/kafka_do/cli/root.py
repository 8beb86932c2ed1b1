"""`kafka-do` itself: which commands there are, and how each of them ends."""

import importlib
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from kafka_do._version import __version__
from kafka_do.cli.ending import ending
from kafka_do.spec import SPEC

__all__ = ["app", "main"]

_COMMANDS = ("produce", "consume", "topics", "groups", "serve", "key", "conformance")


class _Commands(TyperGroup):
    """The commands, each in the module of its name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: dict[str, Any] = dict.fromkeys(_COMMANDS)  # so that a misspelt one is compared with them

    def list_commands(self, ctx: Any) -> list[str]:
        """Return their names."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return one of them, None for another name."""
        if cmd_name not in _COMMANDS:
            return None
        found = importlib.import_module(f"kafka_do.cli.{cmd_name}")
        return typer.main.get_command(found.app)


app = typer.Typer(
    cls=_Commands,
    help="Kafka's topics over plain HTTP: produce, consume, administer, serve, judge.",
    no_args_is_help=True,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it so
    if wanted:
        typer.echo(f"kafka-do {__version__}, protocol revision {SPEC.revision}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options before the command."""


def main() -> NoReturn:
    """Run the command line and end the process with its status."""
    command = typer.main.get_command(app)
    with ending():
        sys.exit(command.main(prog_name="kafka-do", standalone_mode=False))
