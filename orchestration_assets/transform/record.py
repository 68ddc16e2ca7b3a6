"""Noting which models a build made, and giving the core a version only when all of it was built.

What a build is about to write is taken back first, so that a build that is killed anywhere leaves
no claim behind that its tables do not keep.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from orchestration_assets.transform.project import ACT, CORE, PREPARE, ModelNode
from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.changed_rows import ensure_tables
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.scope import create_scope_tables

_STEP_OF_TAG = {
    PREPARE[0]: progress.STAGING,
    CORE[0]: progress.CORE,
    ACT[0]: progress.JOURNEYS,
}


def take_back(warehouse: Warehouse, models: Iterable[ModelNode]) -> None:
    """Take back what is known of models that are about to be built, the core's version too."""
    steps = _by_step(models)
    with warehouse.writer("begin build") as session:
        create_scope_tables(session)
        # Where models note that they were made anew; made here, because they would race for it.
        ensure_tables(session)
        for step, nodes in steps.items():
            progress.begin(session, step, [node.name for node in nodes])
            if any(node.schema == "core" for node in nodes):
                session.execute("delete from scope.model_version")


def note_built(
    warehouse: Warehouse, nodes: Iterable[ModelNode], done: Collection[str], invocation_id: str
) -> None:
    """Note the models that were built or rightly left as they are.

    Args:
        warehouse: where they were built.
        nodes: every node of the project.
        done: unique ids of the models.
        invocation_id: names the build; the version of the core when this build completed it.
    """
    with warehouse.writer("end build") as session:
        for step, models in _by_step(nodes).items():
            made = [node.name for node in models if node.unique_id in done]
            if not made:
                continue
            if not progress.add_parts(session, step, made, [node.name for node in models]):
                continue
            version = invocation_id
            if step == progress.CORE:
                known = session.scalar("select version from scope.model_version")
                version = known or invocation_id
                if not known:
                    session.execute(
                        "insert into scope.model_version (version, built_at)"
                        " values (:version, cast(:now as timestamptz))",
                        {"version": version, "now": datetime.now(UTC)},
                    )
            progress.finish(session, step, version)


def _by_step(nodes: Iterable[ModelNode]) -> Mapping[str, list[ModelNode]]:
    """Models by the step that builds them, in the order of the steps; the earliest tag wins."""
    steps: dict[str, list[ModelNode]] = {step: [] for step in _STEP_OF_TAG.values()}
    for node in nodes:
        tags = {f"tag:{tag}" for tag in node.tags}
        step = next((step for tag, step in _STEP_OF_TAG.items() if tag in tags), None)
        if step and node.resource_type == "model":
            steps[step].append(node)
    return {step: found for step, found in steps.items() if found}
