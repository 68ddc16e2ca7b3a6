"""The alert sensor looks at each run several times and tells people of it once."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from orchestration_assets.defs import alerts as module
from orchestration_assets.defs.alerts import alert_sensor
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.alerts import overview
from orchestration_assets.state.alerts import newest_with_prefix, open_alerts


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _run(instance: dg.DagsterInstance, *, fails: bool) -> None:
    @dg.op
    def step() -> None:
        if fails:
            raise dg.Failure("The shop is closed.")

    @dg.job
    def opening() -> None:
        step()

    opening.execute_in_process(instance=instance, raise_on_error=False)


def _tick(instance: dg.DagsterInstance, cursor: str) -> tuple[str, str]:
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result = alert_sensor(context, accord=AccordResource())
    assert isinstance(result, dg.SensorResult)
    return str(result.cursor), str(result.skip_reason)


def _ticks(instance: dg.DagsterInstance, count: int) -> list[str]:
    cursor, said = str(time.time() - 1), []
    for _ in range(count):
        cursor, reason = _tick(instance, cursor)
        said.append(str(reason))
    return said


def _open() -> list[str]:
    deployment = Deployment()
    try:
        return [alert["dedup_key"] for alert in open_alerts(deployment.state)]
    finally:
        deployment.close()


def test_a_failed_step_is_told_once_however_often_it_is_seen(
    instance: dg.DagsterInstance,
) -> None:
    _run(instance, fails=True)
    first, *later = _ticks(instance, 3)
    assert "1 alerts told" in first
    assert all("0 alerts told" in reason for reason in later)
    assert _open() == ["run/opening/step"]


def test_a_failure_that_a_later_run_repaired_stays_resolved(instance: dg.DagsterInstance) -> None:
    _run(instance, fails=True)
    _ticks(instance, 1)
    _run(instance, fails=False)
    first, *later = _ticks(instance, 3)
    assert "1 alerts told" in first
    assert all("0 alerts told" in reason for reason in later)
    assert _open() == []


def test_a_run_that_died_without_a_step_is_told_once(instance: dg.DagsterInstance) -> None:
    @dg.job
    def opening() -> None: ...

    run = instance.create_run_for_job(opening)
    instance.report_run_failed(run)
    first, *later = _ticks(instance, 3)
    assert "1 alerts told" in first
    assert all("0 alerts told" in reason for reason in later)
    assert _open() == ["run/opening/run"]


def _judge(instance: dg.DagsterInstance, verdict: Callable[[], bool]) -> None:
    """Run a gate of the real name over an asset that is fine."""

    @dg.asset
    def customers() -> None: ...

    @dg.multi_asset_check(
        name="gate_core", specs=[dg.AssetCheckSpec("sound", asset=customers, blocking=True)]
    )
    def gate() -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(passed=verdict())

    job = dg.Definitions(assets=[customers], asset_checks=[gate])
    job.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, raise_on_error=False
    )


def test_a_gate_that_says_no_is_left_to_its_own_incident(instance: dg.DagsterInstance) -> None:
    _judge(instance, lambda: False)
    assert "0 alerts told" in _ticks(instance, 1)[0]
    assert _open() == []


def test_a_gate_that_crashes_before_its_verdict_is_told(instance: dg.DagsterInstance) -> None:
    def crash() -> bool:
        raise MemoryError

    _judge(instance, crash)
    assert "1 alerts told" in _ticks(instance, 1)[0]
    (key,) = _open()
    assert key.endswith("/gate_core")


def test_a_run_is_counted_once_and_its_team_named(instance: dg.DagsterInstance) -> None:
    @dg.op(name="raw__hubspot__contacts")
    def step() -> None:
        raise dg.Failure("HubSpot refused ann@example.org.")

    @dg.job
    def opening() -> None:
        step()

    opening.execute_in_process(instance=instance, raise_on_error=False)
    _ticks(instance, 3)
    deployment = Deployment()
    (alert,) = open_alerts(deployment.state)
    shown = overview(deployment).alerts[0]
    deployment.close()
    assert (alert["occurrences"], alert["body"]["subject"]) == (1, "connectors.hubspot")
    assert "ann@" not in str(alert["body"])
    assert (shown["owner"], shown["told"], shown["waiting"]) == ("crm", ["log"], {})


def test_what_a_tick_has_no_time_to_read_is_read_by_the_next(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, read = str(time.time() - 1), []
    for _ in range(5):
        _run(instance, fails=True)
    outcome = module._outcome

    def slow(*arguments: Any) -> Any:
        time.sleep(0.2)
        read.append(arguments)
        return outcome(*arguments)

    monkeypatch.setattr(module, "_outcome", slow)
    monkeypatch.setattr(module, "READING_BUDGET_S", 0.3)
    monkeypatch.setattr(module, "BATCH", 1)
    cursors = [_tick(instance, began)[0] for _ in range(4)]
    assert cursors[0] == began, "the cursor moved past runs that were not read"
    assert cursors[-1] != began, "the runs were never read to the end"
    assert len(read) == 5, "a run was read twice"


def test_a_restarted_daemon_tells_nobody_again_and_misses_nothing(
    instance: dg.DagsterInstance,
) -> None:
    began = str(time.time() - 1)
    _run(instance, fails=True)
    cursor, first = _tick(instance, began)
    module._NOTED.clear()
    assert "1 alerts told" in first
    assert "0 alerts told" in _tick(instance, cursor)[1]
    # The cursor of a tick that was cut short is the one before it.
    module._NOTED.clear()
    assert "0 alerts told" in _tick(instance, began)[1]
    assert _open() == ["run/opening/step"]


def test_the_digest_goes_out_as_a_recorded_run(instance: dg.DagsterInstance) -> None:
    held = dg.Definitions(jobs=[module.alert_digest], resources={"accord": AccordResource()})
    job = held.resolve_job_def("alert_digest")
    assert job.execute_in_process(instance=instance).success
    deployment = Deployment()
    sent = newest_with_prefix(deployment.state, "digest/")
    deployment.close()
    assert sent is not None
    assert sent["delivered_at"] is not None
