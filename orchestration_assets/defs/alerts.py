"""Alerts: failed runs become incidents, and every incident that changed is told."""

import time
from datetime import UTC, datetime

import dagster as dg

from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.tell import run_failed, run_succeeded, tell_people

ALERT_INTERVAL_S = 15
# Runs that ended this long before the last look are looked at again: clocks and commits lag.
OVERLAP_S = 60.0
# A failed gate has an incident of its own, with the rules that broke.
GATE_STEPS = ("gate_core", "gate_payloads")
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dg.sensor(
    minimum_interval_seconds=ALERT_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Turns failed runs into incidents, resolves those whose steps succeed again, and"
    " tells every channel what changed. Derived from Dagster's runs and the state store, so that a"
    " restart neither loses nor repeats an alert.",
)
def alert_sensor(context: dg.SensorEvaluationContext, accord: AccordResource) -> dg.SensorResult:
    """Look at the runs that ended since the last tick, then deliver what is due."""
    deployment = accord.open()
    seen = float(context.cursor) if context.cursor else time.time()
    records = context.instance.get_run_records(
        dg.RunsFilter(
            statuses=_ENDED,
            updated_after=datetime.fromtimestamp(seen - OVERLAP_S, UTC),
        ),
        ascending=True,
        order_by="update_timestamp",
    )
    for record in records:
        _note(context.instance, deployment, record.dagster_run)
        seen = max(seen, record.update_timestamp.timestamp())
    try:
        counts = tell_people(deployment)
    except AccordError as error:
        return dg.SensorResult(skip_reason=str(error), cursor=str(seen))
    reason = f"{counts['delivered']} alerts told, {counts['failed']} to be tried again"
    return dg.SensorResult(skip_reason=reason, cursor=str(seen))


def _note(instance: dg.DagsterInstance, deployment: Deployment, run: dg.DagsterRun) -> None:
    steps = instance.get_run_step_stats(run.run_id)
    good = [step.step_key for step in steps if step.status and step.status.value == "SUCCESS"]
    run_succeeded(deployment, run.job_name, good)
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return
    failures = []
    for record in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = record.get_dagster_event()
        data = event.step_failure_data
        message = (
            data.user_failure_data.description
            if data.user_failure_data and data.user_failure_data.description
            else (data.error.message.strip().split("\n")[0] if data.error else "no message")
        )
        failures.append((event.step_key, message))
    steps_failed = [(step, message) for step, message in failures if step not in GATE_STEPS]
    if steps_failed or not failures:
        run_failed(deployment, run.job_name, run.run_id, steps_failed)
