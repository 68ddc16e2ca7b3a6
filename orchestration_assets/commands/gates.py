"""`accord gates`: what the gates found."""

import json
from typing import Annotated

import typer

app = typer.Typer(name="gates", help="What the quality gates found.", no_args_is_help=True)


@app.callback()
def gates() -> None:
    """Commands over the quality gates."""


@app.command("docs")
def write_docs(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write Great Expectations' pages on the newest validation of every suite."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.gate_docs import gate_link, write_gate_docs

    deployment = Deployment()
    written = write_gate_docs(deployment)
    page, link = written.folder / "index.html", gate_link(deployment.settings)
    if as_json:
        found = {"page": str(page), "link": link, "suites": written.suites}
        typer.echo(json.dumps({**found, "failing": written.failing, "seconds": written.seconds}))
        return
    failing = ", ".join(written.failing) or "none"
    typer.echo(f"{page}: {written.suites} suites in {written.seconds:.1f} s, failing: {failing}.")
    typer.echo(f"While accord ui runs: {link}")
