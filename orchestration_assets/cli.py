"""The command `accord`: registers the commands and turns errors into a message and a next step.

Each command lives in `commands/<name>.py`; nothing heavy is imported here.
"""

import atexit
import os
import sys
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console

from orchestration_assets.commands import (
    alerts,
    bench,
    demo,
    doctor,
    gates,
    gateway,
    governance,
    identity,
    inbox,
    journeys,
    land,
    live,
    model,
    quarantine,
    run,
    sandbox,
    ui,
)
from orchestration_assets.errors import AccordError
from orchestration_assets.settings import load_settings, turn_telemetry_off


@dataclass
class Options:
    """What was said before the command's name."""

    debug: bool = False


app = typer.Typer(
    name="accord",
    help="Customer-data orchestration: land, unify, gate, release, activate.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("land")(land.land)
app.command("ui")(ui.ui)
app.command("gateway")(gateway.gateway)
app.command("live")(live.live)
app.add_typer(alerts.app)
app.add_typer(quarantine.app)
app.add_typer(inbox.app)
app.add_typer(model.app)
app.add_typer(identity.app)
app.add_typer(gates.app)
app.add_typer(journeys.app)
app.add_typer(governance.app)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.command("sandbox", **sandbox.COMMAND)(sandbox.sandbox)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"accord {version('accord')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback when something fails.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show it and exit."),
    ] = False,
) -> None:
    """Set logging up and switch telemetry off before any command runs."""
    # Half of the time that `accord --help` would take.
    from orchestration_assets.logs import configure_logging

    del version
    context.ensure_object(Options).debug = debug
    turn_telemetry_off()
    settings = load_settings()
    configure_logging("DEBUG" if debug else settings.log_level, settings.log_format)


def _be_quiet_at_exit() -> None:
    """Drop what is written to standard error while the interpreter goes down.

    Once Great Expectations was imported, DuckDB's binding lists its own unfreed types there.
    """
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main() -> None:
    """Run the command line; an error of ours ends it with code 1 and no traceback."""
    atexit.register(_be_quiet_at_exit)
    options = Options()
    try:
        app(obj=options)
    except AccordError as error:
        if options.debug:
            raise
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]{type(error).__name__}[/]", end=" ")
        console.print(error.message, markup=False)
        console.print("[bold]Next step:[/]", end=" ")
        console.print(error.next_step, markup=False)
        sys.exit(1)
