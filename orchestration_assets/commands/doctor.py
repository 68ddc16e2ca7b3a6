"""`accord doctor`: what is well and what is not around this deployment, and what to do."""

from typing import Annotated

import typer

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check versions, stores, systems and clock; exit with 1 when something fails."""
    from orchestration_assets.connectors.catalog import SYSTEMS
    from orchestration_assets.doctor.examine import examine, has_failed
    from orchestration_assets.settings import load_settings
    from orchestration_assets.transform.project import manifest_path

    settings = load_settings()
    engine = settings.resolved_warehouse_url.partition(":")[0]
    manifest = manifest_path("duckdb" if engine == "duckdb" else "postgres")
    findings = examine(settings, tuple(SYSTEMS), manifest.parent)
    failed = has_failed(findings)
    if as_json:
        import orjson

        report = {"ok": not failed, "checks": [finding.as_dict() for finding in findings]}
        typer.echo(orjson.dumps(report).decode())
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for finding in findings:
            level = str(finding.level)
            text = f"{finding.detail}\n-> {finding.advice}" if finding.advice else finding.detail
            table.add_row(f"[{COLOURS[level]}]{level}[/]", finding.name, _plain(text))
        Console(highlight=False).print(table)
    if failed:
        raise typer.Exit(1)


def _plain(text: str) -> str:
    """The text with rich's own markup made harmless."""
    return text.replace("[", "\\[")
