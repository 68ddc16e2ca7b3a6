"""`accord land`: brings what the systems changed into the raw tables, without Dagster."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from orchestration_assets.errors import AccordError, FatalError

if TYPE_CHECKING:
    from orchestration_assets.deployment import Deployment

COLUMNS = ("rows_read", "rows_landed", "rows_deleted", "rows_unchanged")


def land(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="SYSTEM or SYSTEM.STREAM; every stream when left out."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read all of it, to find what vanished.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Land streams from their cursors on; a stream that fails does not stop the others."""
    from orchestration_assets.deployment import Deployment

    deployment = Deployment()
    wanted = streams_named(names or list(deployment.systems()))
    landed = [_land_one(deployment, system, stream, full=full) for system, stream in wanted]
    if as_json:
        import orjson

        typer.echo(orjson.dumps({"streams": landed}, default=str).decode())
    else:
        _print(landed)
    if any("error" in one for one in landed):
        raise typer.Exit(1)


def streams_named(names: list[str]) -> list[tuple[str, str]]:
    """Return the (system, stream) pairs that the names stand for, in the catalogue's order.

    Raises:
        FatalError: a name is not in the catalogue; lists those that are.
    """
    from orchestration_assets.connectors.catalog import SYSTEMS

    known = [(system, stream) for system in SYSTEMS for stream in SYSTEMS[system].streams]
    for name in names:
        if not any(name in (system, f"{system}.{stream}") for system, stream in known):
            listed = ", ".join(f"{system}.{stream}" for system, stream in known)
            raise FatalError(f"There is no stream {name!r}.", f"name one of: {listed}.")
    return [
        (system, stream)
        for system, stream in known
        if system in names or f"{system}.{stream}" in names
    ]


def _land_one(deployment: "Deployment", system: str, stream: str, *, full: bool) -> dict[str, Any]:
    from orchestration_assets.stages.land import land_stream

    try:
        result = asdict(land_stream(deployment, system, stream, full=full))
    except AccordError as error:
        return {
            "system": system,
            "stream": stream,
            "error": error.message,
            "next_step": error.next_step,
        }
    return result


def _print(landed: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "stream", *(name.removeprefix("rows_") for name in COLUMNS), "quarantined", "drift"
    )
    errors = Console(stderr=True, highlight=False)
    for one in landed:
        key = f"{one['system']}.{one['stream']}"
        if "error" in one:
            text = escape(f"{one['error']} Next step: {one['next_step']}")
            errors.print(f"[bold red]{key}[/] {text}")
            continue
        table.add_row(
            key,
            *(f"{one[name]:,}" for name in COLUMNS),
            str(sum(one["quarantined"].values())),
            escape(", ".join(one["drift"])),
        )
    Console().print(table)
