"""`accord quarantine`: what is held back, and a person's decision on it.

Records that could not be landed, and loads that the landing gate holds. What is held is named by
its kind in the commands: `release load`, `discard record`, `discard load`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from orchestration_assets.errors import FatalError

app = typer.Typer(
    name="quarantine",
    help="What is held back: list it, let it through or give it up.",
    no_args_is_help=True,
)
release = typer.Typer(help="Let through what is held.", no_args_is_help=True)
discard = typer.Typer(help="Give up what is held.", no_args_is_help=True)
app.add_typer(release, name="release")
app.add_typer(discard, name="discard")

StreamName = Annotated[str, typer.Argument(metavar="SYSTEM.STREAM", help="The stream.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
By = Annotated[str, typer.Option("--by", help="Who decides; it is kept.")]


@app.command("list")
def list_held(
    name: Annotated[
        str | None, typer.Argument(help="SYSTEM or SYSTEM.STREAM; all when left out.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many records.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show held loads and records with their reasons, oldest first; their content is not shown."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.held_loads import held_loads
    from orchestration_assets.state.quarantine import held

    system, stream = _split(name)
    deployment = Deployment()
    loads = held_loads(deployment, system, stream)
    records = held(deployment.state, system, stream, limit)
    if as_json:
        # Column names are a subclass of str, which faster encoders refuse as keys.
        typer.echo(json.dumps({"loads": loads, "held": records}, default=str))
    elif loads or records:
        _print_loads(loads)
        _print_records(records)
    else:
        typer.echo("Nothing is held.")


@release.command("load")
def release_load(name: StreamName, reason: Reason, by: By) -> None:
    """Let the held loads of a stream count; the next refresh takes them in."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.held_loads import accept_held

    system, stream = _stream(name)
    _say(name, "released", accept_held(Deployment(), system, stream, reason=reason, by=by))


@discard.command("load")
def discard_load(name: StreamName, reason: Reason, by: By) -> None:
    """Leave the held loads of a stream out for good; a full reading may bring them again."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.held_loads import discard_held

    system, stream = _stream(name)
    _say(name, "discarded", discard_held(Deployment(), system, stream, reason=reason, by=by))


@discard.command("record")
def discard_records(
    name: StreamName,
    record_ids: Annotated[list[str], typer.Argument(help="The vendor's identifiers.")],
) -> None:
    """Give held records up: they are neither landed nor listed any more."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.state.quarantine import discard as discard_held_records

    system, stream = _stream(name)
    count = discard_held_records(Deployment().state, system, stream, record_ids)
    typer.echo(f"{count} of {len(record_ids)} records discarded.")
    if count < len(record_ids):
        raise typer.Exit(1)


def _split(name: str | None) -> tuple[str | None, str | None]:
    system, _, stream = (name or "").partition(".")
    return system or None, stream or None


def _stream(name: str) -> tuple[str, str]:
    system, stream = _split(name)
    if system is None or stream is None:
        raise FatalError(f"{name!r} names no stream.", "write it as SYSTEM.STREAM.")
    return system, stream


def _say(name: str, done: str, decided: Sequence[Mapping[str, Any]]) -> None:
    loads = sum(len(row["loads"]) for row in decided)
    rows = sum(row["rows"] for row in decided)
    typer.echo(f"{loads} loads of {name} with {rows} rows {done}.")


def _print_loads(readings: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not readings:
        return
    table = Table("stream", "loads", "rows", "rejected", "broken rules", "read (UTC)")
    for row in readings:
        table.add_row(
            f"{row['system']}.{row['stream']}",
            str(len(row["loads"])),
            str(row["rows"]),
            str(row["rows_rejected"]),
            escape(row["rule"] or ""),
            f"{row['started_at']:%Y-%m-%d %H:%M}",
        )
    Console().print(table)


def _print_records(records: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not records:
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
