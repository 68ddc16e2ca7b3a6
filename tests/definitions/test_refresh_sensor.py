"""The model is refreshed once related landings are in, and for a slow one it does not wait long."""

import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from orchestration_assets.conditions import LANDING_TAG, REFRESH_TAG
from orchestration_assets.defs.model.automation import SETTLE_S, model_refresh_sensor
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.identity.refresh import refresh
from orchestration_assets.stages.identity import judge_pair, matching
from orchestration_assets.warehouse.duckdb_engine import DuckWarehouse
from tests.unit.identity.people_world import PeopleWorld


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def landed() -> None:
    """One load that no release has taken in."""
    with Deployment().warehouse.writer("test") as session:
        session.execute("create schema landing")
        session.execute("create table landing.loads (system text, stream text, load_id text)")
        session.execute("insert into landing.loads values ('shopify', 'orders', '1')")


def _landing(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return create_run_for_test(
        instance, job_name="land_hubspot", status=dg.DagsterRunStatus.STARTED, tags=LANDING_TAG
    )


def _tick(instance: dg.DagsterInstance, cursor: str | None = None) -> tuple[int, str | None]:
    """Runs requested by one tick, and the cursor after it."""
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result = model_refresh_sensor(context, accord=AccordResource())
    if isinstance(result, dg.SensorResult):
        return len(result.run_requests or []), result.cursor
    return 0, context.cursor


def test_nothing_is_requested_when_nothing_landed(instance: dg.DagsterInstance) -> None:
    assert _tick(instance)[0] == 0


@pytest.mark.usefixtures("landed")
def test_what_landed_is_refreshed(instance: dg.DagsterInstance) -> None:
    assert _tick(instance)[0] == 1


@pytest.mark.usefixtures("landed")
def test_it_waits_for_the_landings_that_still_run(instance: dg.DagsterInstance) -> None:
    landing = _landing(instance)
    requested, cursor = _tick(instance)
    assert requested == 0
    instance.report_run_failed(landing)
    assert _tick(instance, cursor)[0] == 1


@pytest.mark.usefixtures("landed")
def test_a_slow_landing_holds_the_others_up_for_a_bounded_time(
    instance: dg.DagsterInstance,
) -> None:
    _landing(instance)
    requested, cursor = _tick(instance, str(time.time() - SETTLE_S - 1))
    assert requested == 1
    assert _tick(instance, cursor)[0] == 0, "the next loads wait for their own time"


@pytest.mark.usefixtures("landed")
def test_a_busy_warehouse_skips_the_tick(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration_assets.defs.resources.SENSOR_PATIENCE_S", 0.2)
    warehouse = Deployment().warehouse
    assert isinstance(warehouse, DuckWarehouse)
    ticket = warehouse._lock.acquire("a long write", 5)
    try:
        assert _tick(instance)[0] == 0
    finally:
        ticket.leave()
    assert _tick(instance)[0] == 1


@pytest.mark.usefixtures("landed")
def test_it_waits_for_a_refresh_by_another_job(instance: dg.DagsterInstance) -> None:
    started = dg.DagsterRunStatus.STARTED
    run = create_run_for_test(
        instance, job_name="refresh_everything", status=started, tags=REFRESH_TAG
    )
    assert _tick(instance)[0] == 0
    instance.report_run_failed(run)
    assert _tick(instance)[0] == 1


def test_a_stewards_decision_is_gone_by_without_any_landing(instance: dg.DagsterInstance) -> None:
    deployment = Deployment()
    world = PeopleWorld(deployment.settings.resolved_warehouse_url, deployment.home)
    world.put([{"record_id": "a"}, {"record_id": "b"}])
    refresh(world.warehouse, matching(deployment))
    assert _tick(instance)[0] == 0
    records = ("crm", "a"), ("crm", "b")
    judge_pair(deployment, *records, same=True, reason="seen both", by="steward")
    assert _tick(instance)[0] == 1
    refresh(world.warehouse, matching(deployment))
    assert _tick(instance)[0] == 0
