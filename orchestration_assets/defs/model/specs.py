"""How a dbt node shows in Dagster: its key, group, owner, columns and checks.

Functions only: what is loaded as a definition is in `assets.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

import dagster as dg

from orchestration_assets.freshness import REFRESHED_DAILY
from orchestration_assets.governance.raci import Raci
from orchestration_assets.stages.governance import accountable_for
from orchestration_assets.transform.project import ModelNode, ModelTest
from orchestration_assets.transform.vocabulary import folders_of, layer_of

PREPARE, CORE, ACT = "prepare", "core", "act"


def stage_of(node: ModelNode) -> str:
    """Which of the three dbt stages builds the model; the earliest tag wins."""
    return next(stage for stage in (PREPARE, CORE, ACT) if stage in node.tags)


def key_of(node: ModelNode) -> dg.AssetKey:
    """`staging/stg_...`, `intermediate/int_...`, `released/rel_...`, `marts/dim_...`.

    Sources name the key of the asset that writes them in `meta.dagster.asset_key`.
    """
    if node.resource_type == "source":
        return dg.AssetKey(node.meta["dagster"]["asset_key"])
    return dg.AssetKey([folders_of(node)[0], node.name])


def in_build_order(nodes: Sequence[ModelNode]) -> list[ModelNode]:
    """The nodes with every parent before its children; Dagster wants results in that order."""
    known = {node.unique_id: node for node in nodes}
    parents = {
        name: [parent for parent in node.depends_on if parent in known]
        for name, node in known.items()
    }
    return [known[name] for name in TopologicalSorter(parents).static_order()]


def _schema_of(node: ModelNode) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.data_type or "unknown",
                description=column.description,
                tags={"personal_data": column.personal_data or "unclassified"},
            )
            for column in node.columns
        ]
    )


def asset_specs(
    nodes: Sequence[ModelNode], known: Mapping[str, ModelNode], engine: str, raci: Raci
) -> list[dg.AssetSpec]:
    """One spec a model; a model that dbt skipped leaves its asset out instead of failing others."""
    return [
        dg.AssetSpec(
            key_of(node),
            deps=[key_of(known[parent]) for parent in node.depends_on if parent in known],
            description=node.description,
            group_name=layer_of(node),
            owners=[f"team:{accountable_for(raci, node)}"],
            kinds={"dbt", engine, node.materialized or "view"},
            tags={"layer": folders_of(node)[0]},
            freshness_policy=REFRESHED_DAILY if folders_of(node)[0] == "marts" else None,
            metadata={
                "dagster/column_schema": _schema_of(node),
                "dagster/table_name": f"{node.schema}.{node.name}",
            },
            skippable=True,
        )
        for node in nodes
    ]


def check_specs(nodes: Iterable[ModelNode]) -> list[dg.AssetCheckSpec]:
    """One check a dbt test; `severity: error` blocks what is downstream."""
    return [
        dg.AssetCheckSpec(
            check_name(test),
            asset=key_of(node),
            description=test.description or f"dbt test {test.name}",
            blocking=test.severity == "error",
        )
        for node in nodes
        for test in node.tests
    ]


def check_name(test: ModelTest) -> str:
    """The dbt test's own name."""
    return test.name
