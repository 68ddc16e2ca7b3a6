"""What Dagster shows of a gate, and when the pages on the gates are made."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from orchestration_assets.definitions import defs
from orchestration_assets.defs.gates.assets import _check_result
from orchestration_assets.defs.gates.documentation import GROUP, gate_docs_sensor
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.gate_docs import keep_findings
from quality.rules import Failure, HeldRow, Severity, SuiteResult
from quality.suites.orders import ORDERS

PAGE = "http://127.0.0.1:3001/gates/orders_are_complete_and_valued.html"
BLOCKS = Failure("an order is one row", "order_id", unexpected_count=4, share=0.004)
HOLDS = Failure(
    "currencies are ones we trade in",
    "currency_code",
    unexpected_count=30,
    severity=Severity.HOLDING,
    customers=1200,
    references=tuple(f"shopify:{number}" for number in range(20)),
)


def _shown(*failures: Failure, held: int = 0, passed: bool = True) -> dg.AssetCheckResult:
    result = SuiteResult(
        suite=ORDERS.name,
        passed=passed,
        evaluated=12,
        expected=12,
        rows=1000,
        rows_judged=60,
        failures=failures,
        held=tuple(HeldRow(str(n), f"shopify:{n}", "", HOLDS.rule) for n in range(held)),
    )
    return _check_result(ORDERS, result, PAGE)


def _table(shown: dg.AssetCheckResult) -> list[Mapping[str, Any]]:
    (value,) = [one for name, one in shown.metadata.items() if name == "broken_rules"]
    assert isinstance(value, dg.TableMetadataValue)
    return [record.data for record in value.records]


WORTH = Failure("orders are worth what they usually are", "total_amount", observed="20.15569343065")


def test_a_failed_gate_says_which_rule_stops_what_with_figures_and_records() -> None:
    shown = _shown(HOLDS, BLOCKS, held=30, passed=False)
    assert not shown.passed
    assert "Nothing new goes on" in str(shown.description)
    assert _table(shown) == [
        {
            "rule": "an order is one row",
            "a breach": "blocks the release",
            "rows": "4",
            "share": "0.40%",
            "customers": "",
            "columns": "order_id",
            "records": "",
        },
        {
            "rule": "currencies are ones we trade in",
            "a breach": "holds these rows back",
            "rows": "30",
            "share": "3.00%",
            "customers": "1,200",
            "columns": "currency_code",
            "records": ", ".join(f"shopify:{number}" for number in range(20)),
        },
    ]
    assert shown.metadata["page"] == dg.MetadataValue.url(PAGE)
    figures = {name: shown.metadata[name] for name in ("rows", "rows_judged", "rows_held")}
    assert [value.value for value in figures.values()] == [1000, 60, 0]


def test_the_figure_of_a_rule_on_the_whole_table_is_no_count_of_rows() -> None:
    shown = _shown(WORTH, passed=False)
    assert _table(shown) == [
        {
            "rule": "orders are worth what they usually are",
            "a breach": "blocks the release",
            "found": "20.1557",
            "columns": "total_amount",
        }
    ]
    assert str(shown.description).endswith("Broken: orders are worth what they usually are.")


def test_a_gate_that_holds_rows_alone_passes_and_says_how_many() -> None:
    shown = _shown(HOLDS, held=3)
    assert shown.passed
    assert "3 of 1,000 rows are held back alone" in str(shown.description)
    assert "accord quarantine list" in str(shown.description)
    assert shown.metadata["rows_held"].value == 3
    assert len(_table(shown)) == 1


def test_a_gate_with_nothing_to_say_shows_no_table() -> None:
    shown = _shown()
    assert shown.description == "All 12 rules were judged and kept."
    assert "broken_rules" not in shown.metadata


def test_a_warning_is_told_and_stops_nothing() -> None:
    late = Failure("orders come in time", "ordered_at", 2, severity=Severity.WARNING)
    shown = _shown(late)
    assert shown.passed
    assert "Warnings: orders come in time (2 rows)" in str(shown.description)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _tick(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    result = gate_docs_sensor(dg.build_sensor_context(instance=instance))
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


def _judged() -> None:
    found = SuiteResult(ORDERS.name, passed=True, evaluated=1, expected=1, rows=1)
    keep_findings(Deployment(), [found], f"run at {datetime.now(UTC)}")


def test_the_pages_are_requested_once_for_what_was_judged(instance: dg.DagsterInstance) -> None:
    assert _tick(instance) == []
    _judged()
    (request,) = _tick(instance)
    run = create_run_for_test(
        instance, job_name="gate_docs", tags=request.tags, status=dg.DagsterRunStatus.STARTED
    )
    assert _tick(instance) == []
    instance.report_run_failed(run)
    # Not again at once, and under a new key once its time has come.
    assert _tick(instance) == []


def test_no_job_but_their_own_makes_the_pages() -> None:
    repository = defs().get_repository_def()
    makes = {
        job.name
        for job in repository.get_all_jobs()
        if not job.name.startswith("__")
        for key in job.asset_layer.selected_asset_keys
        if repository.asset_graph.get(key).group_name == GROUP
    }
    assert makes == {"gate_docs"}
