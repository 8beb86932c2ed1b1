"""The command line: `kafka-do serve` and `kafka-do conformance`."""

import sys
from typing import Annotated

from kafka_do._version import __version__
from kafka_do.engines.memory import MemoryEngine
from kafka_do.spec import SPEC

__all__ = ["main"]

_DEFAULTS = SPEC.defaults["server"]


def main() -> None:
    """Run `kafka-do`."""
    try:
        import typer  # noqa: PLC0415  the extra may be missing, and that wants a sentence
    except ModuleNotFoundError:
        sys.exit("kafka-do: the command line needs an extra: pip install 'kafka-do[server]'")

    app = typer.Typer(
        help="The kafka.do protocol: a server and a conformance suite.", no_args_is_help=True, add_completion=False
    )

    @app.callback(invoke_without_command=True)
    def root(
        *, version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False
    ) -> None:
        if version:
            typer.echo(f"kafka-do {__version__}, protocol revision {SPEC.revision}")
            raise typer.Exit

    @app.command()
    def serve(
        host: Annotated[
            str, typer.Option(help="The address to listen on; the default is reachable from this machine only.")
        ] = str(_DEFAULTS["host"]),
        port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = int(
            _DEFAULTS["port"]
        ),
    ) -> None:
        """Serve a broker in memory until interrupted. Prints its URL when it is ready."""
        from kafka_do.server.serve import serve as run  # noqa: PLC0415  uvicorn is an extra

        try:
            run(MemoryEngine(version=__version__), host=host, port=port, ready=lambda url: print(url, flush=True))
        except OSError as error:
            sys.exit(f"kafka-do serve: cannot listen on {host}:{port}: {error.strerror or error}")

    @app.command(
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
        add_help_option=False,
    )
    def conformance(context: typer.Context) -> None:
        """Judge a server or a client: `kafka-do conformance --impl SPEC`; `--help` tells more."""
        try:
            from kafka_do_conformance.command import main as judge  # noqa: PLC0415  an extra too
        except ModuleNotFoundError as error:
            sys.exit(f"kafka-do conformance: {error.name} is missing: pip install 'kafka-do[conformance]'")
        sys.exit(judge(context.args))

    app()
