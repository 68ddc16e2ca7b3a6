"""Runs dbt inside this process, one invocation at a time, and lets go of the warehouse afterwards.

dbt takes three seconds to import, so it is imported on first use. Its adapters are singletons: two
invocations at once in one process would share them, hence one lock for the process.
"""

import gc
import threading
from pathlib import Path
from typing import Any

from orchestration_assets.errors import FatalError
from orchestration_assets.transform.profiles import database_name, engine_of
from orchestration_assets.transform.project import PROJECT_DIR, ensure_manifest

ONE_INVOCATION = threading.RLock()
"""Held by whoever calls `invoke`."""
_QUIET = (
    "--log-level=none",
    "--log-level-file=none",
    "--no-print",
    "--no-use-colors",
    "--no-version-check",
    "--no-send-anonymous-usage-stats",
)
_manifests: dict[tuple[Path, int], Any] = {}


def invoke(command: list[str], folder: Path, manifest: Any, *, target: Path | None = None) -> Any:
    """Run one dbt command and return what dbt answers.

    Args:
        command: dbt's command with its options.
        folder: folder of the profile; `target` and `logs` go there.
        manifest: what `parsed_project` returned; None lets dbt parse.
        target: folder of the artefacts, where it is another.

    Raises:
        FatalError: dbt could not run; holds its own message.
    """
    from dbt.cli.main import dbtRunner

    arguments = [
        *_QUIET,
        *command,
        *("--project-dir", str(PROJECT_DIR), "--profiles-dir", str(folder)),
        *("--target-path", str(target or folder / "target"), "--log-path", str(folder / "logs")),
    ]
    try:
        outcome = dbtRunner(manifest=manifest).invoke(arguments)
    finally:
        _let_go()
    if outcome.exception is not None:
        raise FatalError(
            f"dbt {command[0]} could not run: {outcome.exception}",
            "correct the dbt project or the selector that it names.",
        )
    return outcome


def _let_go() -> None:
    """Close every connection that dbt keeps, so that others may open the DuckDB file."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    reset_adapters()
    DuckDBConnectionManager.close_all_connections()
    gc.collect()


def parsed_project(url: str) -> Any:
    """The parsed project with the warehouse's own database in front of every relation."""
    from dbt.contracts.graph.manifest import Manifest

    path = ensure_manifest(engine_of(url))
    key = (path, path.stat().st_mtime_ns)
    if key not in _manifests:
        for outdated in [known for known in _manifests if known[0] == path]:
            del _manifests[outdated]
        # The JSON leaves out the arguments of tests; dbt's own file beside it has everything.
        own_file = path.with_name("partial_parse.msgpack")
        _manifests[key] = Manifest.from_msgpack(own_file.read_bytes())
        _manifests[key].build_flat_graph()
    manifest = _manifests[key]
    _point_at(manifest, database_name(url))
    return manifest


def _point_at(manifest: Any, database: str) -> None:
    nodes = (*manifest.nodes.values(), *manifest.sources.values())
    outdated = [node for node in nodes if node.database != database]
    for node in outdated:
        if node.relation_name:
            node.relation_name = node.relation_name.replace(
                f'"{node.database}"', f'"{database}"', 1
            )
        node.database = database
    if outdated:
        # What hooks see as `graph`.
        manifest.build_flat_graph()
