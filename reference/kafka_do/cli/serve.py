"""`kafka-do serve`: the reference server."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args, get_origin, get_type_hints

import typer

from kafka_do._version import __version__
from kafka_do.binding.streams import STREAMS
from kafka_do.client.connecting import is_loopback
from kafka_do.engines.clock import Clock, EventLoopClock, MovableClock
from kafka_do.engines.memory import AT_ONCE, AUTO_CREATE_TOPICS, GROUPS, PRODUCERS, RETENTION, MemoryEngine
from kafka_do.server.settings import Setting, check_environment, read_limits, read_settings
from kafka_do.spec import SPEC

if TYPE_CHECKING:
    from kafka_do.server.authentication import Keys
    from kafka_do.server.cors import Cors

__all__ = ["app"]

_HOST = str(SPEC.defaults["server"]["host"])
_PORT = int(SPEC.defaults["server"]["port"])
_ZSTD = "zstd"
_OPTIONAL = (PRODUCERS, GROUPS, RETENTION, STREAMS, _ZSTD)
_MAX_REQUEST_MS = SPEC.limits["max_request_ms"]
_RETENTION_DELAY_MS = SPEC.limits["retention_delay_ms"]
_MAX_STREAMS = SPEC.limits["max_streams"]

app = typer.Typer(add_completion=False)

_ENVIRONMENT = "KAFKA_DO_SERVE"
_ONLY_ON_THE_COMMAND_LINE = ("config", "api_key")  # a key belongs into a file of its own


def _settle(context: typer.Context, file: Path | None) -> Path | None:
    """Take what the environment and a file say where the command line says nothing; a misspelt name is refused."""
    settings = {name: one for name, one in _settings().items() if name not in _ONLY_ON_THE_COMMAND_LINE}
    try:
        check_environment(os.environ, f"{_ENVIRONMENT}_", {**settings, "config": Setting(str)})
        context.default_map = {} if file is None else read_settings(file, settings)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return file


def _settings() -> dict[str, Setting]:
    """Return what each option of `serve` may be, as its annotation says."""
    found = {}
    for name, annotation in get_type_hints(serve, include_extras=True).items():
        if get_origin(annotation) is Annotated:
            kind, option = get_args(annotation)[:2]
            kind = list if get_origin(kind) is list else kind if kind in (bool, int) else str
            found[name] = Setting(kind, option.min, option.max)
    return found


@app.command(context_settings={"auto_envvar_prefix": _ENVIRONMENT})
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
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Ask for a key of this file, which is read again when it changes."
        ),
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
    retention_delay_ms: Annotated[
        int, typer.Option(min=1, help="How long records may stay that are to be removed, in milliseconds.")
    ] = _RETENTION_DELAY_MS,
    max_streams: Annotated[
        int, typer.Option(min=1, help="How many live streams one key may have; without keys, how many there may be.")
    ] = _MAX_STREAMS,
    test_control: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--test-control", help="For tests, on loopback only: let clients move the clock, plant faults, reset."
        ),
    ] = False,
    limit: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="Set a limit that discovery tells; may be repeated.")
    ] = [],  # noqa: B006
    drain_ms: Annotated[
        int, typer.Option(min=0, max=600_000, help="How long to go on after SIGTERM, with /readyz saying that it ends.")
    ] = 0,
    log_format: Annotated[str, typer.Option(help="How the log is written: text or json.")] = "text",
    log_requests: Annotated[bool, typer.Option(help="Log each request.")] = False,  # noqa: FBT002
    config: Annotated[  # noqa: ARG001  its callback has read it
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, is_eager=True, callback=_settle, help="Take settings from this file in TOML."
        ),
    ] = None,
) -> None:
    """Serve a broker in memory until interrupted. Prints its URL when it is ready.

    A key on the command line can be read by every user of the machine; one in a file cannot.
    What the command line does not say is taken from the environment, as KAFKA_DO_SERVE_PORT, else from the file of
    --config, as port = 8082 and a table [limits].
    """
    from kafka_do.server.control import CONTROL, Control  # noqa: PLC0415  only a server needs it
    from kafka_do.server.logs import write_logs  # noqa: PLC0415
    from kafka_do.server.metrics import Metrics  # noqa: PLC0415
    from kafka_do.server.serve import serve as run  # noqa: PLC0415  uvicorn takes long to import
    from kafka_do.server.tending import tend_always  # noqa: PLC0415

    for feature in without:
        if feature not in _OPTIONAL:
            raise typer.BadParameter(f"{feature} is none of {', '.join(_OPTIONAL)}", param_hint="--without")
    clock = _movable_clock(host) if test_control else EventLoopClock()
    keys = _keys(api_key, api_key_file, clock)
    cors = _cors(cors_origin)
    limits = _limits(
        limit, max_request_ms=max_request_ms, retention_delay_ms=retention_delay_ms, max_streams=max_streams
    )
    try:
        write_logs(log_format)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--log-format") from None
    offers = {
        AUTO_CREATE_TOPICS: auto_create_topics,
        **{feature: feature not in without for feature in _OPTIONAL},
        "api_keys": keys is not None,
        **dict.fromkeys(("scopes", "quotas"), api_key_file is not None),
        "cors": cors is not None,
        CONTROL: test_control,
    }
    features = ["core", *(feature for feature, is_offered in offers.items() if is_offered)]
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
            control=Control(clock, engine.reset, engine.tend, keys) if isinstance(clock, MovableClock) else None,
            beside=lambda: tend_always(engine.tend, clock),
            clock=clock,
            at_once=AT_ONCE,
            metrics=Metrics(engine.figures),
            logs_requests=log_requests,
            drain_ms=drain_ms,
        )
    except OSError as error:
        sys.exit(f"kafka-do serve: cannot listen on {host}:{port}: {error.strerror or error}")


def _keys(given: list[str], file: Path | None, clock: Clock) -> "Keys | None":
    """Return the keys of both options, None where neither is used; an error does not show a key."""
    from kafka_do.server.authentication import Keys  # noqa: PLC0415  only a server needs it

    try:
        return Keys(given, file=file, clock=clock) if given or file is not None else None
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--api-key, --api-key-file") from None


def _limits(given: list[str], **options: int) -> dict[str, int]:
    """Return the limits of the server; raises typer.BadParameter."""
    try:
        return read_limits([*(f"{name}={value}" for name, value in options.items()), *given])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--limit") from None


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
