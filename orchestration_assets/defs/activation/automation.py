"""When to activate: when a release is there and its gates passed; and when rows were left over."""

import dagster as dg

from orchestration_assets.conditions import active_run, next_attempt, seconds_until_retry
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.stages.activate import unsettled_rows

ACTIVATION_INTERVAL_S = 10
RECONCILE_INTERVAL_S = 300

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
    selection=dg.AssetSelection.groups("activation")
    - dg.AssetSelection.assets(["activation", "decisions"]),
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
    with accord.glance() as deployment:
        waiting, newest = unsettled_rows(deployment, older_than_s=RECONCILE_INTERVAL_S)
    if not waiting:
        return dg.SkipReason("every planned row has its answer")
    work = f"deliver_left_over:{newest}"
    if wait := seconds_until_retry(context.instance, work):
        return dg.SkipReason(f"{waiting} rows wait; next attempt in {wait:.0f} s")
    return dg.SensorResult(run_requests=[next_attempt(context.instance, work)])
