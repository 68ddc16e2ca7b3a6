"""A thousand runs that fail at once: every alert is out, or folded into one that is, in minutes."""

import sys
import time
from collections.abc import Iterator

import dagster as dg
import pytest

from orchestration_assets.defs.alerts import alert_sensor
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.state.alert_deliveries import deliveries
from orchestration_assets.state.alerts import open_alerts
from sandbox.client import RunningSandbox, start_sandbox

RUNS = 1_000
PROMISED_S = 300.0
CHANNELS = ("slack", "teams", "pagerduty", "servicenow")


@pytest.fixture
def sandbox(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox"), 1, systems=CHANNELS) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def test_a_thousand_failed_runs_are_told_or_folded_in_minutes(
    sandbox: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = str(time.time() - 1)
        for number in range(RUNS):
            instance.add_run(
                dg.DagsterRun(
                    job_name=f"land_{number}",
                    run_id=f"{number}",
                    status=dg.DagsterRunStatus.FAILURE,
                )
            )
        began, ticks, reason = time.monotonic(), 0, ""
        while "0 alerts told, 0 folded, 0 to be tried again" not in reason:
            context = dg.build_sensor_context(instance=instance, cursor=cursor)
            result = alert_sensor(context, accord=AccordResource())
            assert isinstance(result, dg.SensorResult)
            cursor, reason = str(result.cursor), str(result.skip_reason)
            ticks += 1
            assert time.monotonic() - began < PROMISED_S
        seconds = time.monotonic() - began
    with capsys.disabled():
        sys.stdout.write(
            f"\n{RUNS:,} failed runs: told or folded in {seconds:.1f} s, {ticks} ticks\n"
        )
    deployment = Deployment()
    ids = {alert["id"] for alert in open_alerts(deployment.state, "run/")}
    told = deliveries(deployment.state)
    storms = {alert["id"]: alert for alert in open_alerts(deployment.state, "storm/")}
    deployment.close()
    assert len(ids) == RUNS
    for alert_id in ids:
        assert told[alert_id].keys() == {"log", *CHANNELS}
        for address in CHANNELS:
            storm = told[alert_id][address]["folded_into"]
            assert storms[storm]["dedup_key"] == f"storm/run/{address}"
            assert told[storm][address]["told_at"] is not None
            assert storms[storm]["title"] == f"{RUNS:,} incidents at once: run"
    for system in CHANNELS:
        messages = sandbox.control(f"/_received?system={system}")["messages"]
        # More than one where a tick had no time for all: a storm that doubles is told again.
        assert 1 <= len(messages) <= 10
        assert "incidents at once" in str(messages[0])
