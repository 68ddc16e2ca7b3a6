"""Gates over the core model and over every payload, and the release between them."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration_assets.defs.resources import WRITER_POOL, AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.freshness import REFRESHED_DAILY
from orchestration_assets.settings import load_settings
from orchestration_assets.stages.gate import judge, publish
from orchestration_assets.stages.gate_docs import gate_link
from orchestration_assets.stages.gate_words import broken_rules, conclusion
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from quality.catalog import CORE_SUITES, PAYLOAD_SUITES
from quality.rules import Severity, Suite, SuiteResult

_COLUMNS = {
    "share": "of all rows of the table",
    "found": "the figure of a rule on the whole table",
    "records": "some of them, by system and record id",
}


def _marts_key(suite: Suite) -> dg.AssetKey:
    return dg.AssetKey(["marts", suite.table.partition(".")[2]])


def _rules_in_words(suite: Suite) -> str:
    rules = "\n".join(f"- {rule.words}" for rule in suite.rules)
    return f"Great Expectations suite over {suite.table}:\n{rules}"


def _specs(suites: Sequence[Suite]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            suite.name,
            asset=_marts_key(suite),
            description=_rules_in_words(suite),
            blocking=suite.severity is Severity.BLOCKING,
        )
        for suite in suites
    ]


def _check_result(suite: Suite, result: SuiteResult, page: str) -> dg.AssetCheckResult:
    blocking = suite.severity is Severity.BLOCKING
    metadata: dict[str, Any] = {
        "suite": suite.name,
        "page": dg.MetadataValue.url(page),
        "rows": result.rows or 0,
        "rows_judged": result.rows_judged or 0,
        # Of a set that is stopped as a whole none is held alone.
        "rows_held": len(result.held) if result.passed else 0,
        "rules_evaluated": result.evaluated,
        "rules_expected": result.expected,
        "seconds": result.seconds,
    }
    broken = broken_rules(result)
    if broken:
        metadata["broken_rules"] = dg.MetadataValue.table(
            records=[dg.TableRecord(row) for row in broken],
            schema=dg.TableSchema(
                columns=[dg.TableColumn(name, description=_COLUMNS.get(name)) for name in broken[0]]
            ),
        )
    return dg.AssetCheckResult(
        asset_key=_marts_key(suite),
        check_name=suite.name,
        passed=result.passed,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        description=conclusion(result),
        metadata=metadata,
    )


def _gate(name: str, suites: Sequence[Suite]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(name=name, specs=_specs(suites), pool=WRITER_POOL)
    def _judge(
        context: dg.AssetCheckExecutionContext, accord: AccordResource
    ) -> Iterator[dg.AssetCheckResult]:
        deployment = accord.open()
        try:
            results = judge(deployment, suites, context.run.run_id)
        except AccordError as error:
            raise dg.Failure(str(error)) from error
        for suite, result in zip(suites, results, strict=True):
            yield _check_result(suite, result, gate_link(deployment.settings, suite.name))

    return _judge


def _release_asset(owner: str) -> dg.AssetsDefinition:
    core = [dg.AssetKey(["marts", table]) for table in RELEASED_TABLES]
    specs = [
        dg.AssetSpec(
            ["released", table],
            deps=core,
            group_name="released",
            owners=[f"team:{owner}"],
            kinds={"table"},
            freshness_policy=REFRESHED_DAILY,
            description=f"{table} as it passed its gates; all tables of a release, its verdicts and"
            " its number commit in one transaction.",
            metadata={"dagster/table_name": f"released.{table}"},
        )
        for table in RELEASED_TABLES
    ]

    @dg.multi_asset(name="release", specs=specs, pool=WRITER_POOL)
    def _release(accord: AccordResource) -> Iterator[dg.MaterializeResult]:
        deployment = accord.open()
        try:
            result = publish(deployment)
        except AccordError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        for table in RELEASED_TABLES:
            yield dg.MaterializeResult(
                asset_key=["released", table],
                metadata={
                    "dagster/row_count": result.rows.get(table, 0),
                    "rows_changed": result.changed.get(table, 0),
                    "rows_removed": result.removed.get(table, 0),
                    "release_number": result.release_number,
                    "model_version": result.model_version,
                    "gates": dg.MetadataValue.url(gate_link(deployment.settings)),
                },
            )

    return _release


@dg.definitions
def gates() -> dg.Definitions:
    """Core gates, the release, and the gates over the payloads."""
    owner = raci_of(load_settings()).accountable("layers", "released")
    return dg.Definitions(
        assets=[_release_asset(owner)],
        asset_checks=[
            _gate("gate_core", CORE_SUITES),
            _gate("gate_payloads", tuple(PAYLOAD_SUITES.values())),
        ],
    )
