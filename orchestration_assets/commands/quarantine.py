"""`accord quarantine`: the records that could not be landed, and a person's decision on them."""

import json
from typing import Annotated, Any

import typer

from orchestration_assets.errors import FatalError

app = typer.Typer(
    name="quarantine",
    help="Records that broke their stream's contract: list or discard them.",
    no_args_is_help=True,
)


@app.command("list")
def list_held(
    name: Annotated[
        str | None, typer.Argument(help="SYSTEM or SYSTEM.STREAM; all when left out.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show held records with their reasons, oldest first; their content is not shown."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.state.quarantine import held

    system, stream = _split(name)
    records = held(Deployment().state, system, stream, limit)
    if as_json:
        # Column names are a subclass of str, which faster encoders refuse as keys.
        typer.echo(json.dumps({"held": records}, default=str))
    else:
        _print(records)


@app.command("discard")
def discard_records(
    name: Annotated[str, typer.Argument(help="SYSTEM.STREAM")],
    record_ids: Annotated[list[str], typer.Argument(help="The vendor's identifiers.")],
) -> None:
    """Give held records up: they are neither landed nor listed any more."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.state.quarantine import discard

    system, stream = _split(name)
    if system is None or stream is None:
        raise FatalError(f"{name!r} names no stream.", "write it as SYSTEM.STREAM.")
    count = discard(Deployment().state, system, stream, record_ids)
    typer.echo(f"{count} of {len(record_ids)} records discarded.")
    if count < len(record_ids):
        raise typer.Exit(1)


def _split(name: str | None) -> tuple[str | None, str | None]:
    system, _, stream = (name or "").partition(".")
    return system or None, stream or None


def _print(records: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not records:
        typer.echo("Nothing is held.")
        return
    table = Table("stream", "record", "rule", "reason", "attempts", "since (UTC)")
    for record in records:
        table.add_row(
            f"{record['system']}.{record['stream']}",
            escape(record["record_id"]),
            record["rule"],
            escape(record["reason"]),
            str(record["attempts"]),
            f"{record['first_seen_at']:%Y-%m-%d %H:%M}",
        )
    Console().print(table)
