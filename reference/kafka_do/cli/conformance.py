"""`kafka-do conformance`: the suite, where its extra is installed."""

import sys

import typer

__all__ = ["app"]

app = typer.Typer(add_completion=False)


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
