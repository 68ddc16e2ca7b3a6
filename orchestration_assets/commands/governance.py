"""`accord governance`: who answers for what, where columns come from and go to, what is masked."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="governance",
    help="Who answers for what, where a column comes from and goes to, what analysts see.",
    no_args_is_help=True,
)


@app.callback()
def governance() -> None:
    """Commands over what is declared about the data."""


@app.command("raci")
def show_raci(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print who is responsible, accountable, consulted and informed; exit with 1 on a problem."""
    from orchestration_assets.governance.raci import matrix
    from orchestration_assets.settings import load_settings
    from orchestration_assets.stages.governance import raci_problems

    raci, problems = raci_problems(load_settings())
    rows = matrix(raci)
    if as_json:
        teams = {name: team.model_dump() for name, team in raci.teams.items()}
        typer.echo(json.dumps({"teams": teams, "matrix": rows, "problems": problems}))
    else:
        _print_matrix(rows)
        for problem in problems:
            typer.echo(f"problem: {problem}", err=True)
    if problems:
        raise typer.Exit(1)


def _print_matrix(rows: list[dict[str, Any]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from orchestration_assets.governance.raci import KINDS

    roles = ("responsible", "accountable", "consulted", "informed")
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("name", no_wrap=True)
    widest = max((len(team) for row in rows for team in row["accountable"]), default=0)
    for role in roles:
        width = widest if role in roles[:2] else 0
        table.add_column(role, overflow="fold", min_width=max(width, len(role)))
    for kind, title in KINDS.items():
        table.add_row(f"[bold]{title}[/]")
        for row in rows:
            if row["kind"] == kind:
                texts = [row["name"], *(", ".join(row[role]) for role in roles)]
                table.add_row(*(escape(text) for text in texts))
        table.add_section()
    Console().print(table)


@app.command("lineage")
def show_lineage(
    name: Annotated[
        str, typer.Argument(help="TABLE.COLUMN, such as dim_customers.email; TABLE lists columns.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show where a column comes from, to the vendors' fields, and where it goes to."""
    from orchestration_assets.commands import lineage
    from orchestration_assets.settings import load_settings
    from orchestration_assets.stages.governance import raci_of
    from orchestration_assets.stages.lineage import lineage_graph

    graph = lineage_graph(raci_of(load_settings()))
    table = graph.find_table(name)
    if table:
        columns = list(graph.tables[table])
        lines = lineage.columns_in_words(graph, table)
        typer.echo(
            json.dumps({"table": table, "columns": columns}) if as_json else "\n".join(lines)
        )
        return
    column = graph.find_column(name)
    if as_json:
        typer.echo(json.dumps(lineage.as_json(graph, column)))
    else:
        typer.echo("\n".join(lineage.in_words(graph, column)))


@app.command("mask")
def mask_columns(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the masked views of the analysts' role on PostgreSQL and print what they show."""
    from dataclasses import asdict

    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.masking import mask

    masked = mask(Deployment())
    if as_json:
        typer.echo(json.dumps(asdict(masked)))
        return
    for table, columns in masked.columns.items():
        typer.echo(f"analyst.{table}")
        width = max(len(name) for name in columns)
        for name, words in columns.items():
            typer.echo(f"  {name:<{width}}  {words}")
        for name in masked.left_out.get(table, ()):
            typer.echo(f"  {name:<{width}}  left out: it has no personal-data class")
    typer.echo(
        f"{len(masked.columns)} views, {len(masked.changed)} of them made or dropped now; the role"
        f" {masked.role} reads nothing else."
    )


@app.command("docs")
def write_docs(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; by default `docs` in home.")
    ] = None,
) -> None:
    """Write the model's documentation, with owners and classes, as one page that opens offline."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.documentation import document

    deployment = Deployment()
    written = document(deployment, out or deployment.settings.docs_folder)
    found = f"{written.tables} tables found" if written.tables else "no model built yet"
    typer.echo(f"{written.page}: {written.models} models, {found} in the warehouse.")
