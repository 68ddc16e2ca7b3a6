"""`accord quarantine`: what is held back, and a person's decision on it.

Records that could not be landed, loads that the landing gate holds, and rows of the model that its
gates hold. What is held is named by its kind in the commands: `release load`, `discard record`,
`show row`.
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
show = typer.Typer(help="All that is known of what is held.", no_args_is_help=True)
app.add_typer(show, name="show")
app.add_typer(release, name="release")
app.add_typer(discard, name="discard")

StreamName = Annotated[str, typer.Argument(metavar="SYSTEM.STREAM", help="The stream.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
By = Annotated[str, typer.Option("--by", help="Who decides; it is kept.")]
Table = Annotated[str, typer.Argument(metavar="SCHEMA.TABLE", help="core.fct_orders, ...")]
Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="The rows, as listed.")]


@app.command("list")
def list_held(
    name: Annotated[
        str | None,
        typer.Argument(help="SYSTEM, SYSTEM.STREAM or SCHEMA.TABLE; all when left out."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many of a kind.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show held loads, records and rows with their reasons, oldest first, without their content."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.held_loads import held_loads
    from orchestration_assets.state.held_rows import held as held_rows
    from orchestration_assets.state.quarantine import held

    system, stream = _split(name)
    deployment = Deployment()
    loads = held_loads(deployment, system, stream)
    records = held(deployment.state, system, stream, limit)
    rows = held_rows(deployment.state, name, limit)
    if as_json:
        # Column names are a subclass of str, which faster encoders refuse as keys.
        typer.echo(json.dumps({"loads": loads, "held": records, "rows": rows}, default=str))
    elif loads or records or rows:
        _print_loads(loads)
        _print_records(records)
        _print_rows(rows)
    else:
        typer.echo("Nothing is held.")


@release.command("load")
def release_load(name: StreamName, reason: Reason, by: By) -> None:
    """Let the held loads of a stream count; the next refresh takes them in."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.held_loads import accept_held

    system, stream = _stream(name)
    _say(name, "released", accept_held(Deployment(), system, stream, reason=reason, by=by))


@show.command("row")
def show_row(
    table: Table, key: Annotated[str, typer.Argument(metavar="KEY", help="The row, as listed.")]
) -> None:
    """Print why a row of the model is or was held, since when, and what was decided on it."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.state.held_rows import show as find

    row = find(Deployment().state, table, key)
    if row is None:
        raise FatalError(
            f"No row {key!r} of {table} was ever held.",
            "see accord quarantine list for tables and keys.",
        )
    for name, value in row.items():
        if value is not None:
            typer.echo(f"{name}: {value}")


@release.command("row")
def release_row(table: Table, keys: Keys, reason: Reason, by: By) -> None:
    """Let held rows pass as they are; the next refresh releases them."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.gate_rows import decide_on_rows
    from orchestration_assets.state.held_rows import RELEASED

    count = decide_on_rows(Deployment(), table, keys, RELEASED, by, reason)
    typer.echo(f"{count} of {len(keys)} rows released.")


@discard.command("row")
def discard_row(table: Table, keys: Keys, reason: Reason, by: By) -> None:
    """Leave held rows out for good, until they change at their source."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.gate_rows import decide_on_rows
    from orchestration_assets.state.held_rows import DISCARDED

    count = decide_on_rows(Deployment(), table, keys, DISCARDED, by, reason)
    typer.echo(f"{count} of {len(keys)} rows discarded.")


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


def _print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Grid

    if not rows:
        return
    table = Grid("table", "key", "source", "suite", "rule", "since (UTC)")
    for row in rows:
        table.add_row(
            row["table_name"],
            escape(row["row_key"]),
            escape(row["source"]),
            row["suite"],
            escape(row["rule"]),
            f"{row['first_held_at']:%Y-%m-%d %H:%M}",
        )
    Console().print(table)
