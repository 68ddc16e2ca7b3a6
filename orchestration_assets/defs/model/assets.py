"""Assets of the model: the scope, the three dbt stages and the identity step between them."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any

import dagster as dg

from orchestration_assets.defs.model.specs import (
    ACT,
    CORE,
    PREPARE,
    asset_specs,
    check_name,
    check_specs,
    in_build_order,
    key_of,
    stage_of,
)
from orchestration_assets.defs.resources import WRITER_POOL, AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.identity.refresh import IdentityResult
from orchestration_assets.settings import load_settings
from orchestration_assets.stages import model as stage
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.stages.restrict import record_restrictions
from orchestration_assets.transform.profiles import engine_of
from orchestration_assets.transform.project import ModelNode, ensure_manifest, load_nodes
from orchestration_assets.transform.runner import BuildResult, NodeResult

SCOPE_TABLES = ("records", "customers", "readable_loads", "held_loads", "state")


def _scope_asset(raw: Sequence[dg.AssetKey], owner: str) -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(
            ["scope", table],
            deps=raw,
            group_name="scope",
            owners=[f"team:{owner}"],
            kinds={"table"},
            description=f"scope.{table}: what the refresh under way is about, from the loads that"
            " passed the landing gate and that no release has taken in yet.",
            metadata={"dagster/table_name": f"scope.{table}"},
        )
        for table in SCOPE_TABLES
    ]

    @dg.multi_asset(name="open_scope", specs=specs, pool=WRITER_POOL)
    def _open(
        context: dg.AssetExecutionContext, accord: AccordResource
    ) -> Iterator[dg.MaterializeResult]:
        deployment = accord.open()
        try:
            scope = stage.open_refresh(deployment, context.run.run_id)
        except AccordError as error:
            raise dg.Failure(str(error)) from error
        rows = stage.table_rows(deployment, [("scope", table) for table in SCOPE_TABLES])
        for table in SCOPE_TABLES:
            yield dg.MaterializeResult(
                asset_key=["scope", table],
                metadata={
                    "dagster/row_count": rows.get(table, 0),
                    "candidate": scope.candidate_id,
                    "loads": scope.loads,
                },
            )

    return _open


def _identity_asset(people: dg.AssetKey, owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=["identity", "customer_records"],
        deps=[people],
        group_name="identity",
        owners=[f"team:{owner}"],
        kinds={"python", "duckdb"},
        pool=WRITER_POOL,
        description="One row for each person record of a system, with the customer it belongs to."
        " Exact keys link records whose names agree, scored pairs link those that share no key, and"
        " stewards' decisions go before both. Identifiers that several people share and clusters"
        " that no person makes are quarantined; ids are stable, and every link can be undone.",
        metadata={"dagster/table_name": "identity.customer_records"},
    )
    def resolve_identities(accord: AccordResource) -> dg.MaterializeResult:
        try:
            result = stage.resolve_identities(accord.open())
            record_restrictions(accord.open())
        except AccordError as error:
            raise dg.Failure(str(error)) from error
        return dg.MaterializeResult(metadata=_plain(result))

    return resolve_identities


def _plain(result: IdentityResult) -> dict[str, Any]:
    return {
        ("dagster/row_count" if name == "records" else name): value
        for name, value in asdict(result).items()
    }


def _dbt_assets(
    name: str, nodes: list[ModelNode], specs: Sequence[dg.AssetSpec]
) -> dg.AssetsDefinition:
    by_key = {key_of(node): node for node in nodes}

    @dg.multi_asset(
        name=name,
        specs=specs,
        check_specs=check_specs(nodes),
        can_subset=True,
        pool=WRITER_POOL,
    )
    def _build(
        context: dg.AssetExecutionContext, accord: AccordResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        deployment = accord.open()
        selected = [node for key, node in by_key.items() if key in context.selected_asset_keys]
        try:
            result = stage.build_models(deployment, [node.name for node in selected])
        except AccordError as error:
            raise dg.Failure(str(error)) from error
        rows = stage.table_rows(deployment, [(node.schema, node.name) for node in selected])
        yield from _results(selected, result, rows, context.selected_asset_check_keys)
        broken = [node for node in result.failed if node.resource_type == "model"]
        if broken:
            raise dg.Failure("; ".join(f"{_short(node)}: {node.message}" for node in broken))

    return _build


def _short(node: NodeResult) -> str:
    return node.unique_id.rsplit(".", 1)[-1]


def _results(
    nodes: Sequence[ModelNode],
    result: BuildResult,
    rows: dict[str, int],
    selected_checks: AbstractSet[dg.AssetCheckKey],
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """What dbt reported, as materialisations and check results."""
    outcome = {node.unique_id: node for node in result.nodes}
    for node in nodes:
        built = outcome.get(node.unique_id)
        if built is None or not built.is_ok:
            continue
        yield dg.MaterializeResult(
            asset_key=key_of(node),
            metadata={
                "dagster/row_count": rows.get(node.name, 0),
                "rows_written": built.rows if built.rows is not None else -1,
                "seconds": built.seconds,
                "dbt_invocation": result.invocation_id,
            },
        )
    for node in nodes:
        for test in node.tests:
            key = dg.AssetCheckKey(key_of(node), check_name(test))
            tested = outcome.get(test.unique_id)
            if tested is None or tested.status == "skipped" or key not in selected_checks:
                continue
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=tested.status == "pass",
                severity=dg.AssetCheckSeverity.ERROR
                if test.severity == "error"
                else dg.AssetCheckSeverity.WARN,
                metadata={"failing_rows": tested.failures or 0, "message": tested.message},
            )


@dg.definitions
def model_assets() -> dg.Definitions:
    """Scope, staging, identity, core and what is built on released data."""
    settings = load_settings()
    raci = raci_of(settings)
    engine = engine_of(settings.resolved_warehouse_url)
    nodes = in_build_order(load_nodes(ensure_manifest(engine)))
    known = {node.unique_id: node for node in nodes}
    models = [node for node in nodes if node.resource_type == "model"]
    raw = [key_of(node) for node in nodes if node.unique_id.split(".")[2] in _raw_systems(nodes)]
    people = next(key_of(node) for node in models if node.name == "int_person_records_unioned")
    stages: dict[str, Callable[[ModelNode], bool]] = {
        "build_staging": lambda node: stage_of(node) == PREPARE,
        "build_core": lambda node: stage_of(node) == CORE,
        "build_journeys": lambda node: stage_of(node) == ACT,
    }
    built = {name: [node for node in models if belongs(node)] for name, belongs in stages.items()}
    return dg.Definitions(
        assets=[
            _scope_asset(raw, raci.accountable("layers", "scope")),
            _identity_asset(people, raci.accountable("layers", "identity")),
            *(
                _dbt_assets(name, chosen, asset_specs(chosen, known, engine, raci))
                for name, chosen in built.items()
            ),
        ]
    )


def _raw_systems(nodes: Sequence[ModelNode]) -> set[str]:
    return {
        node.unique_id.split(".")[2]
        for node in nodes
        if node.resource_type == "source" and key_of(node).path[0] == "raw"
    }
