"""`accord demo`: the whole job against local vendor servers, in a fresh folder, and its figures."""

import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from orchestration_assets.errors import FatalError
from orchestration_assets.settings import work_on_sandbox

DEFAULT_HOME = Path(".accord/demo")
FIGURES_FILE = "figures.json"

_progress = Console(stderr=True, highlight=False)


def fresh_home(home: Path, *, is_default: bool) -> Path:
    """An empty folder for the demo; the default one is emptied, another one must be empty.

    Raises:
        FatalError: the folder holds something that is not ours to remove.
    """
    if home.exists() and any(home.iterdir()):
        if not is_default:
            raise FatalError(
                f"the folder {home} is not empty", "name an empty or new folder with --home"
            )
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    return home.resolve()


def _check(figures: dict[str, Any], succeeded: bool) -> list[str]:
    problems = list(figures["failed_steps"])
    if not succeeded and not problems:
        problems.append("the run failed; its log is in the Dagster UI")
    if figures["gates"]["failed"]:
        problems.append(f"gates failed: {', '.join(figures['gates']['failures'])}")
    problems += [
        f"no row was confirmed by {destination}"
        for destination in ("klaviyo", "hubspot")
        if not figures["sent"].get(destination, {}).get("confirmed")
    ]
    return problems


def demo(
    customers: Annotated[int, typer.Option(min=1, help="People in the world.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 7,
    noise: Annotated[
        float, typer.Option(min=0, max=4, help="Scale of all that is wrong in it.")
    ] = 1.0,
    tier: Annotated[str, typer.Option(help="Rate limits of the vendors' servers.")] = "standard",
    home: Annotated[
        Path | None, typer.Option(help=f"Empty folder to work in; {DEFAULT_HOME} when left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Start the sandbox, run everything through Dagster once and print what came of it."""
    from orchestration_assets.commands.run import run_and_measure
    from orchestration_assets.commands.table import print_figures
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.report import write_identities
    from sandbox.client import start_sandbox
    from sandbox.limits import TIERS

    if tier not in TIERS:
        raise typer.BadParameter(f"tier must be one of {', '.join(TIERS)}")
    folder = fresh_home(home or DEFAULT_HOME, is_default=home is None)
    _progress.print(
        f"Starting the sandbox: {customers:,} customers, seed {seed}, noise {noise:g}, tier {tier}"
    )
    with start_sandbox(folder, customers, seed, noise, tier=tier) as sandbox:
        work_on_sandbox(folder, sandbox.environment())
        _progress.print("Running the whole path as one recorded Dagster run")
        succeeded, figures = run_and_measure()
        write_identities(Deployment(), folder / "identities.csv")
    figures["sandbox"] = {
        "customers": customers,
        "seed": seed,
        "noise": noise,
        "tier": sandbox.info.get("tier"),
        "home": str(folder),
    }
    (folder / FIGURES_FILE).write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    if as_json:
        sys.stdout.write(orjson.dumps(figures).decode() + "\n")
    else:
        print_figures(figures)
    problems = _check(figures, succeeded)
    for problem in problems:
        _progress.print(f"[bold red]failed[/] {problem}")
    if problems:
        raise typer.Exit(1)
    _progress.print(f"Everything it wrote is in {folder}")
