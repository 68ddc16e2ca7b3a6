"""Runs dbt inside this process, one invocation at a time, and lets go of the warehouse afterwards.

dbt takes three seconds to import, so it is imported on first use. Its adapters are singletons: two
invocations at once in one process would share them, hence one lock for the process.
"""

import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from orchestration_assets.errors import FatalError
from orchestration_assets.transform.profiles import database_name, engine_of, write_profile
from orchestration_assets.transform.project import (
    PROJECT_DIR,
    ModelNode,
    ensure_manifest,
    load_nodes,
)
from orchestration_assets.transform.record import note_built, take_back
from orchestration_assets.transform.reuse import (
    remember_views,
    selected_models,
    unchanged_models,
)
from orchestration_assets.warehouse.engine import Warehouse

_ONE_INVOCATION = threading.RLock()
_QUIET = (
    "--log-level=none",
    "--log-level-file=none",
    "--no-print",
    "--no-use-colors",
    "--no-version-check",
    "--no-send-anonymous-usage-stats",
)
_SUCCESS = frozenset({"success", "pass", "warn", "no-op", "reused"})
_manifests: dict[tuple[Path, int], Any] = {}


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of one node.

    Attributes:
        status: dbt's word (success, pass, warn, error, fail, skipped), or `reused` for a model that
            was left as it is because building it would change nothing.
        rows: rows written; None where the engine does not say.
        failures: rows that failed a test; None for models.
    """

    unique_id: str
    resource_type: str
    status: str
    seconds: float
    message: str
    rows: int | None = None
    failures: int | None = None
    materialized: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the node was built or the test passed, a warning included."""
        return self.status in _SUCCESS


@dataclass(frozen=True, slots=True)
class BuildResult:
    """All nodes of one invocation, in the order they ended."""

    invocation_id: str
    seconds: float
    nodes: tuple[NodeResult, ...]

    @property
    def failed(self) -> tuple[NodeResult, ...]:
        """Nodes that failed or were skipped because of one that did."""
        return tuple(node for node in self.nodes if not node.is_ok)

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def raise_for_models(self) -> None:
        """Raise when a model was not built; failed tests are for the caller to judge.

        Raises:
            FatalError: names the models and the first message.
        """
        broken = [n for n in self.failed if n.resource_type == "model" and n.status == "error"]
        if broken:
            names = ", ".join(node.unique_id.rsplit(".", 1)[-1] for node in broken)
            raise FatalError(
                f"dbt could not build {names}: {broken[0].message}",
                "correct the model or the data that it names, then run the refresh again.",
            )


def build(
    select: Sequence[str],
    *,
    warehouse: Warehouse,
    home: Path,
    full_refresh: bool = False,
    exclude: Sequence[str] = (),
    tests: bool = True,
    on_result: Callable[[NodeResult], None] | None = None,
) -> BuildResult:
    """Build the selected models and run their tests, holding the warehouse's writer lock.

    Args:
        select: dbt selectors (`tag:core`, `stg_hubspot__contacts`).
        warehouse: where to build.
        home: folder of the work files; profile and compiled SQL go to `home/dbt`.
        full_refresh: build incremental models anew.
        exclude: dbt selectors to leave out.
        tests: run the data tests of the selected models too.
        on_result: called for each node once the invocation has ended.

    Raises:
        FatalError: dbt could not start (selector, profile, project); a failed node does not raise.
        RetriableError: the writer lock did not come in time.
    """
    command = ["build" if tests else "run", "--select", *select, "--no-write-json"]
    if tests:
        command += ["--exclude-resource-type", "unit_test"]
    if full_refresh:
        command += ["--full-refresh"]
    nodes = load_nodes(ensure_manifest(engine_of(warehouse.url)))
    with _ONE_INVOCATION, warehouse.exclusive(f"dbt {' '.join(select)}"[:200]):
        # Under the lock: a scope that is opened in between would need what is left out.
        selected = selected_models(select, nodes)
        reused = unchanged_models(warehouse, selected) if selected and not full_refresh else []
        left_out = [*exclude, *(node.name for node in reused)]
        if left_out:
            command += ["--exclude", *left_out]
        kept = {node.unique_id for node in reused}
        chosen = nodes if selected is None else selected
        take_back(warehouse, [node for node in chosen if node.unique_id not in kept])
        result = _build_result(_invoke_on(warehouse, home, command))
        result = replace(result, nodes=(*map(_reused, reused), *result.nodes))
        built = [node for node in result.nodes if node.is_ok and node.resource_type == "model"]
        remember_views(warehouse, [node.unique_id for node in built if node.materialized == "view"])
        note_built(warehouse, nodes, {node.unique_id for node in built}, result.invocation_id)
    for node in result.nodes:
        if not node.is_ok:
            structlog.get_logger(__name__).warning(
                "dbt_node_failed", node=node.unique_id, status=node.status, message=node.message
            )
        if on_result:
            on_result(node)
    return result


