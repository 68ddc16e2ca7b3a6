"""A release that nobody planned from is acted on, whatever failed after it."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from orchestration_assets.activation.decide import PlanResult
from orchestration_assets.conditions import LANDING_TAG
from orchestration_assets.definitions import defs
from orchestration_assets.defs.activation import assets
from orchestration_assets.defs.activation.assets import DECISIONS, RELEASE_NUMBER
from orchestration_assets.defs.activation.automation import (
    left_over_sensor,
    unplanned_release_sensor,
)
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.warehouse.duckdb_engine import DuckWarehouse


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _release(number: int, age: str = "1 hour") -> None:
    with Deployment().warehouse.writer("test") as session:
        session.execute("create schema if not exists released")
        session.execute(
            "create table if not exists released.releases (release_number bigint,"
            " released_at timestamptz, table_rows text)"
        )
        session.execute(
            f"insert into released.releases values ({number}, now() - interval '{age}', '{{}}')"
        )


def _planned_from(instance: dg.DagsterInstance, number: int) -> None:
    made = dg.AssetMaterialization(DECISIONS, metadata={RELEASE_NUMBER: number})
    instance.report_runless_asset_event(made)


def _tick(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    context = dg.build_sensor_context(instance=instance)
    result = unplanned_release_sensor(context, accord=AccordResource())
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


def test_nothing_is_requested_before_the_first_release(instance: dg.DagsterInstance) -> None:
    assert _tick(instance) == []


def test_a_release_without_decisions_is_acted_on(instance: dg.DagsterInstance) -> None:
    _release(1)
    _planned_from(instance, 1)
    assert _tick(instance) == []
    _release(2)
    (request,) = _tick(instance)
    assert request.run_key == "act_on_release:2:1"
    _planned_from(instance, 2)
    assert _tick(instance) == []


def test_a_young_release_is_left_to_the_automation(instance: dg.DagsterInstance) -> None:
    _release(1, age="5 seconds")
    assert _tick(instance) == []


def test_it_waits_for_runs_that_may_act_on_the_release(instance: dg.DagsterInstance) -> None:
    _release(1)
    running = dg.DagsterRunStatus.STARTED
    create_run_for_test(instance, job_name="land_shopify", status=running, tags=LANDING_TAG)
    assert len(_tick(instance)) == 1
    run = create_run_for_test(instance, job_name="refresh_model", status=running)
    assert _tick(instance) == []
    instance.report_run_failed(run)
    assert len(_tick(instance)) == 1


def test_a_failed_attempt_is_followed_by_a_pause(instance: dg.DagsterInstance) -> None:
    _release(1)
    (request,) = _tick(instance)
    failed = dg.DagsterRunStatus.FAILURE
    create_run_for_test(instance, job_name="act_on_release", status=failed, tags=request.tags)
    assert _tick(instance) == []


def test_its_job_builds_the_journeys_and_sends_but_refreshes_nothing() -> None:
    job = defs().get_repository_def().get_job("act_on_release")
    steps = {node.name for node in job.graph.nodes}
    assert steps == {
        "build_journeys",
        "gate_payloads",
        "activation__decisions",
        "activation__hubspot__contacts",
        "activation__klaviyo__events",
        "activation__klaviyo__profiles",
    }


def test_a_release_that_a_journey_was_refused_counts_as_not_planned() -> None:
    planned, refused = (
        PlanResult("one", release_number=3),
        PlanResult("two", "held", release_number=3),
    )
    assert assets._planned_from([planned]) == 3
    assert assets._planned_from([planned, refused]) == 0


def test_decisions_and_deliveries_outlast_a_passing_error() -> None:
    graph = defs().get_repository_def().get_job("act_on_release").graph
    retried = {node.name for node in graph.nodes if node.definition.retry_policy}
    assert retried == {
        "activation__decisions",
        "activation__hubspot__contacts",
        "activation__klaviyo__events",
        "activation__klaviyo__profiles",
    }


def test_a_busy_warehouse_skips_the_tick(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration_assets.defs.resources.SENSOR_PATIENCE_S", 0.2)
    warehouse = Deployment().warehouse
    assert isinstance(warehouse, DuckWarehouse)
    _release(1)
    ticket = warehouse._lock.acquire("a long write", 5)
    try:
        assert _tick(instance) == []
    finally:
        ticket.leave()
    assert len(_tick(instance)) == 1


def test_left_over_rows_are_not_looked_for_in_a_store_that_cannot_be_opened(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCORD_STATE_URL", "ledger.txt")
    result = left_over_sensor(dg.build_sensor_context(instance=instance), accord=AccordResource())
    assert isinstance(result, dg.SkipReason)
    assert "Next step:" in str(result.skip_message)
