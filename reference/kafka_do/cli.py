"""The command line: `kafka-do serve` and `kafka-do conformance`."""

import sys
from typing import Annotated

import typer

from kafka_do._version import __version__
from kafka_do.engines.clock import EventLoopClock
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC

__all__ = ["app"]

_HOST = str(SPEC.defaults["server"]["host"])
_PORT = int(SPEC.defaults["server"]["port"])

app = typer.Typer(
    help="The kafka.do protocol: a server and a conformance suite.", no_args_is_help=True, add_completion=False
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


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; loopback is reachable from here only.")] = _HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = _PORT,
) -> None:
    """Serve a broker in memory until interrupted. Prints its URL when it is ready."""
    from kafka_do.server.serve import serve as run  # noqa: PLC0415  uvicorn takes long to import

    engine = MemoryEngine(version=__version__, clock=EventLoopClock())
    try:
        run(engine, host=host, port=port, drain=engine.drain, ready=lambda url: print(url, flush=True))
    except OSError as error:
        sys.exit(f"kafka-do serve: cannot listen on {host}:{port}: {error.strerror or error}")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def conformance(context: typer.Context) -> None:
    """Judge a server or a client: `--impl=SPEC`; every option of pytest works too, `--help` lists them.

    `smoke --impl=SPEC` says within five seconds whose fault it is that nothing works.
    """
    try:
        from kafka_do_conformance.command import main as judge  # noqa: PLC0415  the extra may be missing
    except ModuleNotFoundError as error:
        sys.exit(f"kafka-do conformance: {error.name} is missing: pip install 'kafka-do[conformance]'")
    sys.exit(judge(context.args))