def run_unit_tests(select: Sequence[str], *, warehouse: Warehouse, home: Path) -> BuildResult:
    """Run the dbt unit tests of the selected models; the models must have been built once."""
    command = ["test", "--select", *select, "--resource-type", "unit_test", "--no-write-json"]
    with _ONE_INVOCATION, warehouse.exclusive("dbt unit tests"):
        return _build_result(_invoke_on(warehouse, home, command))


def parse(url: str, target: Path) -> None:
    """Parse the project for the engine of `url` and write `target/manifest.json`."""
    with _ONE_INVOCATION:
        write_profile(url, target)
        _invoke(["parse", "--no-partial-parse"], target, None, target=target)


def compile_project(url: str, folder: Path) -> dict[str, str]:
    """The SQL of every model by unique id, compiled for the warehouse at `url`.

    Args:
        url: an empty warehouse gives the SQL of a full build.
        folder: folder of the work files.

    Raises:
        FatalError: a model does not compile; holds dbt's own message.
    """
    with _ONE_INVOCATION:
        manifest = _manifest(url)
        write_profile(url, folder)
        outcome = _invoke(["compile", "--no-populate-cache", "--no-write-json"], folder, manifest)
        nodes = [entry.node for entry in outcome.result.results]
        return {node.unique_id: node.compiled_code for node in nodes if _is_model(node)}


def _is_model(node: Any) -> bool:
    return str(node.resource_type) == "model"


def _reused(node: ModelNode) -> NodeResult:
    return NodeResult(node.unique_id, "model", "reused", 0.0, "nothing of it is in scope")


def _invoke_on(warehouse: Warehouse, home: Path, command: list[str]) -> Any:
    folder = home / "dbt"
    manifest = _manifest(warehouse.url)
    write_profile(warehouse.url, folder)
    return _invoke(command, folder, manifest)


def _invoke(command: list[str], folder: Path, manifest: Any, *, target: Path | None = None) -> Any:
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


def _manifest(url: str) -> Any:
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


def _build_result(outcome: Any) -> BuildResult:
    from dbt_common.invocation import get_invocation_id

    result = outcome.result
    return BuildResult(
        invocation_id=get_invocation_id(),
        seconds=result.elapsed_time,
        nodes=tuple(_node_result(entry) for entry in result.results),
    )


def _node_result(entry: Any) -> NodeResult:
    response: Mapping[str, Any] = entry.adapter_response or {}
    rows = response.get("rows_affected")
    return NodeResult(
        unique_id=entry.node.unique_id,
        resource_type=str(entry.node.resource_type),
        status=str(entry.status),
        seconds=entry.execution_time,
        message=entry.message or "",
        rows=rows if isinstance(rows, int) and rows >= 0 else None,
        failures=entry.failures,
        materialized=entry.node.config.get("materialized"),
    )
