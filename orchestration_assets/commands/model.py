"""`accord model`: the released model as it stood at a time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration_assets.errors import FatalError

app = typer.Typer(
    name="model",
    help="The released common model: read a table as it stood at a time.",
    no_args_is_help=True,
)


@app.callback()
def model() -> None:
    """Commands over the released common model."""


@app.command("as-of")
def as_of(
    table: Annotated[str, typer.Argument(help="A released table, such as dim_customers.")],
    at: Annotated[str, typer.Option("--at", help="Time, ISO 8601; UTC where it names no zone.")],
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the rows to this file.")] = None,
) -> None:
    """Tell how many rows a table had, from which release, and write them out when asked to."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.warehouse.released_history import read_as_of, release_at

    moment = _moment(at)
    with Deployment().warehouse.reader() as session:
        rows = read_as_of(session, table, moment)
        number = release_at(session, moment)
    if csv is not None:
        import pyarrow.csv

        csv.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.csv.write_csv(rows, csv)
    where = f", written to {csv}" if csv else ""
    typer.echo(f"{table} as released with number {number}: {rows.num_rows} rows{where}.")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise FatalError(
            f"{text!r} is no time.", "write it as 2026-11-01T00:00:00Z or 2026-11-01."
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
