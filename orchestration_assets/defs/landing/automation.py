"""When to land: hourly, when a system says that it changed, and a daily sweep for what vanished."""

from typing import TYPE_CHECKING

import dagster as dg

from orchestration_assets.conditions import (
    LANDING_TAG,
    REFUSED_TAG,
    active_run,
    attempt_or_wait,
)
from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.defs.landing.checks import landing_gate
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.land import changed_streams, report_refused

if TYPE_CHECKING:
    # Not exported at dagster's top level.
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

CHANGE_INTERVAL_S = 15


def _landing_job(system: str) -> "UnresolvedAssetJobDefinition":
    return dg.define_asset_job(
        f"land_{system}",
        # What has landed is judged by the refresh that is to take it in.
        selection=dg.AssetSelection.groups(f"raw_{system}")
        - dg.AssetSelection.checks(landing_gate),
        description=f"Land every stream of {system}; a run of its own, so that a slow or broken"
        " system holds up nobody else.",
        tags={"dagster/max_runtime": "3600", **LANDING_TAG},
    )


def _change_sensor(system: str, job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{system}_change_sensor",
        job=job,
        minimum_interval_seconds=CHANGE_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks {system} with one cheap call a stream whether it changed since the"
        " cursor, and lands only the streams that did. A stream that is refused holds up no other:"
        " the tick, the run's tags and an incident name it.",
    )
    def _sensor(
        context: dg.SensorEvaluationContext, accord: AccordResource
    ) -> dg.SensorResult | dg.SkipReason:
        if active_run(context.instance, job.name):
            return dg.SkipReason(f"{job.name} is already waiting or running")
        with accord.glance() as deployment:
            missing = SYSTEMS[system].missing(deployment.settings.connection(system))
            if missing:
                return dg.SkipReason(f"{system} is not connected; set {' and '.join(missing)}")
            try:
                changes = changed_streams(deployment, system)
                refusal = report_refused(deployment, system, changes.refused)
            except AccordError as error:
                return dg.SkipReason(str(error))
        if refusal:
            context.log.warning(refusal)
        if not changes.streams:
            return dg.SkipReason(refusal or f"nothing changed in {system}")
        work = f"{job.name}:{changes.position}"
        waiting = "the last attempt did not land what changed"
        return attempt_or_wait(
            context.instance,
            work,
            f"{refusal} Besides, {waiting}" if refusal else waiting,
            asset_selection=[dg.AssetKey(["raw", system, name]) for name in changes.streams],
            tags={REFUSED_TAG: ", ".join(changes.refused)} if refusal else None,
        )

    return _sensor


def _hourly(system: str, job: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{system}_hourly",
        job=job,
        cron_schedule="0 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Lands {system} every hour, whether or not its change sensor noticed.",
    )


def _daily_sweep(system: str, job: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    ops = {f"raw__{system}__{name}": {"config": {"full": True}} for name in SYSTEMS[system].streams}
    return dg.ScheduleDefinition(
        name=f"{system}_daily_sweep",
        job=job,
        cron_schedule="30 2 * * *",
        execution_timezone="UTC",
        run_config={"ops": ops},
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Reads all of {system} once a day, to land deletions it does not announce.",
    )


@dg.definitions
def landing_automation() -> dg.Definitions:
    """Job, sensor and schedules of every system."""
    jobs = {system: _landing_job(system) for system in SYSTEMS}
    return dg.Definitions(
        jobs=list(jobs.values()),
        sensors=[_change_sensor(system, job) for system, job in jobs.items()],
        schedules=[
            schedule
            for system, job in jobs.items()
            for schedule in (_hourly(system, job), _daily_sweep(system, job))
        ],
    )
