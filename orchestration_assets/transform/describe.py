"""What dbt says of the project without building it: its manifest, compiled SQL and catalog."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from orchestration_assets.transform.invoke import ONE_INVOCATION, invoke, parsed_project
from orchestration_assets.transform.profiles import write_profile
from orchestration_assets.warehouse.engine import Warehouse


def parse(url: str, target: Path) -> None:
    """Parse the project for the engine of `url` and write `target/manifest.json`."""
    with ONE_INVOCATION:
        write_profile(url, target)
        invoke(["parse", "--no-partial-parse"], target, None, target=target)


def compile_project(url: str, folder: Path) -> dict[str, str]:
    """The SQL of every model by unique id, compiled for the warehouse at `url`.

    Args:
        url: an empty warehouse gives the SQL of a full build.
        folder: folder of the work files.

    Raises:
        FatalError: a model does not compile; holds dbt's own message.
    """
    with ONE_INVOCATION:
        manifest = parsed_project(url)
        write_profile(url, folder)
        outcome = invoke(["compile", "--no-populate-cache", "--no-write-json"], folder, manifest)
        nodes = [entry.node for entry in outcome.result.results]
        return {node.unique_id: node.compiled_code for node in nodes if _is_model(node)}


def generate_catalog(warehouse: Warehouse | None, folder: Path) -> Path:
    """Let dbt describe its project and the tables that it finds; return the folder it wrote to.

    Args:
        warehouse: whose tables are described; with None, the project alone is.
        folder: folder of the work files.

    Raises:
        FatalError: a model does not compile; holds dbt's own message.
    """
    command = ["docs", "generate", *(() if warehouse else ("--empty-catalog",))]
    url = warehouse.url if warehouse else f"duckdb:///{folder / 'empty.duckdb'}"
    held = warehouse.exclusive("dbt docs") if warehouse else nullcontext()
    with ONE_INVOCATION, held:
        manifest = parsed_project(url)
        write_profile(url, folder)
        invoke(command, folder, manifest)
    return folder / "target"


def _is_model(node: Any) -> bool:
    return str(node.resource_type) == "model"
