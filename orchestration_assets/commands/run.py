"""`accord run`: the whole path once, as a recorded Dagster run, and its figures."""

import sys
import time
from typing import Annotated, Any

import orjson
import typer

from orchestration_assets.settings import load_settings


def run_and_measure() -> tuple[bool, dict[str, Any]]:
    """Run everything on the deployment that the settings describe.

    Returns:
        Whether every step succeeded, and the run's figures.
    """
    from orchestration_assets.commands.dagster_runs import run_everything
    from orchestration_assets.commands.figures import figures_of
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.report import identity_figures

    started = time.monotonic()
    instance, result = run_everything(load_settings().root)
    figures = figures_of(instance, result.run_id)
    figures["identity"] = identity_figures(Deployment())
    figures["seconds"]["total"] = round(time.monotonic() - started, 2)
    figures["run_id"] = result.run_id
    figures["success"] = result.success
    figures["failed_steps"] = _failed_steps(result)
    return result.success, figures


def _failed_steps(result: Any) -> list[str]:
    return [
        f"{event.step_key}: {_first_line(event)}"
        for event in result.all_events
        if event.is_step_failure
    ]


def _first_line(event: Any) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    return (failure.error.message.strip() if failure.error else "").split("\n")[0]


def run(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Land, build, gate, release, decide and deliver once; exit 1 when a step failed."""
    from orchestration_assets.commands.table import print_figures

    success, figures = run_and_measure()
    if as_json:
        sys.stdout.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print_figures(figures)
    if not success:
        raise typer.Exit(1)
