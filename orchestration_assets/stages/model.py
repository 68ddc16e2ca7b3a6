"""Refreshing the model: open the scope, build with dbt, resolve who is who, build the core."""

from collections.abc import Sequence

from orchestration_assets.deployment import Deployment
from orchestration_assets.identity.refresh import IdentityResult, refresh
from orchestration_assets.stages.gate_rows import waiting_rows
from orchestration_assets.stages.identity import matching, waiting_decisions
from orchestration_assets.stages.land import prepare_landing
from orchestration_assets.stages.landing_gate import judge_landings
from orchestration_assets.transform.runner import BuildResult, build
from orchestration_assets.warehouse.scope import Scope, open_scope, unconsumed_loads


def open_refresh(deployment: Deployment, run_id: str = "") -> Scope:
    """Judge what has landed, and collect what passed and no release has taken in yet.

    Repeating it changes nothing that is lost.
    """
    prepare_landing(deployment)
    judge_landings(deployment, run_id)
    return open_scope(deployment.warehouse)


def build_models(deployment: Deployment, names: Sequence[str]) -> BuildResult:
    """Build these dbt models and run their tests."""
    return build(names, warehouse=deployment.warehouse, home=deployment.home)


def resolve_identities(deployment: Deployment) -> IdentityResult:
    """Cluster the records in scope with all they touch, under stable customer ids."""
    return refresh(deployment.warehouse, matching(deployment))


def waiting_loads(deployment: Deployment) -> list[str]:
    """What a refresh is due for: loads that no release has taken in, decisions not gone by."""
    passing = waiting_rows(deployment)
    decided = [f"identity decision:{name}" for name in waiting_decisions(deployment)]
    return [*unconsumed_loads(deployment.warehouse), *decided, *passing]


def table_rows(deployment: Deployment, tables: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Rows of each (schema, table), by table name; missing tables are left out."""
    counts = {}
    with deployment.warehouse.reader() as session:
        for schema, table in tables:
            if session.table_exists(schema, table):
                counts[table] = session.count(schema, table)
    return counts
