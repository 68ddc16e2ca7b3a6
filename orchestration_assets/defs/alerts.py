"""Alerts: failed runs become incidents, and every incident that changed is told."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg

from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError
from orchestration_assets.settings import load_settings
from orchestration_assets.stages.alert_channels import digest_time
from orchestration_assets.stages.alerts import send_digest
from orchestration_assets.stages.tell import (
    WHOLE_RUN,
    FailedStep,
    run_succeeded,
    steps_failed,
    tell_people,
)

ALERT_INTERVAL_S = 15
# Runs that ended this long before the last look are looked at again: clocks and commits lag.
OVERLAP_S = 60.0
# Dagster ends a tick after 60 s, and telling people takes up to three quarters of that.
READING_BUDGET_S = 15.0
# A gate that said no has an incident of its own, with the rules that broke; one that crashed has
# none.
GATE_STEPS = ("gate_core", "gate_payloads")
SAID_NO = "DagsterAssetCheckFailedError"
DIED = "The run ended without naming a step."
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_KEPT_RUNS = 20_000
_CHECKS_NAMED = 10
# Runs whose incidents go into the store in one transaction.
BATCH = 50


class _Failure(NamedTuple):
    """What is known of one failed step."""

    step: str
    text: str
    error_class: str


class _Outcome(NamedTuple):
    """What came of the steps of one run."""

    good: tuple[str, ...]
    failures: tuple[_Failure, ...]

    @property
    def steps(self) -> set[str]:
        """Steps that it says anything of."""
        return {*self.good, *(failure.step for failure in self.failures)}


# Runs whose incidents were noted, with when they were updated: looked at again they cost and count
# nothing, and a storm that takes longer to read than a tick may last goes on where the last tick
# left off. After a restart the last minute's are noted anew, which changes no incident.
_NOTED: OrderedDict[tuple[str, float], _Outcome] = OrderedDict()


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
    with accord.glance() as deployment:
        cursor = str(_note_runs(context.instance, deployment, seen))
        try:
            counts = tell_people(deployment)
        except AccordError as error:
            return dg.SensorResult(skip_reason=str(error), cursor=cursor)
    reason = (
        f"{counts['delivered']} alerts told, {counts['folded']} folded,"
        f" {counts['failed']} to be tried again"
    )
    return dg.SensorResult(skip_reason=reason, cursor=cursor)


@dg.op(description="Sends the digest of the day where alerts.yml says; once a day.")
def send_daily_digest(context: dg.OpExecutionContext, accord: AccordResource) -> None:
    """Send it."""
    sent = send_digest(accord.open())
    context.log.info("sent" if sent else "nothing to send: it went out before, or none is wanted")


@dg.job(description="What is open and what is over, in one message.")
def alert_digest() -> None:
    """Send the digest."""
    send_daily_digest()


@dg.definitions
def digest_schedule() -> dg.Definitions:
    """The sensor, and the digest at the time that alerts.yml names."""
    at, zone = digest_time(load_settings())
    schedule = dg.ScheduleDefinition(
        name="alert_digest_daily",
        job=alert_digest,
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Sends what is open and what is over since the last digest.",
    )
    return dg.Definitions(sensors=[alert_sensor], schedules=[schedule], jobs=[alert_digest])


def _note_runs(instance: dg.DagsterInstance, deployment: Deployment, seen: float) -> float:
    """Open and resolve incidents by the runs that ended since; returns how far that is done.

    Runs come newest first and each step of a job is judged once: by turns, an old failure would
    open again at every tick what a later run has resolved. As long as not all are read, the next
    look begins where this one did, and reads on.
    """
    records = instance.get_run_records(
        dg.RunsFilter(
            statuses=_ENDED,
            updated_after=datetime.fromtimestamp(seen - OVERLAP_S, UTC),
        ),
        order_by="update_timestamp",
    )
    judged: set[tuple[str, str]] = set()
    deadline = time.monotonic() + READING_BUDGET_S
    newest = seen
    for start in range(0, len(records), BATCH):
        batch = records[start : start + BATCH]
        if time.monotonic() >= deadline:
            return seen
        _note_batch(instance, deployment, batch, judged)
        newest = max(newest, *(record.update_timestamp.timestamp() for record in batch))
    return newest


def _note_batch(
    instance: dg.DagsterInstance,
    deployment: Deployment,
    records: Sequence[dg.RunRecord],
    judged: set[tuple[str, str]],
) -> None:
    """Open or resolve the incidents of steps that no newer run has judged, in one go."""
    failed: list[FailedStep] = []
    read: dict[tuple[str, float], _Outcome] = {}
    for record in records:
        run = record.dagster_run
        known = (run.run_id, record.update_timestamp.timestamp())
        outcome = _NOTED.get(known)
        if outcome is None:
            outcome = read[known] = _outcome(instance, run)
            new = {step for step in outcome.steps if (run.job_name, step) not in judged}
            run_succeeded(deployment, run.job_name, [step for step in outcome.good if step in new])
            failed += [
                FailedStep(run.job_name, run.run_id, failure.step, failure.text)
                for failure in outcome.failures
                if failure.step in new
                and not (failure.step in GATE_STEPS and failure.error_class == SAID_NO)
            ]
        judged |= {(run.job_name, step) for step in outcome.steps}
    if failed:
        steps_failed(deployment, failed)
    for known, outcome in read.items():
        _keep(known, outcome)


def _keep(known: tuple[str, float], outcome: _Outcome) -> None:
    _NOTED[known] = outcome
    while len(_NOTED) > _KEPT_RUNS:
        _NOTED.popitem(last=False)


def _outcome(instance: dg.DagsterInstance, run: dg.DagsterRun) -> _Outcome:
    """What came of a run's steps."""
    steps = instance.get_run_step_stats(run.run_id)
    good = [step.step_key for step in steps if step.status and step.status.value == "SUCCESS"]
    failures: list[_Failure] = []
    if run.status is dg.DagsterRunStatus.SUCCESS:
        good.append(WHOLE_RUN)
    else:
        failures = _failed_steps(instance, run) or [_Failure(WHOLE_RUN, DIED, "")]
    return _Outcome(tuple(good), tuple(failures))


def _failed_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[_Failure]:
    """Every failed step, with its message and the class of its error."""
    failures = []
    for record in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = record.get_dagster_event()
        data = event.step_failure_data
        error_class = (data.error.cls_name if data.error else None) or ""
        if data.user_failure_data and data.user_failure_data.description:
            message = data.user_failure_data.description
        else:
            lines = data.error.message.strip().split("\n") if data.error else ["no message"]
            # One line a check that failed, by its name; of other errors the first says what broke.
            message = " ".join(lines[:_CHECKS_NAMED] if error_class == SAID_NO else lines[:1])
        failures.append(_Failure(str(event.step_key), message, error_class))
    return failures
