"""Alerts: failed runs become incidents, and every incident that changed is told."""

import time
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg

from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.tell import WHOLE_RUN, run_failed, run_succeeded, tell_people

ALERT_INTERVAL_S = 15
# Runs that ended this long before the last look are looked at again: clocks and commits lag.
OVERLAP_S = 60.0
# A gate that said no has an incident of its own, with the rules that broke; one that crashed has
# none.
GATE_STEPS = ("gate_core", "gate_payloads")
SAID_NO = "DagsterAssetCheckFailedError"
DIED = "The run ended without naming a step."
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
    seen = float(context.cursor) if context.cursor else time.time()
    records = context.instance.get_run_records(
        dg.RunsFilter(
            statuses=_ENDED,
            updated_after=datetime.fromtimestamp(seen - OVERLAP_S, UTC),
        ),
        order_by="update_timestamp",
    )
    judged: set[tuple[str, str]] = set()
    with accord.glance() as deployment:
        for record in records:
            _note(context.instance, deployment, record.dagster_run, judged)
            seen = max(seen, record.update_timestamp.timestamp())
        try:
            counts = tell_people(deployment)
        except AccordError as error:
            return dg.SensorResult(skip_reason=str(error), cursor=str(seen))
    reason = f"{counts['delivered']} alerts told, {counts['failed']} to be tried again"
    return dg.SensorResult(skip_reason=reason, cursor=str(seen))


def _note(
    instance: dg.DagsterInstance,
    deployment: Deployment,
    run: dg.DagsterRun,
    judged: set[tuple[str, str]],
) -> None:
    """Open or resolve the incidents of a run's steps.

    Runs come newest first and each step of a job is judged once: by turns, an old failure would
    open again at every tick what a later run has resolved.
    """
    steps = instance.get_run_step_stats(run.run_id)
    good = [step.step_key for step in steps if step.status and step.status.value == "SUCCESS"]
    failures = []
    if run.status is dg.DagsterRunStatus.SUCCESS:
        good.append(WHOLE_RUN)
    else:
        failures = _failed_steps(instance, run) or [_Failure(WHOLE_RUN, DIED, "")]
    found = {*good, *(failure.step for failure in failures)}
    new = {step for step in found if (run.job_name, step) not in judged}
    judged |= {(run.job_name, step) for step in new}
    run_succeeded(deployment, run.job_name, [step for step in good if step in new])
    told = [
        (failure.step, failure.text)
        for failure in failures
        if failure.step in new
        and not (failure.step in GATE_STEPS and failure.error_class == SAID_NO)
    ]
    run_failed(deployment, run.job_name, run.run_id, told)


class _Failure(NamedTuple):
    """What is known of one failed step."""

    step: str
    text: str
    error_class: str


def _failed_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[_Failure]:
    """Every failed step, with its message and the class of its error."""
    failures = []
    for record in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = record.get_dagster_event()
        data = event.step_failure_data
        message = (
            data.user_failure_data.description
            if data.user_failure_data and data.user_failure_data.description
            else (data.error.message.strip().split("\n")[0] if data.error else "no message")
        )
        error_class = (data.error.cls_name if data.error else None) or ""
        failures.append(_Failure(str(event.step_key), message, error_class))
    return failures
