"""When to activate: for a release whose gates passed; and when rows or a release were left over."""

import dagster as dg

from orchestration_assets.conditions import (
    REFRESH_TAG,
    active_run,
    attempt_or_wait,
    only_landings_are_active,
)
from orchestration_assets.defs.activation.assets import DECISIONS, RELEASE_NUMBER
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.activate import unsettled_rows
from orchestration_assets.stages.pending import newest_release

ACTIVATION_INTERVAL_S = 10
RECONCILE_INTERVAL_S = 300
UNPLANNED_INTERVAL_S = 60
# Who acts on a release by itself gets this long before it counts as left out.
UNPLANNED_AFTER_S = 120.0

# A sensor of its own: in one run with the model, a failing test on an unrelated model would fail
# the build step, the gate would never run, and the request to activate would count as answered.
activation_automation = dg.AutomationConditionSensorDefinition(
    "activation_automation",
    target=dg.AssetSelection.groups("activation"),
    minimum_interval_seconds=ACTIVATION_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Plans and delivers once for every released and gated update of a journey.",
)

deliver_left_over = dg.define_asset_job(
    "deliver_left_over",
    selection=dg.AssetSelection.groups("activation") - dg.AssetSelection.assets(DECISIONS),
    description="Sends what is planned, or was sent without an answer, and plans nothing new.",
    tags={"dagster/max_runtime": "3600"},
)


@dg.sensor(
    job=deliver_left_over,
    minimum_interval_seconds=RECONCILE_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks in the ledger for rows that a killed run or a destination that was down left"
    " planned or without an answer, and delivers them.",
)
def left_over_sensor(
    context: dg.SensorEvaluationContext, accord: AccordResource
) -> dg.SensorResult | dg.SkipReason:
    """Request a delivery when rows have been waiting since before the last tick."""
    if active_run(context.instance, deliver_left_over.name):
        return dg.SkipReason("a delivery is already waiting or running")
    try:
        with accord.glance() as deployment:
            waiting, newest = unsettled_rows(deployment, older_than_s=RECONCILE_INTERVAL_S)
    except AccordError as error:
        return dg.SkipReason(str(error))
    if not waiting:
        return dg.SkipReason("every planned row has its answer")
    work = f"deliver_left_over:{newest}"
    return attempt_or_wait(context.instance, work, f"{waiting} rows wait")


# The journeys are built anew first: their build may be what failed after the release.
act_on_release = dg.define_asset_job(
    "act_on_release",
    selection=(dg.AssetSelection.groups("released") & dg.AssetSelection.kind("dbt"))
    | dg.AssetSelection.groups("audiences", "journeys", "activation"),
    description="Builds audiences and journeys from the newest release, judges their payloads,"
    " decides and delivers; refreshes nothing. Safe to launch at any time.",
    tags={"dagster/max_runtime": "3600", **REFRESH_TAG},
)


@dg.sensor(
    job=act_on_release,
    minimum_interval_seconds=UNPLANNED_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks whether the newest release in the warehouse is newer than the one that the"
    " decisions were last made from, and acts on it: a build of the journeys or a decision that"
    " failed after the release would else wait for the next release.",
)
def unplanned_release_sensor(
    context: dg.SensorEvaluationContext, accord: AccordResource
) -> dg.SensorResult | dg.SkipReason:
    """Request what a release still lacks once nothing runs that might be about to do it."""
    if not only_landings_are_active(context.instance):
        return dg.SkipReason("a run that may act on the release is waiting or running")
    try:
        with accord.glance() as deployment:
            released = newest_release(deployment, older_than_s=UNPLANNED_AFTER_S)
    except AccordError as error:
        return dg.SkipReason(str(error))
    if released is None or released <= _last_planned(context.instance):
        return dg.SkipReason("no release waits for its decisions")
    work = f"act_on_release:{released}"
    return attempt_or_wait(context.instance, work, f"release {released} has no decisions")


def _last_planned(instance: dg.DagsterInstance) -> int:
    """Number of the release that the newest decisions were made from; 0 when there are none."""
    event = instance.get_latest_materialization_event(DECISIONS)
    made = event.asset_materialization if event else None
    number = made.metadata.get(RELEASE_NUMBER) if made else None
    return number.value or 0 if isinstance(number, dg.IntMetadataValue) else 0
