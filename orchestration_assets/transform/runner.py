"""Builds models and runs their tests, and tells what became of each node."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from orchestration_assets.errors import FatalError
from orchestration_assets.transform.invoke import ONE_INVOCATION, invoke, parsed_project
from orchestration_assets.transform.profiles import engine_of, write_profile
from orchestration_assets.transform.project import (
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

_SUCCESS = frozenset({"success", "pass", "warn", "no-op", "reused"})


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
    with ONE_INVOCATION, warehouse.exclusive(f"dbt {' '.join(select)}"[:200]):
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
    with ONE_INVOCATION, warehouse.exclusive("dbt unit tests"):
        return _build_result(_invoke_on(warehouse, home, command))


def _reused(node: ModelNode) -> NodeResult:
    return NodeResult(node.unique_id, "model", "reused", 0.0, "nothing of it is in scope")


def _invoke_on(warehouse: Warehouse, home: Path, command: list[str]) -> Any:
    folder = home / "dbt"
    manifest = parsed_project(warehouse.url)
    write_profile(warehouse.url, folder)
    return invoke(command, folder, manifest)


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
