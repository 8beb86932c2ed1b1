"""The command line: `kafka-do serve` and `kafka-do conformance`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kafka_do._version import __version__
from kafka_do.binding.streams import STREAMS
from kafka_do.client.connecting import is_loopback
from kafka_do.engines.clock import EventLoopClock, MovableClock
from kafka_do.engines.memory import AT_ONCE, AUTO_CREATE_TOPICS, GROUPS, PRODUCERS, RETENTION, MemoryEngine
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.server.authentication import Keys
    from kafka_do.server.cors import Cors

__all__ = ["app"]

_HOST = str(SPEC.defaults["server"]["host"])
_PORT = int(SPEC.defaults["server"]["port"])
_OPTIONAL = (PRODUCERS, GROUPS, RETENTION, STREAMS)
_MAX_REQUEST_MS = SPEC.limits["max_request_ms"]
_MAX_STREAMS = SPEC.limits["max_streams"]

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
def serve(  # noqa: PLR0917  typer wants them so
    host: Annotated[str, typer.Option(help="The address to listen on; loopback is reachable from here only.")] = _HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = _PORT,
    api_key: Annotated[
        list[str],
        typer.Option(
            help="Ask for a key, this one; may be repeated. Other users of this machine can read it: see below."
        ),
    ] = [],  # noqa: B006  typer takes the default as it stands
    api_key_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Ask for a key, one of this file's, one a line.")
    ] = None,
    cors_origin: Annotated[
        list[str], typer.Option(help="Let pages of this origin in browsers read the answers; may be repeated.")
    ] = [],  # noqa: B006
    auto_create_topics: Annotated[  # noqa: FBT002
        bool, typer.Option(help="Create a topic that does not exist when somebody produces to it.")
    ] = True,
    without: Annotated[
        list[str], typer.Option(help=f"Do not offer a feature: {', '.join(_OPTIONAL)}; may be repeated.")
    ] = [],  # noqa: B006
    max_request_ms: Annotated[
        int, typer.Option(min=1, help="How long a request may take to arrive, in milliseconds.")
    ] = _MAX_REQUEST_MS,
    max_streams: Annotated[
        int, typer.Option(min=1, help="How many live streams one key may have; without keys, how many there may be.")
    ] = _MAX_STREAMS,
    test_control: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--test-control", help="For tests, on loopback only: let clients move the clock, plant faults, reset."
        ),
    ] = False,
) -> None:
    """Serve a broker in memory until interrupted. Prints its URL when it is ready.

    A key on the command line can be read by every user of the machine; one in a file cannot.
    """
    from kafka_do.server.control import CONTROL, Control  # noqa: PLC0415  only a server needs it
    from kafka_do.server.serve import serve as run  # noqa: PLC0415  uvicorn takes long to import
    from kafka_do.server.tending import tend_always  # noqa: PLC0415

    for feature in without:
        if feature not in _OPTIONAL:
            raise typer.BadParameter(f"{feature} is none of {', '.join(_OPTIONAL)}", param_hint="--without")
    keys = _keys(api_key, api_key_file)
    cors = _cors(cors_origin)
    limits = {**SPEC.limits, "max_request_ms": max_request_ms, "max_streams": max_streams}
    offers = {
        AUTO_CREATE_TOPICS: auto_create_topics,
        **{feature: feature not in without for feature in _OPTIONAL},
        "api_keys": keys is not None,
        "cors": cors is not None,
        CONTROL: test_control,
    }
    features = ["core", *(feature for feature, is_offered in offers.items() if is_offered)]
    movable = _movable_clock(host) if test_control else None
    clock = movable or EventLoopClock()
    engine = MemoryEngine(version=__version__, limits=limits, features=features, clock=clock)
    try:
        run(
            engine,
            host=host,
            port=port,
            drain=engine.drain,
            ready=lambda url: print(url, flush=True),
            limits=limits,
            features=features,
            keys=keys,
            cors=cors,
            control=None if movable is None else Control(movable, engine.reset, engine.tend),
            beside=lambda: tend_always(engine.tend, clock),
            clock=clock,
            at_once=AT_ONCE,
        )
    except OSError as error:
        sys.exit(f"kafka-do serve: cannot listen on {host}:{port}: {error.strerror or error}")


def _keys(given: list[str], file: Path | None) -> "Keys | None":
    """Return the keys of both options, None where neither is used; an error does not show a key."""
    from kafka_do.server.authentication import Keys  # noqa: PLC0415  only a server needs it

    try:
        lines = [] if file is None else [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
        return Keys([*given, *lines]) if given or file is not None else None
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--api-key, --api-key-file") from None


def _movable_clock(host: str) -> MovableClock:
    """Return the clock of a server for tests, which only this machine may reach."""
    if not is_loopback(host):
        message = f"whoever reaches such a server can delete everything: --host has to be loopback, unlike {host}"
        raise typer.BadParameter(message, param_hint="--test-control")
    return MovableClock()


def _cors(origins: list[str]) -> "Cors | None":
    """Return the listed origins, None where there are none."""
    from kafka_do.server.cors import Cors  # noqa: PLC0415  only a server needs it

    try:
        return Cors(origins) if origins else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--cors-origin") from None


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
